import Platform

/// A thread: a channel with an end. See `developers/resources/channel`, "Thread Metadata Object".
public struct DiscordThread: Sendable, Identifiable, JSONDecodable {
  public let channel: Channel
  public let ownerID: Snowflake?
  public let isArchived: Bool
  /// Only moderators may open it again.
  public let isLocked: Bool
  /// In a private thread: whether others than moderators may add members.
  public let isInvitable: Bool
  /// Of inactivity, until it leaves the list of channels.
  public let autoArchive: AutoArchive?
  public let archiveTimestamp: Timestamp?
  public let messageCount: Int?
  public let memberCount: Int?
  public let appliedTags: [Snowflake]
  /// Only as the answer to the start of one in a forum.
  public let message: Message?

  public var id: Snowflake { channel.id }

  public init(json: JSONView) throws {
    channel = try Channel(json: json)
    ownerID = try json.decodeIfPresent("owner_id")
    let metadata = json["thread_metadata"]
    isArchived = metadata?.flag("archived") ?? false
    isLocked = metadata?.flag("locked") ?? false
    isInvitable = try metadata?.decodeIfPresent("invitable") ?? true
    autoArchive = try metadata?.decodeIfPresent("auto_archive_duration", as: Int.self).flatMap {
      AutoArchive(rawValue: $0)
    }
    archiveTimestamp = try metadata?.decodeIfPresent("archive_timestamp")
    messageCount = try json.decodeIfPresent("message_count")
    memberCount = try json.decodeIfPresent("member_count")
    appliedTags = try json.decodeList("applied_tags")
    message = try json.decodeIfPresent("message")
  }
}

/// Minutes without a message after which a thread is archived.
public enum AutoArchive: Int, Sendable, Encodable {
  case hour = 60
  case day = 1_440
  case threeDays = 4_320
  case week = 10_080
}

public struct ThreadMember: Sendable, JSONDecodable {
  public let userID: Snowflake?
  public let threadID: Snowflake?
  public let joinedAt: Timestamp
  /// Only if asked for.
  public let member: Member?

  public init(json: JSONView) throws {
    userID = try json.decodeIfPresent("user_id")
    threadID = try json.decodeIfPresent("id")
    joinedAt = try json.decode("join_timestamp")
    member = try json.decodeIfPresent("member")
  }
}

/// A page of threads.
public struct ThreadList: Sendable, JSONDecodable {
  public let threads: [DiscordThread]
  /// The bot's own membership, of those it is in.
  public let members: [ThreadMember]
  public let hasMore: Bool

  public init(json: JSONView) throws {
    threads = try json.decodeList("threads")
    members = try json.decodeList("members")
    hasMore = json.flag("has_more")
  }
}

/// What a new thread is to be.
public struct ThreadBody: Sendable, Encodable, CheckedBody {
  /// Up to 100 characters.
  public var name: String
  public var autoArchive: AutoArchive?
  /// Seconds between two messages of one member, up to 21600.
  public var slowmode: Int?
  /// Without a message only: ``ChannelType/publicThread``, ``ChannelType/privateThread``,
  /// ``ChannelType/announcementThread``.
  public var type: ChannelType?
  /// Without a message only.
  public var isInvitable: Bool?
  /// In a forum only; up to 5.
  public var appliedTags: [Snowflake]?
  /// In a forum only, and there needed.
  public var message: MessageBody?

  public init(
    name: String, autoArchive: AutoArchive? = nil, slowmode: Int? = nil, type: ChannelType? = nil,
    isInvitable: Bool? = nil, appliedTags: [Snowflake]? = nil, message: MessageBody? = nil
  ) {
    self.name = name
    self.autoArchive = autoArchive
    self.slowmode = slowmode
    self.type = type
    self.isInvitable = isInvitable
    self.appliedTags = appliedTags
    self.message = message
  }

  enum CodingKeys: String, CodingKey {
    case name, type, message
    case autoArchive = "auto_archive_duration"
    case slowmode = "rate_limit_per_user"
    case isInvitable = "invitable"
    case appliedTags = "applied_tags"
  }

  func check(_ checker: inout BodyChecker) {
    checker.text(name, "name", 1...100)
    checker.number(slowmode, "rate_limit_per_user", 0...21_600)
    checker.count(appliedTags?.count, "applied_tags", 0...5)
    if let message { checker.inside("message") { message.check(&$0) } }
  }
}
