import Commands
import Core
import Gateway
import Platform

/// A report as a message: what is told, how it stands, and what can be done.
struct ClaimCard {
  let claim: Claim
  private let components: ComponentIssuer
  /// A victim who keeps private who they are is neither named nor called.
  private let isVictimHidden: Bool

  init(_ claim: Claim, in context: CommandContext<TrackerServices>) async throws {
    try await self.init(claim, players: context.services.players, components: context.components)
  }

  /// - Parameter components: for the claim's server.
  init(_ claim: Claim, players: Players, components: ComponentIssuer) async throws {
    self.claim = claim
    self.components = components
    if let victim = claim.facts.victim {
      isVictimHidden = try await players.profile(of: victim).privacy == .private
    } else {
      isVictimHidden = false
    }
  }

  private var victim: String {
    isVictimHidden ? "somebody who keeps private who they are" : "**\(TrackerWords.plain(claim.facts.victimName))**"
  }

  /// `@Ann says they killed **Bob** · P4-AR · Daymar · 5 minutes ago`
  var line: String {
    var parts = ["<@\(claim.facts.reporter)> says they killed \(victim)"]
    parts += [claim.facts.weapon, claim.facts.location].compactMap { $0.map { TrackerWords.plain($0) } }
    parts.append(TrackerWords.time(claim.facts.occurredAt))
    return parts.joined(separator: " · ")
  }

  /// - Parameter asks: whether those who can confirm are called; only when it is new.
  func reply(asks: Bool = false) throws -> Reply {
    let embed = Embed(
      title: title, description: line, color: color,
      footer: Embed.Footer("\(claim.id) · a kill counts once somebody else speaks for it"),
      fields: [
        Embed.Field("How it stands", standing, isInline: false),
        Embed.Field("Trust in the reporter", trust, isInline: true),
      ])
    let buttons = try buttons()
    let called = asks ? [claim.facts.victim.flatMap { isVictimHidden ? nil : $0 }, claim.facts.witness] : []
    let users = called.compactMap { $0 }
    return Reply(
      users.isEmpty ? nil : users.map { "<@\($0)>" }.joined(separator: " ") + ": is that so?", embeds: [embed],
      components: buttons.isEmpty ? [] : [.actionRow(buttons.map { .button($0) })],
      mentions: AllowedMentions(users: users.map { Snowflake(rawValue: $0.rawValue) }))
  }

  private var title: String {
    switch claim.state {
    case .pending: "A kill is reported"
    case .confirmed: "A reported kill is confirmed"
    case .disputed: "A reported kill is disputed"
    case .accepted: "A reported kill is accepted"
    case .rejected: "A reported kill is rejected"
    case .expired: "A report has expired"
    case .withdrawn: "A report is withdrawn"
    }
  }

  private var color: Int {
    switch claim.state {
    case .pending, .disputed: ReplyColor.notice
    case .confirmed, .accepted: ReplyColor.success
    case .rejected, .expired, .withdrawn: ReplyColor.error
    }
  }

  private var standing: String {
    switch claim.state {
    case .pending:
      let who = claim.facts.victim == nil ? "a witness or a moderator" : "the victim, a witness or a moderator"
      return "Waits for \(who) to confirm it; expires \(TrackerWords.time(claim.deadline))."
    case .confirmed, .accepted:
      let kill = claim.kill.map { " as `\($0)`" } ?? ""
      return "\(proof)Recorded\(kill)."
    case .disputed:
      let isHidden = claim.disputedBy == claim.facts.victim && isVictimHidden
      let who = isHidden ? "The victim" : Self.mention(claim.disputedBy)
      return
        "\(who ?? "Somebody") disputes it. Not recorded until a moderator decides, by \(TrackerWords.time(claim.deadline, .full))."
    case .rejected: return "\(Self.mention(claim.decidedBy) ?? "A moderator") rejected it."
    case .expired: return "Nobody confirmed it in time."
    case .withdrawn: return "Its reporter withdrew it."
    }
  }

  private var proof: String {
    let who = Self.mention(claim.confirmedBy) ?? "Somebody"
    switch claim.proof {
    case .victim: return isVictimHidden ? "The victim confirmed it. " : "\(who), the victim, confirmed it. "
    case .witness: return "\(who) vouched for it. "
    case .moderator: return "\(who), a moderator, accepted it. "
    case .log: return "A log of the game tells of it. "
    case nil: return ""
    }
  }

  /// Nil for somebody who had their data deleted.
  private static func mention(_ user: UserID?) -> String? {
    user.flatMap { $0 == TrackerData.nobody ? nil : "<@\($0)>" }
  }

  private var trust: String {
    let trust = claim.trust
    return "\(TrackerWords.ratio(trust.value)) (\(trust.confirmed) confirmed, \(trust.rejected) rejected)"
  }

  private func buttons() throws -> [Button] {
    let make = components
    switch claim.state {
    case .pending:
      return [
        try make.button("Confirm", style: .success, for: ConfirmClaim(claim: claim.id)),
        try make.button("Dispute", style: .danger, for: DisputeClaim(claim: claim.id)),
        try make.button("Withdraw", for: WithdrawClaim(claim: claim.id)),
      ]
    case .confirmed: return [try make.button("Dispute", style: .danger, for: DisputeClaim(claim: claim.id))]
    case .disputed:
      return [
        try make.button("Accept", style: .success, for: DecideClaim(claim: claim.id, isAccepted: true)),
        try make.button("Reject", style: .danger, for: DecideClaim(claim: claim.id, isAccepted: false)),
        try make.button("Withdraw", for: WithdrawClaim(claim: claim.id)),
      ]
    case .accepted, .rejected, .expired, .withdrawn: return []
    }
  }
}
