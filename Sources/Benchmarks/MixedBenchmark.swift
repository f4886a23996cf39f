import CLinux
import Glibc
import HTTP
import Platform
import Synchronization

/// Small reads over HTTP at a steady rate while the gateway carries events at another: how long the reads take. The
/// clients are another process; the local gateway that sends the events is this one.
enum MixedBenchmark {
  private struct Reply: Encodable, Sendable {
    var status: String
    var timestamp: Int64
  }

  static func run(_ options: Options) async throws {
    let events = try options.number("events", default: 5_000)
    let requests = try options.number("requests", default: 5_000)
    let seconds = try options.number("seconds", default: 10)
    var router = Router()
    let notes: RouteNotes = "A small reply"
    router.route(.get, "/health", notes.immediate(), returning: .json(Reply.self)) { _ in
      Reply(status: "ok", timestamp: Timestamp.now.milliseconds)
    }
    let server = HTTPServer(HTTPServerConfiguration(listen: try SocketAddress(parsing: "127.0.0.1:0")), router: router)
    let address = try await server.start()
    let rig = try await LiveRig()
    let handled = Atomic<Int>(0)
    rig.client.events.subscribe(.interactionCreate, delivery: .concurrent(limit: 256)) { interactions in
      handled.add(interactions.count, ordering: .relaxed)
    }
    try await rig.start()
    let clients = try ChildProcess([
      "mixed-clients", "--address", address.description, "--rate", String(requests), "--seconds", String(seconds),
    ])
    guard try clients.line() == "ready" else { throw BenchmarkError("the clients could not connect") }
    var generator = FrameGenerator(seed: 1)
    let event = generator.event(.interactions)
    let clock = ContinuousClock()
    let start = clock.now
    // In bursts of a hundredth of a second, as a gateway's come.
    let burst = max(1, events / 100)
    for number in 0..<(seconds * events / burst) {
      try await clock.sleep(until: start.advanced(by: .seconds(1) / events * (number * burst)), tolerance: .zero)
      for _ in 0..<burst {
        rig.server.interact { number, sequence in
          var event = event
          event["s"] = .integer(sequence)
          event["d"]?["id"] = .string(String(number))
          return event.serializedBytes()
        }
      }
    }
    let sending = clock.now - start
    let result = try clients.line()
    clients.end()
    let limit = clock.now.advanced(by: .seconds(10))
    let sent = seconds * events / burst * burst
    while handled.load(ordering: .relaxed) < sent, clock.now < limit { try await Task.sleep(for: .milliseconds(10)) }
    var line = try JSON(parsing: result)
    line["benchmark"] = "mixed"
    line["eventsPerSecond"] = .double((Double(sent) / sending.inSeconds).rounded())
    line["eventsHandled"] = .integer(Int64(handled.load(ordering: .relaxed)))
    print(line)
    fflush(nil)
    await rig.client.stop(saving: false, limit: .seconds(1))
    await server.shutdown(grace: .seconds(1))
  }

  /// The other process: 32 connections, a request whenever one is due, timed from that moment, so that a server that
  /// stands still is not asked less.
  static func runClients(_ options: Options) throws {
    let address = try SocketAddress(parsing: options.string("address"))
    let rate = try options.number("rate", default: 5_000)
    let total = rate * (try options.number("seconds", default: 10))
    let request = Array("GET /health HTTP/1.1\r\nHost: \(address)\r\nAccept: application/json\r\n\r\n".utf8)
    let epoll = epoll_create1(0)
    guard epoll >= 0 else { throw SystemError(call: "epoll_create1", code: errno) }
    defer { close(epoll) }
    var idle: [Int32] = []
    for _ in 0..<32 {
      let socket = try BenchmarkSocket.connect(address)
      var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data(fd: socket))
      guard epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0 else {
        throw SystemError(call: "epoll_ctl", code: errno)
      }
      idle.append(socket)
    }
    print("ready")
    fflush(nil)
    var asked: [Int32: UInt64] = [:]
    var times: [UInt64] = []
    times.reserveCapacity(total)
    var events = [epoll_event](repeating: epoll_event(), count: 64)
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let start = monotonicNanoseconds()
    let step = 1_000_000_000 / UInt64(rate)
    var next = 0
    while times.count < total {
      var now = monotonicNanoseconds()
      while next < total, start + UInt64(next) * step <= now, let socket = idle.popLast() {
        guard send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
          throw SystemError(call: "send", code: errno)
        }
        asked[socket] = start + UInt64(next) * step
        next += 1
      }
      let due = start + UInt64(next) * step
      let wait = idle.isEmpty || next == total ? 1_000_000_000 : Int(due > now ? due - now : 0)
      var limit = timespec(tv_sec: wait / 1_000_000_000, tv_nsec: wait % 1_000_000_000)
      let ready = epoll_pwait2(epoll, &events, 64, &limit, nil)
      now = monotonicNanoseconds()
      for index in 0..<max(0, Int(ready)) {
        let socket = events[index].data.fd
        // A small answer comes in one piece.
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0, buffer.starts(with: "HTTP/1.1 200 ".utf8), let began = asked.removeValue(forKey: socket) else {
          throw BenchmarkError("the server does not answer 200")
        }
        times.append(now - began)
        idle.append(socket)
      }
    }
    let elapsed = Double(monotonicNanoseconds() - start) / 1e9
    times.sort()
    func milliseconds(_ part: Double) -> JSON {
      .double((Double(times[min(total - 1, Int(Double(total) * part))]) / 1e4).rounded() / 100)
    }
    let line: JSON = [
      "requestsPerSecond": .double((Double(total) / elapsed).rounded()), "p50Milliseconds": milliseconds(0.5),
      "p99Milliseconds": milliseconds(0.99), "p999Milliseconds": milliseconds(0.999),
      "maxMilliseconds": milliseconds(1),
    ]
    print(line)
    fflush(nil)
    // Until it is stopped.
    while true { sleep(60) }
  }
}
