import Core
import Platform
import Storage

/// A proof that is under way: the user puts the token into the bio of the handle's page.
public struct HandleProof: Sendable, Equatable {
  public var handle: String
  /// Nobody else's, and worth nothing for another handle.
  public var token: String
  public var expiresAt: Timestamp
  /// The page that is read.
  public var pageURL: String
}

public enum HandleProofError: Error, Sendable, Equatable {
  /// Why the text is no handle, in the user's terms.
  case invalid(reason: String)
  /// It is proved to be somebody else's.
  case handleTaken
  /// It is proved to be this user's.
  case alreadyProved(handle: String)
  /// No proof is under way, or its time is over.
  case notStarted
  case expired
  /// The page was read then, and its bio does not have the token; it is read anew after `rereadAfter`.
  case tokenMissing(HandleProof, hasBio: Bool, rereadAfter: Duration)
  case page(CitizenPageError, handle: String)
}

/// Proves handles: who can write a token into the bio of a player's page at the game's site is that player.
///
/// A token is random, for one user and one handle, and good for ``lifetime``. The bio may be public; a token in it is of
/// no use to others, because only the user for whom it was made can have it checked.
public final class HandleProofs: Sendable {
  public static let lifetime = Duration.seconds(3_600)
  /// The game's site takes no longer handles.
  public static let handleLimit = 30

  let players: Players
  private let database: Database
  private let time: any TimeSource
  private let site: String
  private let pages: CitizenPages

  /// The tables (``KillTables``, ``ReportTables``) must exist.
  /// - Parameters:
  ///   - site: ``TrackerSettings/rsiURL``.
  ///   - usesProxy: whether `https_proxy` and its kin count.
  public init(players: Players, site: String, usesProxy: Bool = true, log: Log = .silent, metrics: Metrics = Metrics())
  {
    self.players = players
    self.site = site
    database = players.database
    time = players.time
    pages = CitizenPages(site: site, usesProxy: usesProxy, time: players.time, log: log, metrics: metrics)
  }

  /// Begins a proof; the one under way for another handle ends. For the same handle it is the same token as long as it
  /// is good.
  /// - Throws: ``HandleProofError``.
  public func start(_ handle: String, for user: UserID) async throws -> HandleProof {
    let handle = try Self.checked(handle)
    let token = try Self.newToken()
    let now = time.timestamp
    let proof = try await database.write { transaction in
      switch try Players.owner(of: handle, in: transaction) {
      case user?: throw HandleProofError.alreadyProved(handle: handle)
      case .some: throw HandleProofError.handleTaken
      case nil: break
      }
      // Those who never came back.
      try transaction.execute("DELETE FROM handle_proofs WHERE expires_at <= $1", now)
      if let known = try Self.find(user, in: transaction), known.handle.lowercased() == handle.lowercased() {
        return known
      }
      try transaction.execute(
        """
        INSERT INTO handle_proofs (user_id, handle, token, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (user_id) DO UPDATE SET handle = excluded.handle, token = excluded.token,
          created_at = excluded.created_at, expires_at = excluded.expires_at
        """, user, handle, token, now, now + Self.lifetime)
      return Stored(handle: handle, token: token, expiresAt: now + Self.lifetime)
    }
    return described(proof)
  }

  /// Reads the page, and if the token stands in the bio, the handle is the user's from then on.
  /// - Returns: the profile with the handle as the site spells it.
  /// - Throws: ``HandleProofError``.
  public func check(_ user: UserID) async throws -> PlayerProfile {
    guard let proof = try await pending(user) else { throw HandleProofError.notStarted }
    guard proof.expiresAt > time.timestamp else { throw HandleProofError.expired }
    let reading: CitizenPages.Reading
    do {
      reading = try await pages.page(of: proof.handle, for: user.rawValue)
    } catch let error as CitizenPageError {
      throw HandleProofError.page(error, handle: proof.handle)
    }
    guard reading.page.mentions(proof.token) else {
      throw HandleProofError.tokenMissing(
        proof, hasBio: reading.page.bio?.isEmpty == false,
        rereadAfter: max(.zero, CitizenPages.memory - (time.now - reading.at)))
    }
    let handle = reading.page.handle ?? proof.handle
    let now = time.timestamp
    do {
      try await database.write { transaction in
        // It may have been withdrawn, or another begun, while the page was read.
        let removed = try transaction.execute(
          "DELETE FROM handle_proofs WHERE user_id = $1 AND token = $2 AND expires_at > $3", user, proof.token, now)
        guard removed == 1 else { throw HandleProofError.notStarted }
        try Players.verify(handle, of: user, at: now, in: transaction)
        try Self.audit("handle_proved", user, handle, now, transaction)
      }
    } catch KillError.handleTaken { throw HandleProofError.handleTaken }
    return try await players.profile(of: user)
  }

  /// The proof that is under way, expired or not.
  public func pending(_ user: UserID) async throws -> HandleProof? {
    try await database.read { try Self.find(user, in: $0) }.map(described)
  }

  /// Gives up the handle, proved or claimed, and a proof under way. The kills recorded under it stay the user's.
  /// - Returns: whether there was any.
  @discardableResult
  public func remove(of user: UserID) async throws -> Bool {
    let now = time.timestamp
    return try await database.write { transaction in
      try transaction.lock(KillWriter.lockName)
      let wasUnderway = try transaction.execute("DELETE FROM handle_proofs WHERE user_id = $1", user) > 0
      let handle = try transaction.queryOne("SELECT claimed_handle FROM players WHERE user_id = $1", user) {
        try $0.value("claimed_handle", as: String?.self)
      }
      guard let handle = handle ?? nil else { return wasUnderway }
      Players.ownershipChanges(in: transaction)
      try transaction.execute(
        """
        UPDATE players SET handle = NULL, handle_key = NULL, claimed_handle = NULL, claimed_key = NULL, updated_at = $2
        WHERE user_id = $1
        """, user, now)
      try Self.audit("handle_removed", user, handle, now, transaction)
      return true
    }
  }

  // MARK: -

  private struct Stored: Sendable {
    var handle: String
    var token: String
    var expiresAt: Timestamp
  }

  private static func find(_ user: UserID, in transaction: ReadTransaction) throws -> Stored? {
    try transaction.queryOne("SELECT handle, token, expires_at FROM handle_proofs WHERE user_id = $1", user) {
      Stored(handle: try $0["handle"], token: try $0["token"], expiresAt: try $0["expires_at"])
    }
  }

  private func described(_ proof: Stored) -> HandleProof {
    HandleProof(
      handle: proof.handle, token: proof.token, expiresAt: proof.expiresAt,
      pageURL: "\(site)/citizens/\(proof.handle)")
  }

  private static func audit(
    _ action: String, _ user: UserID, _ handle: String, _ now: Timestamp, _ transaction: Transaction
  ) throws {
    try AuditLog.append(
      AuditEntry(
        userID: user, guildID: nil, action: action, category: "user_action", details: ["handle": .string(handle)]),
      at: now, in: transaction)
  }

  /// Letters, digits, `-` and `_`: nothing that could lead to another page.
  private static func checked(_ text: String) throws -> String {
    let handle = text.filter { !$0.isWhitespace }
    guard !handle.isEmpty, handle.utf8.count <= handleLimit,
      handle.utf8.allSatisfy({ byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
      })
    else {
      throw HandleProofError.invalid(
        reason: "A handle has at most \(handleLimit) letters, digits, `-` and `_`, as in the address of your page.")
    }
    return handle
  }

  /// `ADJ-7K2QF-9XWBN-M4HTC`: 75 bits in letters and digits that are not taken for each other.
  private static func newToken() throws -> String {
    let alphabet = Array("23456789ABCDEFGHJKLMNPQRSTUVWXYZ".utf8)
    let letters = try Crypto.randomBytes(15).map { alphabet[Int($0 & 31)] }
    let groups = stride(from: 0, to: letters.count, by: 5).map {
      String(decoding: letters[$0..<($0 + 5)], as: UTF8.self)
    }
    return "ADJ-" + groups.joined(separator: "-")
  }
}
