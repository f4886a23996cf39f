import Glibc
import StorageTestSupport
import Testing

@testable import Storage

/// What was acknowledged survives `kill -9`, and nothing is ever stored by halves.
@Suite(.serialized) struct CrashTests {
  private static let probe = ChildProcess.beside("StorageCrashProbe")

  private static let script =
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    .joined(separator: "/") + "/Support/postgres.sh"

  private static func numbers(_ lines: [String], _ word: String) -> Set<Int64> {
    Set(lines.compactMap { $0.hasPrefix(word + " ") ? Int64($0.split(separator: " ")[1]) : nil })
  }

  private func prepare(_ database: Database) async throws {
    try await database.create(
      "CREATE TABLE accounts (id \(.integer) NOT NULL PRIMARY KEY, balance \(.integer) NOT NULL)")
    try await database.create(
      """
      CREATE TABLE entries (
        transfer \(.integer) NOT NULL, account \(.integer) NOT NULL, amount \(.integer) NOT NULL,
        PRIMARY KEY (transfer, account)
      )
      """)
    try await database.write { try $0.execute("INSERT INTO accounts VALUES (1, 0), (2, 0)") }
  }

  /// Compares the database with what the probe heard from it.
  private func verify(_ database: Database, acknowledged: Set<Int64>) async throws {
    let (entries, balances) = try await database.read { transaction in
      (
        try transaction.query("SELECT transfer, account, amount FROM entries") { row in
          (
            transfer: try row.value("transfer", as: Int64.self), account: try row.value("account", as: Int64.self),
            amount: try row.value("amount", as: Int64.self)
          )
        },
        try transaction.query("SELECT id, balance FROM accounts ORDER BY id") { row in
          try row.value("balance", as: Int64.self)
        }
      )
    }
    let transfers = Dictionary(grouping: entries, by: \.transfer)
    #expect(transfers.values.allSatisfy { $0.count == 2 && $0.reduce(0) { $0 + $1.amount } == 0 })
    #expect(acknowledged.subtracting(transfers.keys).isEmpty, "acknowledged, but lost")
    for account in 1...2 {
      #expect(balances[account - 1] == entries.filter { $0.account == account }.reduce(0) { $0 + $1.amount })
    }
    if database.engine == .sqlite {
      let report = try await database.read {
        try $0.query("PRAGMA integrity_check") { try $0.value("integrity_check", as: String.self) }
      }
      #expect(report == ["ok"])
    }
  }

  @Test(arguments: TestEngine.available)
  func killingTheProgramLosesNothingAcknowledged(engine: TestEngine) async throws {
    try await withTestURL(engine) { url in
      let before = try await Database.open(url: url)
      try await prepare(before)
      await before.close()
      var acknowledged: Set<Int64> = []
      for round in 1...3 {
        let probe = try ChildProcess(Self.probe, [url, String(round * 1_000_000)])
        var lines = try await probe.lines { [wanted = round * 50] in $0.count >= wanted }
        lines += try await probe.killed()
        #expect(Self.numbers(lines, "error").isEmpty)
        let heard = Self.numbers(lines, "ack")
        #expect(heard.count >= round * 50)
        acknowledged.formUnion(heard)
        let after = try await Database.open(url: url)
        try await verify(after, acknowledged: acknowledged)
        await after.close()
      }
    }
  }

  @Test(.enabled(if: TestEngine.postgresURL != nil, "ADJUTANT_TEST_POSTGRES is not set"))
  func killingTheServerLosesNothingAcknowledgedAndTheProgramGoesOn() async throws {
    // Not under /tmp's private directory of another user: the cluster belongs to `postgres` when the tests run as root.
    let directory = "/tmp/adjutant-crash-\(UInt32.random(in: 0...UInt32.max))"
    func script(_ command: String) async throws -> String {
      try await ChildProcess.run("/bin/bash", [Self.script, command, directory]).last ?? ""
    }
    let url = try await script("start")
    do {
      var options = DatabaseOptions()
      options.poolSize = 2
      let database = try await Database.open(url: url, options: options)
      try await prepare(database)
      let probe = try ChildProcess(Self.probe, [url, "1"])
      var lines = try await probe.lines { $0.count >= 200 }
      _ = try await script("kill")
      #expect(try await script("start") == url)
      // The probe connects again by itself: it hears from the new server what it asked after the old one died.
      lines += try await probe.lines { lines in Self.numbers(Array(lines.suffix(100)), "ack").count == 100 }
      lines += try await probe.killed()
      // So does a connection that was idle all the time, without an error.
      try await verify(database, acknowledged: Self.numbers(lines, "ack"))
      await database.close()
    } catch {
      _ = try await script("stop")
      throw error
    }
    _ = try await script("stop")
  }
}
