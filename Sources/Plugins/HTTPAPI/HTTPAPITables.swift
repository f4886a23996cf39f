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
        ])
    ])
}
