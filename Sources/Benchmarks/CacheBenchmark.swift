import CAllocationCounter
import Gateway
import Platform

/// What the cache takes on the heap: per member of a large guild, and per thousand small guilds without members.
enum CacheBenchmark {
  static func run(_ options: Options) throws {
    let members = try options.number("members", default: 100_000)
    let guilds = try options.number("guilds", default: 1_000)
    let perMember = try measure([.guilds, .members]) { rig in
      try rig.receive("GUILD_CREATE", ["id": "100", "name": "Org", "owner_id": "9"])
      return {
        for start in stride(from: 0, to: members, by: 1_000) {
          let chunk = (start..<min(start + 1_000, members)).map { rig.member($0) }
          try rig.receive("GUILD_MEMBERS_CHUNK", ["guild_id": "100", "members": .array(chunk)])
        }
        return rig.cache.cachedMemberCount(in: 100)
      }
    }
    let perGuild = try measure(.standard) { rig in
      {
        for number in 0..<guilds { try rig.receive("GUILD_CREATE", rig.guild(number)) }
        return rig.cache.guildCount
      }
    }
    let line: JSON = [
      "benchmark": "cache", "members": .integer(Int64(perMember.count)),
      // All names of these members fit into their records: there are no strings beside them.
      "bytesPerMember": .double((Double(perMember.bytes) / Double(perMember.count)).rounded()),
      "guilds": .integer(Int64(perGuild.count)),
      "bytesPerThousandGuilds": .double((Double(perGuild.bytes) / Double(perGuild.count) * 1_000).rounded()),
    ]
    print(line)
  }

  /// - Parameter prepare: sets up, and returns what is measured, which returns how many there are then.
  private static func measure(
    _ kinds: CacheKinds, _ prepare: (Rig) throws -> () throws -> Int
  ) throws -> (bytes: Int, count: Int) {
    let rig = Rig(kinds)
    try rig.warmUp()
    let fill = try prepare(rig)
    let before = adj_heap_in_use()
    let count = try fill()
    return (Int(adj_heap_in_use()) - Int(before), count)
  }

  private final class Rig {
    let cache: GuildCache
    private let pipeline: GatewayPipeline
    private let random = SeededRandom(seed: 3)
    private var sequence: Int64 = 0

    init(_ kinds: CacheKinds) {
      cache = GuildCache(kinds)
      pipeline = GatewayPipeline(
        shard: ShardID(0, of: 1), compression: .none,
        dispatcher: EventDispatcher(log: .silent, metrics: Metrics()), cache: cache, log: .silent, metrics: Metrics())
    }

    /// Everything that is as large as its largest message, once.
    func warmUp() throws {
      for _ in 0..<2 {
        try receive(
          "GUILD_MEMBERS_CHUNK", ["guild_id": "1", "members": .array((0..<1_000).map { member($0) })])
        try receive("GUILD_CREATE", guild(0))
        try receive("GUILD_DELETE", ["id": guild(0)["id"] ?? .null])
      }
    }

    func receive(_ name: String, _ data: JSON) throws {
      sequence += 1
      let event: JSON = ["t": .string(name), "s": .integer(sequence), "op": 0, "d": data]
      try Array(event.serialized().utf8).withUnsafeBufferPointer { payload in
        _ = try pipeline.receive(payload) { _ in true }
      }
    }

    /// Members share few combinations of roles, as people do.
    func member(_ number: Int) -> JSON {
      let roles = random.integer(below: 64)
      return [
        "user": [
          "id": .string(String(200_000_000_000_000_000 + UInt64(number) &* 7_919_000_003 % 700_000_000_000_000_000)),
          "username": .string("pilot\(number)"), "global_name": .string("Pilot \(number)"), "discriminator": "0",
          "avatar": "0123456789abcdef0123456789abcdef",
        ],
        "nick": number % 3 == 0 ? .string("Ace \(number)") : nil, "joined_at": "2024-05-01T10:20:30.123000+00:00",
        "roles": .array((0..<6).filter { roles >> $0 & 1 == 1 }.map { .string(String(300 + $0)) }),
      ]
    }

    /// Eight roles and twelve channels, names as people give them.
    func guild(_ number: Int) -> JSON {
      let base = 400_000_000_000_000_000 + UInt64(number) * 1_000
      return [
        "id": .string(String(base)), "name": .string("Community number \(number)"), "owner_id": "9",
        "icon": "0123456789abcdef0123456789abcdef", "preferred_locale": "en-US", "member_count": 40,
        "joined_at": "2024-05-01T10:20:30.123000+00:00", "features": ["COMMUNITY", "NEWS", "MEMBER_VERIFICATION_GATE"],
        "roles": .array(
          (0..<8).map { role in
            [
              "id": .string(String(base + UInt64(role))), "name": .string("Role of rank \(role)"),
              "permissions": "2251799813685247", "position": .integer(Int64(role)), "color": 255,
            ]
          }),
        "channels": .array(
          (0..<12).map { channel in
            [
              "id": .string(String(base + 100 + UInt64(channel))), "type": 0, "position": .integer(Int64(channel)),
              "name": .string("a-channel-named-\(channel)"), "topic": "What this channel is for and what it is not for",
              "parent_id": .string(String(base + 100)),
              "permission_overwrites": [
                ["id": .string(String(base)), "type": 0, "allow": "0", "deny": "1024"],
                ["id": .string(String(base + 1)), "type": 0, "allow": "1024", "deny": "0"],
              ],
            ]
          }),
      ]
    }
  }
}
