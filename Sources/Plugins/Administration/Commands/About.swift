import Commands
import Gateway

struct About: SlashCommand {
  static let name = "about"
  static let summary = "What this bot is, its version and what it runs"
  static let contexts = CommandContexts.guildsAndDirectMessages

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    let status = context.services.status
    let plugins = context.services.plugins.map { plugin in
      guard let guild = context.guildID, !plugin.isCore else { return plugin.title }
      return context.services.enabled.isEnabled(plugin.name, in: guild) ? plugin.title : "\(plugin.title) (off here)"
    }
    var fields = [
      Embed.Field("Version", status.version, isInline: true),
      Embed.Field("Uptime", Wording.span(status.uptime), isInline: true),
      Embed.Field("Servers", String(status.guildCount), isInline: true),
      Embed.Field("Plugins", Wording.shortened(plugins.joined(separator: ", "), to: 1_024)),
    ]
    if let source = status.sourceURL { fields.append(Embed.Field("Source", source)) }
    return Reply(embeds: [
      Embed(
        title: "Adjutant", description: "A self-hosted bot for gaming communities.", color: ReplyColor.notice,
        fields: fields)
    ])
  }
}
