import Platform

/// Makes gateway events as Discord's documents describe them, the same for the same seed.
struct FrameGenerator {
  enum Kind: String, CaseIterable {
    /// MESSAGE_CREATE of about 1.3 KB.
    case messages
    /// GUILD_CREATE with 1,000 members, about 600 KB.
    case guilds
    /// INTERACTION_CREATE of about 2.6 KB.
    case interactions

    var eventName: String {
      switch self {
      case .messages: "MESSAGE_CREATE"
      case .guilds: "GUILD_CREATE"
      case .interactions: "INTERACTION_CREATE"
      }
    }
  }

  private let random: SeededRandom
  private var sequence: Int64 = 0

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  /// One event as the gateway sends it, envelope included.
  mutating func event(_ kind: Kind) -> JSON {
    sequence += 1
    let data =
      switch kind {
      case .messages: message()
      case .guilds: guild(members: 1_000)
      case .interactions: interaction()
      }
    return ["t": .string(kind.eventName), "s": .integer(sequence), "op": 0, "d": data]
  }

  // MARK: Parts

  private func id() -> JSON { .string(String(900_000_000_000_000_000 + random.next() % 100_000_000_000_000_000)) }

  private func hash() -> JSON {
    let digits = String(random.next(), radix: 16) + String(random.next(), radix: 16)
    return .string(digits + String(repeating: "0", count: 32 - digits.count))
  }

  private static let words = [
    "salvage", "quantum", "Stanton", "hangar", "kill", "cargo", "wing", "patrol", "Hurston", "contract", "medical",
    "the", "a", "at", "with", "we", "meet", "tonight", "squad", "jump", "point", "crew", "für", "\"Kraken\"", "🚀",
  ]

  private func text(words count: Int) -> JSON {
    .string((0..<count).map { _ in Self.words[random.integer(below: Self.words.count)] }.joined(separator: " "))
  }

  private func date() -> JSON {
    .string(
      "2026-0\(1 + random.integer(below: 9))-1\(random.integer(below: 10))T1\(random.integer(below: 10)):20:30.123000+00:00"
    )
  }

  private func user() -> JSON {
    let number = random.integer(below: 1_000_000)
    return [
      "id": id(), "username": .string("pilot\(number)"), "global_name": .string("Pilot \(number)"),
      "discriminator": "0", "avatar": hash(), "avatar_decoration_data": nil, "public_flags": 64, "clan": nil,
      "primary_guild": nil, "display_name_styles": nil, "collectibles": nil,
    ]
  }

  private func member(withUser: Bool) -> JSON {
    var member: JSON = [
      "roles": .array((0..<(1 + random.integer(below: 4))).map { _ in id() }), "premium_since": nil, "pending": false,
      "nick": random.integer(below: 3) == 0 ? text(words: 2) : nil, "mute": false, "deaf": false,
      "joined_at": date(), "flags": 0, "communication_disabled_until": nil, "banner": nil, "avatar": nil,
    ]
    if withUser { member["user"] = user() }
    return member
  }

  private func message() -> JSON {
    [
      "type": 0, "tts": false, "timestamp": date(), "pinned": false, "nonce": id(), "mentions": [],
      "mention_roles": [], "mention_everyone": false, "member": member(withUser: false), "id": id(), "flags": 0,
      "embeds": [
        [
          "type": "rich", "title": text(words: 4), "description": text(words: 18), "color": 3_447_003,
          "fields": [["name": "Ship", "value": text(words: 2), "inline": true]],
        ]
      ], "edited_timestamp": nil, "content": text(words: 24), "components": [], "channel_type": 0, "channel_id": id(),
      "author": user(), "attachments": [], "guild_id": "900000000000000001",
    ]
  }

  private func role(position: Int) -> JSON {
    [
      "version": .integer(Int64(1_700_000_000_000 + position)), "unicode_emoji": nil, "tags": [:],
      "position": .integer(Int64(position)), "permissions": "2251799813685247", "name": text(words: 2),
      "mentionable": false, "managed": false, "id": id(), "icon": nil, "hoist": false, "flags": 0, "color": 0,
      "colors": ["primary_color": 0, "secondary_color": nil, "tertiary_color": nil],
    ]
  }

  private func channel(position: Int) -> JSON {
    [
      "version": .integer(Int64(1_700_000_000_000 + position)), "type": 0, "topic": text(words: 6),
      "rate_limit_per_user": 0, "position": .integer(Int64(position)),
      "permission_overwrites": [["type": 0, "id": id(), "deny": "1024", "allow": "0"]], "parent_id": id(),
      "name": text(words: 2), "last_message_id": id(), "id": id(), "flags": 0, "icon_emoji": nil, "theme_color": nil,
    ]
  }

  private func guild(members count: Int) -> JSON {
    [
      "id": id(), "name": text(words: 3), "icon": hash(), "owner_id": id(), "joined_at": date(), "large": true,
      "unavailable": false, "member_count": .integer(Int64(count)), "preferred_locale": "en-US", "region": "eu",
      "verification_level": 2, "default_message_notifications": 1, "explicit_content_filter": 2, "mfa_level": 1,
      "nsfw": false, "nsfw_level": 0, "premium_tier": 2, "premium_subscription_count": 9, "afk_timeout": 300,
      "afk_channel_id": nil, "system_channel_id": id(), "system_channel_flags": 0, "rules_channel_id": nil,
      "public_updates_channel_id": nil, "description": text(words: 12), "banner": nil, "splash": nil,
      "vanity_url_code": nil, "application_id": nil, "max_members": 500_000, "max_video_channel_users": 25,
      "features": ["COMMUNITY", "NEWS", "SOUNDBOARD"], "emojis": [], "stickers": [], "threads": [], "presences": [],
      "voice_states": [], "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
      "roles": .array((0..<40).map(role)), "channels": .array((0..<60).map(channel)),
      "members": .array((0..<count).map { _ in member(withUser: true) }),
    ]
  }

  private func interaction() -> JSON {
    let target = user()
    let targetID = target["id"]?.string ?? ""
    var invoker = member(withUser: true)
    invoker["permissions"] = "2251799813685247"
    return [
      "version": 1, "type": 2, "token": .string("aW50ZXJhY3Rpb246" + String(repeating: "Zm9vYmFy", count: 25)),
      "member": invoker, "locale": "en-US", "guild_locale": "en-US", "id": id(), "guild_id": "900000000000000001",
      "guild": ["locale": "en-US", "id": "900000000000000001", "features": ["COMMUNITY", "NEWS", "SOUNDBOARD"]],
      "entitlements": [], "entitlement_sku_ids": [], "context": 0, "channel_id": id(), "channel": channel(position: 3),
      "authorizing_integration_owners": ["0": "900000000000000001"], "attachment_size_limit": 10_485_760,
      "application_id": "800000000000000001", "app_permissions": "2251799813685247",
      "data": [
        "type": 1, "name": "pay", "id": id(),
        "resolved": [
          "users": .object(JSON.Object([(targetID, target)])),
          "members": .object(JSON.Object([(targetID, member(withUser: false))])),
        ],
        "options": [
          ["type": 6, "name": "member", "value": .string(targetID)],
          ["type": 4, "name": "amount", "value": .integer(Int64(random.integer(below: 1_000_000)))],
          ["type": 3, "name": "note", "value": text(words: 60)],
        ],
      ],
    ]
  }
}
