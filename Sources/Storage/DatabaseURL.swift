import Platform

/// Where a database is, as `database.url` of the configuration says it.
enum DatabaseURL {
  /// The path of a file, or `:memory:`.
  case sqlite(path: String)
  /// As libpq reads it; a secret because of the password.
  case postgreSQL(Secret<String>)

  /// - Throws: ``DatabaseError`` of kind `configuration`, without the URL: it may hold a password.
  init(_ text: String) throws {
    if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
      self = .postgreSQL(Secret(text))
      return
    }
    guard text.hasPrefix("sqlite:") else {
      throw DatabaseError(
        .configuration, "a database URL begins with sqlite: or postgres://, as in sqlite:data/adjutant.db")
    }
    var path = text.dropFirst("sqlite:".count)
    if path.hasPrefix("//") {
      path = path.dropFirst(2)
      guard path.hasPrefix("/") else {
        throw DatabaseError(
          .configuration, "sqlite:// takes no host: write sqlite:relative/path or sqlite:///absolute/path")
      }
    }
    guard !path.isEmpty, !path.hasSuffix("/"), !path.utf8.contains(0), path == ":memory:" || !path.hasPrefix(":") else {
      throw DatabaseError(.configuration, "a sqlite: URL names a file, as in sqlite:data/adjutant.db")
    }
    self = .sqlite(path: String(path))
  }
}
