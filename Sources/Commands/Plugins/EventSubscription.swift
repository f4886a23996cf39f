import Gateway

/// A plugin's interest in one kind of gateway event.
///
/// ```swift
/// EventSubscription(to: .guildMemberAdd, guild: \.guildID) { events in … }
/// ```
public struct EventSubscription: Sendable {
  private let attach: @Sendable (EventDispatcher, @escaping @Sendable (Snowflake) -> Bool) -> Void

  /// - Parameter guild: The guild of an event. Events of a guild where the plugin is off do not reach the handler;
  ///   events without a guild do.
  /// - Parameter handler: Gets events in batches. After a crash an event can come again.
  public init<Payload>(
    to type: EventType<Payload>, delivery: EventDispatcher.Delivery = .ordered,
    guild: @escaping @Sendable (Payload) -> Snowflake?,
    handler: @escaping @Sendable ([Dispatched<Payload>]) async -> Void
  ) {
    attach = { events, isOn in
      events.subscribe(type, delivery: delivery) { batch in
        let wanted = batch.filter { event in guild(event.payload).map(isOn) ?? true }
        if !wanted.isEmpty { await handler(wanted) }
      }
    }
  }

  func attach(to events: EventDispatcher, isOn: @escaping @Sendable (Snowflake) -> Bool) { attach(events, isOn) }
}

extension PluginRegistry {
  /// Subscribes every plugin to its events. Before the shards start: they take the list as it is then.
  public func subscribe(to events: EventDispatcher, enabled: any EnabledPlugins) {
    for plugin in plugins {
      let (name, isCore) = (plugin.name, plugin.isCore)
      for subscription in plugin.subscriptions {
        subscription.attach(to: events) { guild in isCore || enabled.isEnabled(name, in: guild) }
      }
    }
  }
}

extension Router {
  /// Takes the interactions of the gateway. Before the shards start.
  ///
  /// An interaction counts as handled when its answer is out, so that a restart in between brings it again. As many may
  /// be under way as this router takes: it, not the dispatcher's queue, must hold them, because it watches their time.
  public func subscribe(to events: EventDispatcher) {
    events.subscribe(.interactionCreate, delivery: .concurrent(limit: capacity)) { batch in
      for event in batch { await self.submit(event.payload).value }
    }
  }
}
