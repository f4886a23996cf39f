import KillTracker
import Platform

/// `adjutant logs …`: what the game's logs tell, without a running bot.
enum LogCommands {
  /// Prints what a log tells, piece by piece as it is read: JSON Lines, or text for people.
  static func parse(_ file: String, asJSON: Bool) async throws {
    let parser = try await GameLogFile.read(file) { events in
      Terminal.show(events.map { asJSON ? $0.json.serialized() : $0.text }.joined(separator: "\n"))
    }
    if !asJSON { Terminal.show("\(parser.lines) lines read.") }
    if parser.unreadable > 0 {
      Terminal.complain(
        "adjutant: \(parser.unreadable) lines have the name of a form that matters but a shape that is not known; "
          + "a newer build of the game may have changed it")
    }
  }
}
