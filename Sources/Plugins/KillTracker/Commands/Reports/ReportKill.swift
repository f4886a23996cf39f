import Commands
import Core
import Gateway
import Platform

/// `/kill report`: a kill that no log tells of. It counts once somebody else speaks for it.
struct ReportKill: SlashCommand {
  static let name = "report"
  static let summary = "Report a kill of yours, to be confirmed by the victim or a witness"

  @Option("The victim's handle in the game", length: 1...64) var victim: String?
  @Option("Or the victim, if they are a member here") var member: Gateway.User?
  @Option("With what", autocomplete: WeaponSuggestions.self) var weapon: String?
  @Option("Where", autocomplete: PlaceSuggestions.self) var place: String?
  @Option("When: 5m ago, 20:24 (UTC), or a time; without, now", length: 1...64) var when: String?
  @Option("Who saw it and is asked to confirm it") var witness: Gateway.User?

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let guild = try context.requireGuild()
    await context.rememberMember()
    var request = ClaimRequest(guild: GuildID(guild.rawValue), reporter: context.userID)
    request.victim = member.map { UserID($0.id.rawValue) }
    request.isVictimBot = member?.isBot ?? false
    request.victimDisplayName = member?.displayName
    request.victimHandle = try handle()
    request.weapon = weapon.map { WeaponDirectory.index.exact($0)?.name ?? $0 }
    request.location = place.map { PlaceDirectory.shared.index.exact($0)?.name ?? $0 }
    request.witness = witness.map { UserID($0.id.rawValue) }
    request.isWitnessBot = witness?.isBot ?? false
    // Discord may bring one interaction twice.
    request.request = "discord-\(context.interaction.id)"
    if let when {
      guard let time = ReportedTime.read(when, now: context.time.timestamp) else {
        throw UserError("`when` is no time. " + ReportedTime.advice)
      }
      request.occurredAt = time
    }
    let asked = request
    let claim = try await ClaimWords.explaining { try await context.services.claims.report(asked) }
    let reply = try await ClaimCard(claim, in: context).reply(asks: true)
    return try await context.services.claimMessages?.show(reply, of: claim, in: context) ?? reply
  }

  private func handle() throws -> String? {
    guard let text = victim?.withoutOuterBlanks, !text.isEmpty else { return nil }
    // What Discord makes of an @ in a text, which does not say who it is.
    guard !text.hasPrefix("<@") else { throw UserError("For a member of this server use the option `member`.") }
    return text.hasPrefix("@") ? String(text.dropFirst()) : text
  }
}

/// `/kill reports`: what waits in this server.
struct ListClaims: SlashCommand {
  enum Which: String, ChoiceOptionValue {
    case pending, disputed
    var title: String { self == .pending ? "waiting to be confirmed" : "disputed, for moderators" }
    var state: Claim.State { self == .pending ? .pending : .disputed }
  }

  static let name = "reports"
  static let summary = "Show the reports of kills that wait in this server"
  static let answer = AnswerStyle.ephemeral
  static let shown = 5

  @Option("Which") var state: Which = .pending

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let guild = try context.requireGuild()
    let claims = try await context.services.claims.list(
      state.state, in: GuildID(guild.rawValue), limit: Self.shown + 1)
    guard !claims.isEmpty else { return Reply("No report is \(state.title.split(separator: ",")[0]) here.") }
    var parts: [Component] = [.textDisplay("### Reports \(state.title)")]
    for claim in claims.prefix(Self.shown) {
      let card = try await ClaimCard(claim, in: context)
      parts.append(
        .section(texts: [card.line], button: try context.components.button("Show", for: ShowClaim(claim: claim.id))))
    }
    if claims.count > Self.shown { parts.append(.textDisplay("-# … and more; these have waited longest.")) }
    return Reply(layout: parts)
  }
}
