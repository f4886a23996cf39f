import Glibc
import Storage

/// Writes pairs that belong together until it is killed, and says which ones the database acknowledged.
///
/// Usage: `StorageCrashProbe URL FIRST`. Each transaction has a number, counted up from FIRST; it moves an amount
/// between two accounts, with one row in `entries` for each side. Standard output, one line each, written at once:
/// `ack N` (stored), `unknown N` (the connection broke while committing), `error N MESSAGE`.
@main
struct StorageCrashProbe {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let first = Int64(arguments[2]) else {
      say("usage: StorageCrashProbe URL FIRST")
      exit(64)
    }
    let database = try await Database.open(url: arguments[1])
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<16 {
        group.addTask {
          var number = first + Int64(writer)
          while true {
            await transfer(number, in: database)
            number += 16
          }
        }
      }
    }
  }

  static func transfer(_ number: Int64, in database: Database) async {
    do {
      try await database.write { transaction in
        // Rows in one order, so that PostgreSQL meets no deadlock; payer and payee change places.
        let amount = (number % 97 + 1) * (number.isMultiple(of: 2) ? 1 : -1)
        let sides: [(account: Int64, amount: Int64)] = [(1, amount), (2, -amount)]
        for side in sides {
          try transaction.execute(
            "INSERT INTO entries (transfer, account, amount) VALUES ($1, $2, $3)", number, side.account, side.amount)
          try transaction.execute("UPDATE accounts SET balance = balance + $2 WHERE id = $1", side.account, side.amount)
        }
      }
      say("ack \(number)")
    } catch let error as DatabaseError where error.kind == .commitUnknown {
      say("unknown \(number)")
    } catch {
      say("error \(number) \(error)")
    }
  }

  /// One write for one line: nothing stays in a buffer when the process is killed.
  static func say(_ text: String) {
    var line = text + "\n"
    line.withUTF8 { bytes in _ = write(STDOUT_FILENO, bytes.baseAddress, bytes.count) }
  }
}
