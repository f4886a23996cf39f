import Platform
import Testing

@testable import Gateway

@Suite struct GuildCacheTests {
  private final class Rig {
    let cache: GuildCache
    let pipeline: GatewayPipeline
    let metrics = Metrics()
    private var sequence = 1

    init(_ kinds: CacheKinds, shard: ShardID = ShardID(0, of: 1)) throws {
      cache = GuildCache(kinds)
      pipeline = GatewayPipeline(
        shard: shard, compression: .none, dispatcher: EventDispatcher(log: .silent, metrics: metrics), cache: cache,
        log: .silent, metrics: metrics)
      try receive("READY", Self.ready)
    }

    static let ready = #"""
      {"v":10,"user":{"id":"1","username":"bot"},"session_id":"S","application":{"id":"2"},
       "guilds":[{"id":"100","unavailable":true}]}
      """#

    func receive(_ name: String, _ data: String) throws {
      sequence += 1
      _ = try pipeline.receive(#"{"t":"\#(name)","s":\#(sequence),"op":0,"d":\#(data)}"#)
    }

    var failures: Int { metrics.render().components(separatedBy: "gateway_event_decode_failures_total{").count - 1 }
  }

  private static let everything: CacheKinds = [.guilds, .channels, .roles, .members, .voiceStates, .presences]

  private static let guild = #"""
    {"id":"100","name":"Org","owner_id":"9","member_count":3,"large":false,"features":["COMMUNITY","VERY_LONG_FEATURE"],
     "icon":"i","preferred_locale":"de","joined_at":"2024-01-01T00:00:00+00:00",
     "roles":[{"id":"100","name":"@everyone","permissions":"1024"},
              {"id":"7","name":"Mod","color":255,"position":3,"permissions":"8","hoist":true,"managed":true,
               "mentionable":true}],
     "channels":[{"id":"6","type":77,"name":"new"},
                 {"id":"5","type":0,"name":"general","topic":"t","parent_id":"4","position":2,"nsfw":true,
                  "permission_overwrites":[{"id":"7","type":0,"allow":"8","deny":"0"}]}],
     "threads":[{"id":"50","type":11,"name":"thread","parent_id":"5"},{"id":"51","type":11,"parent_id":"6"}],
     "members":[{"user":{"id":"8","username":"else","global_name":"Else","discriminator":"0","avatar":"x"},"roles":[]},
                {"user":{"id":"1","username":"bot","bot":true},"roles":["7"]}],
     "voice_states":[{"user_id":"8","channel_id":"6","self_mute":true},{"user_id":"1","channel_id":null}],
     "presences":[{"user":{"id":"8"},"status":"dnd"},{"user":{"id":"1"},"status":"offline"}]}
    """#

  @Test func followsAGuildThroughItsEvents() throws {
    let rig = try Rig(.standard)
    let cache = rig.cache
    #expect(cache.guildCount == 0 && cache.isUnavailable(100))
    try rig.receive("GUILD_CREATE", Self.guild)
    #expect(cache.guildCount == 1 && cache.guildIDs == [100] && !cache.isUnavailable(100))
    #expect(cache.memberCount == 3)
    #expect(cache.botID == 1)
    let guild = try #require(cache.guild(100))
    #expect(guild.members.map(\.user?.id) == [1], "of the members only the bot is kept")
    #expect(guild.name == "Org" && guild.icon == "i" && guild.ownerID == 9 && guild.preferredLocale == "de")
    #expect(guild.features == ["COMMUNITY", "VERY_LONG_FEATURE"] && guild.joinedAt != nil && !guild.isLarge)
    #expect(guild.roles.map(\.id) == [7, 100] && guild.channels.map(\.id) == [5, 6])
    #expect(cache.channel(6, in: 100)?.type == ChannelType(rawValue: 77))
    #expect(
      cache.role(7, in: 100)
        == Role(
          id: 7, name: "Mod", color: 255, position: 3, permissions: .administrator, isHoisted: true, isManaged: true,
          isMentionable: true))
    #expect(
      cache.channel(5, in: 100)
        == Channel(
          id: 5, type: .guildText, guildID: 100, name: "general", topic: "t", parentID: 4, position: 2, isNSFW: true,
          permissionOverwrites: [PermissionOverwrite(id: 7, kind: .role, allow: .administrator, deny: [])]))

    try rig.receive("GUILD_MEMBER_ADD", #"{"guild_id":"100","user":{"id":"3","username":"c"},"roles":[]}"#)
    #expect(cache.memberCount == 4 && cache.cachedMemberCount(in: 100) == 0)
    try rig.receive("GUILD_MEMBER_REMOVE", #"{"guild_id":"100","user":{"id":"3","username":"c"}}"#)
    #expect(cache.memberCount == 3)
    try rig.receive(
      "GUILD_MEMBER_UPDATE", #"{"guild_id":"100","user":{"id":"1","username":"bot"},"roles":["100"],"nick":"B"}"#)
    #expect(cache.member(1, in: 100)?.nick == "B" && cache.member(1, in: 100)?.roles == [100])
    try rig.receive("GUILD_ROLE_CREATE", #"{"guild_id":"100","role":{"id":"70","name":"New","permissions":"8"}}"#)
    #expect(cache.role(70, in: 100)?.permissions == .administrator)
    try rig.receive("GUILD_ROLE_UPDATE", #"{"guild_id":"100","role":{"id":"7","name":"Mods","permissions":"0"}}"#)
    #expect(cache.role(7, in: 100)?.name == "Mods")
    try rig.receive("GUILD_ROLE_DELETE", #"{"guild_id":"100","role_id":"7"}"#)
    #expect(cache.role(7, in: 100) == nil)
    try rig.receive("CHANNEL_CREATE", #"{"id":"60","guild_id":"100","type":0,"name":"more"}"#)
    try rig.receive("CHANNEL_UPDATE", #"{"id":"5","guild_id":"100","type":0,"name":"lobby"}"#)
    #expect(cache.channel(5, in: 100)?.name == "lobby" && cache.channel(60, in: 100)?.name == "more")
    try rig.receive("GUILD_UPDATE", #"{"id":"100","name":"Org 2","owner_id":"9","roles":[],"features":[]}"#)
    #expect(cache.guild(100)?.name == "Org 2" && cache.guild(100)?.roles == [])
    #expect(cache.guild(100)?.channels.count == 3, "GUILD_UPDATE brings no channels")
    try rig.receive("CHANNEL_CREATE", #"{"id":"99","type":1}"#)
    #expect(cache.guild(100)?.channels.count == 3, "a direct conversation belongs to no guild")
    try rig.receive("GUILD_DELETE", #"{"id":"100","unavailable":true}"#)
    #expect(cache.guildCount == 0 && cache.isUnavailable(100))
    try rig.receive("CHANNEL_CREATE", #"{"id":"61","guild_id":"100","type":0}"#)
    try rig.receive("GUILD_DELETE", #"{"id":"100"}"#)
    #expect(!cache.isUnavailable(100) && rig.failures == 0)
  }

  @Test func followsThreads() throws {
    let rig = try Rig(.standard)
    try rig.receive("GUILD_CREATE", Self.guild)
    func threads() -> [Snowflake] { rig.cache.guild(100)?.threads.map(\.id) ?? [] }
    #expect(threads() == [50, 51])
    try rig.receive("THREAD_CREATE", #"{"id":"55","guild_id":"100","type":11,"name":"t","parent_id":"5"}"#)
    #expect(rig.cache.channel(55, in: 100)?.name == "t")
    try rig.receive("THREAD_UPDATE", #"{"id":"55","guild_id":"100","type":11,"thread_metadata":{"archived":true}}"#)
    #expect(threads() == [50, 51])
    try rig.receive("THREAD_DELETE", #"{"id":"51","guild_id":"100","parent_id":"6","type":11}"#)
    #expect(threads() == [50])
    try rig.receive(
      "THREAD_LIST_SYNC",
      #"{"guild_id":"100","channel_ids":["6"],"threads":[{"id":"52","type":11,"parent_id":"6"}],"members":[]}"#)
    #expect(threads() == [50, 52], "of other channels nothing is said")
    try rig.receive("THREAD_LIST_SYNC", #"{"guild_id":"100","threads":[{"id":"53","type":11,"parent_id":"6"}]}"#)
    #expect(threads() == [53])
    try rig.receive("CHANNEL_DELETE", #"{"id":"6","guild_id":"100","type":0}"#)
    #expect(threads() == [] && rig.cache.channel(6, in: 100) == nil)
  }

  @Test func followsMembersAndWhatTheyDo() throws {
    let rig = try Rig(Self.everything)
    let cache = rig.cache
    try rig.receive("GUILD_CREATE", Self.guild)
    #expect(cache.members(in: 100).map(\.user?.username) == ["bot", "else"])
    #expect(cache.member(8, in: 100)?.user?.avatar == "x", "an unusual hash is kept as it is")
    #expect(cache.voiceStates(in: 100).map(\.userID) == [8] && cache.voiceState(of: 8, in: 100)?.isMuted == true)
    #expect(cache.status(of: 8, in: 100) == .doNotDisturb && cache.status(of: 1, in: 100) == nil)
    let text = #"""
      {"guild_id":"100","user":{"id":"3","username":"carl","global_name":"Carl","discriminator":"0042",
       "avatar":"a_0123456789abcdef00000000000000ff","bot":true},"roles":["7","100"],"nick":"C",
       "avatar":"fedcba98765432100000000000000001","joined_at":"2024-01-01T00:00:00.123000+00:00",
       "premium_since":"2025-01-01T00:00:00+00:00","pending":true,"mute":true,"deaf":true,
       "communication_disabled_until":"2026-01-01T00:00:00+00:00"}
      """#
    try rig.receive("GUILD_MEMBER_ADD", text)
    let expected = try JSONParser().parse(Array(text.utf8)) { try Member(json: $0) }
    #expect(cache.member(3, in: 100) == expected)
    #expect(cache.memberCount == 4)
    try rig.receive("GUILD_MEMBER_UPDATE", #"{"guild_id":"100","user":{"id":"3","username":"carla"},"roles":[]}"#)
    #expect(cache.member(3, in: 100) == Member(user: User(id: 3, username: "carla")))
    let chunk = (10..<30).map { #"{"user":{"id":"\#($0)","username":"u\#($0)"},"roles":["\#($0 % 2 + 7)"]}"# }
    try rig.receive(
      "GUILD_MEMBERS_CHUNK",
      #"{"guild_id":"100","members":[\#((chunk + [chunk[3]]).shuffled().joined(separator: ","))],"#
        + #""presences":[{"user":{"id":"12"},"status":"idle"},{"user":{"id":"8"},"status":"offline"}]}"#)
    #expect(cache.members(in: 100).map { $0.user?.id.rawValue } == [1, 3, 8] + Array(10..<30))
    #expect(cache.member(11, in: 100)?.roles == [8] && cache.member(12, in: 100)?.roles == [7])
    #expect(cache.status(of: 12, in: 100) == .idle && cache.status(of: 8, in: 100) == nil)
    try rig.receive("PRESENCE_UPDATE", #"{"guild_id":"100","user":{"id":"8"},"status":"online"}"#)
    #expect(cache.status(of: 8, in: 100) == .online)
    try rig.receive("PRESENCE_UPDATE", #"{"guild_id":"100","user":{"id":"8"},"status":"somewhere"}"#)
    #expect(cache.status(of: 8, in: 100) == nil)
    try rig.receive("VOICE_STATE_UPDATE", #"{"guild_id":"100","user_id":"3","channel_id":"6","deaf":true}"#)
    #expect(cache.voiceState(of: 3, in: 100)?.isDeafened == true)
    try rig.receive("VOICE_STATE_UPDATE", #"{"guild_id":"100","user_id":"8","channel_id":null}"#)
    #expect(cache.voiceStates(in: 100).map(\.userID) == [3])
    try rig.receive("PRESENCE_UPDATE", #"{"guild_id":"100","user":{"id":"3"},"status":"idle"}"#)
    try rig.receive("GUILD_MEMBER_REMOVE", #"{"guild_id":"100","user":{"id":"3"}}"#)
    #expect(cache.member(3, in: 100) == nil && cache.voiceState(of: 3, in: 100) == nil)
    #expect(cache.status(of: 3, in: 100) == nil && cache.memberCount == 3 && rig.failures == 0)
  }

  @Test func whatIsNotChosenIsNeitherKeptNorRead() throws {
    for kind in CacheKinds.names.map(\.kind) {
      let rig = try Rig(kind)
      let cache = rig.cache
      try rig.receive("GUILD_CREATE", Self.guild)
      #expect(cache.guildCount == 1 && cache.member(1, in: 100) != nil, "guilds come with everything")
      #expect((cache.guild(100)?.channels.isEmpty == false) == (kind == .channels))
      #expect((cache.guild(100)?.threads.isEmpty == false) == (kind == .channels))
      #expect((cache.guild(100)?.roles.isEmpty == false) == (kind == .roles))
      #expect((cache.cachedMemberCount(in: 100) == 2) == (kind == .members))
      #expect((cache.voiceStates(in: 100).count == 1) == (kind == .voiceStates))
      #expect((cache.status(of: 8, in: 100) != nil) == (kind == .presences))
      let table = EventTable(feeds: [], cache: cache)
      func isWanted(_ name: String) -> Bool {
        Array(name.utf8).withUnsafeBufferPointer { table[$0] }?.isWanted ?? false
      }
      #expect(isWanted("CHANNEL_UPDATE") == (kind == .channels) && isWanted("THREAD_LIST_SYNC") == (kind == .channels))
      #expect(isWanted("GUILD_ROLE_UPDATE") == (kind == .roles))
      #expect(isWanted("GUILD_MEMBERS_CHUNK") == (kind == .members || kind == .presences))
      #expect(isWanted("VOICE_STATE_UPDATE") == (kind == .voiceStates))
      #expect(isWanted("PRESENCE_UPDATE") == (kind == .presences))
      #expect(!isWanted("MESSAGE_CREATE"))
    }
  }

  @Test func aNewSessionForgetsTheGuildsThatItDoesNotName() throws {
    let rig = try Rig(.standard, shard: ShardID(0, of: 2))
    // 100 and 200 are guilds of shard 0, 1 << 22 is one of shard 1.
    for id in ["100", "200", String(1 << 22)] {
      try rig.receive("GUILD_CREATE", #"{"id":"\#(id)","name":"Org","owner_id":"9"}"#)
    }
    #expect(rig.cache.guildCount == 3)
    try rig.receive("READY", Rig.ready)
    #expect(Set(rig.cache.guildIDs) == [100, Snowflake(rawValue: 1 << 22)])
  }

  /// Nothing of an event that cannot be read is taken over.
  @Test(arguments: [
    ("GUILD_CREATE", #"{"id":"100","name":"New","owner_id":"9","channels":[{"id":"5","type":0},{"id":"x","type":0}]}"#),
    ("GUILD_CREATE", #"{"id":"100","name":"New","owner_id":"9","presences":[{"user":{}}]}"#),
    ("GUILD_UPDATE", #"{"id":"100","name":"New","owner_id":"9","roles":[{"id":"7"}]}"#),
    ("GUILD_MEMBERS_CHUNK", #"{"guild_id":"100","members":[{"user":{"id":"20","username":"u"}}],"presences":[{}]}"#),
    ("THREAD_LIST_SYNC", #"{"guild_id":"100","threads":[{"id":"50","type":11},{"id":"5"}]}"#),
    ("GUILD_MEMBER_REMOVE", #"{"guild_id":"100","user":{"username":"u"}}"#),
    ("VOICE_STATE_UPDATE", #"{"guild_id":"100","channel_id":"5"}"#),
  ])
  func halfAnEventChangesNothing(name: String, data: String) throws {
    let rig = try Rig(Self.everything)
    try rig.receive("GUILD_CREATE", Self.guild)
    let before = (rig.cache.guild(100), rig.cache.members(in: 100), rig.cache.voiceStates(in: 100))
    try rig.receive(name, data)
    #expect(rig.failures == 1)
    #expect(rig.cache.guild(100) == before.0 && rig.cache.members(in: 100) == before.1)
    #expect(rig.cache.voiceStates(in: 100) == before.2 && rig.cache.memberCount == 3)
  }
}

@Suite struct CacheStorageTests {
  @Test func aTableOfMembersAgreesWithADictionary() {
    let random = SeededRandom(seed: 5)
    var table = MemberTable()
    var model: [Snowflake: Member] = [:]
    func member(_ id: UInt64) -> Member {
      Member(
        user: User(id: Snowflake(rawValue: id), username: "u\(random.integer(below: 100))"),
        nick: random.integer(below: 2) == 0 ? nil : "n\(random.integer(below: 5))",
        roles: (0..<random.integer(below: 3)).map { Snowflake(rawValue: UInt64($0 + random.integer(below: 3))) }
          .sorted())
    }
    for _ in 0..<400 {
      switch random.integer(below: 4) {
      case 0:
        let id = Snowflake(rawValue: UInt64(random.integer(below: 60)))
        table.remove(id)
        model[id] = nil
      default:
        let members = (0..<random.integer(below: 20)).map { _ in member(UInt64(random.integer(below: 60))) }
        table.put(members)
        for member in members { if let id = member.user?.id { model[id] = member } }
      }
      #expect(table.count == model.count)
      for id in 0..<60 { #expect(table[Snowflake(rawValue: UInt64(id))] == model[Snowflake(rawValue: UInt64(id))]) }
      #expect(table.all == model.values.sorted { ($0.user?.id ?? 0) < ($1.user?.id ?? 0) })
    }
    table.put([Member(user: nil)])
    #expect(table.count == model.count, "nobody can ask for a member without an account")
  }

  @Test func roleSetsAreSharedAndForgotten() {
    var sets = RoleSets()
    let first = sets.intern([3, 1, 2])
    #expect(sets.intern([2, 3, 1]) == first && sets[first] == [1, 2, 3] && sets.count == 1)
    #expect(sets.intern([]) == RoleSets.none && sets[RoleSets.none] == [])
    sets.release(first)
    #expect(sets[first] == [1, 2, 3])
    sets.release(first)
    #expect(sets.count == 0)
    #expect(sets.intern([9]) == first, "the place is used again")
    sets.release(RoleSets.none)
    #expect(sets.count == 1)
  }

  @Test(arguments: ["0123456789abcdef0123456789abcdef", "a_ffffffffffffffff0000000000000000"])
  func imageNamesArePacked(text: String) { #expect(ImageHash(text)?.text == text) }

  @Test(arguments: ["", "a_", "0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcde", "x"])
  func otherImageNamesAreNot(text: String) { #expect(ImageHash(text) == nil) }

  @Test func listsAreSortedAndTheLastOfTheSameCounts() {
    var list = SortedList([3, 1, 3].map { CachedRole(Role(id: $0, name: "first")) })
    #expect(list.elements.map(\.id) == [1, 3])
    list.put(CachedRole(Role(id: 2, name: "x")))
    list.put(CachedRole(Role(id: 3, name: "last")))
    #expect(list.elements.map(\.id) == [1, 2, 3] && list[3]?.role.name == "last" && list[4] == nil)
    list.remove(1)
    list.remove(9)
    #expect(list.elements.map(\.id) == [2, 3])
  }
}
