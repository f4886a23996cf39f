import Platform

/// What an authorization gave. See `developers/topics/oauth2`.
public struct OAuth2Token: Sendable, JSONDecodable {
  public let accessToken: Secret<String>
  /// Not for client credentials.
  public let refreshToken: Secret<String>?
  /// Seconds from now.
  public let expiresIn: Int
  public let scopes: [String]

  public init(json: JSONView) throws {
    accessToken = Secret(try json.decode("access_token", as: String.self))
    refreshToken = try json.decodeIfPresent("refresh_token", as: String.self).map { Secret($0) }
    expiresIn = try json.decode("expires_in")
    scopes = try json.decode("scope", as: String.self).split(separator: " ").map(String.init)
  }
}

/// Whom an access token speaks for.
public struct OAuth2Authorization: Sendable, JSONDecodable {
  public let applicationID: Snowflake
  public let scopes: [String]
  public let expires: Timestamp
  /// Only with the scope `identify`.
  public let user: User?

  public init(json: JSONView) throws {
    guard let application = json["application"] else { throw DecodingFailure(path: ["application"], reason: "missing") }
    applicationID = try application.decode("id")
    scopes = try json.decodeList("scopes")
    expires = try json.decode("expires")
    user = try json.decodeIfPresent("user")
  }
}

/// A guild as `/users/@me/guilds` lists it.
public struct PartialGuild: Sendable, Identifiable, JSONDecodable {
  public let id: Snowflake
  public let name: String
  public let icon: String?
  public let isOwner: Bool
  public let permissions: Permissions

  public init(json: JSONView) throws {
    id = try json.decode("id")
    name = try json.decode("name")
    icon = try json.decodeIfPresent("icon")
    isOwner = json.flag("owner")
    permissions = try json.decodeIfPresent("permissions") ?? []
  }
}

/// Who may use a command in a guild. See `application-commands`, "Permissions".
public struct CommandPermissions: Sendable, JSONDecodable {
  public struct Entry: Sendable, Hashable, Encodable, JSONDecodable {
    public enum Kind: Int, Sendable, Encodable { case role = 1, user, channel }
    /// A role, user or channel; the guild's id stands for everyone, the guild's id minus one for all channels.
    public let id: Snowflake
    public let kind: Kind
    public let isAllowed: Bool

    public init(id: Snowflake, kind: Kind, isAllowed: Bool) {
      self.id = id
      self.kind = kind
      self.isAllowed = isAllowed
    }

    enum CodingKeys: String, CodingKey {
      case id
      case kind = "type"
      case isAllowed = "permission"
    }

    public init(json: JSONView) throws {
      id = try json.decode("id")
      let number: Int = try json.decode("type")
      guard let kind = Kind(rawValue: number) else { throw DecodingFailure(path: ["type"], reason: "is \(number)") }
      self.kind = kind
      isAllowed = try json.decode("permission")
    }
  }

  /// The command, or the application for all of its commands.
  public let id: Snowflake
  public let guildID: Snowflake
  public let permissions: [Entry]

  public init(json: JSONView) throws {
    id = try json.decode("id")
    guildID = try json.decode("guild_id")
    permissions = try json.decodeList("permissions")
  }
}
