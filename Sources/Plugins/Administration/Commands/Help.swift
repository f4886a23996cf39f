import Commands
import Gateway

struct Help: SlashCommand {
  static let name = "help"
  static let summary = "What you can do here"
  static let contexts = CommandContexts.guildsAndDirectMessages
  static let answer = AnswerStyle.ephemeral

  @Option("Show one command in detail", length: 1...100) var command: String?

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    let exceptions = try await context.services.admission.exceptions(for: context.interaction)
    if let command { return try detail(of: command, in: context, exceptions) }
    return overview(in: context, exceptions)
  }

  private func overview(in context: CommandContext<Administration>, _ exceptions: PermissionExceptions) -> Reply {
    var fields: [Embed.Field] = []
    var size = 0
    for entry in context.catalog.plugins {
      let lines = entry.commands.flatMap { command in
        command.leaves
          .filter { context.refusal(of: $0, plugin: entry.plugin, exceptions) == nil }
          .map { "\($0.menuTitle) \($0.summary)" }
      }
      // An embed holds 25 fields of 1024 characters and 6000 characters in all.
      for (index, text) in Self.pages(of: lines).enumerated() {
        let title = index == 0 ? entry.plugin.title : "\(entry.plugin.title) (\(index + 1))"
        size += title.utf16.count + text.utf16.count
        guard size <= 5_500, fields.count < 25 else { return Self.reply(fields, isComplete: false) }
        fields.append(Embed.Field(title, text))
      }
    }
    return Self.reply(fields, isComplete: true)
  }

  private static func reply(_ fields: [Embed.Field], isComplete: Bool) -> Reply {
    let hint = "`/help command:name` shows one in detail."
    let description = isComplete ? hint : "There are more commands than fit here: Discord's menu has all. \(hint)"
    return Reply(embeds: [
      Embed(
        title: "What you can do here", description: description, color: ReplyColor.notice, fields: fields)
    ])
  }

  /// Lines packed into texts of at most 1024 UTF-16 code units.
  static func pages(of lines: [String]) -> [String] {
    var pages: [String] = []
    for line in lines.map({ Wording.shortened($0, to: 1_024) }) {
      if let last = pages.last, last.utf16.count + 1 + line.utf16.count <= 1_024 {
        pages[pages.count - 1] = last + "\n" + line
      } else {
        pages.append(line)
      }
    }
    return pages
  }

  private func detail(
    of name: String, in context: CommandContext<Administration>, _ exceptions: PermissionExceptions
  ) throws -> Reply {
    if let menu = context.catalog.menu(named: name) {
      if let refusal = context.refusal(of: menu.leaf, plugin: menu.plugin, exceptions) {
        throw UserError(refusal.userMessage)
      }
      return Reply(embeds: [
        Embed(
          title: menu.leaf.name, description: "\(menu.leaf.summary)\n\(menu.leaf.menuPath)", color: ReplyColor.notice)
      ])
    }
    let path = name.lowercased().split(whereSeparator: { $0 == "/" || $0 == " " }).map(String.init)
    guard let first = path.first, let route = context.catalog.route(to: first) else {
      throw UserError("There is no command `\(Self.quoted(name))`. `/help` lists all.")
    }
    let leaves = route.command.leaves.filter { $0.path.starts(with: path) }
    let usable = leaves.filter {
      context.refusal(of: $0, plugin: route.plugin, exceptions) == nil
    }
    guard let leaf = leaves.first else {
      throw UserError("There is no command `\(Self.quoted(name))`. `/help command:\(first)` lists what there is.")
    }
    guard !usable.isEmpty else {
      throw UserError(
        context.refusal(of: leaf, plugin: route.plugin, exceptions)?.userMessage ?? "You cannot use it here.")
    }
    return Reply(
      embeds: usable.prefix(10).map { leaf in
        Embed(
          title: "/\(leaf.name)", description: leaf.summary, color: ReplyColor.notice,
          fields: leaf.handler.options.map { option in
            Embed.Field(option.isRequired ? option.name : "\(option.name) (optional)", Self.text(of: option))
          })
      })
  }

  private static func text(of option: ApplicationCommandOption) -> String {
    var text = option.description
    if !option.choices.isEmpty { text += "\nOne of: \(option.choices.map(\.name).joined(separator: ", "))" }
    switch (option.minimumValue, option.maximumValue) {
    case (let least?, let most?): text += "\nFrom \(least) to \(most)"
    case (let least?, nil): text += "\nAt least \(least)"
    case (nil, let most?): text += "\nAt most \(most)"
    case (nil, nil): break
    }
    if let most = option.maximumLength { text += "\nAt most \(most) characters" }
    return Wording.shortened(text, to: 1_024)
  }

  /// What a user typed, so that it stays inside its backticks.
  private static func quoted(_ text: String) -> String { text.filter { $0 != "`" && !$0.isNewline } }
}

extension CommandContext<Administration> {
  fileprivate func refusal(
    of leaf: CommandLeaf, plugin: PluginDescription, _ exceptions: PermissionExceptions
  ) -> Refusal? {
    services.admission.access.refusal(
      of: leaf.action, plugin: plugin, interaction: interaction, exceptions: exceptions)
  }
}

extension CommandLeaf {
  /// How a line of the overview begins.
  fileprivate var menuTitle: String {
    switch action.kind {
    case .userCommand: "**\(name)** (menu of a member)"
    case .messageCommand: "**\(name)** (menu of a message)"
    default: "`/\(name)`"
    }
  }

  fileprivate var menuPath: String {
    action.kind == .userCommand
      ? "Right-click a member, or hold a finger on them, then **Apps**."
      : "Right-click a message, or hold a finger on it, then **Apps**."
  }
}

extension CommandCatalog {
  /// A command of a context menu, whose name may have spaces and capitals.
  fileprivate func menu(named name: String) -> (plugin: PluginDescription, leaf: CommandLeaf)? {
    leaves.first { $0.leaf.action.kind != .command && $0.leaf.name.lowercased() == name.lowercased() }
  }
}
