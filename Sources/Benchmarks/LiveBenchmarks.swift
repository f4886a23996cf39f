import Gateway
import Platform
import Synchronization

/// A real client on real sockets against ``BenchmarkServer``.
struct LiveRig {
  let server: BenchmarkServer
  let client: GatewayClient
  let rest: RESTClient
  private let ready = Ready()

  init(heartbeatInterval: Duration = .seconds(45)) async throws {
    server = try await BenchmarkServer(heartbeatInterval: heartbeatInterval)
    let metrics = Metrics()
    rest = RESTClient(
      configuration: RESTClient.Configuration(baseURL: "http://\(server.address)/api/v10", token: Secret("t")),
      transport: HTTPTransport(client: try HTTPClient(log: .silent, metrics: metrics)), log: .silent, metrics: metrics)
    let ready = ready
    client = GatewayClient(
      configuration: GatewayClient.Configuration(
        token: Secret("t"), intents: [.guilds], url: "ws://\(server.address)", compression: .none),
      rest: rest, connector: WebSocketConnector(), log: .silent, metrics: metrics,
      onState: { if case .ready = $0 { ready.arrived.withLock { $0 = true } } })
  }

  func start() async throws {
    try await client.start()
    while !ready.arrived.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
  }

  private final class Ready: Sendable {
    let arrived = Mutex(false)
  }
}

/// How long it takes from an interaction to its answer: from the moment the server hands it to its socket to the moment
/// it has read the callback request, so with both ways over the loopback and through libcurl.
enum LatencyBenchmark {
  static func run(_ options: Options) async throws {
    let rate = try options.number("rate", default: 1_000)
    let seconds = try options.number("seconds", default: 10)
    let rig = try await LiveRig()
    let rest = rig.rest
    rig.client.events.subscribe(.interactionCreate, delivery: .concurrent(limit: 256)) { interactions in
      for interaction in interactions {
        do {
          try await rest.respond(
            to: interaction.payload.id, token: interaction.payload.token, with: .message(MessageBody(content: "pong")))
        } catch { print("an answer failed: \(error)") }
      }
    }
    try await rig.start()
    var generator = FrameGenerator(seed: 1)
    let event = generator.event(.interactions)
    let count = rate * seconds
    let clock = ContinuousClock()
    let start = clock.now
    for number in 0..<count {
      try await clock.sleep(until: start.advanced(by: .seconds(1) / rate * number), tolerance: .zero)
      rig.server.interact { number, sequence in
        var event = event
        event["s"] = .integer(sequence)
        event["d"]?["id"] = .string(String(number))
        return event.serializedBytes()
      }
    }
    let limit = clock.now.advanced(by: .seconds(10))
    while rig.server.answerTimes.count < count, clock.now < limit { try await Task.sleep(for: .milliseconds(10)) }
    let times = rig.server.answerTimes.sorted()
    guard !times.isEmpty else { throw BenchmarkError("no interaction was answered") }
    func microseconds(_ part: Double) -> JSON {
      .double((times[min(times.count - 1, Int(Double(times.count) * part))].inSeconds * 1e6).rounded())
    }
    let line: JSON = [
      "benchmark": "latency", "rate": .integer(Int64(rate)), "sent": .integer(Int64(count)),
      "answered": .integer(Int64(times.count)), "p50Microseconds": microseconds(0.5),
      "p99Microseconds": microseconds(0.99), "maxMicroseconds": microseconds(1),
    ]
    print(line)
    await rig.client.stop(saving: false, limit: .seconds(1))
  }
}

/// How late heartbeats are while handlers burn all the processors that Swift's own threads get.
enum HeartbeatBenchmark {
  static func run(_ options: Options) async throws {
    let seconds = try options.number("seconds", default: 10)
    let handlers = try options.number("handlers", default: 4)
    let interval = Duration.milliseconds(200)
    let rig = try await LiveRig(heartbeatInterval: interval)
    let fire = Fire()
    try await rig.start()
    let start = ContinuousClock.now
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<handlers {
        group.addTask {
          // Never gives its thread back.
          var value: UInt64 = 1
          while fire.isBurning.load(ordering: .relaxed) {
            for _ in 0..<10_000 { value = value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407 }
          }
          if value == 0 { print() }
        }
      }
      // On a thread of its own: the others are taken.
      rig.server.loop.schedule(after: .seconds(seconds)) { fire.isBurning.store(false, ordering: .relaxed) }
      await group.waitForAll()
    }
    let beats = rig.server.heartbeats.filter { $0 > start }
    let lateness = zip(beats, beats.dropFirst()).map { $0.duration(to: $1) - interval }.sorted()
    guard let latest = lateness.last else { throw BenchmarkError("there were fewer than two heartbeats") }
    let line: JSON = [
      "benchmark": "heartbeat", "busyHandlers": .integer(Int64(handlers)), "heartbeats": .integer(Int64(beats.count)),
      "intervalMilliseconds": .double(interval.inSeconds * 1_000),
      "medianLatenessMilliseconds": .double((lateness[lateness.count / 2].inSeconds * 1e5).rounded() / 100),
      "latestMilliseconds": .double((latest.inSeconds * 1e5).rounded() / 100),
    ]
    print(line)
    await rig.client.stop(saving: false, limit: .seconds(1))
  }
}

private final class Fire: Sendable {
  let isBurning = Atomic<Bool>(true)
}
