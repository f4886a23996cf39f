import Core
import Glibc
import Platform
import Storage

/// Writes or handles domain events until it is killed, and says what it did, one line each, written at once.
///
/// `EventProbe append URL FIRST`: stores events `probe.counted`, numbered from FIRST, and says `ack N` for each that is
/// stored. `EventProbe consume URL NAME`: works as the consumer of that name, ten events a batch, and says
/// `handled POSITION`.
@main
struct EventProbe {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 4 else { exit(64) }
    let shared = try await SharedState.open(try await Database.open(url: arguments[2]))
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await shared.events.run() }
      if arguments[1] == "append" {
        guard let first = Int64(arguments[3]) else { exit(64) }
        for writer in 0..<8 {
          group.addTask {
            var number = first + Int64(writer)
            while true {
              await append(number, to: shared)
              number += 8
            }
          }
        }
      } else {
        group.addTask {
          await shared.events.consume(as: arguments[3], from: .oldest, limit: 10) { batch in
            for event in batch.events { say("handled \(event.position)") }
            // Leaves room to be killed before the batch is noted.
            try await Task.sleep(for: .milliseconds(2))
          }
        }
      }
    }
  }

  private static func append(_ number: Int64, to shared: SharedState) async {
    do {
      try await shared.database.write { transaction in
        try shared.events.append(.init("probe.counted", data: ["number": .integer(number)]), in: transaction)
      }
      say("ack \(number)")
    } catch let error as DatabaseError where error.kind == .commitUnknown {
      say("unknown \(number)")
    } catch {
      say("error \(number) \(error)")
    }
  }

  private static func say(_ text: String) {
    var line = text + "\n"
    line.withUTF8 { bytes in _ = write(STDOUT_FILENO, bytes.baseAddress, bytes.count) }
  }
}
