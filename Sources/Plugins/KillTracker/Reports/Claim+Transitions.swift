import Core
import Platform

extension Claim {
  public enum Input: Sendable, Equatable {
    case confirm(ClaimActor)
    /// The log of that user, the victim's own, tells of a death at that time.
    case deathInLog(of: UserID)
    /// A log that was recorded tells of this very kill.
    case killInLog(KillID, by: UserID)
    case dispute(ClaimActor)
    case decide(isAccepted: Bool, ClaimActor)
    case withdraw(ClaimActor)
    /// Time has passed.
    case wake
  }

  public enum Action: Sendable, Equatable {
    /// Record the kill.
    case record(Proof)
    /// That kill of a log is the one meant: it stands for the claim, and none that was recorded for it before.
    case adopt(KillID)
    /// Take the kill back.
    case retract
    /// Changes of what the reporter's trust is computed from.
    case count(confirmed: Int, rejected: Int)
    /// Look again then.
    case wake(at: Timestamp)
    /// Nothing is to come.
    case rest
    case refuse(ClaimRefusal)
  }

  /// What happens with that input now. No action: it was so already.
  public mutating func handle(_ input: Input, now: Timestamp) -> [Action] {
    var actions: [Action] = []
    // Whoever comes too late finds it expired, also where nobody looked in between.
    if state == .pending || state == .disputed, now >= deadline {
      state = .expired
      actions = [.wake(at: now + ClaimRules.memory)]
    }
    return actions + react(to: input, now: now)
  }

  private mutating func react(to input: Input, now: Timestamp) -> [Action] {
    switch input {
    case .confirm(let actor): confirm(actor, now: now)
    case .deathInLog(let user):
      state == .pending && trust.value >= ClaimRules.trustForWitness
        ? confirmed(.log, by: user, now: now, with: .record(.log)) : []
    case .killInLog(let kill, let user):
      state == .pending
        ? confirmed(.log, by: user, now: now, with: .adopt(kill))
        : state.isRecorded && ownsKill && self.kill != kill ? [.adopt(kill)] : []
    case .dispute(let actor): dispute(actor, now: now)
    case .decide(let isAccepted, let actor): decide(isAccepted, actor, now: now)
    case .withdraw(let actor): withdraw(actor, now: now)
    case .wake: state == .pending || state == .disputed ? [.wake(at: deadline)] : []
    }
  }

  // MARK: - Confirming

  private mutating func confirm(_ actor: ClaimActor, now: Timestamp) -> [Action] {
    if state == .confirmed || state == .accepted, confirmedBy == actor.user { return [] }
    if actor.isBot { return [.refuse(.bot)] }
    if actor.user == facts.reporter { return [.refuse(.ownReport)] }
    switch state {
    case .pending:
      if actor.isVictim { return confirmed(.victim, by: actor.user, now: now, with: .record(.victim)) }
      if actor.isModerator { return accepted(by: actor.user, now: now) }
      if let reason = refusal(ofWitness: actor) { return [.refuse(reason)] }
      return confirmed(.witness, by: actor.user, now: now, with: .record(.witness))
    case .disputed:
      // A victim may think better of it.
      return actor.isVictim
        ? confirmed(.victim, by: actor.user, now: now, with: .record(.victim)) : [.refuse(.disputed)]
    default: return [.refuse(ClaimRefusal(over: state))]
    }
  }

  private func refusal(ofWitness actor: ClaimActor) -> ClaimRefusal? {
    if trust.value < ClaimRules.trustForWitness { return .reporterNotTrusted }
    if actor.trust.value < ClaimRules.trustForWitness { return .witnessNotTrusted }
    if actor.accountAge < ClaimRules.witnessAge { return .accountTooYoung }
    if actor.vouched >= ClaimRules.vouchLimit { return .vouchedTooOften }
    return nil
  }

  private mutating func confirmed(
    _ proof: Proof, by user: UserID, now: Timestamp, with action: Action
  ) -> [Action] {
    state = .confirmed
    self.proof = proof
    confirmedBy = user
    confirmedAt = now
    deadline = now + ClaimRules.disputeWindow
    return [action, .count(confirmed: 1, rejected: 0), .rest]
  }

  private mutating func accepted(by user: UserID, now: Timestamp) -> [Action] {
    state = .accepted
    proof = .moderator
    confirmedBy = user
    confirmedAt = now
    decidedBy = user
    return [.record(.moderator), .count(confirmed: 1, rejected: 0), .rest]
  }

  // MARK: - Disputing

  private mutating func dispute(_ actor: ClaimActor, now: Timestamp) -> [Action] {
    if state == .disputed, disputedBy == actor.user { return [] }
    if state.isFinal || state == .disputed { return [.refuse(ClaimRefusal(over: state))] }
    if actor.user == facts.reporter { return [.refuse(.ownReport)] }
    guard actor.isVictim || actor.isModerator else { return [.refuse(.notVictim)] }
    var actions: [Action] = []
    if state == .confirmed {
      if proof == .victim, confirmedBy == actor.user { return [.refuse(.confirmedByVictim)] }
      guard now < deadline else { return [.refuse(.tooLateToDispute)] }
      actions = [.retract, .count(confirmed: -1, rejected: 0)]
    }
    state = .disputed
    disputedBy = actor.user
    deadline = now + ClaimRules.decisionTime
    return actions + [.wake(at: deadline)]
  }

  private mutating func decide(_ isAccepted: Bool, _ actor: ClaimActor, now: Timestamp) -> [Action] {
    if state == (isAccepted ? .accepted : .rejected), decidedBy == actor.user { return [] }
    if state.isFinal { return [.refuse(ClaimRefusal(over: state))] }
    guard actor.isModerator else { return [.refuse(.notModerator)] }
    guard state == .disputed else { return [.refuse(.notDisputed)] }
    // Whoever vouched for it before it was disputed has a part in it, too.
    guard actor.user != facts.reporter, !actor.isVictim, actor.user != confirmedBy else { return [.refuse(.party)] }
    if isAccepted { return accepted(by: actor.user, now: now) }
    state = .rejected
    decidedBy = actor.user
    return [.count(confirmed: 0, rejected: 1), .wake(at: now + ClaimRules.memory)]
  }

  private mutating func withdraw(_ actor: ClaimActor, now: Timestamp) -> [Action] {
    guard actor.user == facts.reporter else { return [.refuse(.notReporter)] }
    switch state {
    case .withdrawn: return []
    case .pending, .disputed:
      state = .withdrawn
      return [.wake(at: now + ClaimRules.memory)]
    default: return [.refuse(ClaimRefusal(over: state))]
    }
  }
}
