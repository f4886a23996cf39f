import Commands
import Gateway

/// `/ship`: what the catalogue knows of a vehicle.
struct ShowShip: SlashCommand {
  static let name = "ship"
  static let summary = "What is known of a ship or ground vehicle"
  static let category = RateLimitCategory.api

  @Option("Its name", autocomplete: VehicleSuggestions.self) var name: String

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    guard let vehicle = VehicleDirectory.shared.find(name) else {
      throw UserError(
        TrackerWords.notFound("ship or vehicle", name, VehicleDirectory.shared.index.matches(name, limit: 5)))
    }
    var fields = [Embed.Field("Maker", vehicle.manufacturer, isInline: true)]
    func add(_ title: String, _ value: String?) {
      if let value { fields.append(Embed.Field(title, value, isInline: true)) }
    }
    add("Kind", vehicle.type)
    add("Size", vehicle.size)
    add("Crew", vehicle.crew.map(TrackerWords.number))
    add("Cargo", vehicle.cargo.map { "\(TrackerWords.decimal($0)) SCU" })
    add("Length", vehicle.length.map { "\(TrackerWords.decimal($0)) m" })
    add("Price", vehicle.price.map { "\(TrackerWords.number($0)) aUEC" })
    return Reply(embeds: [
      Embed(
        title: TrackerWords.plain(vehicle.name),
        description: vehicle.price == nil
          ? "The catalogue has no price: it is not sold in the game, or came later than the data." : nil,
        color: ReplyColor.notice,
        footer: Embed.Footer(
          "Names: star-citizen-live, 2026-07-29. Crew, cargo, length, price: game data 3.24, 2024-12-10. "
            + TrackerWords.fanProject), fields: fields)
    ])
  }
}

/// `/location`: where a place of the game is, and how often somebody died there.
struct ShowLocation: SlashCommand {
  static let name = "location"
  static let summary = "Where a place of the game is, and how many died there"
  static let category = RateLimitCategory.api

  @Option("Its name", autocomplete: PlaceSuggestions.self) var name: String

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    guard let place = PlaceDirectory.shared.find(name) else {
      throw UserError(TrackerWords.notFound("place", name, PlaceDirectory.shared.index.matches(name, limit: 5)))
    }
    let (here, everywhere) = try await TrackerWords.explaining {
      let kills = context.services.kills
      let guild = "\(try context.requireGuild())"
      return (
        try await kills.list(KillFilter(serverID: guild, location: place.name), limit: 1, for: context.viewer).total,
        try await kills.list(KillFilter(location: place.name), limit: 1, for: context.viewer).total
      )
    }
    var fields: [Embed.Field] = []
    if let system = place.system { fields.append(Embed.Field("System", system.name, isInline: true)) }
    if !place.bodies.isEmpty {
      fields.append(Embed.Field("At", place.bodies.joined(separator: ", "), isInline: true))
    }
    fields += [
      Embed.Field("Kills here, of this server", TrackerWords.number(here), isInline: true),
      Embed.Field("Of all servers", TrackerWords.number(everywhere), isInline: true),
    ]
    return Reply(embeds: [
      Embed(
        title: TrackerWords.plain(place.name), color: ReplyColor.notice,
        footer: Embed.Footer("Names: all-slain, 2025-10-29, game data 4.3.2. \(TrackerWords.fanProject)"),
        fields: fields)
    ])
  }
}

extension TrackerWords {
  /// For a name that nothing has, or several have.
  static func notFound(_ kind: String, _ name: String, _ similar: [NameIndex.Entry]) -> String {
    let typed = plain(name)
    guard !similar.isEmpty else { return "No \(kind) is known as **\(typed)**." }
    let list = similar.map { plain($0.title) }.joined(separator: "\n")
    return "**\(typed)** can be more than one \(kind). Choose one of the list while you type, as\n\(list)"
  }
}
