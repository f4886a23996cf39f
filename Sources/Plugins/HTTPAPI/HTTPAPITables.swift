import Storage

/// The tables of the HTTP API. No secret is in them: keys, tokens and client secrets as SHA-256, passwords as scrypt.
public enum HTTPAPITables {
  public static let module = MigrationModule(
    "httpapi",
    [
      Migration(
        1, "tokens",
        [
          // `id` is a token's or a family's. Numbers are given in the order of commits (see Revocations).
          """
          CREATE TABLE token_revocations (
            number \(.identity),
            id \(.varchar(32)) NOT NULL UNIQUE,
            expires_at \(.timestamp) NOT NULL
          )
          """,
          "CREATE INDEX token_revocations_expiry ON token_revocations (expires_at)",
          """
          CREATE TABLE token_generations (
            number \(.identity),
            subject \(.varchar(64)) NOT NULL UNIQUE,
            generation \(.integer) NOT NULL
          )
          """,
          """
          CREATE TABLE refresh_tokens (
            hash \(.bytes) NOT NULL PRIMARY KEY,
            subject \(.varchar(64)) NOT NULL,
            family \(.varchar(32)) NOT NULL,
            generation \(.integer) NOT NULL,
            authenticated_at \(.timestamp) NOT NULL,
            created_at \(.timestamp) NOT NULL,
            expires_at \(.timestamp) NOT NULL,
            used_at \(.timestamp)
          )
          """,
          "CREATE INDEX refresh_tokens_subject ON refresh_tokens (subject, created_at)",
          "CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at)",
        ]),
      Migration(
        2, "API keys, accounts, clients, logins",
        [
          """
          CREATE TABLE api_keys (
            id \(.identity),
            user_id \(.varchar(20)) NOT NULL,
            kind \(.varchar(10)) NOT NULL,
            name \(.varchar(100)) NOT NULL,
            player_name \(.varchar(64)),
            bot_name \(.varchar(100)),
            permissions \(.json) NOT NULL,
            hash \(.bytes) NOT NULL UNIQUE,
            is_limited \(.boolean) NOT NULL,
            is_active \(.boolean) NOT NULL,
            created_at \(.timestamp) NOT NULL,
            expires_at \(.timestamp),
            last_used_at \(.timestamp)
          )
          """,
          "CREATE INDEX api_keys_user ON api_keys (user_id, created_at)",
          "CREATE UNIQUE INDEX api_keys_primary ON api_keys (user_id) WHERE kind = 'primary'",
          """
          CREATE TABLE accounts (
            id \(.identity),
            email \(.varchar(254)) NOT NULL UNIQUE,
            name \(.varchar(100)) NOT NULL,
            role \(.varchar(10)) NOT NULL,
            user_id \(.varchar(20)) UNIQUE,
            password_hash \(.text),
            created_at \(.timestamp) NOT NULL,
            updated_at \(.timestamp) NOT NULL
          )
          """,
          """
          CREATE TABLE oauth_clients (
            id \(.varchar(32)) NOT NULL PRIMARY KEY,
            name \(.varchar(100)) NOT NULL,
            secret_hash \(.bytes) NOT NULL,
            scopes \(.json) NOT NULL,
            created_at \(.timestamp) NOT NULL
          )
          """,
          """
          CREATE TABLE api_users (
            id \(.varchar(20)) NOT NULL PRIMARY KEY,
            username \(.text) NOT NULL,
            discriminator \(.varchar(4)) NOT NULL,
            avatar_url \(.text),
            created_at \(.timestamp) NOT NULL,
            last_login_at \(.timestamp) NOT NULL
          )
          """,
          // What is good once, as a hash: states of logins under way, signatures that were used.
          """
          CREATE TABLE login_marks (
            mark \(.bytes) NOT NULL PRIMARY KEY,
            expires_at \(.timestamp) NOT NULL
          )
          """,
          "CREATE INDEX login_marks_expiry ON login_marks (expires_at)",
          """
          CREATE TABLE login_attempts (
            key \(.bytes) NOT NULL PRIMARY KEY,
            attempts \(.integer) NOT NULL,
            last_at \(.timestamp) NOT NULL,
            familiar_until \(.timestamp)
          )
          """,
          "CREATE INDEX login_attempts_time ON login_attempts (last_at, key)",
        ]),
      Migration(
        3, "rate limits of several processes",
        [
          """
          CREATE TABLE rate_limit_shares (
            number \(.identity),
            process \(.varchar(32)) NOT NULL,
            created_at \(.timestamp) NOT NULL,
            uses \(.json) NOT NULL
          )
          """,
          "CREATE INDEX rate_limit_shares_time ON rate_limit_shares (created_at)",
        ]),
    ])
}
