import Platform

extension Database {
  /// Brings the tables of all modules up to date, each step in a transaction of its own.
  ///
  /// Several processes may do this at the same time: each step runs once. A module that the database knows and the
  /// program does not (a plugin that was taken out) is left as it is.
  /// - Returns: how many steps ran.
  /// - Throws: ``DatabaseError`` of kind `migration` when the database is newer than the program, when a step that ran
  ///   has changed since, or when steps are missing.
  @discardableResult
  public func migrate(_ modules: [MigrationModule], time: any TimeSource, log: Log = .silent) async throws -> Int {
    for module in modules {
      guard module.migrations.map(\.number) == Array(1..<(module.migrations.count + 1)) else {
        throw DatabaseError(.migration, "the migrations of \(module.name) are not numbered 1, 2, 3 …")
      }
    }
    guard Set(modules.map(\.name)).count == modules.count else {
      throw DatabaseError(.migration, "two modules of migrations have the same name")
    }

    var count = 0
    for module in modules {
      // Each turn looks again at what is recorded: another process may have done the next step meanwhile.
      while let step = try await write({ try Migrator.applyNext(of: module, at: time.timestamp, in: $0) }) {
        count += 1
        log.notice(
          "migrated", ["module": "\(module.name)", "number": .integer(Int64(step.number)), "name": "\(step.name)"])
      }
    }
    return count
  }
}

private enum Migrator {
  struct Applied {
    var number: Int
    var name: String
    var checksum: String
  }

  /// Runs the first step that is not recorded yet, nil if there is none.
  static func applyNext(of module: MigrationModule, at now: Timestamp, in transaction: Transaction) throws -> Migration?
  {
    try transaction.lock("schema_migrations")
    if transaction.engine == .postgreSQL {
      // Building an index on a large table takes as long as it takes.
      try transaction.execute("SET LOCAL statement_timeout = 0")
    }
    try apply(table, in: transaction)
    let applied = try transaction.query(
      "SELECT number, name, checksum FROM schema_migrations WHERE module = $1 ORDER BY number", module.name
    ) { row in
      Applied(number: try row["number"], name: try row["name"], checksum: try row["checksum"])
    }
    guard let step = try nextStep(of: module, after: applied) else { return nil }
    for statement in step.statements { try apply(statement, in: transaction) }
    try transaction.execute(
      "INSERT INTO schema_migrations (module, number, name, checksum, applied_at) VALUES ($1, $2, $3, $4, $5)",
      module.name, step.number, step.name, step.checksum, now)
    return step
  }

  private static func apply(_ statement: SchemaStatement, in transaction: Transaction) throws {
    if let sql = statement.sql(for: transaction.engine) { try transaction.execute(sql) }
  }

  private static func nextStep(of module: MigrationModule, after applied: [Applied]) throws -> Migration? {
    for (index, record) in applied.enumerated() {
      guard record.number == index + 1 else {
        throw DatabaseError(
          .migration, "the database lacks migration \(index + 1) of \(module.name), but has \(record.number)")
      }
      guard index < module.migrations.count else {
        throw DatabaseError(
          .migration,
          "the database is newer than this program: it has migration \(record.number) (\(record.name)) of "
            + "\(module.name), the program knows \(module.migrations.count). Use the newer program")
      }
      guard record.checksum == module.migrations[index].checksum else {
        throw DatabaseError(
          .migration,
          "migration \(record.number) (\(record.name)) of \(module.name) is not the one that ran on this database")
      }
    }
    return applied.count < module.migrations.count ? module.migrations[applied.count] : nil
  }

  private static let table: SchemaStatement = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
      module \(.text) NOT NULL,
      number \(.integer) NOT NULL,
      name \(.text) NOT NULL,
      checksum \(.text) NOT NULL,
      applied_at \(.timestamp) NOT NULL,
      PRIMARY KEY (module, number)
    )
    """
}
