import Commands
import Gateway

enum PluginsGroup: CommandGroup {
  static let name = "plugins"
  static let summary = "Which features this server uses"
  static let memberPermissions: Permissions? = .manageGuild
  static var subcommands: [any SlashCommand<Administration>.Type] {
    [ListPlugins.self, EnablePlugin.self, DisablePlugin.self]
  }
}

struct ListPlugins: SlashCommand {
  static let name = "list"
  static let summary = "Show all plugins and whether they are on here"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    let guild = try context.requireGuild()
    let lines = context.services.plugins.map { plugin in
      let state =
        plugin.isCore
        ? "always on" : context.services.enabled.isEnabled(plugin.name, in: guild) ? "on" : "off"
      return "**\(plugin.title)** (`\(plugin.name)`): \(state)\n\(plugin.summary)"
    }
    return Reply(embeds: [
      Embed(
        title: "Plugins", description: Wording.shortened(lines.joined(separator: "\n"), to: 4_096),
        color: ReplyColor.notice)
    ])
  }
}

struct EnablePlugin: SlashCommand {
  static let name = "enable"
  static let summary = "Switch a plugin on in this server"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  @Option("Which plugin") var plugin: String

  static func adapt(_ option: inout ApplicationCommandOption, services: Administration) {
    services.offerPlugins(in: &option)
  }

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    try await context.switchPlugin(plugin, enabled: true)
  }
}

struct DisablePlugin: SlashCommand {
  static let name = "disable"
  static let summary = "Switch a plugin off in this server; its commands vanish, its data stays"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  @Option("Which plugin") var plugin: String

  static func adapt(_ option: inout ApplicationCommandOption, services: Administration) {
    services.offerPlugins(in: &option)
  }

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    try await context.switchPlugin(plugin, enabled: false)
  }
}

extension Administration {
  /// Names the plugins that can be switched. Where there are none, or more than Discord shows, the name is free text
  /// and checked when it is used.
  fileprivate func offerPlugins(in option: inout ApplicationCommandOption) {
    guard (1...25).contains(optional.count) else { return }
    option.choices = optional.map { ApplicationCommandChoice($0.title, value: .string($0.name)) }
  }
}
