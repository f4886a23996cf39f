import HTTP
import Platform
import Testing

@testable import Sandbox

extension World {
  /// What the bots' own role grants; administrator at first.
  fileprivate func setBotPermissions(_ permissions: Permissions, position: Int = 10) {
    guard var guild = guilds[Self.guildID] else { return }
    for index in guild.roles.indices where guild.roles[index].botID != nil {
      guild.roles[index].permissions = permissions
      guild.roles[index].position = position
    }
    guilds[Self.guildID] = guild
  }
}

/// What bots do to a guild: who may, who hears of it, and what is refused how.
@Suite struct GuildAPITests {
  private static let guild = "/guilds/900000000000000001"
  private static let general = "/channels/900000000000000011"
  private static let nadia = "100000000000000003"

  /// One act of a bot: the request, the event that tells of it, and the intent (bit) that the event takes.
  struct Act: Sendable, CustomTestStringConvertible {
    let method: HTTPMethod
    let path: String
    var body: JSON? = nil
    let event: String
    let intent: Int64
    var testDescription: String { event }
  }

  /// `MESSAGE` and `THREAD` in a path stand for what was made before.
  static let acts = [
    Act(method: .put, path: general + "/messages/MESSAGE/reactions/👍/@me", event: "MESSAGE_REACTION_ADD", intent: 10),
    Act(
      method: .delete, path: general + "/messages/MESSAGE/reactions/🎉/@me", event: "MESSAGE_REACTION_REMOVE",
      intent: 10),
    Act(
      method: .delete, path: general + "/messages/MESSAGE/reactions/🎉", event: "MESSAGE_REACTION_REMOVE_EMOJI",
      intent: 10),
    Act(
      method: .delete, path: general + "/messages/MESSAGE/reactions", event: "MESSAGE_REACTION_REMOVE_ALL", intent: 10),
    Act(method: .put, path: general + "/messages/pins/MESSAGE", event: "CHANNEL_PINS_UPDATE", intent: 0),
    Act(method: .post, path: guild + "/channels", body: ["name": "x"], event: "CHANNEL_CREATE", intent: 0),
    Act(method: .patch, path: general, body: ["topic": "x"], event: "CHANNEL_UPDATE", intent: 0),
    Act(method: .delete, path: "/channels/900000000000000012", event: "CHANNEL_DELETE", intent: 0),
    Act(method: .post, path: general + "/threads", body: ["name": "x", "type": 11], event: "THREAD_CREATE", intent: 0),
    Act(method: .patch, path: "/channels/THREAD", body: ["name": "y"], event: "THREAD_UPDATE", intent: 0),
    Act(method: .delete, path: "/channels/THREAD", event: "THREAD_DELETE", intent: 0),
    Act(
      method: .put, path: "/channels/THREAD/thread-members/\(nadia)", event: "THREAD_MEMBERS_UPDATE", intent: 0),
    Act(method: .post, path: guild + "/roles", body: ["name": "x"], event: "GUILD_ROLE_CREATE", intent: 0),
    Act(
      method: .patch, path: guild + "/roles/900000000000000022", body: ["name": "x"], event: "GUILD_ROLE_UPDATE",
      intent: 0),
    Act(method: .delete, path: guild + "/roles/900000000000000022", event: "GUILD_ROLE_DELETE", intent: 0),
    Act(method: .patch, path: guild, body: ["name": "Other"], event: "GUILD_UPDATE", intent: 0),
    Act(
      method: .patch, path: guild + "/members/\(nadia)", body: ["nick": "x"], event: "GUILD_MEMBER_UPDATE", intent: 1),
    Act(method: .delete, path: guild + "/members/\(nadia)", event: "GUILD_MEMBER_REMOVE", intent: 1),
    Act(method: .put, path: guild + "/bans/\(nadia)", body: [:], event: "GUILD_BAN_ADD", intent: 2),
    Act(
      method: .patch, path: guild + "/members/\(nadia)", body: ["nick": "x"], event: "GUILD_AUDIT_LOG_ENTRY_CREATE",
      intent: 2),
    Act(
      method: .post, path: guild + "/emojis", body: ["name": "ship", "image": "data:image/png;base64,AAAA"],
      event: "GUILD_EMOJIS_UPDATE", intent: 3),
    Act(method: .post, path: general + "/webhooks", body: ["name": "x"], event: "WEBHOOKS_UPDATE", intent: 5),
    Act(method: .post, path: general + "/invites", body: [:], event: "INVITE_CREATE", intent: 6),
    Act(method: .post, path: general + "/typing", event: "TYPING_START", intent: 11),
  ]

  @Test(arguments: acts) func everyChangeIsToldToWhoAskedForIt(act: Act) async throws {
    let bench = Bench()
    // Messages go to everyone, so that one of them ends what is read.
    let listening = await bench.connect(intents: 1 << act.intent | 1 << 9)
    bench.time.advance(by: .seconds(6))
    let deaf = await bench.connect(intents: ~(1 << act.intent) & 0x1_FFFF | 1 << 9)
    let made = await bench.request(.post, Self.general + "/messages", ["content": "x"])
    let message = try #require(made.body?["id"]?.string)
    _ = await bench.request(.put, Self.general + "/messages/\(message)/reactions/🎉/@me")
    let thread = await bench.request(.post, Self.general + "/threads", ["name": "t", "type": 11])
    let threadID = try #require(thread.body?["id"]?.string)
    _ = await bench.request(.post, Self.general + "/messages", ["content": "begin"])
    for client in [listening, deaf] {
      while await client.event("MESSAGE_CREATE")?["content"] != "begin" {}
    }
    let path = act.path.replacing("MESSAGE", with: message).replacing("THREAD", with: threadID)
    let response = await bench.request(act.method, path, act.body)
    #expect((200..<300).contains(response.status), "\(String(describing: response.body))")
    _ = await bench.request(.post, Self.general + "/messages", ["content": "end"])
    func events(_ client: Bench.Client) async -> [String?] {
      var names: [String?] = []
      while true {
        let part = await client.receive(until: "MESSAGE_CREATE")
        names += part.map { $0["t"]?.string }
        if part.isEmpty || part.last?["d"]?["content"] == "end" { return names }
      }
    }
    #expect(await events(listening).contains(act.event))
    #expect(await events(deaf).contains(act.event) == false)
  }

  /// What a bot without any permission gets.
  static let forbidden: [(HTTPMethod, String, JSON?)] = [
    (.put, general + "/messages/MESSAGE/reactions/👍/@me", nil), (.delete, general + "/messages/MESSAGE/reactions", nil),
    (.put, general + "/messages/pins/MESSAGE", nil), (.post, general + "/messages", ["content": "x"]),
    (.patch, general, ["topic": "x"]), (.delete, general, nil), (.put, general + "/permissions/1", ["type": 0]),
    (.post, general + "/threads", ["name": "x"]), (.post, general + "/webhooks", ["name": "x"]),
    (.get, general + "/webhooks", nil), (.post, general + "/invites", [:]), (.get, general + "/invites", nil),
    (.patch, guild, ["name": "xx"]), (.post, guild + "/channels", ["name": "x"]),
    (.post, guild + "/roles", ["name": "x"]), (.patch, guild + "/roles/900000000000000022", ["name": "x"]),
    (.delete, guild + "/roles/900000000000000022", nil), (.get, guild + "/bans", nil),
    (.put, guild + "/bans/\(nadia)", [:]), (.delete, guild + "/bans/\(nadia)", nil),
    (.post, guild + "/bulk-ban", ["user_ids": [.string(nadia)]]), (.delete, guild + "/members/\(nadia)", nil),
    (.patch, guild + "/members/\(nadia)", ["nick": "x"]), (.patch, guild + "/members/\(nadia)", ["roles": []]),
    (.patch, guild + "/members/\(nadia)", ["communication_disabled_until": .null]),
    (.patch, guild + "/members/\(nadia)", ["mute": true]), (.get, guild + "/audit-logs", nil),
    (.put, guild + "/members/\(nadia)/roles/900000000000000022", nil),
    (.post, guild + "/emojis", ["name": "ship", "image": "data:image/png;base64,AAAA"]),
    (.get, guild + "/webhooks", nil), (.get, guild + "/invites", nil),
  ]

  @Test func withoutPermissionsNothingIsDone() async throws {
    let bench = Bench()
    let made = await bench.request(.post, Self.general + "/messages", ["content": "x"])
    let message = try #require(made.body?["id"]?.string)
    _ = try await bench.world.sendMessage(["user": "100000000000000001", "content": "x"])
    await bench.world.setBotPermissions([.viewChannel])
    // Everyone may write, react and invite at first.
    _ = await bench.world.takeFromEveryone()
    for (method, path, body) in Self.forbidden {
      let response = await bench.request(method, path.replacing("MESSAGE", with: message), body)
      #expect(response.status == 403, "\(method) \(path) \(String(describing: response.body))")
      #expect(response.body?["code"] == 50013, "\(method) \(path)")
    }
    await bench.world.setBotPermissions([])
    #expect(await bench.request(.get, Self.general).body?["code"] == 50001)
  }

  @Test func nobodyReachesAboveTheirOwnPlace() async {
    let bench = Bench()
    _ = await bench.request(.get, "/users/@me")
    let all: Permissions = [.manageRoles, .kickMembers, .banMembers, .manageNicknames, .moderateMembers, .viewChannel]
    await bench.world.setBotPermissions(all, position: 1)
    // Member stands at 1, Moderator at 2: neither is below the bot.
    let marcus = "100000000000000002"
    for (method, path, body) in [
      (.delete, "/members/\(marcus)", nil), (.put, "/bans/\(marcus)", [:]),
      (.patch, "/members/\(marcus)", ["nick": "x"]),
      (.patch, "/roles/900000000000000022", ["name": "x"]), (.delete, "/roles/900000000000000021", nil),
      (.put, "/members/\(Self.nadia)/roles/900000000000000021", nil),
      (.patch, "/roles", [["id": "900000000000000022", "position": 5]]),
      (.delete, "/members/100000000000000001", nil),
    ] as [(HTTPMethod, String, JSON?)] {
      let response = await bench.request(method, Self.guild + path, body)
      #expect(response.body?["code"] == 50013, "\(method) \(path) \(response.status)")
    }
    // Nobody gives what they do not have.
    let made = await bench.request(.post, Self.guild + "/roles", ["name": "x", "permissions": "8"])
    #expect(made.body?["code"] == 50013)
    #expect(await bench.request(.post, Self.guild + "/roles", ["name": "x", "permissions": "1024"]).status == 200)
  }

  static let invalid: [(HTTPMethod, String, JSON, [String])] = [
    (.post, guild + "/roles", ["name": .string(String(repeating: "x", count: 101))], ["name"]),
    (.patch, guild, ["name": "x"], ["name"]), (.post, guild + "/channels", ["name": "x", "type": 3], ["type"]),
    (.post, general + "/threads", ["name": "", "type": 11], ["name"]),
    (.post, general + "/threads", ["name": "x", "auto_archive_duration": 61], ["auto_archive_duration"]),
    (.post, general + "/webhooks", ["name": "my discord"], ["name"]),
    (.post, general + "/invites", ["max_age": 604_801], ["max_age"]),
    (.post, guild + "/emojis", ["name": "a b", "image": "data:image/png;base64,AA"], ["name"]),
    (.post, guild + "/emojis", ["name": "ab", "image": "AA"], ["image"]),
    (.put, guild + "/bans/\(nadia)", ["delete_message_seconds": -1], ["delete_message_seconds"]),
    (.post, guild + "/bulk-ban", ["user_ids": []], ["user_ids"]),
    (.patch, guild + "/members/\(nadia)", ["nick": .string(String(repeating: "x", count: 33))], ["nick"]),
    (.post, general + "/messages/bulk-delete", ["messages": ["1"]], ["messages"]),
  ]

  @Test(arguments: invalid.indices) func mistakesAreNamedByTheirField(index: Int) async {
    let (method, path, body, fields) = Self.invalid[index]
    let bench = Bench()
    let response = await bench.request(method, path, body)
    #expect(response.status == 400)
    #expect(response.body?["code"] == 50035)
    #expect(response.body?["errors"]?.object?.keys == fields)
  }

  @Test func twoHundredNewCommandsADay() async {
    let bench = Bench()
    let path = "/applications/\(Bench.botID)/guilds/900000000000000001/commands"
    func overwrite(_ day: Int) async -> APIResponse {
      let commands = (0..<100).map { JSON.object(["name": .string("c\(day)-\($0)"), "description": "d"]) }
      return await bench.request(.put, path, .array(commands))
    }
    #expect(await overwrite(1).status == 200)
    #expect(await overwrite(1).status == 200, "what is there already is not made anew")
    #expect(await overwrite(2).status == 200)
    #expect(await overwrite(3).body?["code"] == 30034)
    #expect(await bench.request(.post, path, ["name": "one", "description": "d"]).status == 400)
    bench.time.advance(by: .seconds(24 * 3_600))
    #expect(await overwrite(3).status == 200)
  }

  @Test func aLimitWithinABucketIsToldByItsRefusalAlone() async throws {
    let bench = Bench { $0.rateLimits = true }
    for topic in ["a", "b"] {
      let response = await bench.request(.patch, Self.general, ["topic": .string(topic)])
      #expect(response.status == 200)
    }
    let refused = await bench.request(.patch, Self.general, ["topic": "c"])
    #expect(refused.status == 429)
    #expect(refused.headers["X-RateLimit-Remaining"] == "2")
    #expect(refused.headers["X-RateLimit-Scope"] == "user")
    #expect(refused.body?["retry_after"] == 600.0)
    #expect(await bench.request(.patch, Self.general, ["nsfw": true]).status == 200)
    bench.time.advance(by: .seconds(600))
    #expect(await bench.request(.patch, Self.general, ["topic": "c"]).status == 200)
  }

  @Test func aScriptedSlidingLimitComesBackOneByOne() async throws {
    let bench = Bench { $0.rateLimits = true }
    _ = try await bench.world.changeLimit([
      "method": "GET", "path": "/users/:user_id", "limit": 4, "window": 8_000, "sliding": true,
    ])
    let path = "/users/\(Self.nadia)"
    for left in [3, 2, 1, 0] {
      let response = await bench.request(.get, path)
      #expect(response.headers["X-RateLimit-Remaining"] == "\(left)")
      #expect(response.headers["X-RateLimit-Reset-After"] == "\((4 - left) * 2).000")
    }
    #expect(await bench.request(.get, path).body?["retry_after"] == 2.0)
    bench.time.advance(by: .seconds(2))
    #expect(await bench.request(.get, path).headers["X-RateLimit-Remaining"] == "0")
    #expect(await bench.request(.get, path).status == 429)
    await #expect(throws: ControlError.self) { _ = try await bench.world.changeLimit(["method": "GET", "path": "/x"]) }
  }
}

extension World {
  fileprivate func takeFromEveryone() -> Bool {
    guard var guild = guilds[Self.guildID] else { return false }
    for index in guild.roles.indices where guild.roles[index].botID == nil {
      guild.roles[index].permissions = []
    }
    guilds[Self.guildID] = guild
    return true
  }
}
