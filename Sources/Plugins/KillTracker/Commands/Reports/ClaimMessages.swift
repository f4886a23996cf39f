import Commands
import Core
import Gateway
import Platform
import Storage

/// The messages of reports at Discord: they follow the report also where nobody presses a button.
struct ClaimMessages: Sendable {
  /// The message, its channel or its server is gone, or closed to the bot.
  private static let gone: Set<DiscordErrorCode> = [
    .unknownMessage, .unknownChannel, .unknownGuild, .missingAccess, .missingPermissions,
  ]

  private let shared: SharedState
  private let players: Players
  private let rest: RESTClient
  private let log: Log

  init(_ services: TrackerServices, rest: RESTClient) {
    shared = services.shared
    players = services.players
    log = services.log
    self.rest = rest
  }

  private var database: Database { shared.database }

  func register(on runner: JobRunner) async {
    await runner.handle(ClaimMessage.show) { [self] number, _ in
      try await show(ClaimID(rawValue: number))
      return .done
    }
  }

  // MARK: - Remembering

  /// Shows a report for everybody and remembers the message. That it cannot be remembered does not undo the answer: the
  /// message then changes with its buttons alone.
  func show(_ reply: Reply, of claim: Claim, in context: CommandContext<TrackerServices>) async throws -> Reply {
    try await context.show(reply)
    do {
      let message = try await rest.originalResponse(
        application: context.interaction.applicationID, token: context.interaction.token)
      await note(message.id, in: message.channelID, of: claim, context)
    } catch {
      context.log.warning("the message of a report is not known", ["error": .error(error)])
    }
    return .nothing
  }

  /// Remembers the message whose button was pressed.
  func note(_ message: Message?, of claim: Claim, in context: CommandContext<TrackerServices>) async {
    guard let message else { return }
    await note(message.id, in: message.channelID, of: claim, context)
  }

  private func note(
    _ message: Snowflake, in channel: Snowflake, of claim: Claim, _ context: CommandContext<TrackerServices>
  ) async {
    do {
      let shown = ClaimMessage(id: message.rawValue, channel: channel.rawValue, guild: claim.facts.guild)
      try await database.write { transaction in
        // Deleted since: there is nothing to follow.
        guard try ClaimStore.find(claim.id, in: transaction) != nil else { return }
        try ClaimStore.note(shown, of: claim.id, in: transaction)
      }
    } catch {
      context.log.warning("the message of a report was not remembered", ["error": .error(error)])
    }
  }

  // MARK: - Following

  /// Edits all messages of a report. One that is gone is forgotten; one that Discord does not answer for is tried again.
  private func show(_ id: ClaimID) async throws {
    let (claim, messages) = try await database.read { transaction in
      (try ClaimStore.find(id, in: transaction), try ClaimStore.messages(of: id, in: transaction))
    }
    guard let guild = messages.first?.guild else { return }
    let body = try await body(of: claim, in: guild)
    var failure: (any Error)?
    for message in messages {
      do {
        let isShown = try await edit(message, to: body)
        guard !isShown || claim == nil else { continue }
        try await database.write { try ClaimStore.forget(message, in: $0) }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  private func body(of claim: Claim?, in guild: GuildID) async throws -> MessageBody {
    var reply = Reply(embeds: [
      Embed(
        title: "A report was deleted", description: "Somebody had their data deleted, and with it this report.",
        color: ReplyColor.notice)
    ])
    if let claim {
      let key = try await ComponentKey.load(from: shared.state)
      let components = ComponentIssuer(key: key, time: shared.time)
        .bound(guild: Snowflake(rawValue: guild.rawValue))
      reply = try await ClaimCard(claim, players: players, components: components).reply()
    }
    guard case .message(var body) = reply.content else { return MessageBody() }
    // What the message had and this has not, goes: whom it called, and its buttons.
    body.content = ""
    body.components = body.components ?? []
    body.allowedMentions = AllowedMentions.none
    return body
  }

  /// - Returns: whether it is shown.
  /// - Throws: what may succeed later.
  private func edit(_ message: ClaimMessage, to body: MessageBody) async throws -> Bool {
    do {
      _ = try await rest.editMessage(
        Snowflake(rawValue: message.id), in: Snowflake(rawValue: message.channel), to: body)
      return true
    } catch DiscordError.refused(let refusal) where refusal.status < 500 {
      if !Self.gone.contains(refusal.code), refusal.status != 403, refusal.status != 404 {
        log.error(
          "the message of a report cannot be changed",
          ["message": .string("\(message.id)"), "reason": .string(refusal.message)])
      }
      return false
    }
  }
}
