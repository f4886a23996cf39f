import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// A database with the tables of the HTTP API, a directory for its files, and time that stands still.
struct Rig: Sendable {
  let database: Database
  let directory: String
  let time: ManualTime

  let me = Subject.user(UserID(100_000_000_000_000_001))
  let other = Subject.user(UserID(100_000_000_000_000_002))

  static func with(_ engine: TestEngine, _ body: (Rig) async throws -> Void) async throws {
    try await withTemporaryDirectory { directory in
      try await withTestDatabase(engine) { database in
        let rig = Rig(database: database, directory: directory, time: ManualTime())
        try await database.migrate([HTTPAPITables.module], time: rig.time)
        try await body(rig)
      }
    }
  }

  func tokens(issuer: TokenIssuer = .adjutant, directory: String? = nil) async throws -> TokenService {
    try await TokenService.open(
      database: database, directory: directory ?? self.directory, issuer: issuer, time: time)
  }

  /// Everything that is stored in a table, as text: to see that no secret is in it.
  func dump(_ table: String) async throws -> String {
    let engine = database.engine
    return try await database.read { transaction in
      switch engine {
      case .postgreSQL:
        try transaction.query("SELECT CAST(row_to_json(t) AS TEXT) AS line FROM \(table) AS t") {
          try $0.value("line", as: String.self)
        }.joined(separator: "\n")
      case .sqlite:
        try transaction.query("SELECT name FROM pragma_table_info('\(table)')") {
          try $0.value("name", as: String.self)
        }.map { column in
          try transaction.query("SELECT hex(\(column)) AS line FROM \(table)") {
            String(decoding: Hex.decode(try $0.value("line", as: String.self)) ?? [], as: UTF8.self)
          }
        }.flatMap(\.self).joined(separator: "\n")
      }
    }
  }
}
