import HTTP
import Platform
import TestInputs
import Testing

@testable import Sandbox

/// Everything that a client or a script may send, spoiled: the sandbox refuses it in Discord's way and goes on.
struct SandboxFuzzTests {
  private static let odd: [JSON] = [
    .null, true, -1, 0, 1, .integer(.max), .integer(.min), 1e308, -0.5, "", "x", "900000000000000001",
    "18446744073709551616", "\u{0}", .string(String(repeating: "ä", count: 5_000)), [], [:], [[[[]]]],
    ["a": ["b": [.null]]],
  ]

  /// A copy in which some values are others, or gone, or twice.
  private static func spoiled(_ json: JSON, _ random: SeededRandom) -> JSON {
    if random.integer(below: 12) == 0 { return odd[random.integer(below: odd.count)] }
    if let object = json.object {
      var result: [(String, JSON)] = []
      for (name, value) in object where random.integer(below: 25) != 0 { result.append((name, spoiled(value, random))) }
      if random.integer(below: 20) == 0 { result.append(("surprise", odd[random.integer(below: odd.count)])) }
      return .object(JSON.Object(result))
    }
    if let array = json.array {
      var result = array.map { spoiled($0, random) }
      if let first = result.first, random.integer(below: 10) == 0 {
        result += Array(repeating: first, count: random.integer(below: 40))
      }
      return .array(result)
    }
    return json
  }

  private static let gateway: [JSON] = [
    ["op": 2, "d": ["token": .string(Bench.token), "intents": 33_281, "properties": ["os": "x"], "shard": [0, 1]]],
    ["op": 6, "d": ["token": .string(Bench.token), "session_id": "x", "seq": 3]], ["op": 1, "d": 4],
    ["op": 3, "d": ["status": "online", "activities": [], "since": .null, "afk": false]],
    ["op": 4, "d": ["guild_id": "900000000000000001", "channel_id": .null, "self_mute": false, "self_deaf": false]],
    ["op": 8, "d": ["guild_id": "900000000000000001", "query": "", "limit": 0, "nonce": "n"]],
    ["op": 8, "d": ["guild_id": "900000000000000001", "user_ids": ["100000000000000001"], "presences": true]],
    ["op": 31, "d": ["guild_ids": ["900000000000000001"]]],
  ]

  @Test func theGatewayTakesOrClosesWhateverItIsSent() async throws {
    let random = Fuzz.random(41)
    var closed = 0
    for round in 0..<Fuzz.rounds(300) {
      let bench = Bench { $0.extraMembers = 3 }
      // Half of the connections have identified before.
      let client = await bench.connect(token: round % 2 == 0 ? Bench.token : "two words")
      for _ in 0..<20 {
        var bytes = Array(
          Self.spoiled(Self.gateway[random.integer(below: Self.gateway.count)], random).serialized().utf8)
        if random.integer(below: 4) == 0, !bytes.isEmpty {
          bytes[random.integer(below: bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        }
        await bench.world.receive(bytes, on: client.handle)
      }
      if await bench.world.connections[client.handle] == nil { closed += 1 }
    }
    #expect(closed > Fuzz.rounds(100))
  }

  private static let requests: [(HTTPMethod, String, JSON)] = [
    (
      .post, "channels/900000000000000011/messages",
      [
        "content": "x", "nonce": "1", "enforce_nonce": true, "tts": false,
        "embeds": [
          ["title": "t", "description": "d", "color": 5, "fields": [["name": "n", "value": "v", "inline": true]]]
        ],
        "components": [["type": 1, "components": [["type": 2, "style": 1, "label": "l", "custom_id": "c"]]]],
        "allowed_mentions": ["parse": ["users"]], "message_reference": ["message_id": "5"],
      ]
    ),
    (
      .put, "applications/123456789012345678/commands",
      [
        [
          "name": "pay", "description": "d", "type": 1, "default_member_permissions": "8", "contexts": [0],
          "options": [
            ["type": 4, "name": "amount", "description": "d", "required": true, "min_value": 1, "max_value": 9],
            ["type": 3, "name": "text", "description": "d", "choices": [["name": "a", "value": "b"]]],
          ],
        ]
      ]
    ),
    (.patch, "guilds/900000000000000001/members/100000000000000002", ["nick": "n", "roles": ["900000000000000022"]]),
    (.post, "users/@me/channels", ["recipient_id": "100000000000000002"]),
    (.patch, "channels/900000000000000011", ["name": "new", "topic": "t", "rate_limit_per_user": 5]),
    (.post, "guilds/900000000000000001/channels", ["name": "another", "type": 0]),
  ]

  @Test func theAPIRefusesWhatIsWrongInDiscordsShape() async throws {
    let random = Fuzz.random(42)
    var refused = 0
    var bench = Bench()
    for round in 0..<Fuzz.rounds(2_000) {
      if round % 32 == 0 { await Task.yield() }  // leaves the two or so threads of the pool to others
      if round % 100 == 0 { bench = Bench() }
      let (method, path, body) = Self.requests[random.integer(below: Self.requests.count)]
      let spoiled = Self.spoiled(body, random)
      let response = await bench.request(method, path, spoiled)
      #expect((200..<500).contains(response.status), "\(method) /\(path) \(spoiled.serialized().prefix(500))")
      if response.status >= 400 {
        refused += 1
        #expect(response.body?["message"]?.string != nil)
        #expect(response.body?["code"]?.integer != nil)
      }
    }
    #expect(refused > Fuzz.rounds(500))
  }

  private static let orders: [JSON] = [
    ["user": "100000000000000002", "channel": "900000000000000011", "content": "x"],
    ["user": "100000000000000002", "channel": "900000000000000011", "text": "/pay amount:5 text:two words"],
    ["user": "100000000000000002", "message": "5", "customID": "c", "values": ["a"]],
    ["user": "100000000000000002", "interaction": "5", "fields": ["a": "b"]],
    ["name": "newcomer"], ["user": "100000000000000003", "application": "123456789012345678"],
    ["action": "cut", "at": 5], ["action": "write", "hex": "8300"], ["action": "pieces", "size": 3, "pause": 1],
    ["action": "close", "code": 4000], ["count": 3, "interval": 5, "delay": 1], ["status": 429, "cut": "after"],
    ["clock": -5, "headers": ["Date": .null, "X-A": "b"], "path": "/x", "method": "post", "count": 2],
  ]

  @Test func scriptsHearWhatIsWrongWithTheirOrders() async throws {
    let random = Fuzz.random(43)
    var refused = 0
    var bench = Bench()
    for round in 0..<Fuzz.rounds(2_000) {
      if round % 32 == 0 { await Task.yield() }  // leaves the two or so threads of the pool to others
      if round % 100 == 0 {
        bench = Bench()
        _ = await bench.connect()
      }
      let order = Self.spoiled(Self.orders[random.integer(below: Self.orders.count)], random)
      let world = bench.world
      do {
        switch random.integer(below: 9) {
        case 0: _ = try await world.sendMessage(order)
        case 1: _ = try await world.act(order) { world throws(ControlError) in try world.runCommand(order) }
        case 2: _ = try await world.act(order) { world throws(ControlError) in try world.useComponent(order) }
        case 3: _ = try await world.act(order) { world throws(ControlError) in try world.submitModal(order) }
        case 4: _ = try await world.join(order)
        case 5: _ = try await world.openDirect(order)
        case 6: _ = try await world.orderGatewayFault(order)
        case 7: _ = try await world.orderConnectFault(order)
        default: _ = try await world.orderRESTFault(order)
        }
      } catch {
        refused += 1
        #expect((400..<500).contains(error.status) && !error.message.isEmpty)
      }
    }
    #expect(refused > Fuzz.rounds(500))
  }

  // MARK: Faults of the wire

  private static func bytes(_ steps: [FaultyWire.Step]) -> [UInt8] {
    steps.flatMap { step -> [UInt8] in if case .write(let bytes) = step { bytes } else { [] } }
  }

  @Test func framesAreCutSplitJoinedAndHeldAsOrdered() {
    var wire = FaultyWire()
    #expect(wire.isSound)
    #expect(wire.steps(for: [1, 2, 3]) == [.write([1, 2, 3])])
    wire.take(.pieces(size: 2, pause: .milliseconds(5)))
    #expect(
      wire.steps(for: [1, 2, 3]) == [
        .write([1, 2]), .wait(.milliseconds(5)), .write([3]), .wait(.milliseconds(5)),
      ])
    wire.take(.pieces(size: 0, pause: .zero))
    wire.take(.join(count: 3))
    #expect(wire.steps(for: [1]).isEmpty)
    #expect(wire.steps(for: [2]).isEmpty)
    #expect(!wire.isSound)
    #expect(wire.steps(for: [3]) == [.write([1, 2, 3])])
    wire.take(.join(count: 5))
    #expect(wire.steps(for: [1]).isEmpty)
    #expect(wire.release() == [.write([1])])
    #expect(wire.isSound)
    wire.take(.delay(.seconds(1)))
    wire.take(.cut(at: 2))
    #expect(wire.steps(for: [1, 2, 3]) == [.wait(.seconds(1)), .write([1, 2]), .cut])
    wire.take(.delay(.zero))
    wire.take(.cut(at: 0))
    #expect(wire.steps(for: [1, 2, 3]) == [.cut])
    wire.take(.corrupt(count: 1))
    #expect(wire.spoil([7, 8]) == [0xFF, 8])
    #expect(wire.spoil([7, 8]) == [7, 8])
    #expect(wire.isSound)
  }

  @Test func whateverIsOrderedNoByteIsLostOrChanged() {
    let random = Fuzz.random(44)
    for _ in 0..<Fuzz.rounds(500) {
      var wire = FaultyWire()
      var sent: [UInt8] = []
      var written: [UInt8] = []
      for _ in 0..<30 {
        switch random.integer(below: 6) {
        case 0: wire.take(.pieces(size: random.integer(below: 5), pause: .milliseconds(random.integer(below: 2))))
        case 1: wire.take(.join(count: random.integer(below: 4)))
        case 2: wire.take(.delay(.milliseconds(random.integer(below: 3))))
        default:
          let frame = (0..<random.integer(below: 20)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
          sent += frame
          written += Self.bytes(wire.steps(for: frame))
        }
      }
      written += Self.bytes(wire.release())
      #expect(written == sent)
    }
  }

  @Test func numbersLeftOutDoNotConfuseAReplay() {
    var session = GatewaySession(
      id: "s", token: "t", applicationID: Snowflake(1), intents: [], shard: .init(id: 0, count: 1), largeThreshold: 50,
      bufferLimit: 3)
    for name in ["A", "B"] { _ = session.dispatch(name, [:]) }
    session.skip(100)
    for name in ["C", "D"] { _ = session.dispatch(name, [:]) }
    func names(_ replay: GatewaySession.Replay) -> [String?]? {
      if case .payloads(let payloads) = replay { payloads.map { $0["t"]?.string } } else { nil }
    }
    #expect(session.sequence == 104)
    #expect(names(session.replay(after: 1)) == ["B", "C", "D"])
    #expect(names(session.replay(after: 50)) == ["C", "D"])
    #expect(names(session.replay(after: 104)) == [])
    #expect(session.replay(after: 0) == .tooOld)
    #expect(session.replay(after: 105) == .invalidSequence)
    #expect(session.newest(1).map { $0["s"] } == [104])
  }
}
