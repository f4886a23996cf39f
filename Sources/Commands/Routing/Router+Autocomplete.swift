import Gateway
import Platform

extension Router {
  /// How long a provider has: an answer that comes after three seconds is thrown away.
  static let suggestionLimit = Duration.milliseconds(2_500)
  static let suggestionCount = 25

  /// Answers what the user types into an option. Whatever goes wrong, the user sees an empty list.
  func complete(
    _ data: CommandData, of interaction: Interaction, isDraining: Bool, _ responder: any InteractionResponder
  ) async {
    let path = CommandPath(data)
    guard let user = interaction.user, let found = catalog.leaf(path.names, type: data.type),
      let focused = path.options.first(where: \.isFocused),
      let completion = found.leaf.handler.completions[focused.name]
    else {
      log.notice("suggestions for what has none", ["command": .string(path.names.joined(separator: " "))])
      await offer([], to: interaction, responder)
      return
    }
    let request = CommandRequest(
      plugin: found.plugin, action: found.leaf.action, interaction: interaction, user: user)
    let typing = CompletionRequest(
      interaction: interaction, user: user, options: path.options.filter { !$0.isFocused },
      typed: focused.value?.asTyped ?? "", catalog: catalog)
    var choices: [ApplicationCommandChoice] = []
    var outcome = SuggestionOutcome.refused
    if !isDraining, await gate.enter() {
      defer { gate.leave() }
      do {
        if try await admission.refusalButLimits(of: request) == nil {
          choices = try await inTime { try await completion(typing) }
          outcome = .answered
        }
      } catch is SuggestionsLate {
        outcome = .late
        log.warning(
          "suggestions come too late", ["command": .string(found.leaf.name), "option": .string(focused.name)])
      } catch {
        outcome = .failed
        log.error(
          "suggestions failed",
          ["command": .string(found.leaf.name), "option": .string(focused.name), "error": .error(error)])
      }
    }
    metrics.recordSuggestions(of: found.leaf.name, outcome)
    await offer(Array(choices.prefix(Self.suggestionCount)), to: interaction, responder)
  }

  private func offer(
    _ choices: [ApplicationCommandChoice], to interaction: Interaction, _ responder: any InteractionResponder
  ) async {
    do throws(ReplyFailure) {
      try await responder.respond(to: InteractionHandle(interaction), with: .autocomplete(choices))
    } catch {
      log.info("suggestions not delivered", ["error": .of(error)])
    }
  }

  /// - Throws: ``SuggestionsLate`` at the limit; the work is cancelled then, and not waited for.
  private func inTime<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let (results, continuation) = AsyncStream.makeStream(of: Result<Value, any Error>.self)
    let working = Task {
      do { continuation.yield(.success(try await work())) } catch { continuation.yield(.failure(error)) }
    }
    let deadline = time.now + Self.suggestionLimit
    let timer = Task { [time] in
      do { try await time.sleep(until: deadline) } catch { return }  // cancelled: there is a result
      continuation.yield(.failure(SuggestionsLate()))
    }
    defer {
      working.cancel()
      timer.cancel()
    }
    for await result in results { return try result.get() }
    throw CancellationError()
  }
}

private struct SuggestionsLate: Error {}

extension CommandOptionData.Value {
  /// Numbers come as text while they are being typed, or as numbers.
  fileprivate var asTyped: String {
    switch self {
    case .string(let text): text
    case .integer(let number): String(number)
    case .double(let number): String(number)
    case .boolean(let flag): String(flag)
    }
  }
}
