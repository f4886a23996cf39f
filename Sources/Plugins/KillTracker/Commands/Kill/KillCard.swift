import Commands
import Core
import Gateway

/// One kill as its viewer may see it, with what they can do about it.
struct KillCard {
  let kill: Kill

  init(_ kill: Kill) { self.kill = kill }

  func embed(title: String? = nil, color: Int = ReplyColor.notice) -> Embed {
    typealias Field = Embed.Field
    var fields = [Field("When", TrackerWords.time(kill.occurredAt, .full), isInline: true)]
    if let weapon = kill.weapon { fields.append(Field("Weapon", TrackerWords.plain(weapon), isInline: true)) }
    if let place = kill.location { fields.append(Field("Place", TrackerWords.plain(place), isInline: true)) }
    if let ship = kill.details?["victimVehicle"]?.string {
      fields.append(Field("Ship", TrackerWords.plain(ship), isInline: true))
    }
    fields.append(Field("Kind", TrackerWords.title(of: kill.kind), isInline: true))
    let percent = Int((kill.confidence * 100).rounded())
    fields.append(
      Field(
        "Known from",
        "\(TrackerWords.title(of: kill.source)), \(percent) % sure\(kill.isConfirmed ? ", confirmed" : "")",
        isInline: true))
    return Embed(
      title: title, description: TrackerWords.sentence(kill), color: color, footer: Embed.Footer("\(kill.id)"),
      fields: fields)
  }

  /// With a button to delete it for those who may.
  func reply(
    title: String? = nil, color: Int = ReplyColor.notice, in context: CommandContext<TrackerServices>
  ) throws -> Reply {
    guard context.mayDelete(kill) else { return Reply(embeds: [embed(title: title, color: color)]) }
    return Reply(
      embeds: [embed(title: title, color: color)],
      components: [
        .actionRow([.button(try context.components.button("Delete …", for: AskToDeleteKill(kill: kill.id.rawValue)))])
      ])
  }
}

/// `/kill show`: for one's own eyes, with everything that the viewer may see.
struct ShowKill: SlashCommand {
  static let name = "show"
  static let summary = "Show one kill. Only you see it"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  @Option("Its id, as kill_123; your own are offered", autocomplete: OwnKillSuggestions.self) var id: String

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    await context.rememberMember()
    let id = try KillID(typed: id)
    let kill = try await TrackerWords.explaining { try await context.services.kills.find(id, for: context.viewer) }
    return try KillCard(kill).reply(in: context)
  }
}

extension KillID {
  /// What somebody typed: `kill_123` or just the number.
  /// - Throws: `UserError`.
  init(typed: String) throws {
    let text = typed.withoutOuterBlanks.lowercased()
    guard let id = KillID(text) ?? KillID("kill_\(text)") else {
      throw UserError("That is no id of a kill. They look like `kill_123`; `/mykills` shows yours.")
    }
    self = id
  }
}

extension CommandContext<TrackerServices> {
  /// Whether the service will let them; it decides again when it is done.
  func mayDelete(_ kill: Kill) -> Bool {
    if kill.reporter == userID || kill.killer.user == userID { return true }
    let manages = permissions.contains(.manageGuild) || permissions.contains(.administrator)
    return manages && kill.guildID?.rawValue == guildID?.rawValue
  }
}
