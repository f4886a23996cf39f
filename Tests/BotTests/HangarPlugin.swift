// The example of docs/plugins.md, word for word: the guide's code is compiled and run with the tests.

// guide: plugin
import Commands
import Gateway
import Platform
import Storage

/// Members register their ships.
struct HangarPlugin: Plugin {
  let name = "hangar"
  let title = "Hangar"
  let summary = "Who flies what in this server."
  let hangar: Hangar

  init(database: Database) { hangar = Hangar(database: database) }

  let migrations = [
    Migration(
      1, "ships",
      [
        """
        CREATE TABLE hangar_ships (
          id \(.identity), guild_id \(.text) NOT NULL, owner_id \(.text) NOT NULL, name \(.text) NOT NULL,
          state \(.text) NOT NULL, note \(.text) NOT NULL DEFAULT ''
        )
        """
      ])
  ]

  func commands(among plugins: [PluginDescription]) throws -> [Command] {
    [
      try HangarGroup.command(services: hangar), try ShowHangar.command(services: hangar),
      try AddFromMessage.command(services: hangar),
    ]
  }

  func components() throws -> [ComponentRoute] {
    [
      try SetState.component(services: hangar), try Scrap.component(services: hangar),
      try EditNote.component(services: hangar), try NoteDialog.component(services: hangar),
    ]
  }

  /// Who leaves takes their ships along. Needs the intent `GUILD_MEMBERS`.
  var subscriptions: [EventSubscription] {
    [
      EventSubscription(to: .guildMemberRemove, guild: { $0.guildID }) { [hangar] events in
        for event in events { await hangar.memberLeft(event.payload.user.id, event.payload.guildID) }
      }
    ]
  }
}
// guide: end

// guide: service
/// What the plugin knows and does, whoever asks.
struct Hangar: Sendable {
  enum State: String, ChoiceOptionValue, ChoiceSelectionValue, Codable { case ready, flying, repair }

  struct Ship: Sendable {
    var id: Int64
    var owner: Snowflake
    var name: String
    var state: State
    var note: String
  }

  let database: Database

  func add(_ name: String, owner: Snowflake, guild: Snowflake) async throws -> Ship {
    guard (2...40).contains(name.count) else { throw UserError("A ship's name has 2 to 40 characters.") }
    let id = try await database.write { transaction in
      try transaction.queryOne(
        """
        INSERT INTO hangar_ships (guild_id, owner_id, name, state) VALUES ($1, $2, $3, 'ready') RETURNING id
        """, guild.description, owner.description, name
      ) { try $0.value("id", as: Int64.self) }
    }
    guard let id else { throw DatabaseError(.other, "no id for a new ship") }
    return Ship(id: id, owner: owner, name: name, state: .ready, note: "")
  }
  // …
  // guide: end

  func ship(_ id: Int64) async throws -> Ship {
    let ship = try await database.read { transaction in
      try transaction.queryOne(
        "SELECT id, owner_id, name, state, note FROM hangar_ships WHERE id = $1", id, row: Self.ship)
    }
    guard let ship else { throw UserError("That ship is not in the hangar any more.") }
    return ship
  }

  func ships(of owner: Snowflake, in guild: Snowflake) async throws -> [Ship] {
    try await database.read { transaction in
      try transaction.query(
        """
        SELECT id, owner_id, name, state, note FROM hangar_ships
        WHERE owner_id = $1 AND guild_id = $2 ORDER BY id LIMIT 100
        """, owner.description, guild.description, row: Self.ship)
    }
  }

  func change(_ id: Int64, state: State? = nil, note: String? = nil) async throws -> Ship {
    var ship = try await ship(id)
    ship.state = state ?? ship.state
    ship.note = note ?? ship.note
    let changed = ship
    try await database.write { transaction in
      try transaction.execute(
        "UPDATE hangar_ships SET state = $2, note = $3 WHERE id = $1", id, changed.state.rawValue, changed.note)
    }
    return changed
  }

  func scrap(_ id: Int64) async throws {
    try await database.write { try $0.execute("DELETE FROM hangar_ships WHERE id = $1", id) }
  }

  func memberLeft(_ user: Snowflake, _ guild: Snowflake) async {
    do {
      try await database.write { transaction in
        try transaction.execute(
          "DELETE FROM hangar_ships WHERE owner_id = $1 AND guild_id = $2", user.description, guild.description)
      }
    } catch {
      // The next start of the program does not ask again: in a plugin for use, write this to the log.
    }
  }

  private static func ship(_ row: Row) throws -> Ship {
    let owner: String = try row["owner_id"]
    let state: String = try row["state"]
    return Ship(
      id: try row["id"], owner: Snowflake(owner) ?? 0, name: try row["name"], state: State(rawValue: state) ?? .ready,
      note: try row["note"])
  }
}

// guide: command
enum HangarGroup: CommandGroup {
  static let name = "hangar", summary = "Your ships"
  static var subcommands: [any SlashCommand<Hangar>.Type] { [AddShip.self] }
}

struct AddShip: SlashCommand {
  static let name = "add", summary = "Put a ship into the hangar"
  static let localizations: [CommandLocale: Localization] = [
    .german: Localization(
      name: "abstellen", summary: "Ein Schiff in den Hangar stellen",
      options: ["ship": .init(name: "schiff", summary: "Welches Schiff")])
  ]

  @Option("Which ship", autocomplete: ShipModels.self) var ship: String
  @Option("What state it is in") var state: Hangar.State = .ready

  func run(in context: CommandContext<Hangar>) async throws -> Reply {
    let guild = try context.requireGuild()
    let added = try await context.services.add(ship, owner: context.user.id, guild: guild)
    return try await context.card(of: context.services.change(added.id, state: state))
  }
}

/// Offers the models that fit what is typed.
struct ShipModels: AutocompleteProvider {
  static let models = ["Aurora", "Avenger", "Carrack", "Cutlass", "Freelancer", "Gladius", "Hornet", "Reclaimer"]

  func suggest(for typed: String, in context: AutocompleteContext<Hangar>) async throws -> [Suggestion<String>] {
    Self.models.filter { $0.lowercased().hasPrefix(typed.lowercased()) }.map { Suggestion($0) }
  }
}
// guide: end

// guide: menus
/// Right click on a member, Apps, Show hangar.
struct ShowHangar: UserCommand {
  static let name = "Show hangar", summary = "The ships of a member"

  func run(on target: UserTarget, in context: CommandContext<Hangar>) async throws -> Reply {
    let ships = try await context.services.ships(of: target.user.id, in: context.requireGuild())
    if ships.isEmpty { return "\(target.user.username) has no ships here." }
    return Reply(ships.map { "**\($0.name)** \($0.state.title)" }.joined(separator: "\n"))
  }
}

/// The same menu on a message.
struct AddFromMessage: MessageCommand {
  static let name = "Add this ship", summary = "Puts the ship that a message names into your hangar"

  func run(on message: Message, in context: CommandContext<Hangar>) async throws -> Reply {
    let ship = try await context.services.add(
      message.content, owner: context.user.id, guild: context.requireGuild())
    return "**\(ship.name)** is in your hangar."
  }
}
// guide: end

// guide: components
extension CommandContext<Hangar> {
  /// A ship with everything that its owner can do with it.
  func card(of ship: Hangar.Ship) throws -> Reply {
    let note = ship.note.isEmpty ? "-# no note" : ship.note
    let states = Hangar.State.options.map { option in
      SelectOption(option.label, value: option.value, isDefault: option.value == ship.state.rawValue)
    }
    return Reply(layout: [
      .container(
        [
          .section(
            texts: ["## \(ship.name)", note], button: try components.button("Note", for: EditNote(ship: ship.id))),
          .separator(isLarge: false, hasLine: true),
          .actionRow([.select(try components.select(states, for: SetState(ship: ship.id)))]),
          .actionRow([.button(try components.button("Scrap", style: .danger, for: Scrap(ship: ship.id)))]),
        ], accentColor: ReplyColor.notice)
    ])
  }
}

/// The stored properties travel in the custom id, signed: they arrive as they were sent, also after a restart.
struct SetState: SelectHandler {
  static let name = "hangar.state"
  static let binding: ComponentBinding = [.user]
  let ship: Int64

  func run(_ selection: [Hangar.State], in context: CommandContext<Hangar>) async throws -> Reply {
    let ship = try await context.services.change(ship, state: selection.first)
    return try context.card(of: ship)
  }
}

/// A second click does nothing, from whichever process it comes.
struct Scrap: ButtonHandler {
  static let name = "hangar.scrap"
  static let binding: ComponentBinding = [.user]
  static let use = ComponentUse.once
  let ship: Int64

  func run(in context: CommandContext<Hangar>) async throws -> Reply {
    let scrapped = try await context.services.ship(ship)
    try await context.services.scrap(ship)
    return Reply(layout: [.textDisplay("~~\(scrapped.name)~~ is scrap.")])
  }
}
// guide: end

// guide: dialog
/// Opens a dialog: it has to answer at once, so it declares that.
struct EditNote: ButtonHandler {
  static let name = "hangar.note.edit"
  static let answer = AnswerStyle.modal
  static let binding: ComponentBinding = [.user]
  let ship: Int64

  func run(in context: CommandContext<Hangar>) async throws -> Reply {
    let ship = try await context.services.ship(ship)
    return .modal(try context.components.modal(prefill: ["note": ship.note], for: NoteDialog(ship: ship.id)))
  }
}

struct NoteForm: ModalForm {
  static let title = "About this ship"
  @Field("Note", placeholder: "Two guns, one engine", length: 0...200, isParagraph: true) var note: String
  @Field("Who may borrow it?", values: 0...3) var pilots: [User]
  @Field("Insured?") var isInsured: Bool
}

struct NoteDialog: ModalHandler {
  static let name = "hangar.note"
  static let answer = AnswerStyle.update
  let ship: Int64

  func run(_ form: NoteForm, in context: CommandContext<Hangar>) async throws -> Reply {
    var lines = form.note.isEmpty ? [] : [form.note]
    if !form.pilots.isEmpty { lines.append("Pilots: " + form.pilots.map(\.username).joined(separator: ", ")) }
    if form.isInsured { lines.append("Insured") }
    let ship = try await context.services.change(ship, note: lines.joined(separator: "\n"))
    return try context.card(of: ship)
  }
}
// guide: end
