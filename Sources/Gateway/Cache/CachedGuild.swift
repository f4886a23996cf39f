import Platform

/// A guild as the cache stores it: lists in the order of their ids, and nothing twice.
struct CachedGuild: Sendable {
  let id: Snowflake
  var name: String
  var icon: String?
  var ownerID: Snowflake
  var preferredLocale: String?
  var features: [String]
  var memberCount: Int?
  var joinedAt: Timestamp?
  var isLarge: Bool
  var roles = SortedList<CachedRole>()
  var channels = SortedList<CachedChannel>()
  var threads = SortedList<CachedChannel>()
  /// The bot itself, whose permissions are asked for most.
  var ownMember: Member?
  var members = MemberTable()
  var voiceStates = SortedList<VoiceState>()
  var presences = SortedList<CachedPresence>()

  init(_ guild: Guild) {
    id = guild.id
    name = guild.name
    icon = guild.icon
    ownerID = guild.ownerID
    preferredLocale = guild.preferredLocale
    features = guild.features
    memberCount = guild.memberCount
    joinedAt = guild.joinedAt
    isLarge = guild.isLarge
  }

  /// With the bot as its only member.
  var guild: Guild {
    Guild(
      id: id, name: name, icon: icon, ownerID: ownerID, preferredLocale: preferredLocale, features: features,
      roles: roles.elements.map(\.role), memberCount: memberCount, joinedAt: joinedAt, isLarge: isLarge,
      channels: channels.elements.map { $0.channel(in: id) }, threads: threads.elements.map { $0.channel(in: id) },
      members: ownMember.map { [$0] } ?? [])
  }
}

/// What a guild looks like from outside.
public struct GuildOutline: Sendable, Equatable {
  public let id: Snowflake
  public let name: String
  /// The hash of its icon.
  public let icon: String?
  public let ownerID: Snowflake
  public let memberCount: Int?

  init(_ guild: CachedGuild) {
    id = guild.id
    name = guild.name
    icon = guild.icon
    ownerID = guild.ownerID
    memberCount = guild.memberCount
  }
}

struct CachedRole: Identifiable, Sendable {
  let id: Snowflake
  private let name: String
  private let permissions: Permissions
  private let color: Int32
  private let position: Int32
  private let isHoisted: Bool
  private let isManaged: Bool
  private let isMentionable: Bool

  init(_ role: Role) {
    id = role.id
    name = role.name
    permissions = role.permissions
    color = Int32(clamping: role.color)
    position = Int32(clamping: role.position)
    isHoisted = role.isHoisted
    isManaged = role.isManaged
    isMentionable = role.isMentionable
  }

  var role: Role {
    Role(
      id: id, name: name, color: Int(color), position: Int(position), permissions: permissions, isHoisted: isHoisted,
      isManaged: isManaged, isMentionable: isMentionable)
  }
}

struct CachedChannel: Identifiable, Sendable {
  let id: Snowflake
  /// 0 for none: an id that Discord never gave.
  let parentID: UInt64
  private let name: String?
  private let topic: String?
  private let overwrites: [PermissionOverwrite]
  private let type: Int32
  private let position: Int32?
  private let isNSFW: Bool

  init(_ channel: Channel) {
    id = channel.id
    parentID = channel.parentID?.rawValue ?? 0
    name = channel.name
    topic = channel.topic
    overwrites = channel.permissionOverwrites
    type = Int32(clamping: channel.type.rawValue)
    position = channel.position.map { Int32(clamping: $0) }
    isNSFW = channel.isNSFW
  }

  func channel(in guild: Snowflake) -> Channel {
    Channel(
      id: id, type: ChannelType(rawValue: Int(type)), guildID: guild, name: name, topic: topic,
      parentID: parentID == 0 ? nil : Snowflake(rawValue: parentID), position: position.map(Int.init), isNSFW: isNSFW,
      permissionOverwrites: overwrites)
  }
}

/// Where in a guild somebody speaks. See `developers/resources/voice`.
public struct VoiceState: Sendable, Hashable, JSONDecodable {
  public let userID: Snowflake
  /// Nil when they have left.
  public let channelID: Snowflake?
  /// By themselves or by the guild.
  public let isMuted: Bool
  public let isDeafened: Bool
  public let isStreaming: Bool
  public let hasVideo: Bool

  public init(json: JSONView) throws {
    userID = try json.decode("user_id")
    channelID = try json.decodeIfPresent("channel_id")
    isMuted = json.flag("mute") || json.flag("self_mute") || json.flag("suppress")
    isDeafened = json.flag("deaf") || json.flag("self_deaf")
    isStreaming = json.flag("self_stream")
    hasVideo = json.flag("self_video")
  }
}

extension VoiceState: Identifiable {
  public var id: Snowflake { userID }
}

/// What the member list shows of somebody who is not offline.
public enum OnlineStatus: String, Sendable, Hashable {
  case online, idle
  case doNotDisturb = "dnd"
}

struct CachedPresence: Identifiable, Sendable {
  let id: Snowflake
  let status: OnlineStatus
}

/// Values by their ids, in that order: no memory beside them, and found by halving.
struct SortedList<Element: Identifiable & Sendable>: Sendable where Element.ID == Snowflake {
  private(set) var elements: [Element] = []

  init() {}

  /// Of several with the same id the last counts.
  init(_ elements: [Element]) {
    self.elements.reserveCapacity(elements.count)
    for element in elements.sorted(by: { $0.id < $1.id }) {
      if self.elements.last?.id == element.id { self.elements.removeLast() }
      self.elements.append(element)
    }
  }

  subscript(id: Snowflake) -> Element? {
    let place = place(of: id)
    return place < elements.count && elements[place].id == id ? elements[place] : nil
  }

  mutating func put(_ element: Element) {
    let place = place(of: element.id)
    if place < elements.count, elements[place].id == element.id {
      elements[place] = element
    } else {
      elements.makeRoom()
      elements.insert(element, at: place)
    }
  }

  mutating func remove(_ id: Snowflake) {
    let place = place(of: id)
    if place < elements.count, elements[place].id == id { elements.remove(at: place) }
  }

  mutating func removeAll(where isUnwanted: (Element) -> Bool) { elements.removeAll(where: isUnwanted) }

  /// The first that is not before `id`.
  private func place(of id: Snowflake) -> Int {
    var low = 0
    var high = elements.count
    while low < high {
      let middle = (low + high) / 2
      if elements[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension Array {
  /// Room for one more, growing by an eighth: what a guild has told of once changes little afterwards.
  mutating func makeRoom() {
    if count == capacity { reserveCapacity(count + count / 8 + 4) }
  }
}
