import Storage

extension Jobs {
  /// `due_at` is when the job was asked for; `wake_at` when somebody should look at it next: at `due_at`, after the pause
  /// of a failed attempt, or, while it runs, when its lease ends because its process is believed dead.
  static let tables = MigrationModule(
    "jobs",
    [
      Migration(
        1, "jobs",
        [
          """
          CREATE TABLE jobs (
            id \(.identity),
            kind \(.varchar(64)) NOT NULL,
            key \(.text),
            payload \(.json) NOT NULL,
            due_at \(.timestamp) NOT NULL,
            wake_at \(.timestamp) NOT NULL,
            attempts \(.integer) NOT NULL DEFAULT 0,
            version \(.integer) NOT NULL DEFAULT 1,
            lease \(.varchar(36)),
            last_error \(.text),
            created_at \(.timestamp) NOT NULL,
            given_up_at \(.timestamp),
            UNIQUE (kind, key)
          )
          """,
          "CREATE INDEX jobs_wake ON jobs (kind, wake_at, id) WHERE given_up_at IS NULL",
          "CREATE INDEX jobs_given_up ON jobs (given_up_at) WHERE given_up_at IS NOT NULL",
        ])
    ])
}
