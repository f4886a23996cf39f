import Platform
import TestInputs
import Testing

@testable import Sandbox

@Suite struct RESTTests {
  static let general = "/channels/900000000000000011"
  static let guild = "/guilds/900000000000000001"
  static let commands = "/applications/123456789012345678/commands"

  struct Refusal: Sendable {
    let request: String
    let body: String?
    let status: Int
    let code: Int64

    init(_ request: String, _ status: Int, _ code: Int64, body: String? = nil) {
      (self.request, self.body, self.status, self.code) = (request, body, status, code)
    }
  }

  private static let refusals: [Refusal] = [
    Refusal("GET /nothing", 404, 0),
    Refusal("PUT /gateway", 405, 0),
    Refusal("GET /channels/1", 404, 10003),
    Refusal("GET /guilds/1", 404, 10004),
    Refusal("GET /guilds/900000000000000001/members/1", 404, 10013),
    Refusal("GET /users/1", 404, 10013),
    Refusal("GET /channels/900000000000000011/messages/1", 404, 10008),
    Refusal("DELETE /channels/900000000000000011/messages/1", 404, 10008),
    Refusal("GET /channels/abc", 400, 50035),
    Refusal("GET /applications/123456789012345678/commands/1", 404, 10063),
    Refusal("GET /applications/1/commands", 404, 10002),
    Refusal("PUT /guilds/900000000000000001/members/100000000000000002/roles/1", 404, 10011),
    Refusal("GET /guilds/900000000000000001/bans/100000000000000002", 404, 10026),
    Refusal("POST /channels/900000000000000011/messages", 400, 50006, body: "{}"),
    Refusal("POST /channels/900000000000000010/messages", 400, 50024, body: #"{"content":"x"}"#),
    Refusal("POST /interactions/1/token/callback", 404, 10062, body: #"{"type":4}"#),
    Refusal("POST /webhooks/123456789012345678/nothing", 404, 10015, body: #"{"content":"x"}"#),
    Refusal("POST /users/@me/channels", 403, 50007, body: #"{"recipient_id":"123456789012345678"}"#),
  ]

  @Test(arguments: refusals)
  func refusesInDiscordsShape(_ refusal: Refusal) async throws {
    let bench = Bench()
    _ = await bench.request(.get, "/users/@me")
    let words = refusal.request.split(separator: " ").map(String.init)
    let body = try refusal.body.map { try JSON(parsing: $0) }
    let response = await bench.request(HTTPMethod(rawValue: words[0]), words[1], body)
    #expect(response.status == refusal.status)
    #expect(response.body?["code"] == .integer(refusal.code))
    #expect(response.body?["message"]?.string?.isEmpty == false)
    #expect(response.headers["Via"] == "1.1 google")
  }

  @Test(arguments: [nil as String?, "", "two words"])
  func refusesMissingAndMalformedTokens(_ token: String?) async {
    let response = await Bench().request(.get, "/users/@me", token: token)
    #expect(response.status == 401)
    #expect(response.body == ["message": "401: Unauthorized", "code": 0])
  }

  @Test func theTokensFirstPartNamesTheApplication() async {
    let bench = Bench()
    #expect(await bench.request(.get, "/users/@me").body?["id"] == "123456789012345678")
    let plain = await bench.request(.get, "/users/@me", token: "anything").body?["id"]
    #expect(plain != nil && plain != "123456789012345678")
    #expect(await Bench().request(.get, "/users/@me", token: "anything").body?["id"] == plain)
  }

  @Test func aRevokedTokenIsRefused() async {
    let bench = Bench()
    await bench.world.revoke(token: Bench.token)
    #expect(await bench.request(.get, "/users/@me").status == 401)
  }

  @Test func unreadableJSONIsToldApart() async {
    let bench = Bench()
    var request = APIRequest(method: .post, segments: ["channels", "900000000000000011", "messages"])
    request.authorization = "Bot " + Bench.token
    request.body = .invalid
    let response = await bench.world.respond(to: request).response
    #expect(response.status == 400)
    #expect(response.body?["code"] == 50109)
  }

  // MARK: - Forms

  /// A body, where it is wrong, and the error's code.
  struct WrongForm: Sendable, CustomTestStringConvertible {
    let body: String
    let place: String
    let code: String

    init(_ body: String, _ place: String, _ code: String) {
      (self.body, self.place, self.code) = (body, place, code)
    }

    var testDescription: String { "\(BriefText(body)): \(place) \(code)" }
    var path: [String] { place.split(separator: ".").map(String.init) }
  }

  private static func long(_ count: Int) -> String { String(repeating: "x", count: count) }

  private static let wrongMessages: [WrongForm] = [
    WrongForm(#"{"content":"\#(long(2_001))"}"#, "content", "BASE_TYPE_MAX_LENGTH"),
    WrongForm(#"{"embeds":[{"title":"\#(long(257))"}]}"#, "embeds.0.title", "BASE_TYPE_MAX_LENGTH"),
    WrongForm(#"{"embeds":[{"fields":[{"name":"","value":"x"}]}]}"#, "embeds.0.fields.0.name", "BASE_TYPE_REQUIRED"),
    WrongForm(#"{"embeds":"x"}"#, "embeds", "LIST_TYPE_CONVERT"),
    WrongForm(#"{"embeds":[{"color":16777216}]}"#, "embeds.0.color", "NUMBER_TYPE_MAX"),
    WrongForm(#"{"embeds":[{"image":{"url":"ftp://x"}}]}"#, "embeds.0.image.url", "URL_TYPE_INVALID_SCHEME"),
    WrongForm(
      #"{"embeds":[{"description":"\#(long(4_000))"},{"description":"\#(long(2_001))"}]}"#, "embeds",
      "MAX_EMBED_SIZE_EXCEEDED"),
    WrongForm(#"{"components":[{"type":2}]}"#, "components.0.type", "BASE_TYPE_CHOICES"),
    WrongForm(
      #"{"components":[{"type":1,"components":[{"type":2,"style":1,"label":"x"}]}]}"#,
      "components.0.components.0.custom_id", "BASE_TYPE_REQUIRED"),
    WrongForm(
      #"{"components":[{"type":1,"components":[{"type":2,"style":1,"label":"x","custom_id":"a"},"#
        + #"{"type":2,"style":1,"label":"y","custom_id":"a"}]}]}"#,
      "components.0.components.1.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"),
    WrongForm(
      #"{"content":"x","message_reference":{"message_id":"5"}}"#, "message_reference", "REPLIES_UNKNOWN_MESSAGE"),
  ]

  @Test(arguments: wrongMessages)
  func aWrongMessageIsRefusedAtItsPlace(_ wrong: WrongForm) async throws {
    let response = await Bench().request(.post, Self.general + "/messages", try JSON(parsing: wrong.body))
    expectForm(response, wrong.path, wrong.code)
  }

  private static func withOptions(_ options: String) -> String {
    #"{"name":"x","description":"x","options":[\#(options)]}"#
  }

  private static let manyOptions = (0..<26).map { #"{"type":3,"name":"o\#($0)","description":"x"}"# }

  private static let wrongCommands: [WrongForm] = [
    WrongForm(#"{"name":"Upper","description":"x"}"#, "name", "APPLICATION_COMMAND_INVALID_NAME"),
    WrongForm(#"{"name":"two words","description":"x"}"#, "name", "APPLICATION_COMMAND_INVALID_NAME"),
    WrongForm(#"{"description":"x"}"#, "name", "BASE_TYPE_REQUIRED"),
    WrongForm(#"{"name":"x"}"#, "description", "BASE_TYPE_REQUIRED"),
    WrongForm(#"{"name":"x","description":"\#(long(101))"}"#, "description", "BASE_TYPE_BAD_LENGTH"),
    WrongForm(#"{"name":"x","description":"x","type":9}"#, "type", "NUMBER_TYPE_MAX"),
    WrongForm(withOptions(#"{"type":3,"name":"o"}"#), "options.0.description", "BASE_TYPE_REQUIRED"),
    WrongForm(
      withOptions(
        #"{"type":3,"name":"a","description":"x"},{"type":3,"name":"b","description":"x","required":true}"#),
      "options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"),
    WrongForm(
      withOptions(#"{"type":3,"name":"a","description":"x"},{"type":3,"name":"a","description":"x"}"#), "options",
      "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"),
    WrongForm(
      withOptions(#"{"type":4,"name":"a","description":"x","choices":[{"name":"n","value":"text"}]}"#),
      "options.0.choices.0.value", "NUMBER_TYPE_COERCE"),
    WrongForm(withOptions(manyOptions.joined(separator: ",")), "options", "BASE_TYPE_MAX_LENGTH"),
    WrongForm(
      #"{"name":"x","description":"x","name_localizations":{"xx":"y"}}"#, "name_localizations.xx",
      "BASE_TYPE_CHOICES"),
  ]

  @Test(arguments: wrongCommands)
  func aWrongCommandIsRefusedAtItsPlace(_ wrong: WrongForm) async throws {
    let bench = Bench()
    let body = try JSON(parsing: wrong.body)
    expectForm(await bench.request(.post, Self.commands, body), wrong.path, wrong.code)
    expectForm(await bench.request(.put, Self.commands, [body]), ["0"] + wrong.path, wrong.code)
    #expect(await bench.request(.get, Self.commands).body == [])
  }

  private func expectForm(
    _ response: APIResponse, _ path: [String], _ code: String, location: SourceLocation = #_sourceLocation
  ) {
    #expect(response.status == 400, sourceLocation: location)
    #expect(response.body?["code"] == 50035, sourceLocation: location)
    var node = response.body?["errors"]
    for name in path { node = node?[name] }
    let codes = node?["_errors"]?.array?.compactMap { $0["code"]?.string }
    #expect(codes?.contains(code) == true, "\(response.body ?? .null)", sourceLocation: location)
  }

  // MARK: - Commands

  @Test func registeringAgainIsAnUpsertAndKeepsTheVersionWhenNothingChanged() async {
    let bench = Bench()
    let body: JSON = [
      "name": "ping", "description": "Pong",
      "options": [["type": 3, "name": "a", "description": "x", "required": false]],
    ]
    let made = await bench.request(.post, Self.commands, body)
    #expect(made.status == 201)
    #expect(made.body?["options"]?[0]?["required"] == nil)
    let again = await bench.request(.post, Self.commands, body)
    #expect(again.status == 200)
    #expect(again.body == made.body)
    var changed = body
    changed["description"] = "Other"
    let third = await bench.request(.post, Self.commands, changed)
    #expect(third.body?["id"] == made.body?["id"])
    #expect(third.body?["version"] != made.body?["version"])
  }

  @Test func overwritingKeepsIdsOfNamesThatStayAndRemovesTheRest() async {
    let bench = Bench()
    let first = await bench.request(
      .put, Self.commands, [["name": "a", "description": "x"], ["name": "b", "description": "x"]])
    let second = await bench.request(
      .put, Self.commands, [["name": "b", "description": "x"], ["name": "c", "description": "x"]])
    #expect(second.body?[0] == first.body?[1])
    #expect(second.body?.array?.count == 2)
    let duplicate = await bench.request(
      .put, Self.commands, [["name": "b", "description": "x"], ["name": "b", "description": "y"]])
    expectForm(duplicate, ["1", "name"], "APPLICATION_COMMANDS_DUPLICATE_NAME")
  }

  @Test func guildAndGlobalCommandsAreApart() async {
    let bench = Bench()
    let path = "/applications/123456789012345678/guilds/900000000000000001/commands"
    _ = await bench.request(.post, path, ["name": "a", "description": "x"])
    #expect(await bench.request(.get, Self.commands).body == [])
    let listed = await bench.request(.get, path).body
    #expect(listed?[0]?["guild_id"] == "900000000000000001")
    #expect(listed?[0]?["name_localizations"] == nil)
  }

  @Test func oneHundredCommandsAreTheLimit() async {
    let bench = Bench()
    let list = (0..<101).map { number -> JSON in ["name": .string("c\(number)"), "description": "x"] }
    #expect(await bench.request(.put, Self.commands, .array(list)).body?["code"] == 30032)
    #expect(await bench.request(.put, Self.commands, .array(Array(list.dropLast()))).status == 200)
  }

  // MARK: - Messages

  @Test func aMessageLivesFromMakingToDeletion() async throws {
    let bench = Bench()
    let client = await bench.connect()
    let made = await bench.request(.post, Self.general + "/messages", ["content": "hi <@100000000000000002>"])
    let id = try #require(made.body?["id"]?.string)
    #expect(made.status == 200)
    #expect(made.body?["mentions"]?[0]?["id"] == "100000000000000002")
    #expect(await client.event("MESSAGE_CREATE")?["id"] == .string(id))
    let edited = await bench.request(.patch, Self.general + "/messages/" + id, ["content": "bye"])
    #expect(edited.body?["content"] == "bye")
    #expect(edited.body?["edited_timestamp"]?.string != nil)
    #expect(await client.event("MESSAGE_UPDATE")?["content"] == "bye")
    #expect(await bench.request(.delete, Self.general + "/messages/" + id).status == 204)
    #expect(await client.event("MESSAGE_DELETE")?["id"] == .string(id))
    #expect(await bench.request(.get, Self.general + "/messages/" + id).status == 404)
  }

  @Test func messagesArePagedInBothDirections() async throws {
    let bench = Bench()
    var ids: [String] = []
    for number in 0..<5 {
      let made = await bench.request(.post, Self.general + "/messages", ["content": .string("\(number)")])
      ids.append(try #require(made.body?["id"]?.string))
    }
    func page(_ query: [String: String]) async -> [String] {
      let body = await bench.request(.get, Self.general + "/messages", query: query).body
      return body?.array?.compactMap { $0["content"]?.string } ?? []
    }
    #expect(await page(["limit": "2"]) == ["4", "3"])
    #expect(await page(["limit": "2", "before": ids[3]]) == ["2", "1"])
    #expect(await page(["limit": "2", "after": ids[1]]) == ["3", "2"])
    #expect(await bench.request(.get, Self.general + "/messages", query: ["limit": "101"]).status == 400)
  }

  @Test func anEnforcedNonceMakesOneMessage() async {
    let bench = Bench()
    let body: JSON = ["content": "x", "nonce": "n", "enforce_nonce": true]
    let first = await bench.request(.post, Self.general + "/messages", body)
    let second = await bench.request(.post, Self.general + "/messages", body)
    #expect(first.body?["id"] == second.body?["id"])
  }

  @Test func filesAreKeptAndDescribed() async {
    let bench = Bench()
    let file = APIRequest.File(index: 0, filename: "a b.png", contentType: "image/png", bytes: [1, 2, 3])
    let made = await bench.request(
      .post, Self.general + "/messages", ["embeds": [["image": ["url": "attachment://a b.png"]]]], files: [file])
    let attachment = made.body?["attachments"]?[0]
    #expect(attachment?["size"] == 3)
    #expect(attachment?["url"]?.string?.hasSuffix("/a%20b.png") == true)
    #expect(made.body?["embeds"]?[0]?["image"]?["url"] == attachment?["url"])
  }

  // MARK: - Limits

  @Test func aBucketRunsOutAndRefills() async {
    let bench = Bench { $0.rateLimits = true }
    for left in (0..<5).reversed() {
      let response = await bench.request(.post, Self.general + "/messages", ["content": "x"])
      #expect(response.status == 200)
      #expect(response.headers["X-RateLimit-Remaining"] == String(left))
    }
    let refused = await bench.request(.post, Self.general + "/messages", ["content": "x"])
    #expect(refused.status == 429)
    #expect(refused.headers["X-RateLimit-Scope"] == "user")
    #expect(refused.headers["X-RateLimit-Reset-After"] == "5.000")
    #expect(refused.body?["retry_after"] == 5.0)
    #expect(refused.body?["global"] == false)
    let elsewhere = await bench.request(.post, "/channels/900000000000000012/messages", ["content": "x"])
    #expect(elsewhere.status == 200)
    #expect(elsewhere.headers["X-RateLimit-Bucket"] == refused.headers["X-RateLimit-Bucket"])
    bench.time.advance(by: .seconds(5))
    #expect(await bench.request(.post, Self.general + "/messages", ["content": "x"]).status == 200)
  }

  @Test func fiftyRequestsPerSecondAreTheGlobalLimit() async {
    let bench = Bench { $0.rateLimits = true }
    var statuses: [Int] = []
    for number in 0..<51 { statuses.append(await bench.request(.get, "/channels/\(number)").status) }
    #expect(statuses.dropLast().allSatisfy { $0 == 404 })
    #expect(statuses.last == 429)
    let refused = await bench.request(.get, "/users/@me")
    #expect(refused.headers["X-RateLimit-Global"] == "true")
    #expect(refused.headers["X-RateLimit-Bucket"] == nil)
    #expect(refused.body?["global"] == true)
  }

  @Test func orderedFaultsMeetTheirRequestsOnly() async throws {
    let bench = Bench()
    _ = try await bench.world.orderRESTFault(["status": 503, "path": "/users", "method": "get"])
    _ = try await bench.world.orderRESTFault(["status": 429, "scope": "shared", "retryAfter": 250, "count": 2])
    #expect(await bench.request(.get, "/users/@me").status == 503)
    let limited = await bench.request(.get, "/users/@me")
    #expect(limited.status == 429)
    #expect(limited.headers["X-RateLimit-Scope"] == "shared")
    #expect(limited.body?["retry_after"] == 0.25)
    #expect(await bench.request(.get, Self.guild).status == 429)
    #expect(await bench.request(.get, Self.guild).status == 200)
  }
}
