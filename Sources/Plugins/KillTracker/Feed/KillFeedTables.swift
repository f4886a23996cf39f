import Storage

/// Where servers want to read of new kills, and what waits to be told them.
///
/// `waiting` and `missed` of a feed say what is to be told one by one, and what only as a number: they are changed under
/// the row's lock, and whoever makes the first of them more than nothing schedules the job that tells it.
public enum KillFeedTables {
  public static let module = MigrationModule(
    "killtracker-feeds",
    [
      Migration(
        1, "feeds",
        [
          // `sending` is the last post of a message that is on its way: sent again, it holds the same ones.
          """
          CREATE TABLE kill_feeds (
            guild_id \(.varchar(20)) NOT NULL PRIMARY KEY,
            channel_id \(.varchar(20)) NOT NULL,
            members_only \(.boolean) NOT NULL,
            pvp_only \(.boolean) NOT NULL,
            minimum_value \(.integer) NOT NULL,
            changed_by \(.varchar(20)) NOT NULL,
            changed_at \(.timestamp) NOT NULL,
            waiting \(.integer) NOT NULL DEFAULT 0,
            missed \(.integer) NOT NULL DEFAULT 0,
            sending \(.integer),
            sending_missed \(.integer) NOT NULL DEFAULT 0,
            posted_at \(.timestamp)
          )
          """,
          // Ordered as the events were published. `occurred_at`: from when the kill's age counts.
          """
          CREATE TABLE kill_feed_posts (
            guild_id \(.varchar(20)) NOT NULL,
            position \(.integer) NOT NULL,
            kill_id \(.integer) NOT NULL,
            occurred_at \(.timestamp) NOT NULL,
            PRIMARY KEY (guild_id, position)
          )
          """,
        ])
    ])
}
