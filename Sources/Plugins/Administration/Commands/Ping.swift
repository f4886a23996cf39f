import Commands
import Gateway
import Platform

struct Ping: SlashCommand {
  static let name = "ping"
  static let summary = "How fast the bot and its connection to Discord are"
  static let contexts = CommandContexts.guildsAndDirectMessages

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    // The first answer is itself the measurement: its round trip is what REST takes right now.
    let start = context.time.now
    try await context.show("Measuring …")
    let end = context.time.now
    let heartbeat = await context.services.status.heartbeatLatency(for: context.guildID)
    return Reply(embeds: [
      Embed(
        title: "Pong",
        color: ReplyColor.notice,
        fields: [
          Embed.Field("Gateway heartbeat", heartbeat.map(Wording.milliseconds) ?? "not measured yet", isInline: true),
          Embed.Field("REST", Wording.milliseconds(end - start), isInline: true),
          Embed.Field("This answer", Wording.milliseconds(end - context.receivedAt), isInline: true),
        ])
    ])
  }
}
