import Gateway
import Platform

/// What an interaction asks for, found but not yet allowed.
struct Call: Sendable {
  let plugin: PluginDescription
  let action: Action
  let options: [OptionInput]
  let run: @Sendable (CommandInvocation) async throws -> Reply
}

extension Router {
  func handle(
    _ interaction: Interaction, isDraining: Bool, responder: (any InteractionResponder)? = nil
  ) async {
    let responder = responder ?? self.responder
    switch interaction.data {
    case .command(let data): await handle(data, of: interaction, isDraining: isDraining, responder)
    case .component(let data):
      await handle(data.customID, of: interaction, isDraining: isDraining, responder)
    case .modal(let data): await handle(data.customID, of: interaction, isDraining: isDraining, responder)
    case .autocomplete(let data): await complete(data, of: interaction, isDraining: isDraining, responder)
    case .none, .unknown:
      // Nothing that this bot registers leads here.
      log.notice("interaction of a kind not handled", ["type": .integer(Int64(interaction.type.rawValue))])
    }
  }

  private func handle(
    _ data: CommandData, of interaction: Interaction, isDraining: Bool, _ responder: any InteractionResponder
  ) async {
    let path = CommandPath(data)
    guard let user = interaction.user, let found = catalog.leaf(path.names, type: data.type) else {
      let name = path.names.joined(separator: " ")
      log.warning("unknown command", ["command": .string(name)])
      noteUnknownCommand(data.guildID.map(CommandScope.guild) ?? .global)
      await say("There is no command `/\(name)` any more.", to: interaction, responder)
      return
    }
    let call = Call(
      plugin: found.plugin, action: found.leaf.action,
      options: path.options.map { OptionInput($0, resolved: data.resolved) }, run: found.leaf.handler.run)
    await run(call, of: interaction, by: user, isDraining: isDraining, responder)
  }

  /// Runs what was found, if everything allows it, and sees to the answer.
  func run(
    _ call: Call, of interaction: Interaction, by user: User, isDraining: Bool, _ responder: any InteractionResponder
  ) async {
    let receivedAt = time.now
    let log = self.log.labelled(call.action.name.replacingSpaces)
    let session = ReplySession(
      interaction, style: call.action.answer, responder: responder, time: time, timing: timing, log: log)
    await session.start()
    let invocation = CommandInvocation(
      interaction: interaction, user: user, options: call.options, session: session, catalog: catalog,
      components: components.used(in: interaction), receivedAt: receivedAt, time: time, log: log)
    let result = await outcome(of: call, invocation, isDraining: isDraining)

    // Made up front: what Discord does not take is a failure of its own, with the same id for user and log.
    let errorID = result.errorID ?? ErrorID.make(random)
    let undelivered = await session.end(result.reply) { failure in
      log.error("answer not taken", ["id": .string(errorID), "error": .of(failure)])
      return .failure(id: errorID)
    }
    if let undelivered { log.warning("answer not delivered", ["error": .of(undelivered)]) }
    let report = CommandReport(
      kind: call.action.kind, command: call.action.name, plugin: call.plugin.name, userID: user.id,
      guildID: interaction.guildID, channelID: interaction.channelID, outcome: result.outcome,
      refusal: result.refusal, duration: time.now - receivedAt, errorID: result.errorID, undelivered: undelivered,
      user: user)
    metrics.record(report)
    await self.report(report)
  }

  private struct Outcome {
    var outcome: CommandOutcome
    var reply: Reply
    var errorID: String?
    var refusal: Refusal?

    static func refused(_ refusal: Refusal) -> Outcome {
      Outcome(outcome: .refused, reply: .userError(refusal.userMessage), refusal: refusal)
    }
  }

  private func outcome(of call: Call, _ invocation: CommandInvocation, isDraining: Bool) async -> Outcome {
    let restarting = Outcome(
      outcome: .cancelled, reply: .userError("The bot is restarting. Try again in a minute."))
    if isDraining { return restarting }
    guard await gate.enter() else {
      invocation.log.warning("too many commands at once")
      return .refused(Refusal(.busy, "The bot is busy. Try again in a moment."))
    }
    defer { gate.leave() }
    if Task.isCancelled { return restarting }
    do {
      let request = CommandRequest(
        plugin: call.plugin, action: call.action, interaction: invocation.interaction, user: invocation.user)
      if let refusal = try await admission.refusal(of: request) { return .refused(refusal) }
      return Outcome(outcome: .succeeded, reply: try await call.run(invocation))
    } catch let refusal as Refusal {
      return .refused(refusal)
    } catch let error as any UserFacingError {
      return Outcome(outcome: .userError, reply: .userError(error.userMessage))
    } catch is CancellationError where Task.isCancelled {
      return restarting
    } catch {
      let id = ErrorID.make(random)
      invocation.log.error(
        "command failed",
        ["id": .string(id), "error": .error(error), "user": .of(invocation.user.id)])
      return Outcome(outcome: .failed, reply: .failure(id: id), errorID: id)
    }
  }

  /// Answers what belongs to no command.
  func say(_ message: String, to interaction: Interaction, _ responder: any InteractionResponder) async {
    let session = ReplySession(
      interaction, style: .ephemeral, responder: responder, time: time, timing: timing, log: log)
    if let failure = await session.end(.userError(message), remake: { _ in .userError("There is no such command.") }) {
      log.warning("answer not delivered", ["error": .of(failure)])
    }
  }
}

extension String {
  fileprivate var replacingSpaces: String { String(map { $0 == " " ? "." : $0 }) }
}

extension ComponentIssuer {
  /// For components in answers to that interaction.
  fileprivate func used(in interaction: Interaction) -> ComponentIssuer {
    var issuer = bound(user: interaction.user?.id, guild: interaction.guildID, message: interaction.message?.id)
    issuer.isPlaceKnown = true
    return issuer
  }
}

/// A command's name with its subcommands, and the options of the last one.
struct CommandPath {
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
