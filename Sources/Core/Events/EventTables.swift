import Storage

extension DomainEvents {
  /// `id` is the order in which events were written; on PostgreSQL transactions end in another order, so `position` is
  /// given afterwards (see ``EventRelay``). A consumer's `lease_until` also tells when it was last alive.
  static let tables = MigrationModule(
    "events",
    [
      Migration(
        1, "domain events",
        [
          """
          CREATE TABLE domain_events (
            id \(.identity),
            position \(.integer) UNIQUE,
            name \(.varchar(64)) NOT NULL,
            guild_id \(.varchar(20)),
            subjects \(.json) NOT NULL,
            data \(.json) NOT NULL,
            created_at \(.timestamp) NOT NULL
          )
          """,
          "CREATE INDEX domain_events_new ON domain_events (id) WHERE position IS NULL",
          // One row: the last position that was given, also when all events have been removed.
          "CREATE TABLE domain_event_positions (last \(.integer) NOT NULL)",
          "INSERT INTO domain_event_positions (last) VALUES (0)",
          """
          CREATE TABLE domain_event_consumers (
            name \(.varchar(64)) NOT NULL PRIMARY KEY,
            position \(.integer) NOT NULL,
            lease \(.varchar(36)),
            lease_until \(.timestamp) NOT NULL
          )
          """,
        ])
    ])
}
