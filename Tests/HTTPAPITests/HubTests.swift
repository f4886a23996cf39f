import Core
import HTTP
import HTTPTestSupport
import Platform
import Testing

@testable import HTTPAPI

/// Hubs through real sockets.
@Suite(.timeLimit(.minutes(2)))
struct HubTests {
  private static let encoder = WebSocketEncoder(role: .client, random: SeededRandom(seed: 1))
  private static let opening =
    "GET /ws HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

  /// Opens a socket and sends what is to be sent first.
  private static func connect(_ address: SocketAddress, _ first: String? = nil) async throws -> TestClient {
    let client = try TestClient(address)
    let frame = first.map { encoder.frame(.text, $0.utf8) } ?? []
    await client.send(Array(opening.utf8) + frame)
    let head = await client.read(until: "\r\n\r\n")
    #expect(head.hasPrefix("HTTP/1.1 101 "))
    return client
  }

  private static func login(_ user: UInt64) -> String { #"{"type":"auth","token":"\#(user)"}"# }

  /// Takes numbers for tokens of users, and nothing else.
  private static func killTracker(
    _ limits: HubLimits = HubLimits(), metrics: Metrics = Metrics(), time: any TimeSource = SystemTime()
  ) -> KillTrackerHub {
    KillTrackerHub(limits: limits, metrics: metrics, time: time) { token in
      UInt64(token.reveal()).map { .viewer(HubViewer(user: UserID(rawValue: $0))) } ?? .refused
    }
  }

  private static func text(_ frame: (opcode: UInt8, payload: [UInt8])?) -> String? {
    frame.map { String(decoding: $0.payload, as: UTF8.self) }
  }

  /// The code of a close frame.
  private static func closeCode(_ frame: (opcode: UInt8, payload: [UInt8])?) -> Int? {
    guard let frame, frame.opcode == 8, frame.payload.count >= 2 else { return nil }
    return Int(frame.payload[0]) << 8 | Int(frame.payload[1])
  }

  /// Publishes until the listener has seen it: a token is checked some time after it was sent.
  private static func awaitKnown(_ hub: KillTrackerHub, _ client: TestClient, _ user: UInt64) async {
    let mine = KillTrackerEvent(
      .userJoined, data: .integer(Int64(user)), audience: HubAudience(users: [UserID(rawValue: user)]))
    let publisher = Task {
      while !Task.isCancelled {
        hub.hub.publish(mine)
        try? await Task.sleep(for: .milliseconds(5))
      }
    }
    #expect(text(await client.frame()) == #"{"type":"user.joined","data":\#(user)}"#)
    publisher.cancel()
    await publisher.value
    hub.hub.publish(
      KillTrackerEvent(.userLeft, data: .integer(Int64(user)), audience: HubAudience(users: [UserID(rawValue: user)])))
    while let frame = await client.frame(), text(frame) != #"{"type":"user.left","data":\#(user)}"# {}
  }

  @Test func eventsGoToThoseWhomTheyConcernInOrder() async throws {
    let hub = Self.killTracker()
    var router = Router()
    hub.declare(in: &router)
    try await withServer(router) { address, _ in
      let first = try await Self.connect(address, Self.login(1))
      let second = try await Self.connect(address, Self.login(2))
      await Self.awaitKnown(hub, first, 1)
      await Self.awaitKnown(hub, second, 2)
      let all = (0..<50).map { number in
        KillTrackerEvent(
          .killCreated, data: .integer(Int64(number)),
          audience: number % 2 == 0 ? .everybody : HubAudience(users: [UserID(rawValue: 1)]))
      }
      hub.hub.publish(Array(all[..<20]))
      hub.hub.publish(Array(all[20...]))
      for number in 0..<50 {
        #expect(Self.text(await first.frame()) == #"{"type":"kill.created","data":\#(number)}"#)
        guard number % 2 == 0 else { continue }
        #expect(Self.text(await second.frame()) == #"{"type":"kill.created","data":\#(number)}"#)
      }
      #expect(hub.hub.listenerCount == 2)
    }
    #expect(hub.hub.listenerCount == 0)
  }

  @Test func aWorthlessTokenIsToldAndCloses() async throws {
    let hub = Self.killTracker()
    var router = Router()
    hub.declare(in: &router)
    try await withServer(router) { address, _ in
      let client = try await Self.connect(address, #"{"type":"auth","token":"worthless"}"#)
      #expect(Self.closeCode(await client.frame()) == 4401)
      await client.send(Self.encoder.close(WebSocketClose(code: HubClose.unauthorized)))
      #expect(await client.read() == .end)
    }
  }

  @Test func deadlinesAreKeptByTheHub() async throws {
    let time = ManualTime()
    let hub = Self.killTracker(time: time)
    var router = Router()
    hub.declare(in: &router)
    let running = Task { await hub.run(AsyncStream<[KillTrackerEvent]> { $0.finish() }) }
    try await withServer(router) { address, _ in
      let client = try await Self.connect(address)
      await time.waitForSleepers()
      time.advance(by: KillTrackerSession.authenticationLimit)
      #expect(Self.closeCode(await client.frame()) == 4408)
    }
    running.cancel()
    await running.value
  }

  @Test func whoDoesNotReadIsClosedAndTheOthersGoOn() async throws {
    var limits = HubLimits()
    limits.pendingBytes = 64 << 10
    let metrics = Metrics()
    let hub = Self.killTracker(limits, metrics: metrics)
    var router = Router()
    hub.declare(in: &router)
    try await withServer(router) { address, _ in
      let slow = try await Self.connect(address, Self.login(1))
      let fast = try await Self.connect(address, Self.login(2))
      await Self.awaitKnown(hub, slow, 1)
      await Self.awaitKnown(hub, fast, 2)
      // More than the system's buffers hold; the fast one takes one after the other.
      let data = JSON.string(String(repeating: "x", count: 32 << 10))
      let event = KillTrackerEvent(.killCreated, data: data, audience: .everybody)
      var sent = 0
      while !metrics.render().contains(#"websocket_hub_closed_total{hub="killtracker",code="1013"} 1"#) {
        hub.hub.publish(event)
        #expect(await fast.frame()?.payload.count == event.frame.bytes.count - 4)
        sent += 1
        guard sent < 10_000 else { break }
      }
      #expect(sent < 10_000)
      var last: (opcode: UInt8, payload: [UInt8])?
      while let frame = await slow.frame() {
        last = frame
        if frame.opcode == 8 { break }
      }
      #expect(Self.closeCode(last) == 1013)
      hub.hub.publish(KillTrackerEvent(.killDeleted, data: nil, audience: .everybody))
      #expect(Self.text(await fast.frame()) == #"{"type":"kill.deleted","data":null}"#)
    }
  }

  @Test func placesAreBoundedAndGivenBack() async throws {
    var limits = HubLimits()
    limits.listeners = 2
    limits.listenersPerAddress = nil
    let hub = Self.killTracker(limits)
    var router = Router()
    hub.declare(in: &router)
    try await withServer(router) { address, _ in
      do {
        let first = try await Self.connect(address)
        let second = try await Self.connect(address)
        let third = try TestClient(address)
        await third.send(Self.opening)
        let answer = await third.read(until: "}")
        #expect(answer.hasPrefix("HTTP/1.1 503 "))
        #expect(answer.contains("Retry-After: 30\r\n"))
        // A request that opens nothing takes no place.
        await third.send("GET /ws HTTP/1.1\r\nHost: test\r\n\r\n")
        #expect(await third.read(until: "}").contains("HTTP/1.1 426 "))
        #expect(hub.hub.listenerCount == 2)
        _ = (first, second)
      }
      while hub.hub.listenerCount > 0 { try await Task.sleep(for: .milliseconds(1)) }
      _ = try await Self.connect(address)
    }
  }

  @Test func oneAddressHasItsOwnBound() async throws {
    var limits = HubLimits()
    limits.listenersPerAddress = 1
    let hub = Self.killTracker(limits)
    var router = Router()
    hub.declare(in: &router)
    try await withServer(router) { address, _ in
      let first = try await Self.connect(address)
      let second = try TestClient(address)
      await second.send(Self.opening)
      #expect(await second.read(until: "}").hasPrefix("HTTP/1.1 429 "))
      _ = first
    }
  }

  @Test func theStopOfTheServerIsToldWith1001() async throws {
    let hub = Self.killTracker()
    var router = Router()
    hub.declare(in: &router)
    try await withServer(router) { address, server in
      let client = try await Self.connect(address, Self.login(1))
      await Self.awaitKnown(hub, client, 1)
      async let end: Void = server.shutdown(grace: .seconds(60))
      #expect(Self.closeCode(await client.frame()) == 1001)
      await client.send(Self.encoder.close(WebSocketClose(code: .goingAway)))
      #expect(await client.read() == .end)
      await end
      #expect(hub.hub.listenerCount == 0)
    }
  }

  @Test func auroraSendsStatisticsAtOnceAndEveryFiveSecondsAndAtMostToTen() async throws {
    let time = ManualTime()
    let hub = AuroraHub(metrics: Metrics(), time: time) { ["at": .integer(time.timestamp.milliseconds / 1_000)] }
    var router = Router()
    hub.declare(in: &router)
    let (events, feed) = AsyncStream.makeStream(of: [JSON].self)
    let running = Task { await hub.run(events) }
    try await withServer(router) { address, _ in
      var clients: [TestClient] = []
      for _ in 0..<10 { clients.append(try await Self.connect(address)) }
      let second = time.timestamp.milliseconds / 1_000
      for client in clients {
        #expect(Self.text(await client.frame()) == #"{"type":"STATS_UPDATE","data":{"at":\#(second)}}"#)
      }
      let eleventh = try TestClient(address)
      await eleventh.send(Self.opening)
      #expect(await eleventh.read(until: "}").hasPrefix("HTTP/1.1 429 "))
      await time.waitForSleepers(2)
      time.advance(by: AuroraHub.statsInterval)
      for client in clients {
        #expect(Self.text(await client.frame()) == #"{"type":"STATS_UPDATE","data":{"at":\#(second + 5)}}"#)
      }
      feed.yield([["kind": "kill"]])
      for client in clients {
        #expect(Self.text(await client.frame()) == #"{"type":"NEW_EVENT","data":{"kind":"kill"}}"#)
      }
      await clients[0].send(Self.encoder.frame(.text, #"{"type":"PING"}"#.utf8))
      #expect(Self.text(await clients[0].frame()) == #"{"type":"PONG"}"#)
      await clients[1].send(Self.encoder.frame(.text, [UInt8](repeating: 0x20, count: (16 << 10) + 1)))
      #expect(Self.closeCode(await clients[1].frame()) == 1009)
    }
    running.cancel()
    await running.value
  }
}
