import HTTP
import Platform
import Testing

@testable import Sandbox

/// What a bot lives through: gateway, interactions and control API together, without sockets.
@Suite struct FlowTests {
  private static let commands = "/applications/123456789012345678/commands"

  @Test func readyIsFollowedByTheGuildsOfTheShard() async {
    let bench = Bench { $0.extraGuilds = 3 }
    _ = await bench.request(.get, "/users/@me")
    let client = await bench.connect(shard: [1, 2])
    let ready = await client.event("READY")
    #expect(ready?["application"]?["id"] == "123456789012345678")
    #expect(ready?["resume_gateway_url"]?.string?.hasPrefix("ws://") == true)
    let ids = ready?["guilds"]?.array?.compactMap { Snowflake($0["id"]) } ?? []
    #expect(ids.count == 2)
    #expect(ids.allSatisfy { ($0.value >> 22) % 2 == 1 })
    let guild = await client.event("GUILD_CREATE")
    #expect(guild?["unavailable"] == false)
    #expect(guild?["channels"]?.array?.count == 3)
  }

  @Test func contentIsForThoseWhoMayReadIt() async throws {
    let bench = Bench()
    let blind = await bench.connect(intents: 1 | 1 << 9)
    _ = try await bench.world.sendMessage(["user": "100000000000000002", "content": "secret"])
    let hidden = await blind.event("MESSAGE_CREATE")
    #expect(hidden?["content"] == "")
    _ = try await bench.world.sendMessage(["user": "100000000000000002", "content": "<@123456789012345678> hi"])
    #expect(await blind.event("MESSAGE_CREATE")?["content"] == "<@123456789012345678> hi")
  }

  @Test func aSecondIdentifyInTheSameWindowIsInvalidated() async {
    let bench = Bench()
    _ = await bench.connect()
    let early = await bench.connect(shard: [0, 1])
    let received = await early.receive(until: "nothing to wait for", limit: 2)
    #expect(received.last?["op"] == 9)
    bench.time.advance(by: .seconds(5))
    let late = await bench.connect()
    #expect(await late.event("READY") != nil)
  }

  @Test func identifyingTooOftenResetsTheToken() async {
    let bench = Bench { $0.sessionStartLimit = 1 }
    let first = await bench.connect()
    _ = await first.event("READY")
    bench.time.advance(by: .seconds(5))
    let second = await bench.connect()
    #expect(await second.closeCode() == 4004)
    #expect(await first.closeCode() == 4004)
    #expect(await bench.request(.get, "/users/@me").status == 401)
  }

  @Test func disallowedIntentsAreFatal() async {
    let bench = Bench { $0.disallowedIntents = 1 << 15 }
    #expect(await bench.connect().closeCode() == 4014)
  }

  @Test func eventsThatCameWhileTheConnectionWasDownAreReplayed() async throws {
    let bench = Bench()
    let first = await bench.connect()
    let ready = try #require(await first.event("READY"))
    let session = try #require(ready["session_id"])
    await bench.world.closeConnection(first.handle, code: nil)
    _ = try await bench.world.sendMessage(["user": "100000000000000002", "content": "missed"])
    let (handle, output) = await bench.world.openConnection(version: 10, encoding: "json")
    let second = Bench.Client(world: bench.world, handle: handle, output: output)
    await second.send(["op": 6, "d": ["token": .string(Bench.token), "session_id": session, "seq": 2]])
    let names = await second.receive(until: "RESUMED").compactMap { $0["t"]?.string }
    #expect(names == ["MESSAGE_CREATE", "RESUMED"])
  }

  @Test func aSessionClosedByItsClientIsGone() async throws {
    let bench = Bench()
    let first = await bench.connect()
    let session = try #require(await first.event("READY")?["session_id"])
    await bench.world.closeConnection(first.handle, code: 1000)
    let (handle, output) = await bench.world.openConnection(version: 10, encoding: "json")
    let second = Bench.Client(world: bench.world, handle: handle, output: output)
    await second.send(["op": 6, "d": ["token": .string(Bench.token), "session_id": session, "seq": 1]])
    #expect(await second.receive(until: "nothing to wait for", limit: 2).last?["op"] == 9)
  }

  // MARK: - Interactions

  /// A bench with `/pay member amount` registered and its bot connected.
  private func paying(_ changes: JSON = [:]) async -> (Bench, Bench.Client) {
    let bench = Bench()
    let client = await bench.connect()
    var command: JSON = [
      "name": "pay", "description": "Pay",
      "options": [
        ["type": 6, "name": "member", "description": "Who", "required": true],
        ["type": 4, "name": "amount", "description": "How much", "min_value": 1],
      ],
    ]
    for (name, value) in changes.object ?? [:] { command[name] = value }
    _ = await bench.request(.post, Self.commands, command)
    return (bench, client)
  }

  private func callback(_ interaction: JSON) -> String {
    "/interactions/\(interaction["id"]?.string ?? "")/\(interaction["token"]?.string ?? "")/callback"
  }

  @Test func aTypedCommandReachesTheBotWithItsOptions() async throws {
    let (bench, client) = await paying()
    _ = try await bench.world.runCommand(["user": "100000000000000002", "text": "/pay member:@nadia amount:5"])
    let data = try #require(await client.event("INTERACTION_CREATE")?["data"])
    #expect(data["options"]?[0]?["value"] == "100000000000000003")
    #expect(data["options"]?[1]?["value"] == 5)
    #expect(data["resolved"]?["users"]?["100000000000000003"]?["username"] == "nadia")
  }

  @Test(arguments: [
    ("/pay", "the option member is required"), ("/pay member:@nobody", "member: there is no user @nobody"),
    ("/pay member:@nadia amount:0", "amount must be at least 1"),
    ("/pay member:@nadia amount:x", "amount must be a whole number"), ("/nothing", "no bot has registered /nothing"),
  ])
  func aWrongCommandIsExplained(_ text: String, _ message: String) async throws {
    let (bench, _) = await paying()
    await #expect(throws: ControlError(status: 400, message: message)) {
      try await bench.world.runCommand(["user": "100000000000000002", "text": .string(text)])
    }
  }

  @Test func commandsAreOfferedByPermission() async throws {
    let (bench, _) = await paying(["default_member_permissions": "32"])
    func offered(_ user: String) async throws -> Int? {
      try await bench.world.commandsJSON(["user": .string(user)]).array?.count
    }
    #expect(try await offered("100000000000000001") == 1)
    #expect(try await offered("100000000000000002") == 0)
  }

  @Test func answeringTwiceIsRefusedAndFollowUpsFollow() async throws {
    let (bench, client) = await paying()
    _ = try await bench.world.runCommand(["user": "100000000000000002", "text": "/pay member:@nadia"])
    let interaction = try #require(await client.event("INTERACTION_CREATE"))
    let early = "/webhooks/123456789012345678/\(interaction["token"]?.string ?? "")"
    #expect(await bench.request(.post, early, ["content": "x"], token: nil).body?["code"] == 10015)
    let answer: JSON = ["type": 4, "data": ["content": "done", "flags": 64]]
    let first = await bench.request(
      .post, callback(interaction), answer, query: ["with_response": "true"], token: nil)
    #expect(first.body?["resource"]?["message"]?["content"] == "done")
    #expect(first.headers["X-RateLimit-Bucket"] == nil)
    #expect(await bench.request(.post, callback(interaction), answer, token: nil).body?["code"] == 40060)
    #expect(await bench.request(.post, early, ["content": "more"], token: nil).status == 200)
    let original = await bench.request(.get, early + "/messages/@original", token: nil)
    #expect(original.body?["content"] == "done")
    let own = try await bench.world.visibleMessages(["user": "100000000000000002"])
    let others = try await bench.world.visibleMessages(["user": "100000000000000003"])
    #expect(own.array?.count == 2)
    #expect(others.array?.count == 1)
  }

  @Test func theFirstFollowUpReplacesThinking() async throws {
    let (bench, client) = await paying()
    _ = try await bench.world.runCommand(["user": "100000000000000002", "text": "/pay member:@nadia"])
    let interaction = try #require(await client.event("INTERACTION_CREATE"))
    #expect(await bench.request(.post, callback(interaction), ["type": 5], token: nil).status == 204)
    #expect(await client.event("MESSAGE_CREATE")?["flags"] == 128)
    let webhook = "/webhooks/123456789012345678/\(interaction["token"]?.string ?? "")"
    _ = await bench.request(.post, webhook, ["content": "late"], token: nil)
    let changed = await client.event("MESSAGE_UPDATE")
    #expect(changed?["content"] == "late")
    #expect(changed?["flags"] == 0)
  }

  @Test func aStringSelectResolvesNothing() async throws {
    let (bench, client) = await paying()
    let body =
      #"{"components":[{"type":1,"components":[{"type":3,"custom_id":"s","options":[{"label":"A","value":"a"}]}]},"#
      + #"{"type":1,"components":[{"type":5,"custom_id":"u"}]}]}"#
    let made = await bench.request(.post, "/channels/900000000000000011/messages", try JSON(parsing: body))
    let message = try #require(made.body?["id"])
    func pick(_ customID: JSON, _ value: JSON) async throws -> JSON? {
      _ = try await bench.world.useComponent(
        ["user": "100000000000000002", "message": message, "customID": customID, "values": [value]])
      return await client.event("INTERACTION_CREATE")?["data"]
    }
    let text = try await pick("s", "a")
    #expect(text?["values"] == ["a"])
    #expect(text?["resolved"] == nil)
    let user = try await pick("u", "100000000000000003")
    #expect(user?["resolved"]?["users"]?["100000000000000003"]?["username"] == "nadia")
  }

  @Test func nobodyAnswersAfterThreeSeconds() async throws {
    let (bench, client) = await paying()
    _ = try await bench.world.runCommand(["user": "100000000000000002", "text": "/pay member:@nadia"])
    let interaction = try #require(await client.event("INTERACTION_CREATE"))
    bench.time.advance(by: .milliseconds(3_001))
    let late = await bench.request(.post, callback(interaction), ["type": 5], token: nil)
    #expect(late.body?["code"] == 10062)
  }

  @Test func aTokenEndsAfterFifteenMinutes() async throws {
    let (bench, client) = await paying()
    _ = try await bench.world.runCommand(["user": "100000000000000002", "text": "/pay member:@nadia"])
    let interaction = try #require(await client.event("INTERACTION_CREATE"))
    _ = await bench.request(.post, callback(interaction), ["type": 4, "data": ["content": "x"]], token: nil)
    let original = "/webhooks/123456789012345678/\(interaction["token"]?.string ?? "")/messages/@original"
    bench.time.advance(by: .seconds(899))
    #expect(await bench.request(.get, original, token: nil).status == 200)
    bench.time.advance(by: .seconds(1))
    #expect(await bench.request(.get, original, token: nil).body?["code"] == 50027)
  }

  // MARK: - The doors

  /// The host must be the sandbox's own, and a page that asks must come from there.
  @Test(arguments: [
    ("127.0.0.1:3080", nil as String?, true), ("localhost:3080", "http://localhost:3080", true),
    ("LOCALHOST:3080", nil, true), ("[::1]:3080", nil, true), ("evil.example:3080", nil, false),
    ("127.0.0.1:3081", nil, false), ("127.0.0.1:3080", "http://evil.example", false),
    ("127.0.0.1:3080", "null", false), ("127.0.0.1:3080", "https://127.0.0.1:3080", false),
  ])
  func foreignPagesAreKeptOut(_ host: String, _ origin: String?, _ passes: Bool) throws {
    let address = try SocketAddress(parsing: "127.0.0.1:3080")
    var headers: HTTPHeaders = ["Host": host]
    headers["Origin"] = origin
    let request = try HTTPRequest(
      method: .post, path: try HTTPPath("/sandbox/messages"), headers: headers, remoteAddress: address,
      localAddress: address)
    #expect((HostGuard(listen: address).refusal(of: request) == nil) == passes)
  }
}
