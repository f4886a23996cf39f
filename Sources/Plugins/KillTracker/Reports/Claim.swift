import Core
import Platform
import Storage

/// The id of a claim: a number, written `report_12`.
public struct ClaimID: RawRepresentable, Hashable, Sendable, Codable, LosslessStringConvertible,
  DatabaseValueConvertible
{
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }

  /// Nil unless the text is `report_` and a number, or a number alone.
  public init?(_ text: String) {
    let digits = text.hasPrefix("report_") ? text.dropFirst(7) : text[...]
    guard digits.utf8.count <= 19, let number = Int64(digits), number > 0, "\(number)" == digits else { return nil }
    rawValue = number
  }

  public var description: String { "report_\(rawValue)" }
}

/// A kill on somebody's word, and how far it has come on its way to a record.
///
/// A value without I/O: ``handle(_:given:)`` decides, ``KillClaims`` carries out. The rules are in ``ClaimRules``.
public struct Claim: Sendable, Equatable {
  public enum State: String, Sendable, CaseIterable, DatabaseValueConvertible {
    /// Waits for the victim, a witness or a moderator.
    case pending
    /// Recorded. Can be disputed for a while.
    case confirmed
    /// Not recorded, or taken back. Waits for a moderator.
    case disputed
    /// Recorded by a moderator's word, for good.
    case accepted
    /// Not recorded, by a moderator's word, for good.
    case rejected
    case expired
    case withdrawn

    /// Whether a kill stands behind it.
    public var isRecorded: Bool { self == .confirmed || self == .accepted }
    /// Whether nothing can happen to it any more.
    public var isFinal: Bool { ![.pending, .confirmed, .disputed].contains(self) }
  }

  /// What made it a kill.
  public enum Proof: String, Sendable, CaseIterable, DatabaseValueConvertible {
    case victim, witness, moderator
    /// The victim's own log tells of their death at that time, or a log of the kill itself.
    case log
  }

  /// What was claimed.
  public struct Facts: Sendable, Equatable {
    public var guild: GuildID
    public var reporter: UserID
    /// The member named, or the account that had proved the handle.
    public var victim: UserID?
    public var victimHandle: String?
    /// What the victim is called.
    public var victimName: String
    public var weapon: String?
    public var location: String?
    public var occurredAt: Timestamp
    /// Who is asked to vouch for it.
    public var witness: UserID?
  }

  public var id: ClaimID
  public var facts: Facts
  public internal(set) var state: State
  public internal(set) var proof: Proof?
  /// Whose word made it a kill; with a log: whose log.
  public internal(set) var confirmedBy: UserID?
  public internal(set) var confirmedAt: Timestamp?
  public internal(set) var disputedBy: UserID?
  public internal(set) var decidedBy: UserID?
  /// Pending: when it expires. Confirmed: until when it can be disputed. Disputed: until when it must be decided.
  public internal(set) var deadline: Timestamp
  public var createdAt: Timestamp
  public internal(set) var kill: KillID?
  /// False if the kill was known from elsewhere, so that it is not ours to take back.
  var ownsKill: Bool
  /// How the reporter stood when this was read.
  public internal(set) var trust: ClaimTrust
}

/// How far a reporter's word goes: computed from what became of it before.
public struct ClaimTrust: Sendable, Equatable {
  /// Reports that were confirmed or accepted.
  public var confirmed: Int
  /// Reports that a moderator rejected.
  public var rejected: Int

  public init(confirmed: Int = 0, rejected: Int = 0) {
    self.confirmed = confirmed
    self.rejected = rejected
  }

  /// (confirmed + 1) / (confirmed + rejected + 2): 0.5 for a beginner, towards 1 with each confirmed report, towards 0
  /// with each rejected one (the mean of a Beta distribution that begins even). What expired or was withdrawn says
  /// nothing.
  public var value: Double { Double(confirmed + 1) / Double(confirmed + rejected + 2) }
}

/// Somebody who acts on a claim, with what the rules ask about them.
public struct ClaimActor: Sendable, Equatable {
  public var user: UserID
  public var isBot: Bool
  /// The member named, or the account behind the handle.
  public var isVictim: Bool
  /// May manage the server in which it was reported.
  public var isModerator: Bool
  /// How old their Discord account is.
  public var accountAge: Duration
  /// As a reporter.
  public var trust: ClaimTrust
  /// How often this one and the reporter vouched for each other lately.
  public var vouched: Int

  public init(
    user: UserID, isBot: Bool = false, isVictim: Bool = false, isModerator: Bool = false,
    accountAge: Duration = .seconds(365 * 86_400), trust: ClaimTrust = ClaimTrust(), vouched: Int = 0
  ) {
    self.user = user
    self.isBot = isBot
    self.isVictim = isVictim
    self.isModerator = isModerator
    self.accountAge = accountAge
    self.trust = trust
    self.vouched = vouched
  }
}

/// Why somebody may not do that, or why it cannot be done any more.
public enum ClaimRefusal: Error, Sendable, Equatable, CaseIterable {
  /// Nobody vouches for, disputes or judges their own report.
  case ownReport
  case bot
  /// Only the victim or a moderator disputes.
  case notVictim
  /// Only the reporter withdraws.
  case notReporter
  case notModerator
  /// Reporter, victim and witness do not decide.
  case party
  /// The reporter's trust is too low for a witness to suffice.
  case reporterNotTrusted
  case witnessNotTrusted
  case accountTooYoung
  case vouchedTooOften
  /// The victim confirmed it themselves.
  case confirmedByVictim
  case tooLateToDispute
  /// A moderator has to decide first.
  case disputed
  /// It is recorded already.
  case confirmed
  case accepted
  case rejected
  case expired
  case withdrawn
  /// There is nothing to decide.
  case notDisputed

  /// In a sentence for whoever tried.
  public var message: String {
    switch self {
    case .ownReport: "This is your own report: somebody else has to speak for it."
    case .bot: "A bot is no witness."
    case .notVictim: "Only the victim or a moderator can dispute it."
    case .notReporter: "Only who reported it can withdraw it."
    case .notModerator: "Only members who may manage this server can decide."
    case .party: "You have a part in this: another moderator has to decide."
    case .reporterNotTrusted:
      "Too many reports of this member were rejected: the victim or a moderator has to confirm this one."
    case .witnessNotTrusted: "Too many of your own reports were rejected: you cannot vouch for others now."
    case .accountTooYoung: "Your Discord account is too new to vouch for a report."
    case .vouchedTooOften: "You two vouched for each other often today: somebody else has to confirm this one."
    case .confirmedByVictim: "You confirmed it yourself. A moderator can still dispute it."
    case .tooLateToDispute: "It was confirmed too long ago to be disputed. Moderators can delete the kill."
    case .disputed: "It is disputed: a moderator has to decide."
    case .confirmed: "It was confirmed already."
    case .accepted: "A moderator accepted it already."
    case .rejected: "A moderator rejected it already."
    case .expired: "Nobody confirmed it in time: it has expired."
    case .withdrawn: "Its reporter withdrew it."
    case .notDisputed: "It is not disputed: there is nothing to decide."
    }
  }

  init(over state: Claim.State) {
    self =
      switch state {
      case .confirmed: .confirmed
      case .disputed: .disputed
      case .accepted: .accepted
      case .rejected: .rejected
      case .expired: .expired
      case .withdrawn: .withdrawn
      case .pending: .notDisputed
      }
  }
}
