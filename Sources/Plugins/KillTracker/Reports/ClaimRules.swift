import Platform

/// The numbers of the rules by which a report becomes a kill. `docs/killtracker.md` states them.
public enum ClaimRules {
  /// How long a report waits to be confirmed.
  public static let expiry = Duration.seconds(72 * 3_600)
  /// How long a confirmed report can be disputed.
  public static let disputeWindow = Duration.seconds(72 * 3_600)
  /// How long a disputed report waits for a moderator.
  public static let decisionTime = Duration.seconds(14 * 86_400)
  /// How long what came to nothing is remembered.
  public static let memory = Duration.seconds(90 * 86_400)
  /// Below it a witness does not suffice, neither for this reporter nor as this witness.
  public static let trustForWitness = 0.4
  /// A witness's Discord account is at least so old.
  public static let witnessAge = Duration.seconds(7 * 86_400)
  /// Two members vouch for each other at most so often in ``vouchWindow``, both ways together.
  public static let vouchLimit = 3
  public static let vouchWindow = Duration.seconds(86_400)
  /// How long ago a reported kill may be.
  public static let oldest = Duration.seconds(7 * 86_400)
  /// Reports of one member in one server that wait at the same time, and that were made within a day.
  public static let pendingLimit = 10
  public static let dailyLimit = 20
  /// Messages of one report that follow it.
  static let messages = 5
  /// Two reports of one member about the same victim closer than that are one.
  static let sameKill = Duration.seconds(120)
  /// A log's sign of the victim's death counts for a report whose time differs by at most so much.
  static let deathTolerance = Duration.seconds(25)
  /// The least that a sign of death in the victim's log must be worth to confirm a report.
  static let deathConfidence = 0.75

  /// How sure a kill is that came to be so: from the proof, and from how far the reporter's word goes.
  public static func confidence(_ proof: Claim.Proof, trust: ClaimTrust) -> Double {
    switch proof {
    case .victim: 0.9 + 0.1 * trust.value
    case .moderator: 0.8 + 0.1 * trust.value
    case .log: 0.6 + 0.3 * trust.value
    case .witness: 0.5 + 0.4 * trust.value
    }
  }
}
