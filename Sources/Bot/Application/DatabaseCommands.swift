import Core
import Platform
import Storage

/// `adjutant database …`: work on the database without a running bot.
enum DatabaseCommands {
  static func migrate(_ configuration: Configuration, log: Log) async throws {
    try await withDatabase(configuration, log: log) { database in
      _ = try await SharedState.open(database, modules: ProgramTables.modules, log: log)
      Terminal.show("The database is up to date.")
    }
  }

  static func backUp(_ configuration: Configuration, to file: String, log: Log) async throws {
    try await withDatabase(configuration, log: log) { database in
      try await database.backup(to: file)
      Terminal.show("The copy is \(file).")
    }
  }

  private static func withDatabase(
    _ configuration: Configuration, log: Log, _ body: (Database) async throws -> Void
  ) async throws {
    let database = try await Database.open(url: configuration.databaseURL.reveal(), log: log)
    do {
      try await body(database)
    } catch {
      await database.close()
      throw error
    }
    await database.close()
  }
}
