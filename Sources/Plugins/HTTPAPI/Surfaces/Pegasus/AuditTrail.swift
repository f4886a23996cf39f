import Core
import FoundationEssentials
import HTTP
import Platform

/// An entry of `GET /api/logs` (Pegasus document).
public struct AuditLine: PrintedDocument, Equatable {
  public var id: String
  public var userID: String
  /// "0" outside of guilds.
  public var guildID: String
  public var action: String
  public var category: String
  /// An object.
  public var details: JSON
  public var createdAt: Timestamp
  /// For admins alone.
  public var ip: String?
  public var userAgent: String?

  enum CodingKeys: String, CodingKey {
    case id, action, category, details, ip
    case userID = "user_id"
    case guildID = "guild_id"
    case userAgent = "user_agent"
    case createdAt = "created_at"
  }

  init(_ record: AuditRecord, isForAdmin: Bool) {
    let entry = record.entry
    id = record.id.uuidString.lowercased()
    userID = entry.userID.description
    guildID = entry.guildID?.description ?? AuditLog.noGuild
    action = entry.action
    category = entry.category
    details = .object(entry.details)
    createdAt = record.createdAt
    ip = isForAdmin ? entry.ip : nil
    userAgent = isForAdmin ? entry.userAgent : nil
  }

  var json: JSON {
    var json: JSON = [
      "id": .string(id), "user_id": .string(userID), "guild_id": .string(guildID), "action": .string(action),
      "category": .string(category), "details": details, "created_at": .string(createdAt.iso8601),
    ]
    json["ip"] = ip.map { .string($0) }
    json["user_agent"] = userAgent.map { .string($0) }
    return json
  }
}

/// What of the log is asked for. The document prints no parameters.
struct AuditQuery: Codable, Sendable, SchemaRuled {
  var limit: Int
  var guildID: String?
  var before: String?

  enum CodingKeys: String, CodingKey {
    case limit, before
    case guildID = "guild_id"
  }

  static let standardLimit = 50
  static let schemaRules: SchemaRules = [
    "limit": .integer("How many entries", in: 1...200, default: .integer(Int64(standardLimit))),
    "guild_id": .text("Only that guild's; 0 for what happened outside of guilds", length: 1...20),
    "before": .text("The id of an entry: what is older than it follows", length: 36...36, format: "uuid"),
  ]

  /// - Throws: ``HTTPError`` 400.
  func guild() throws -> GuildID? {
    try guildID.map { text in
      guard let guild = GuildID(text) else { throw Self.invalid("guild_id", "must be a Discord id") }
      return guild
    }
  }

  func entry() throws -> UUID? {
    try before.map { text in
      guard let id = UUID(uuidString: text) else { throw Self.invalid("before", "must be the id of an entry") }
      return id
    }
  }

  static func invalid(_ field: String, _ message: String) -> HTTPError {
    HTTPError.invalid(.invalidQuery, [HTTPError.Field(path: field, message: message)])
  }
}

extension AuditLog {
  /// The entries that were asked for, newest first.
  /// - Throws: ``HTTPError`` 400 if the query names what there is not; what the database throws.
  func lines(_ query: AuditQuery, isForAdmin: Bool) async throws -> [AuditLine] {
    let guild = try query.guild()
    var last: AuditRecord?
    if let id = try query.entry() {
      last = try await find(id)
      guard last != nil else { throw AuditQuery.invalid("before", "there is no such entry") }
    }
    return try await recent(in: guild, limit: query.limit, after: last).map {
      AuditLine($0, isForAdmin: isForAdmin)
    }
  }
}
