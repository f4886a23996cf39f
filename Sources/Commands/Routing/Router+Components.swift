import Core
import Gateway
import Platform

extension Router {
  /// A button, a select or a dialog that was sent off.
  func handle(
    _ customID: String, of interaction: Interaction, isDraining: Bool, _ responder: any InteractionResponder
  ) async {
    guard let user = interaction.user else {
      log.warning("an interaction without a user")
      return
    }
    do {
      let call = try prepare(customID, of: interaction, by: user)
      await run(call, of: interaction, by: user, isDraining: isDraining, responder)
    } catch let refusal as ComponentRefusal {
      metrics.record(refusal)
      log.info(
        "component refused",
        ["reason": .string(refusal.rawValue), "user": .of(user.id), "channel": .string(interaction.channelText)])
      await say(refusal.userMessage, to: interaction, responder)
    } catch {
      let id = ErrorID.make(random)
      log.error("component not read", ["id": .string(id), "error": .error(error)])
      await say("Something went wrong. If you report it, give this id: `\(id)`", to: interaction, responder)
    }
  }

  /// Reads the custom id. Nothing of it is believed before its signature is.
  private func prepare(_ customID: String, of interaction: Interaction, by user: Gateway.User) throws -> Call {
    guard let token = try ComponentToken(customID, key: components.key.bytes.reveal()) else {
      throw ComponentRefusal.forged
    }
    guard let found = catalog.component(token.handler) else { throw ComponentRefusal.unknown }
    let route = found.route
    guard route.action.kind == interaction.componentKind else { throw ComponentRefusal.outdated }
    if let expiry = token.expiry, time.timestamp >= expiry { throw ComponentRefusal.expired }
    // A handler that has become bound since then does not take what was made unbound.
    let isBound =
      (token.user != nil || !route.binding.contains(.user))
      && (token.guild != nil || !route.binding.contains(.guild))
      && (token.message != nil || !route.binding.contains(.message))
    guard isBound else { throw ComponentRefusal.outdated }
    if let owner = token.user, owner != user.id { throw ComponentRefusal.otherUser }
    if let guild = token.guild, guild != interaction.guildID ?? 0 { throw ComponentRefusal.otherGuild }
    if let message = token.message, message != interaction.message?.id { throw ComponentRefusal.otherMessage }
    let run: @Sendable (CommandInvocation) async throws -> Reply
    do {
      run = try route.prepare(token)
    } catch {
      log.debug("component outdated", ["handler": .string(route.name), "error": .error(error)])
      throw ComponentRefusal.outdated
    }
    let use = useKey(of: route, customID, token, interaction, user)
    return Call(plugin: found.plugin, action: route.action, options: []) { [uses, metrics, time] invocation in
      guard let use else { return try await run(invocation) }
      guard let uses else { throw ComponentUsesMissing(handler: route.name) }
      // Without an expiry the handler was unlimited when this was made.
      let until = token.expiry ?? time.timestamp + .seconds(365 * 86_400)
      guard try await uses.claim(use, until: until) else {
        metrics.record(.used)
        throw Refusal(.component, ComponentRefusal.used.userMessage)
      }
      do {
        return try await run(invocation)
      } catch let error as any UserFacingError {
        // It said no and did nothing: the next one may try.
        try await uses.release(use)
        throw error
      }
    }
  }

  /// What can be used only once, as one name.
  private func useKey(
    of route: ComponentRoute, _ customID: String, _ token: ComponentToken, _ interaction: Interaction,
    _ user: Gateway.User
  ) -> String? {
    let place = (interaction.message?.id ?? interaction.id).description
    switch route.use {
    case .unlimited: return nil
    case .once: return "\(place) \(customID)"
    case .oncePerMessage: return "\(place) \(token.handler)"
    case .oncePerUser: return "\(place) \(customID) \(user.id)"
    }
  }
}

/// The application gave the router no place to remember single uses.
struct ComponentUsesMissing: Error, CustomStringConvertible {
  let handler: String
  var description: String { "“\(handler)” can be used once, and there is nowhere to remember that" }
}

extension ComponentRefusal: Error {}

extension Interaction {
  fileprivate var channelText: String { channelID?.description ?? "none" }

  fileprivate var componentKind: Action.Kind? {
    switch data {
    case .component(let data): data.componentType == .button ? .button : .select
    case .modal: .modal
    default: nil
    }
  }
}
