import Core

extension KillEvents {
  /// Kills as domain events, for hubs, webhooks and the kill feed.
  public init(_ events: DomainEvents) {
    self.init { drafts, transaction in
      try events.append(
        drafts.map { event in
          DomainEvent.Draft(
            event.name, guild: event.guild, subjects: event.users.map { .user($0) }, data: event.data)
        }, in: transaction)
    }
  }
}
