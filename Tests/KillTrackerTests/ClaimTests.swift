import Core
import Platform
import Testing

@testable import KillTracker

/// The rules of reports, as one table: every state, every input, what happens.
@Suite struct ClaimTests {
  static let now = Timestamp(seconds: 1_771_400_000)
  static let reporter = UserID(1)
  static let victim = UserID(2)
  static let witness = UserID(3)
  static let moderator = UserID(4)
  static let stranger = UserID(5)

  static func claim(_ state: String, trust: ClaimTrust = ClaimTrust()) -> Claim {
    var claim = Claim(
      id: ClaimID(rawValue: 1),
      facts: Claim.Facts(
        guild: GuildID(9), reporter: reporter, victim: victim, victimHandle: "Vic", victimName: "Vic", weapon: nil,
        location: nil, occurredAt: now, witness: nil),
      state: .pending, deadline: now + .seconds(10), createdAt: now, ownsKill: false, trust: trust)
    func confirm(_ proof: Claim.Proof, by user: UserID) {
      claim.proof = proof
      claim.confirmedBy = user
      claim.confirmedAt = now
      claim.kill = KillID(rawValue: 7)
      claim.ownsKill = true
    }
    switch state {
    case "witnessed":
      claim.state = .confirmed
      confirm(.witness, by: witness)
    case "admitted":
      claim.state = .confirmed
      confirm(.victim, by: victim)
    case "disputed":
      claim.state = .disputed
      claim.disputedBy = victim
    case "accepted":
      claim.state = .accepted
      confirm(.moderator, by: moderator)
      claim.decidedBy = moderator
    case "rejected":
      claim.state = .rejected
      claim.decidedBy = moderator
    default: claim.state = Claim.State(rawValue: state) ?? .pending
    }
    return claim
  }

  static func actor(_ who: String) -> ClaimActor {
    switch who {
    case "reporter": ClaimActor(user: reporter)
    case "managing-reporter": ClaimActor(user: reporter, isModerator: true)
    case "bot": ClaimActor(user: stranger, isBot: true)
    case "victim": ClaimActor(user: victim, isVictim: true)
    case "managing-victim": ClaimActor(user: victim, isVictim: true, isModerator: true)
    case "witness": ClaimActor(user: witness)
    case "managing-witness": ClaimActor(user: witness, isModerator: true)
    case "moderator": ClaimActor(user: moderator, isModerator: true)
    case "other-moderator": ClaimActor(user: stranger, isModerator: true)
    case "distrusted": ClaimActor(user: stranger, trust: ClaimTrust(rejected: 1))
    case "newcomer": ClaimActor(user: stranger, accountAge: ClaimRules.witnessAge + .seconds(-1))
    case "friend": ClaimActor(user: stranger, vouched: ClaimRules.vouchLimit)
    default: ClaimActor(user: stranger)
    }
  }

  static func input(_ text: Substring) -> Claim.Input? {
    let words = text.split(separator: " ").map(String.init)
    switch words.first {
    case "confirm": return .confirm(actor(words[1]))
    case "dispute": return .dispute(actor(words[1]))
    case "accept": return .decide(isAccepted: true, actor(words[1]))
    case "reject": return .decide(isAccepted: false, actor(words[1]))
    case "withdraw": return .withdraw(actor(words[1]))
    case "death": return .deathInLog(of: victim)
    case "kill": return .killInLog(KillID(rawValue: 8), by: reporter)
    case "wake": return .wake
    default: return nil
    }
  }

  /// What stands in a cell of the table: the new state, and the actions behind it. A dot: nothing at all.
  static func expectation(_ cell: Substring, from state: Claim.State) -> (Claim.State, [Claim.Action])? {
    let decision = Claim.Action.wake(at: now + ClaimRules.decisionTime)
    let memory = Claim.Action.wake(at: now + ClaimRules.memory)
    let counted: [Claim.Action] = [.count(confirmed: 1, rejected: 0), .rest]
    switch cell {
    case ".": return (state, [])
    case "victim": return (.confirmed, [.record(.victim)] + counted)
    case "witness": return (.confirmed, [.record(.witness)] + counted)
    case "log": return (.confirmed, [.record(.log)] + counted)
    case "adopt": return (.confirmed, [.adopt(KillID(rawValue: 8))] + counted)
    case "replace": return (state, [.adopt(KillID(rawValue: 8))])
    case "accepted": return (.accepted, [.record(.moderator)] + counted)
    case "disputed": return (.disputed, [decision])
    case "back": return (.disputed, [.retract, .count(confirmed: -1, rejected: 0), decision])
    case "rejected": return (.rejected, [.count(confirmed: 0, rejected: 1), memory])
    case "withdrawn": return (.withdrawn, [memory])
    case "later": return (state, [.wake(at: now + .seconds(10))])
    default:
      guard cell.first == "!", let refusal = refusals[String(cell.dropFirst())] else { return nil }
      return (state, [.refuse(refusal)])
    }
  }

  static let refusals: [String: ClaimRefusal] = [
    "own": .ownReport, "bot": .bot, "notVictim": .notVictim, "notReporter": .notReporter, "notMod": .notModerator,
    "party": .party, "distrusted": .witnessNotTrusted, "young": .accountTooYoung, "vouched": .vouchedTooOften,
    "self": .confirmedByVictim, "disputed": .disputed, "confirmed": .confirmed, "accepted": .accepted,
    "rejected": .rejected, "expired": .expired, "withdrawn": .withdrawn, "nothing": .notDisputed,
  ]

  static let table = """
    input                    | pending   | witnessed  | admitted   | disputed  | accepted  | rejected  | expired  | withdrawn
    confirm reporter         | !own      | !own       | !own       | !own      | !own      | !own      | !own     | !own
    confirm managing-reporter| !own      | !own       | !own       | !own      | !own      | !own      | !own     | !own
    confirm bot              | !bot      | !bot       | !bot       | !bot      | !bot      | !bot      | !bot     | !bot
    confirm victim           | victim    | !confirmed | .          | victim    | !accepted | !rejected | !expired | !withdrawn
    confirm managing-victim  | victim    | !confirmed | .          | victim    | !accepted | !rejected | !expired | !withdrawn
    confirm moderator        | accepted  | !confirmed | !confirmed | !disputed | .         | !rejected | !expired | !withdrawn
    confirm witness          | witness   | .          | !confirmed | !disputed | !accepted | !rejected | !expired | !withdrawn
    confirm stranger         | witness   | !confirmed | !confirmed | !disputed | !accepted | !rejected | !expired | !withdrawn
    confirm distrusted       | !distrusted | !confirmed | !confirmed | !disputed | !accepted | !rejected | !expired | !withdrawn
    confirm newcomer         | !young    | !confirmed | !confirmed | !disputed | !accepted | !rejected | !expired | !withdrawn
    confirm friend           | !vouched  | !confirmed | !confirmed | !disputed | !accepted | !rejected | !expired | !withdrawn
    death                    | log       | .          | .          | .         | .         | .         | .        | .
    kill                     | adopt     | replace    | replace    | .         | replace   | .         | .        | .
    dispute reporter         | !own      | !own       | !own       | !disputed | !accepted | !rejected | !expired | !withdrawn
    dispute managing-reporter| !own      | !own       | !own       | !disputed | !accepted | !rejected | !expired | !withdrawn
    dispute victim           | disputed  | back       | !self      | .         | !accepted | !rejected | !expired | !withdrawn
    dispute moderator        | disputed  | back       | back       | !disputed | !accepted | !rejected | !expired | !withdrawn
    dispute stranger         | !notVictim | !notVictim | !notVictim | !disputed | !accepted | !rejected | !expired | !withdrawn
    accept moderator         | !nothing  | !nothing   | !nothing   | accepted  | .         | !rejected | !expired | !withdrawn
    accept other-moderator   | !nothing  | !nothing   | !nothing   | accepted  | !accepted | !rejected | !expired | !withdrawn
    accept managing-reporter | !nothing  | !nothing   | !nothing   | !party    | !accepted | !rejected | !expired | !withdrawn
    accept managing-victim   | !nothing  | !nothing   | !nothing   | !party    | !accepted | !rejected | !expired | !withdrawn
    accept stranger          | !notMod   | !notMod    | !notMod    | !notMod   | !accepted | !rejected | !expired | !withdrawn
    reject moderator         | !nothing  | !nothing   | !nothing   | rejected  | !accepted | .         | !expired | !withdrawn
    reject other-moderator   | !nothing  | !nothing   | !nothing   | rejected  | !accepted | !rejected | !expired | !withdrawn
    reject managing-reporter | !nothing  | !nothing   | !nothing   | !party    | !accepted | !rejected | !expired | !withdrawn
    reject managing-victim   | !nothing  | !nothing   | !nothing   | !party    | !accepted | !rejected | !expired | !withdrawn
    reject stranger          | !notMod   | !notMod    | !notMod    | !notMod   | !accepted | !rejected | !expired | !withdrawn
    withdraw reporter        | withdrawn | !confirmed | !confirmed | withdrawn | !accepted | !rejected | !expired | .
    withdraw victim          | !notReporter | !notReporter | !notReporter | !notReporter | !notReporter | !notReporter | !notReporter | !notReporter
    wake                     | later     | .          | .          | later     | .         | .         | .        | .
    """

  @Test func everyStateAndEveryInput() throws {
    let rows = Self.table.split(separator: "\n").map { line in
      line.split(separator: "|").map { Self.trimmed($0) }
    }
    let states = try #require(rows.first).dropFirst()
    var cells = 0
    for row in rows.dropFirst() {
      #expect(row.count == 9, "\(row[0])")
      let input = try #require(Self.input(row[0]), "\(row[0])")
      for (name, cell) in zip(states, row.dropFirst()) {
        var claim = Self.claim(String(name))
        let (state, actions) = try #require(Self.expectation(cell, from: claim.state), "\(cell)")
        let told = claim.handle(input, now: Self.now)
        #expect(told == actions, "\(row[0]) in \(name)")
        #expect(claim.state == state, "\(row[0]) in \(name)")
        // The same again changes nothing more, whoever does it.
        let settled = claim
        _ = claim.handle(input, now: Self.now)
        #expect(claim.state == settled.state, "\(row[0]) twice in \(name)")
        cells += 1
      }
    }
    #expect(cells == 31 * 8)
  }

  private static func trimmed(_ text: Substring) -> Substring {
    let start = text.drop { $0 == " " }
    guard let last = start.lastIndex(where: { $0 != " " }) else { return "" }
    return start[...last]
  }

  /// A kill that was known from elsewhere is not exchanged for another.
  @Test(arguments: ["witnessed", "accepted"])
  func aKillThatIsNotTheReportsOwnStays(state: String) {
    var claim = Self.claim(state)
    claim.ownsKill = false
    let before = claim
    #expect(claim.handle(.killInLog(KillID(rawValue: 8), by: Self.reporter), now: Self.now).isEmpty)
    #expect(claim == before)
  }

  @Test func anAccountOfExactlySevenDaysSuffices() {
    var claim = Self.claim("pending")
    let actor = ClaimActor(user: Self.stranger, accountAge: ClaimRules.witnessAge)
    #expect(claim.handle(.confirm(actor), now: Self.now).first == .record(.witness))
  }

  @Test(arguments: ["pending", "disputed"])
  func whoeverComesTooLateFindsItExpired(state: String) {
    for input in [
      Claim.Input.wake, .confirm(Self.actor("victim")), .dispute(Self.actor("moderator")),
      .decide(isAccepted: true, Self.actor("moderator")), .deathInLog(of: Self.victim),
      .withdraw(Self.actor("reporter")),
    ] {
      var claim = Self.claim(state)
      let actions = claim.handle(input, now: claim.deadline)
      #expect(claim.state == .expired)
      #expect(actions.first == .wake(at: claim.deadline + ClaimRules.memory))
      #expect(!actions.contains { if case .record = $0 { true } else { false } })
      #expect(actions.count == 1 || actions.last == .refuse(.expired))
    }
    var early = Self.claim(state)
    _ = early.handle(.wake, now: early.deadline + .milliseconds(-1))
    #expect(early.state.rawValue == state)
  }

  @Test func aConfirmedReportCanBeDisputedForAWhileOnly() {
    for (moment, isInTime) in [(Duration.milliseconds(-1), true), (.zero, false)] {
      var claim = Self.claim("pending")
      _ = claim.handle(.confirm(Self.actor("witness")), now: Self.now)
      #expect(claim.deadline == Self.now + ClaimRules.disputeWindow)
      let actions = claim.handle(.dispute(Self.actor("victim")), now: claim.deadline + moment)
      #expect(isInTime ? claim.state == .disputed : actions == [.refuse(.tooLateToDispute)])
    }
  }

  @Test func whoVouchedForItDoesNotJudgeItLater() {
    var claim = Self.claim("witnessed")
    _ = claim.handle(.dispute(Self.actor("victim")), now: Self.now)
    #expect(claim.handle(.decide(isAccepted: true, Self.actor("managing-witness")), now: Self.now) == [.refuse(.party)])
    _ = claim.handle(.decide(isAccepted: true, Self.actor("moderator")), now: Self.now)
    #expect(claim.state == .accepted && claim.proof == .moderator && claim.confirmedBy == Self.moderator)
  }

  @Test func aReporterOfLowTrustNeedsTheVictimOrAModerator() {
    let low = ClaimTrust(confirmed: 0, rejected: 1)
    #expect(low.value < ClaimRules.trustForWitness)
    for (who, refusal) in [("stranger", ClaimRefusal.reporterNotTrusted), ("victim", nil), ("moderator", nil)] {
      var claim = Self.claim("pending", trust: low)
      let actions = claim.handle(.confirm(Self.actor(who)), now: Self.now)
      #expect(refusal.map { actions == [.refuse($0)] } ?? claim.state.isRecorded)
    }
    // Nor does a log of the victim, which tells of a death and not of who brought it about.
    var claim = Self.claim("pending", trust: low)
    #expect(claim.handle(.deathInLog(of: Self.victim), now: Self.now) == [])
    #expect(claim.state == .pending)
  }

  @Test func trustBeginsEvenAndFollowsWhatBecameOfReports() {
    #expect(ClaimTrust().value == 0.5)
    #expect(ClaimTrust(confirmed: 8).value == 0.9)
    #expect(ClaimTrust(rejected: 8).value == 0.1)
    // One rejected report costs a beginner the witnesses, one confirmed brings them back.
    #expect(ClaimTrust(confirmed: 1, rejected: 1).value >= ClaimRules.trustForWitness)
    for proof in Claim.Proof.allCases {
      let (low, high) = (
        ClaimRules.confidence(proof, trust: ClaimTrust(rejected: 1_000)),
        ClaimRules.confidence(proof, trust: ClaimTrust(confirmed: 1_000))
      )
      #expect(0.5...1 ~= low && low < high && high <= 1)
    }
  }

  @Test func everyRefusalSaysSomething() {
    #expect(Set(ClaimRefusal.allCases.map(\.message)).count == ClaimRefusal.allCases.count)
  }

  // MARK: - When

  @Test(
    arguments: [
      ("now", 0), (" Just  now ", 0), ("5m", 300), ("5 min ago", 300), ("2h 30min ago", 9_000), ("90 seconds", 90),
      ("1d", 86_400), ("1d2h3m4s", 93_784), ("<t:1771400000>", 16_000), ("<t:1771400000:R>", 16_000),
      ("2026-02-18T11:00:00Z", 3_600), ("2026-02-18T12:00:00.5+01:00", 3_600), ("11:59", 60), ("11:59:30 UTC", 30),
      ("12:00", 0), ("12:01", 86_340), ("23:59", 43_260), ("0:00", 43_200),
    ] as [(String, Int64)])
  func timesAreReadAsPeopleWriteThem(text: String, secondsAgo: Int64) throws {
    let now = try #require(Timestamp(iso8601: "2026-02-18T12:00:00Z"))
    let time = try #require(ReportedTime.read(text, now: now))
    // The half second of one of them is cut here.
    #expect((now.milliseconds - time.milliseconds + 500) / 1_000 == secondsAgo)
  }

  @Test(arguments: [
    "", "soon", "5", "m", "5x", "5m 6m", "-5m", "25:00", "12:60", "12:5", "<t:>", "<t:12345678901234>", "<t:1:R:R>",
    "1234567h", "5m later", "٥m", "2026-02-18", String(repeating: "1", count: 100),
  ])
  func otherTextIsNoTime(text: String) {
    #expect(ReportedTime.read(text, now: Self.now) == nil)
  }
}
