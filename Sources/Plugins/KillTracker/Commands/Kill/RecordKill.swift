import Commands
import Core
import Gateway
import Platform

/// `/kill record`: a person's word for what they did. The answer is for their eyes alone, for the victim may be private;
/// the kill feed is what tells everybody.
struct RecordKill: SlashCommand {
  static let name = "record"
  static let summary = "Record a kill of yours by hand"
  static let category = RateLimitCategory.default
  static let answer = AnswerStyle.ephemeral
  /// How sure a person's word alone is. A second reporter makes it surer (``KillBatch``).
  static let confidence = 0.7

  @Option(
    "Whom: the handle in the game, or @ a member; with pvp:False whatever it was", autocomplete: VictimSuggestions.self)
  var victim: String
  @Option("With what", autocomplete: WeaponSuggestions.self) var weapon: String?
  @Option("Where", autocomplete: PlaceSuggestions.self) var place: String?
  @Option("What the victim flew", autocomplete: VehicleSuggestions.self) var ship: String?
  @Option("Whether the victim was a player", name: "pvp") var isPvP: Bool = true
  @Option("How many minutes ago", range: 0...1_440) var ago: Int = 0

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let guild = try context.requireGuild()
    await context.rememberMember()
    let report = KillReport(
      victim: try party(), kind: isPvP ? .pvp : .pve,
      occurredAt: ago == 0 ? nil : context.time.timestamp + .seconds(-60 * ago), serverID: "\(guild)",
      weapon: weapon.map { WeaponDirectory.index.exact($0)?.name ?? $0 },
      location: place.map { PlaceDirectory.shared.index.exact($0)?.name ?? $0 }, source: .report,
      confidence: Self.confidence,
      // Discord may bring one interaction twice.
      idempotencyKey: "discord-\(context.interaction.id)", details: try details())
    let recorded = try await TrackerWords.explaining {
      try await context.services.kills.record(report, by: KillReporter(user: context.userID))
    }
    return try KillCard(recorded.kill).reply(
      title: recorded.isNew ? "Recorded" : "This kill was known already", color: ReplyColor.success, in: context)
  }

  private func party() throws -> ReportedParty {
    let text = victim.withoutOuterBlanks
    // What Discord makes of an @ in a text.
    if text.hasPrefix("<@"), text.hasSuffix(">") {
      let digits = text.dropFirst(2).dropLast().drop { $0 == "!" }
      guard let id = UserID(String(digits)), isPvP else {
        throw UserError("That is no member that can be named here. Give the handle in the game.")
      }
      return .user(id)
    }
    let name = text.hasPrefix("@") ? String(text.dropFirst()) : text
    return isPvP ? ReportedParty(text: name) : .character(name)
  }

  private func details() throws -> JSON? {
    guard let ship = ship?.withoutOuterBlanks, !ship.isEmpty else { return nil }
    // The name that logs give it, so that both are one ship; one that the catalogue does not know keeps its name.
    let known = VehicleDirectory.shared.find(ship).map { GameNames.vehicle($0.className) }
    let name = try TrackerWords.explainingNow { try KillReport.name(known ?? ship, field: "ship") }
    return name.map { ["victimVehicle": .string($0)] }
  }
}

extension TrackerWords {
  /// As ``explaining(_:)``, for what does not wait.
  static func explainingNow<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as KillError { throw UserError(message(error)) }
  }
}
