import Core
import Platform
import Storage

/// The id of a kill: a number, written `kill_123`.
public struct KillID: RawRepresentable, Hashable, Sendable, LosslessStringConvertible, DatabaseValueConvertible {
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }

  /// Nil unless the text is `kill_` and a number.
  public init?(_ text: String) {
    guard text.hasPrefix("kill_"), text.count <= 24, let number = Int64(text.dropFirst(5)), number > 0,
      "kill_\(number)" == text
    else { return nil }
    rawValue = number
  }

  public var description: String { "kill_\(rawValue)" }
}

/// Where a kill is known from.
public enum KillSource: String, Sendable, CaseIterable, DatabaseValueConvertible {
  /// A program with an API key, or a login.
  case api
  /// A log that somebody gave us.
  case log
  /// A person's word.
  case report
}

extension KillKind: DatabaseValueConvertible {
  /// Whether it is a kill of the killer's.
  var isKill: Bool { self == .pvp || self == .pve }
  /// Whether a player died.
  var isDeath: Bool { self != .pve }
}

/// One side of a kill, as the viewer may see it.
public struct KillParty: Sendable, Equatable {
  /// Nil for somebody of the game, or if hidden.
  public var playerID: Int64?
  /// The account, if one is behind it.
  public var user: UserID?
  public var name: String
  public var avatarURL: String?
  /// The player keeps private who they are.
  public var isHidden: Bool

  /// What stands for a player who is private.
  public static let hidden = KillParty(
    playerID: nil, user: nil, name: "Private player", avatarURL: nil, isHidden: true)
}

/// A recorded kill, as the viewer may see it.
public struct Kill: Sendable, Equatable {
  /// The server of a kill that names none.
  public static let defaultServer = "default-server"

  public var id: KillID
  public var killer: KillParty
  public var victim: KillParty
  /// A guild's id, or ``defaultServer``.
  public var serverID: String
  public var weapon: String?
  public var location: String?
  public var occurredAt: Timestamp
  public var recordedAt: Timestamp
  public var updatedAt: Timestamp
  public var kind: KillKind
  /// From 0 to 1: how sure the source is.
  public var confidence: Double
  public var source: KillSource
  /// Whether a second reporter told the same.
  public var isConfirmed: Bool
  /// Who reported it; nil for viewers who have no part in it.
  public var reporter: UserID?
  /// What the reporter gave beside the documented fields; nil for viewers who have no part in it.
  public var details: JSON?

  public var isPvP: Bool { kind == .pvp }
  public var isSuicide: Bool { kind == .suicide }
  public var isEnvironmental: Bool { kind == .environment }
  public var guildID: GuildID? { GuildID(serverID) }
}

/// Who looks or acts, as far as kills are concerned.
public struct KillViewer: Sendable {
  public var user: UserID?
  public var isAdmin: Bool
  /// Asked only for the guild of a kill that is to be changed.
  public var manages: @Sendable (GuildID) async -> Bool
  /// Whether the viewer is a member; asked only for guilds that are private.
  public var belongs: @Sendable (GuildID) async -> Bool

  public init(
    user: UserID?, isAdmin: Bool = false, manages: @escaping @Sendable (GuildID) async -> Bool = { _ in false },
    belongs: @escaping @Sendable (GuildID) async -> Bool = { _ in false }
  ) {
    self.user = user
    self.isAdmin = isAdmin
    self.manages = manages
    self.belongs = belongs
  }

  public static let anonymous = KillViewer(user: nil)
}

/// What is wrong with a request about kills, in the caller's terms.
public enum KillError: Error, Sendable, Equatable, CustomStringConvertible {
  case invalid(field: String, reason: String)
  case notFound
  /// Somebody else's, or a player who is private.
  case forbidden
  /// The handle is proved to be somebody else's.
  case handleTaken
  /// The server switched that part off.
  case off(ServerFeature)

  public var description: String {
    switch self {
    case .invalid(let field, let reason): "\(field): \(reason)"
    case .notFound: "there is no such kill"
    case .forbidden: "this is somebody else's"
    case .handleTaken: "this handle belongs to somebody else"
    case .off(.killTracker): "the kill tracker is switched off in this server"
    case .off(.leaderboard): "the leaderboards of this server are switched off"
    case .off(.notifications): "notifications are switched off in this server"
    }
  }
}

extension Kill {
  static let columns = """
    k.id, k.occurred_at, k.recorded_at, k.updated_at, k.server_id, k.killer_id, k.killer_name, k.victim_id, k.victim_name,
    k.kind, k.confidence, k.source, k.reporter, k.confirmed_by, k.details, w.name AS weapon, l.name AS location,
    a.user_id AS killer_user, a.privacy AS killer_privacy, b.user_id AS victim_user, b.privacy AS victim_privacy,
    c.avatar_url AS killer_avatar, d.avatar_url AS victim_avatar
    """
  static let joins = """
    LEFT JOIN kill_names w ON w.id = k.weapon_id LEFT JOIN kill_names l ON l.id = k.location_id
    LEFT JOIN players a ON a.id = k.killer_id LEFT JOIN players b ON b.id = k.victim_id
    LEFT JOIN users c ON c.id = a.user_id LEFT JOIN users d ON d.id = b.user_id
    """

  static func find(_ id: KillID, for viewer: KillViewer, in transaction: ReadTransaction) throws -> Kill? {
    try transaction.queryOne("SELECT \(columns) FROM kills k \(joins) WHERE k.id = $1", id) {
      try Kill($0, for: viewer)
    }
  }

  /// Reads a row of ``columns`` by their places.
  /// - Parameter involved: gets who took part or told of it, and so sees more than others.
  init(_ row: PassingRow, for viewer: KillViewer, involved: inout Set<UserID>) throws {
    func need<Value>(_ value: Value?, _ column: String) throws -> Value {
      guard let value else { throw DatabaseError(.decoding, "a kill's column \"\(column)\" cannot be read") }
      return value
    }
    let killerUser = row.text(17).flatMap { UserID($0) }
    let victimUser = row.text(19).flatMap { UserID($0) }
    let reporter = try need(row.text(12).flatMap { UserID($0) }, "reporter")
    for user in [killerUser, victimUser, reporter] {
      if let user { involved.insert(user) }
    }
    let isInvolved = viewer.isAdmin || viewer.user.map { [killerUser, victimUser, reporter].contains($0) } ?? false
    func party(id: Int, user: UserID?, privacy: Int, avatar: Int) throws -> KillParty {
      let isPrivate = try row.text(privacy).map { try need(Privacy(rawValue: $0), "privacy") } == .private
      if isPrivate, !isInvolved { return .hidden }
      return KillParty(
        playerID: row.integer(id), user: user, name: try need(row.text(id + 1), "name"), avatarURL: row.text(avatar),
        isHidden: false)
    }
    func time(_ column: Int) throws -> Timestamp {
      Timestamp(milliseconds: try need(row.integer(column), "time"))
    }
    self.init(
      id: KillID(rawValue: try need(row.integer(0), "id")),
      killer: try party(id: 5, user: killerUser, privacy: 18, avatar: 21),
      victim: try party(id: 7, user: victimUser, privacy: 20, avatar: 22), serverID: try need(row.text(4), "server_id"),
      weapon: row.text(15), location: row.text(16), occurredAt: try time(1), recordedAt: try time(2),
      updatedAt: try time(3), kind: try need(row.text(9).flatMap { KillKind(rawValue: $0) }, "kind"),
      confidence: Double(try need(row.integer(10), "confidence")) / 100,
      source: try need(row.text(11).flatMap { KillSource(rawValue: $0) }, "source"), isConfirmed: row.text(13) != nil,
      reporter: isInvolved ? reporter : nil,
      details: isInvolved ? try row.text(14).map { try need(JSON(databaseValue: .text($0)), "details") } : nil)
  }

  /// Reads a row of ``columns`` for that viewer.
  init(_ row: Row, for viewer: KillViewer) throws {
    let killerUser: UserID? = try row["killer_user"]
    let victimUser: UserID? = try row["victim_user"]
    let reporter: UserID = try row["reporter"]
    // Whoever took part, or told of it, knows who was there.
    let isInvolved = viewer.isAdmin || viewer.user.map { [killerUser, victimUser, reporter].contains($0) } ?? false
    func party(_ side: String, _ user: UserID?) throws -> KillParty {
      let privacy: Privacy? = try row["\(side)_privacy"]
      if privacy == .private, !isInvolved { return .hidden }
      return KillParty(
        playerID: try row["\(side)_id"], user: user, name: try row["\(side)_name"],
        avatarURL: try row["\(side)_avatar"],
        isHidden: false)
    }
    self.init(
      id: try row["id"], killer: try party("killer", killerUser), victim: try party("victim", victimUser),
      serverID: try row["server_id"], weapon: try row["weapon"], location: try row["location"],
      occurredAt: try row["occurred_at"], recordedAt: try row["recorded_at"], updatedAt: try row["updated_at"],
      kind: try row["kind"], confidence: Double(try row.value("confidence", as: Int.self)) / 100,
      source: try row["source"], isConfirmed: try row.value("confirmed_by", as: String?.self) != nil,
      reporter: isInvolved ? reporter : nil, details: isInvolved ? try row["details"] : nil)
  }
}
