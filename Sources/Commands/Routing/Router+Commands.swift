import Gateway
import Platform

extension Router {
  func handle(_ interaction: Interaction, isDraining: Bool) async {
    switch interaction.data {
    case .command(let data) where data.type == .chatInput:
      await handle(data, of: interaction, isDraining: isDraining)
    default:
      // Nothing that this bot registers leads here.
      log.notice("interaction of a kind not handled", ["type": .integer(Int64(interaction.type.rawValue))])
    }
  }

  private func handle(_ data: CommandData, of interaction: Interaction, isDraining: Bool) async {
    let path = CommandPath(data)
    guard let user = interaction.user, let found = catalog.leaf(path.names) else {
      log.warning("unknown command", ["command": .string(path.names.joined(separator: " "))])
      await say("There is no command `/\(path.names.joined(separator: " "))` any more.", to: interaction)
      return
    }
    let receivedAt = time.now
    let log = self.log.labelled(found.leaf.path.joined(separator: "."))
    let session = ReplySession(
      interaction, style: found.leaf.handler.answer, responder: responder, time: time, timing: timing, log: log)
    await session.start()
    let request = CommandRequest(
      plugin: found.plugin, leaf: found.leaf, contexts: found.contexts, interaction: interaction, user: user)
    let invocation = CommandInvocation(
      interaction: interaction, user: user,
      options: path.options.map { OptionInput($0, resolved: data.resolved) }, session: session, catalog: catalog,
      receivedAt: receivedAt, time: time, log: log)
    let result = await run(request, invocation, isDraining: isDraining)

    // Made up front: what Discord does not take is a failure of its own, with the same id for user and log.
    let errorID = result.errorID ?? ErrorID.make(random)
    let undelivered = await session.end(result.reply) { failure in
      log.error("answer not taken", ["id": .string(errorID), "error": .of(failure)])
      return .failure(id: errorID)
    }
    if let undelivered { log.warning("answer not delivered", ["error": .of(undelivered)]) }
    let report = CommandReport(
      command: found.leaf.name, plugin: found.plugin.name, userID: user.id, guildID: interaction.guildID,
      channelID: interaction.channelID, outcome: result.outcome, duration: time.now - receivedAt,
      errorID: result.errorID, undelivered: undelivered)
    metrics.record(report)
    await self.report(report)
  }

  private struct Result {
    var outcome: CommandOutcome
    var reply: Reply
    var errorID: String?
  }

  private func run(_ request: CommandRequest, _ invocation: CommandInvocation, isDraining: Bool) async -> Result {
    let restarting = Result(
      outcome: .cancelled, reply: .userError("The bot is restarting. Try again in a minute."))
    if isDraining { return restarting }
    guard await gate.enter() else {
      invocation.log.warning("too many commands at once")
      return Result(outcome: .refused, reply: .userError("The bot is busy. Try again in a moment."))
    }
    defer { gate.leave() }
    if Task.isCancelled { return restarting }
    do {
      if let refusal = try await refusal(of: request) {
        return Result(outcome: .refused, reply: .userError(refusal))
      }
      return Result(outcome: .succeeded, reply: try await request.leaf.handler.run(invocation))
    } catch let error as any UserFacingError {
      return Result(outcome: .userError, reply: .userError(error.userMessage))
    } catch is CancellationError where Task.isCancelled {
      return restarting
    } catch {
      let id = ErrorID.make(random)
      invocation.log.error(
        "command failed",
        ["id": .string(id), "error": .error(error), "user": .of(invocation.user.id)])
      return Result(outcome: .failed, reply: .failure(id: id), errorID: id)
    }
  }

  private func refusal(of request: CommandRequest) async throws -> String? {
    if let refusal = access.refusal(
      of: request.leaf, contexts: request.contexts, plugin: request.plugin, interaction: request.interaction)
    {
      return refusal
    }
    for check in checks {
      do {
        try await check.check(request)
      } catch let error as any UserFacingError {
        return error.userMessage
      }
    }
    return nil
  }

  /// Answers what belongs to no command.
  private func say(_ message: String, to interaction: Interaction) async {
    let session = ReplySession(
      interaction, style: .ephemeral, responder: responder, time: time, timing: timing, log: log)
    if let failure = await session.end(.userError(message), remake: { _ in .userError("There is no such command.") }) {
      log.warning("answer not delivered", ["error": .of(failure)])
    }
  }
}

/// A command's name with its subcommands, and the options of the last one.
private struct CommandPath {
  var names: [String]
  var options: [CommandOptionData]

  init(_ data: CommandData) {
    names = [data.name]
    options = data.options
    while let inner = options.first, inner.type == .subcommand || inner.type == .subcommandGroup {
      names.append(inner.name)
      options = inner.options
    }
  }
}
