import Storage

/// The tables of kills on people's word, of what logs tell beside kills, and of proofs under way.
///
/// Players stand in them as users or as handles in lower case, never by their number: that changes when a handle is
/// proved.
public enum ReportTables {
  public static let module = MigrationModule(
    "killtracker-reports",
    [
      Migration(
        1, "claims",
        [
          // `victim_key` is the handle in lower case. `request` names the interaction it came with: one that comes
          // again is the same claim.
          """
          CREATE TABLE kill_claims (
            id \(.identity),
            guild_id \(.varchar(20)) NOT NULL,
            reporter \(.varchar(20)) NOT NULL,
            victim_user \(.varchar(20)),
            victim_handle \(.varchar(64)),
            victim_key \(.varchar(64)),
            victim_name \(.text) NOT NULL,
            weapon \(.text),
            location \(.text),
            occurred_at \(.timestamp) NOT NULL,
            witness \(.varchar(20)),
            state \(.varchar(12)) NOT NULL,
            proof \(.varchar(12)),
            confirmed_by \(.varchar(20)),
            confirmed_at \(.timestamp),
            disputed_by \(.varchar(20)),
            decided_by \(.varchar(20)),
            deadline \(.timestamp) NOT NULL,
            created_at \(.timestamp) NOT NULL,
            updated_at \(.timestamp) NOT NULL,
            kill_id \(.integer),
            owns_kill \(.boolean) NOT NULL,
            request \(.varchar(100)) UNIQUE
          )
          """,
          "CREATE INDEX kill_claims_guild ON kill_claims (guild_id, state, id)",
          "CREATE INDEX kill_claims_reporter ON kill_claims (reporter, created_at)",
          "CREATE INDEX kill_claims_confirmer ON kill_claims (confirmed_by, confirmed_at)",
          "CREATE INDEX kill_claims_victim ON kill_claims (victim_key, occurred_at)",
          "CREATE INDEX kill_claims_member ON kill_claims (victim_user, occurred_at)",
          // What the trust of reporters is computed from.
          """
          CREATE TABLE kill_claim_counts (
            user_id \(.varchar(20)) NOT NULL PRIMARY KEY,
            confirmed \(.integer) NOT NULL,
            rejected \(.integer) NOT NULL
          )
          """,
        ]),
      Migration(
        2, "what logs tell beside kills",
        [
          // Sessions whose time counts, each once for a player.
          """
          CREATE TABLE kill_log_sessions (
            user_id \(.varchar(20)) NOT NULL,
            session \(.varchar(64)) NOT NULL,
            began_at \(.timestamp) NOT NULL,
            ended_at \(.timestamp) NOT NULL,
            played_seconds \(.integer) NOT NULL,
            PRIMARY KEY (user_id, session)
          )
          """,
          "CREATE INDEX kill_log_sessions_time ON kill_log_sessions (user_id, began_at)",
          // Signs of deaths without a killer. `kill_id` is what stands for it among the kills; none while a kill that
          // tells more stands there.
          """
          CREATE TABLE kill_log_deaths (
            id \(.identity),
            victim_key \(.varchar(64)) NOT NULL,
            victim_handle \(.varchar(64)) NOT NULL,
            occurred_at \(.timestamp) NOT NULL,
            source \(.varchar(20)) NOT NULL,
            confidence \(.integer) NOT NULL,
            location \(.text),
            vehicle \(.text),
            server_id \(.varchar(20)) NOT NULL,
            uploader \(.varchar(20)) NOT NULL,
            kill_id \(.integer),
            UNIQUE (victim_key, occurred_at)
          )
          """,
        ]),
      Migration(
        3, "proofs of handles under way",
        [
          """
          CREATE TABLE handle_proofs (
            user_id \(.varchar(20)) NOT NULL PRIMARY KEY,
            handle \(.varchar(64)) NOT NULL,
            token \(.varchar(64)) NOT NULL,
            created_at \(.timestamp) NOT NULL,
            expires_at \(.timestamp) NOT NULL
          )
          """
        ]),
      Migration(
        4, "messages of reports",
        [
          // Where a report stands to be read, so that it changes there when it changes here. They outlive their report:
          // what was deleted has to go there, too.
          """
          CREATE TABLE kill_claim_messages (
            message_id \(.varchar(20)) NOT NULL PRIMARY KEY,
            channel_id \(.varchar(20)) NOT NULL,
            claim_id \(.integer) NOT NULL,
            guild_id \(.varchar(20)) NOT NULL
          )
          """,
          "CREATE INDEX kill_claim_messages_claim ON kill_claim_messages (claim_id, message_id)",
        ]),
    ])
}
