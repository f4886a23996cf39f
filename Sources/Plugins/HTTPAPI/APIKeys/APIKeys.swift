import Core
import Platform
import Storage

/// Makes, lists, changes and checks API keys.
///
/// Who may touch whose keys is the caller's to check (``AccessRule``); every method here works on the keys of one user
/// and finds nothing of others.
public final class APIKeys: Sendable {
  public static let maximumPerUser = 50
  static let nameLimit = 100
  static let playerNameLimit = 64

  private let database: Database
  private let handles: any HandleOwnership
  private let time: any TimeSource
  private let usage: APIKeyUsage
  let memory = APIKeyMemory()

  public init(database: Database, handles: any HandleOwnership, time: any TimeSource, log: Log = .silent) {
    self.database = database
    self.handles = handles
    self.time = time
    usage = APIKeyUsage(database: database, time: time, log: log.labelled("apikeys"))
  }

  // MARK: - Making

  /// - Throws: ``APIKeyError``
  public func create(_ request: APIKeyRequest, for user: UserID) async throws -> NewAPIKey {
    let request = try checked(request)
    let text = try APIKeyText.make()
    let key = try await database.write { [self] in try insert(request, text: text, for: user, in: $0) }
    return NewAPIKey(key: key, text: text)
  }

  /// The user's key for the Kill Tracker application; made where there is none, or none that works.
  ///
  /// An existing key follows the player: it gets the name that is asked for now.
  /// - Returns: the text too if the key is new; nobody can tell it again later.
  public func primary(
    for user: UserID, playerName: String, isLimited: Bool = false
  ) async throws -> (key: APIKey, text: Secret<String>?) {
    let request = try checked(
      APIKeyRequest(kind: .primary, name: "Kill Tracker", playerName: playerName, isLimited: isLimited))
    let text = try APIKeyText.make()
    let now = time.timestamp
    return try await database.write { [self] transaction in
      transaction.afterCommit { [memory] in memory.keysChanged() }
      try transaction.lock("httpapi.keys.\(user)")
      if let known = try Self.select("WHERE user_id = $1 AND kind = 'primary'", [user], in: transaction).first {
        if known.isActive, !known.isExpired(at: now) {
          guard known.playerName != request.playerName else { return (known, nil) }
          try checkHandle(request.playerName, of: user, in: transaction)
          try transaction.execute("UPDATE api_keys SET player_name = $2 WHERE id = $1", known.id, request.playerName)
          var renamed = known
          renamed.playerName = request.playerName
          return (renamed, nil)
        }
        try transaction.execute("DELETE FROM api_keys WHERE id = $1", known.id)
      }
      return (try insert(request, text: text, for: user, in: transaction), text)
    }
  }

  private func insert(
    _ request: APIKeyRequest, text: Secret<String>, for user: UserID, in transaction: Transaction
  ) throws -> APIKey {
    try transaction.lock("httpapi.keys.\(user)")
    try checkHandle(request.playerName, of: user, in: transaction)
    let count = try transaction.query("SELECT id FROM api_keys WHERE user_id = $1 LIMIT $2", user, Self.maximumPerUser)
    {
      try $0.value("id", as: Int64.self)
    }.count
    guard count < Self.maximumPerUser else { throw APIKeyError.tooMany }
    let permissions = request.permissions.isEmpty ? Permission.standard : request.permissions
    let id = try transaction.queryOne(
      """
      INSERT INTO api_keys (
        user_id, kind, name, player_name, bot_name, permissions, hash, is_limited, is_active, created_at, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id
      """, user, request.kind, request.name, request.playerName, request.botName, Self.json(permissions),
      try APIKeyText.hash(text) ?? [], request.isLimited, true, time.timestamp, request.expiresAt
    ) { try $0.value("id", as: APIKeyID.self) }
    guard let id, let key = try Self.select("WHERE id = $1", [id], in: transaction).first else {
      throw DatabaseError(.other, "a new API key cannot be read")
    }
    return key
  }

  private func checkHandle(_ handle: String?, of user: UserID, in transaction: ReadTransaction) throws {
    guard let handle, let owner = try handles.owner(of: handle, in: transaction), owner != user else { return }
    throw APIKeyError.handleTaken
  }

  // MARK: - Keeping

  /// All keys of the user, newest first.
  public func list(of user: UserID) async throws -> [APIKey] {
    let keys = try await database.read {
      try Self.select("WHERE user_id = $1 ORDER BY created_at DESC, id DESC", [user], in: $0)
    }
    return keys.map(usage.withLatestUse)
  }

  public func find(_ id: APIKeyID, of user: UserID) async throws -> APIKey {
    let keys = try await database.read { try Self.select("WHERE id = $1 AND user_id = $2", [id, user], in: $0) }
    guard let key = keys.first else { throw APIKeyError.notFound }
    return usage.withLatestUse(key)
  }

  public func update(_ id: APIKeyID, of user: UserID, _ changes: APIKeyChanges) async throws -> APIKey {
    let name = try changes.name.map(checkedName)
    let key = try await database.write { [memory] transaction in
      transaction.afterCommit { memory.keysChanged() }
      guard var key = try Self.select("WHERE id = $1 AND user_id = $2", [id, user], in: transaction).first else {
        throw APIKeyError.notFound
      }
      key.name = name ?? key.name
      key.isActive = changes.isActive ?? key.isActive
      key.permissions = changes.permissions ?? key.permissions
      try transaction.execute(
        "UPDATE api_keys SET name = $2, is_active = $3, permissions = $4 WHERE id = $1", id, key.name, key.isActive,
        Self.json(key.permissions))
      return key
    }
    return usage.withLatestUse(key)
  }

  /// Ends the key for good.
  public func delete(_ id: APIKeyID, of user: UserID) async throws {
    let count = try await database.write { [memory] transaction in
      transaction.afterCommit { memory.keysChanged() }
      return try transaction.execute("DELETE FROM api_keys WHERE id = $1 AND user_id = $2", id, user)
    }
    guard count == 1 else { throw APIKeyError.notFound }
  }

  /// Ends all keys of a user for good.
  /// - Returns: how many there were.
  public func deleteAll(of user: UserID) async throws -> Int {
    try await database.write { [memory] transaction in
      transaction.afterCommit { memory.keysChanged() }
      return try transaction.execute("DELETE FROM api_keys WHERE user_id = $1", user)
    }
  }

  // MARK: - Checking

  /// The key of that text, if it works: neither unknown, nor switched off, nor expired.
  ///
  /// Asks the database, so that a key ends at once in all processes; where there is but this one, only if something may
  /// have changed. Its `playerName` is nil if the handle was verified as somebody else's since.
  public func authenticate(_ text: Secret<String>) async throws -> APIKey? {
    guard let hash = try APIKeyText.hash(text) else { return nil }
    let now = time.timestamp
    let stamp = database.generation == nil ? nil : memory.stamp(handles: handles.changes)
    if let stamp, let known = memory.find(hash, stamp, at: time.now) {
      guard !known.isExpired(at: now) else { return nil }
      usage.note(known.id, at: now)
      return known
    }
    let key = try await database.read { [handles] transaction -> APIKey? in
      guard var key = try Self.select("WHERE hash = $1", [hash], in: transaction).first, key.isActive,
        !key.isExpired(at: now)
      else { return nil }
      if let handle = key.playerName, let owner = try handles.owner(of: handle, in: transaction), owner != key.userID {
        key.playerName = nil
      }
      return key
    }
    if let key {
      if let stamp { memory.insert(key, for: hash, stamp, at: time.now) }
      usage.note(key.id, at: now)
    }
    return key
  }

  /// Writes down now and then when keys were used, until cancelled.
  public func run() async { await usage.run() }

  /// Writes it down now: before the end of the process.
  public func flushUsage() async throws { try await usage.flush() }

  // MARK: - Rows

  private static func select(
    _ condition: String, _ parameters: [any DatabaseValueConvertible], in transaction: ReadTransaction
  ) throws -> [APIKey] {
    try transaction.query(
      """
      SELECT id, user_id, kind, name, player_name, bot_name, permissions, is_limited, is_active, created_at, expires_at,
        last_used_at
      FROM api_keys \(condition)
      """, parameters: parameters
    ) { row in
      let permissions: JSON = try row["permissions"]
      return APIKey(
        id: try row["id"], userID: try row["user_id"], kind: try row["kind"], name: try row["name"],
        playerName: try row["player_name"], botName: try row["bot_name"],
        permissions: Set((permissions.array ?? []).compactMap { $0.string.flatMap(Permission.init(rawValue:)) }),
        isLimited: try row["is_limited"], isActive: try row["is_active"], createdAt: try row["created_at"],
        expiresAt: try row["expires_at"], lastUsedAt: try row["last_used_at"])
    }
  }

  private static func json(_ permissions: Set<Permission>) -> JSON {
    .array(permissions.map(\.rawValue).sorted().map(JSON.string))
  }

  // MARK: - What people type

  private func checked(_ request: APIKeyRequest) throws -> APIKeyRequest {
    var request = request
    request.name = try checkedName(request.name)
    request.playerName = try request.playerName.map {
      try PlainText.check($0, field: "playerName", limit: Self.playerNameLimit)
    }
    request.botName = try request.botName.map { try PlainText.check($0, field: "botName", limit: Self.nameLimit) }
    if let expiresAt = request.expiresAt, expiresAt <= time.timestamp {
      throw APIKeyError.invalid(field: "expiresAt", reason: "must be in the future")
    }
    return request
  }

  private func checkedName(_ name: String) throws -> String {
    try PlainText.check(name, field: "name", limit: Self.nameLimit)
  }
}

/// One line of text that somebody chose.
enum PlainText {
  /// The text without white space at its ends.
  /// - Parameter limit: the most characters (Unicode scalars).
  static func check(_ text: String, field: String, limit: Int) throws -> String {
    var view = text[...]
    while view.first?.isWhitespace == true { view.removeFirst() }
    while view.last?.isWhitespace == true { view.removeLast() }
    guard !view.isEmpty else { throw APIKeyError.invalid(field: field, reason: "must not be empty") }
    guard view.unicodeScalars.count <= limit else {
      throw APIKeyError.invalid(field: field, reason: "must have at most \(limit) characters")
    }
    guard view.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
      throw APIKeyError.invalid(field: field, reason: "must not contain control characters")
    }
    return String(view)
  }
}
