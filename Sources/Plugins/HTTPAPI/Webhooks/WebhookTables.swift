import Storage

/// The webhooks' tables. Secrets and headers are sealed (``WebhookVault``).
public enum WebhookTables {
  public static let module = MigrationModule(
    "webhooks",
    [
      Migration(
        1, "webhooks and their deliveries",
        [
          """
          CREATE TABLE webhooks (
            id \(.identity),
            owner \(.varchar(64)) NOT NULL,
            name \(.varchar(100)) NOT NULL,
            url \(.text) NOT NULL,
            events \(.json) NOT NULL,
            guild_id \(.varchar(20)),
            secret \(.bytes),
            headers \(.bytes),
            max_retries \(.integer) NOT NULL,
            retry_delay \(.integer) NOT NULL,
            backoff_multiplier \(.double) NOT NULL,
            is_active \(.boolean) NOT NULL,
            disabled_reason \(.text),
            failures \(.integer) NOT NULL DEFAULT 0,
            failing_since \(.timestamp),
            dropped_events \(.integer) NOT NULL DEFAULT 0,
            created_at \(.timestamp) NOT NULL,
            updated_at \(.timestamp) NOT NULL
          )
          """,
          "CREATE INDEX webhooks_owner ON webhooks (owner, id)",
          // `sequence` is the order of delivery: written by one fan-out at a time.
          """
          CREATE TABLE webhook_deliveries (
            sequence \(.identity),
            id \(.varchar(36)) NOT NULL UNIQUE,
            webhook_id \(.integer) NOT NULL,
            event \(.varchar(64)) NOT NULL,
            body \(.text) NOT NULL,
            state \(.varchar(10)) NOT NULL,
            is_aside \(.boolean) NOT NULL,
            tries \(.integer) NOT NULL DEFAULT 0,
            next_at \(.timestamp) NOT NULL,
            created_at \(.timestamp) NOT NULL,
            finished_at \(.timestamp),
            attempts \(.json) NOT NULL
          )
          """,
          "CREATE INDEX webhook_deliveries_log ON webhook_deliveries (webhook_id, sequence)",
          """
          CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook_id, is_aside, sequence)
          WHERE state = 'pending'
          """,
          "CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL",
        ])
    ])
}
