import Platform

/// A gateway event by name, and how its payload is read.
public struct EventType<Payload: Sendable>: Sendable {
  /// As Discord writes it: `MESSAGE_CREATE`.
  public let name: String
  /// Reads a payload to the end of a list. In one step, so that the compiler sees the types of Discord's own events here,
  /// where it can make the best of them, whoever subscribes.
  let append: @Sendable (JSONView, Int64, EventOrigin, inout [Dispatched<Payload>]) throws -> Void

  /// - Parameter read: must copy what it keeps; the view ends with the call.
  @inline(__always)
  public init(_ name: String, read: @escaping @Sendable (JSONView) throws -> Payload) {
    self.name = name
    append = { data, sequence, origin, events in
      let payload = try read(data)
      events.append(Dispatched(payload: consume payload, sequence: sequence, origin: origin))
    }
  }
}

extension EventType where Payload: JSONDecodable {
  @inline(__always)
  public init(_ name: String) { self.init(name) { try Payload(json: $0) } }
}

extension EventType where Payload == Ready {
  public static var ready: EventType { EventType("READY") }
}

extension EventType where Payload == Interaction {
  public static var interactionCreate: EventType { EventType("INTERACTION_CREATE") }
}

extension EventType where Payload == Message {
  public static var messageCreate: EventType { EventType("MESSAGE_CREATE") }
}

extension EventType where Payload == Guild {
  /// A guild the bot joined, or one that became available.
  public static var guildCreate: EventType { EventType("GUILD_CREATE") }
  public static var guildUpdate: EventType { EventType("GUILD_UPDATE") }
}

extension EventType where Payload == UnavailableGuild {
  /// The guild is down, or the bot was removed from it.
  public static var guildDelete: EventType { EventType("GUILD_DELETE") }
}

extension EventType where Payload == GuildMemberEvent {
  public static var guildMemberAdd: EventType { EventType("GUILD_MEMBER_ADD") }
  public static var guildMemberUpdate: EventType { EventType("GUILD_MEMBER_UPDATE") }
}

extension EventType where Payload == GuildUserEvent {
  public static var guildMemberRemove: EventType { EventType("GUILD_MEMBER_REMOVE") }
  public static var guildBanAdd: EventType { EventType("GUILD_BAN_ADD") }
  public static var guildBanRemove: EventType { EventType("GUILD_BAN_REMOVE") }
}

extension EventType where Payload == Channel {
  public static var channelCreate: EventType { EventType("CHANNEL_CREATE") }
  public static var channelUpdate: EventType { EventType("CHANNEL_UPDATE") }
  public static var channelDelete: EventType { EventType("CHANNEL_DELETE") }
}

/// The first event of a session.
public struct Ready: Sendable, JSONDecodable {
  /// The bot's own account.
  public let user: User
  public let applicationID: Snowflake
  public let sessionID: String
  /// All guilds of the shard; GUILD_CREATE follows for each that is up.
  public let guilds: [UnavailableGuild]

  public init(json: JSONView) throws {
    user = try json.decode("user")
    applicationID = try json["application"]?.decode("id") ?? user.id
    sessionID = try json.decode("session_id")
    guilds = try json.decodeList("guilds")
  }
}

/// A member of a guild who came or changed.
public struct GuildMemberEvent: Sendable, JSONDecodable {
  public let guildID: Snowflake
  public let member: Member

  public init(json: JSONView) throws {
    guildID = try json.decode("guild_id")
    member = try Member(json: json)
  }
}

/// A user and the guild that something happened in.
public struct GuildUserEvent: Sendable, JSONDecodable {
  public let guildID: Snowflake
  public let user: User

  public init(json: JSONView) throws {
    guildID = try json.decode("guild_id")
    user = try json.decode("user")
  }
}

/// An event as a handler receives it.
public struct Dispatched<Payload: Sendable>: Sendable {
  public let payload: Payload
  /// With ``sessionID`` a name for this event that holds over restarts: after a crash an event can come again.
  public let sequence: Int64
  let origin: EventOrigin

  public var shard: ShardID { origin.shard }
  public var sessionID: String { origin.sessionID }
}
