import Platform
import Storage

/// A client as its makers see it.
public struct OAuthClient: Sendable, Equatable {
  public var id: ClientID
  public var name: String
  public var scopes: [String]
  public var createdAt: Timestamp
}

/// Programs that log in as themselves: OAuth 2 client credentials (RFC 6749 section 4.4). Made by admins alone.
public struct OAuthClients: Sendable {
  /// What SkyPANEL has to give.
  public static let allScopes = [
    Permission.readServers, .writeServers, .readUsers, .writeUsers, .readBilling, .writeBilling, .readTickets,
    .writeTickets,
  ].map(\.rawValue)

  /// As RFC 6749 section 5.2 names them.
  public enum Refusal: String, Error, Sendable {
    case invalidClient = "invalid_client"
    case invalidScope = "invalid_scope"
  }

  private let database: Database
  private let time: any TimeSource

  public init(database: Database, time: any TimeSource) {
    self.database = database
    self.time = time
  }

  /// - Returns: the secret too; nobody can tell it again later.
  /// - Throws: ``AccountError/invalid(field:reason:)``
  public func create(name: String, scopes: [String] = allScopes) async throws -> (OAuthClient, secret: Secret<String>) {
    let checkedName: String
    do { checkedName = try PlainText.check(name, field: "name", limit: 100) } catch APIKeyError.invalid(
      let field, let reason)
    {
      throw AccountError.invalid(field: field, reason: reason)
    }
    guard Set(scopes).isSubset(of: Self.allScopes), !scopes.isEmpty else {
      throw AccountError.invalid(field: "scopes", reason: "there are \(Self.allScopes.joined(separator: ", "))")
    }
    let client = OAuthClient(id: try ClientID(), name: checkedName, scopes: scopes, createdAt: time.timestamp)
    let secret = Secret(try Crypto.randomToken())
    let hash = try Crypto.sha256(secret.reveal().utf8)
    try await database.write {
      try $0.execute(
        "INSERT INTO oauth_clients (id, name, secret_hash, scopes, created_at) VALUES ($1, $2, $3, $4, $5)", client.id,
        client.name, hash, JSON.array(client.scopes.map(JSON.string)), client.createdAt)
    }
    return (client, secret)
  }

  /// The scopes of a client that gave its secret: those asked for, or all that it has.
  /// - Parameter scope: as it came, names separated by spaces; nil or empty asks for all.
  /// - Throws: ``Refusal``
  public func authenticate(id: String, secret: Secret<String>, scope: String?) async throws -> (
    ClientID, scopes: [String]
  ) {
    let hash = try Crypto.sha256(secret.reveal().utf8)
    guard let id = ClientID(id) else { throw Refusal.invalidClient }
    let stored = try await database.read { transaction in
      try transaction.queryOne("SELECT secret_hash, scopes FROM oauth_clients WHERE id = $1", id) { row in
        (try row.value("secret_hash", as: [UInt8].self), try row.value("scopes", as: JSON.self))
      }
    }
    guard let stored, Crypto.isEqualInConstantTime(stored.0, hash) else { throw Refusal.invalidClient }
    let granted = (stored.1.array ?? []).compactMap(\.string)
    let wanted = (scope ?? "").split(separator: " ").map(String.init)
    guard Set(wanted).isSubset(of: granted) else { throw Refusal.invalidScope }
    return (id, wanted.isEmpty ? granted : granted.filter(wanted.contains))
  }

  func isActive(_ id: ClientID) async throws -> Bool {
    try await database.read { transaction in
      try !transaction.query("SELECT id FROM oauth_clients WHERE id = $1", id) { _ in }.isEmpty
    }
  }

  /// Ends the client, and with it all of its tokens.
  public func remove(_ id: ClientID) async throws -> Bool {
    try await database.write { try $0.execute("DELETE FROM oauth_clients WHERE id = $1", id) } == 1
  }
}
