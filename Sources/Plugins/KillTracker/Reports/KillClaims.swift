import Core
import Platform
import Storage

/// What somebody tells of a kill that no log tells of.
public struct ClaimRequest: Sendable, Equatable {
  public var guild: GuildID
  public var reporter: UserID
  /// A member of the server; or ``victimHandle``; or both.
  public var victim: UserID?
  public var isVictimBot = false
  /// The victim's name in the game.
  public var victimHandle: String?
  /// What a victim who is known as a member alone is called.
  public var victimDisplayName: String?
  public var weapon: String?
  public var location: String?
  /// Nil: now.
  public var occurredAt: Timestamp?
  /// Who is asked to vouch for it.
  public var witness: UserID?
  public var isWitnessBot = false
  /// The same text is the same report, however often it comes; at most 100 characters.
  public var request: String?

  public init(guild: GuildID, reporter: UserID) {
    self.guild = guild
    self.reporter = reporter
  }
}

/// Who acts on a claim, as the surface knows them.
public struct ClaimCaller: Sendable {
  public var user: UserID
  public var isBot: Bool
  /// Whether the user may manage that guild.
  public var manages: @Sendable (GuildID) async -> Bool

  public init(user: UserID, isBot: Bool = false, manages: @escaping @Sendable (GuildID) async -> Bool) {
    self.user = user
    self.isBot = isBot
    self.manages = manages
  }
}

public enum ClaimError: Error, Sendable, Equatable {
  /// A field of the request, and what is wrong with it, in the user's terms.
  case invalid(field: String, reason: String)
  case notFound
  case refused(ClaimRefusal)
  /// The same kill is told of already.
  case alreadyReported(ClaimID)
  case alreadyRecorded(KillID)
  /// So many reports of that member wait, or were made today.
  case tooMany(limit: Int, perDay: Bool)
}

/// Kills on people's word: reported by one, recorded when the victim, a witness or a moderator says so too.
///
/// Every step is one transaction with all that follows from it: the claim's state, the kill, the counts, the reporter's
/// trust, the audit entry and the job that wakes it. So a crash leaves neither a confirmed claim without its kill nor a
/// kill without its claim, and a button that is pressed twice, or comes twice, does its work once.
public final class KillClaims: Sendable {
  static let wake = JobKind<Int64>("killtracker.claim")

  public let kills: Kills
  let database: Database
  let jobs: Jobs
  let time: any TimeSource

  /// The tables (``KillTables``, ``ReportTables``) and those of Core must exist.
  public init(kills: Kills, jobs: Jobs) {
    self.kills = kills
    self.jobs = jobs
    database = kills.database
    time = kills.time
  }

  // MARK: - Reporting

  /// - Throws: ``ClaimError``, ``KillError`` for names that cannot be.
  public func report(_ request: ClaimRequest) async throws -> Claim {
    let now = time.timestamp
    let (request, occurredAt) = try Self.checked(request, at: now)
    try kills.checkTracking("\(request.guild)")
    return try await database.write { [jobs] transaction in
      try transaction.lock(KillWriter.lockName)
      if let key = request.request,
        let known = try ClaimStore.all("c.request = $1", [key], in: transaction).first
      {
        return known
      }
      let facts = try Self.facts(of: request, at: occurredAt, in: transaction)
      try Self.checkNews(facts, in: transaction)
      try Self.checkLimits(facts, at: now, in: transaction)
      let deadline = now + ClaimRules.expiry
      let id = try ClaimStore.insert(facts, request: request.request, deadline: deadline, at: now, in: transaction)
      try jobs.schedule(Self.wake, id.rawValue, at: deadline, key: id.description, in: transaction)
      try Self.audit("kill_reported", facts.reporter, facts.guild, ["report": .string("\(id)")], now, transaction)
      guard let claim = try ClaimStore.find(id, in: transaction) else {
        throw DatabaseError(.other, "a new claim cannot be read")
      }
      return claim
    }
  }

  private static func checked(_ request: ClaimRequest, at now: Timestamp) throws -> (ClaimRequest, Timestamp) {
    var request = request
    guard request.victim != nil || request.victimHandle != nil else {
      throw ClaimError.invalid(field: "victim", reason: "Say who it was: their name in the game, or a member.")
    }
    guard request.victim != request.reporter else {
      throw ClaimError.invalid(field: "victim", reason: "You cannot be your own victim.")
    }
    guard !request.isVictimBot else { throw ClaimError.invalid(field: "victim", reason: "A bot does not play.") }
    guard request.witness == nil || (request.witness != request.reporter && request.witness != request.victim) else {
      throw ClaimError.invalid(field: "witness", reason: "A witness is neither you nor the victim.")
    }
    guard !request.isWitnessBot else { throw ClaimError.invalid(field: "witness", reason: "A bot is no witness.") }
    request.victimHandle = try request.victimHandle.map { try KillReport.handle($0, field: "victim") }
    request.weapon = try KillReport.name(request.weapon, field: "weapon")
    request.location = try KillReport.name(request.location, field: "place")
    let occurredAt = request.occurredAt ?? now
    guard occurredAt <= now else { throw ClaimError.invalid(field: "when", reason: "That lies in the future.") }
    guard now - occurredAt <= ClaimRules.oldest else {
      throw ClaimError.invalid(field: "when", reason: "A kill can be reported for seven days.")
    }
    return (request, occurredAt)
  }

  private static func facts(
    of request: ClaimRequest, at occurredAt: Timestamp, in transaction: ReadTransaction
  ) throws -> Claim.Facts {
    var victim = request.victim
    if let handle = request.victimHandle {
      let owner = try Players.owner(of: handle, in: transaction)
      guard owner != request.reporter else {
        throw ClaimError.invalid(field: "victim", reason: "That is your own handle.")
      }
      if let owner, let named = victim, owner != named {
        throw ClaimError.invalid(field: "victim", reason: "That handle is verified as somebody else's.")
      }
      victim = victim ?? owner
    }
    guard request.witness == nil || request.witness != victim else {
      throw ClaimError.invalid(field: "witness", reason: "A witness is neither you nor the victim.")
    }
    let handle = try request.victimHandle ?? victim.flatMap { try verifiedHandle(of: $0, in: transaction) }
    let name = handle ?? request.victimDisplayName ?? victim.map { "\($0)" } ?? ""
    return Claim.Facts(
      guild: request.guild, reporter: request.reporter, victim: victim, victimHandle: handle,
      victimName: String(name.prefix(KillReport.nameLimit)), weapon: request.weapon, location: request.location,
      occurredAt: occurredAt, witness: request.witness)
  }

  /// Neither reported nor recorded before.
  private static func checkNews(_ facts: Claim.Facts, in transaction: ReadTransaction) throws {
    let others = try ClaimStore.about(
      user: facts.victim, handle: facts.victimHandle, near: facts.occurredAt, within: ClaimRules.sameKill,
      in: transaction)
    if let same = others.first(where: {
      $0.facts.reporter == facts.reporter && ($0.state.isRecorded || !$0.state.isFinal)
    }) {
      throw ClaimError.alreadyReported(same.id)
    }
    guard let killer = try Players.find(user: facts.reporter, in: transaction),
      let victim = try player(of: facts, in: transaction)
    else { return }
    let known = try transaction.queryOne(
      """
      SELECT id FROM kills WHERE killer_id = $1 AND victim_id = $2 AND occurred_at BETWEEN $3 AND $4
      ORDER BY occurred_at LIMIT 1
      """, killer, victim, facts.occurredAt + (.zero - ClaimRules.sameKill), facts.occurredAt + ClaimRules.sameKill
    ) { try $0.value("id", as: KillID.self) }
    if let known { throw ClaimError.alreadyRecorded(known) }
  }

  private static func checkLimits(_ facts: Claim.Facts, at now: Timestamp, in transaction: ReadTransaction) throws {
    let recent = try transaction.queryOne(
      """
      SELECT count(*) AS total, count(CASE WHEN created_at > $3 THEN 1 END) AS today,
        count(CASE WHEN state = 'pending' THEN 1 END) AS pending
      FROM kill_claims WHERE reporter = $1 AND guild_id = $2 AND created_at > $4
      """, facts.reporter, facts.guild, now + .seconds(-86_400), now + (.zero - ClaimRules.expiry)
    ) { (today: try $0.value("today", as: Int.self), pending: try $0.value("pending", as: Int.self)) }
    guard let recent else { return }
    guard recent.pending < ClaimRules.pendingLimit else {
      throw ClaimError.tooMany(limit: ClaimRules.pendingLimit, perDay: false)
    }
    guard recent.today < ClaimRules.dailyLimit else {
      throw ClaimError.tooMany(limit: ClaimRules.dailyLimit, perDay: true)
    }
  }

  /// The victim's number, if they are known.
  static func player(of facts: Claim.Facts, in transaction: ReadTransaction) throws -> Int64? {
    if let user = facts.victim { return try Players.find(user: user, in: transaction) }
    return try facts.victimHandle.flatMap { try Players.player(named: $0, in: transaction) }
  }

  static func verifiedHandle(of user: UserID, in transaction: ReadTransaction) throws -> String? {
    try transaction.queryOne("SELECT handle FROM players WHERE user_id = $1", user) {
      try $0.value("handle", as: String?.self)
    } ?? nil
  }

  // MARK: - Reading

  /// - Throws: ``ClaimError``: `notFound`, also for a claim of another guild.
  public func find(_ id: ClaimID, in guild: GuildID? = nil) async throws -> Claim {
    let claim = try await database.read { try ClaimStore.find(id, in: $0) }
    guard let claim, guild == nil || guild == claim.facts.guild else { throw ClaimError.notFound }
    return claim
  }

  /// The claims of a guild in that state, the oldest first: what waits longest comes first.
  public func list(_ state: Claim.State, in guild: GuildID, limit: Int = 10) async throws -> [Claim] {
    try await database.read { transaction in
      try ClaimStore.all(
        "c.guild_id = $1 AND c.state = $2 ORDER BY c.id LIMIT $3", [guild, state, max(1, min(limit, 100))],
        in: transaction)
    }
  }

  public func trust(of user: UserID) async throws -> ClaimTrust {
    try await database.read { try ClaimStore.trust(of: user, in: $0) }
  }

  // MARK: - Acting

  /// - Throws: ``ClaimError``.
  @discardableResult
  public func confirm(_ id: ClaimID, by caller: ClaimCaller) async throws -> Claim {
    try await act(on: id, by: caller) { .confirm($0) }
  }

  @discardableResult
  public func dispute(_ id: ClaimID, by caller: ClaimCaller) async throws -> Claim {
    try await act(on: id, by: caller) { .dispute($0) }
  }

  @discardableResult
  public func decide(_ id: ClaimID, isAccepted: Bool, by caller: ClaimCaller) async throws -> Claim {
    try await act(on: id, by: caller) { .decide(isAccepted: isAccepted, $0) }
  }

  @discardableResult
  public func withdraw(_ id: ClaimID, by caller: ClaimCaller) async throws -> Claim {
    try await act(on: id, by: caller) { .withdraw($0) }
  }

  private func act(
    on id: ClaimID, by caller: ClaimCaller, _ input: @escaping @Sendable (ClaimActor) -> Claim.Input
  ) async throws -> Claim {
    // Asked outside of the transaction, as it may ask Discord; a claim never changes its server.
    let isModerator = await caller.manages(try await find(id).facts.guild)
    let now = time.timestamp
    let (claim, refusal) = try await kills.boards.writing { [self] in
      let outcome = try await database.write { [self] transaction in
        var changes = try KillChanges(kills.events, in: transaction)
        guard var claim = try ClaimStore.find(id, in: transaction) else { throw ClaimError.notFound }
        let actor = try Self.actor(caller, isModerator: isModerator, on: claim, at: now, in: transaction)
        let refusal = try apply(
          input(actor), to: &claim, by: caller.user, at: now, into: &changes, in: transaction)
        return (claim, refusal, try changes.finish())
      }
      return ((outcome.0, outcome.1), outcome.2)
    }
    if let refusal { throw ClaimError.refused(refusal) }
    return claim
  }

  static func actor(
    _ caller: ClaimCaller, isModerator: Bool, on claim: Claim, at now: Timestamp, in transaction: ReadTransaction
  ) throws -> ClaimActor {
    let owner = try claim.facts.victimHandle.flatMap { try Players.owner(of: $0, in: transaction) }
    return ClaimActor(
      user: caller.user, isBot: caller.isBot, isVictim: caller.user == claim.facts.victim || caller.user == owner,
      isModerator: isModerator, accountAge: now - caller.user.createdAt,
      trust: try ClaimStore.trust(of: caller.user, in: transaction),
      vouched: try ClaimStore.vouched(
        caller.user, claim.facts.reporter, since: now + (.zero - ClaimRules.vouchWindow), in: transaction))
  }

  // MARK: - Time

  /// Names who ends claims whose time is over.
  public func register(on runner: JobRunner) async {
    await runner.handle(Self.wake) { [self] number, run in
      try await wake(ClaimID(rawValue: number), run)
      return .done
    }
  }

  private func wake(_ id: ClaimID, _ run: JobRun) async throws {
    let now = time.timestamp
    try await database.write { [self] transaction in
      var changes = try KillChanges(kills.events, in: transaction)
      try run.finish(in: transaction)
      guard var claim = try ClaimStore.find(id, in: transaction) else { return }
      if claim.state.isFinal, !claim.state.isRecorded {
        // What came to nothing is forgotten.
        try transaction.execute("DELETE FROM kill_claims WHERE id = $1", id)
        try transaction.execute("DELETE FROM kill_claim_messages WHERE claim_id = $1", id)
        return
      }
      // Time alone records nothing, so there is nothing to count.
      _ = try apply(.wake, to: &claim, by: nil, at: now, into: &changes, in: transaction)
    }
  }
}
