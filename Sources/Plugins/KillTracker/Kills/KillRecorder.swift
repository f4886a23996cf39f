import Platform
import Storage

/// Gathers reports that come at the same time into one transaction, so that a count which many of them change is
/// written once.
///
/// One transaction runs at a time; what comes meanwhile goes with the next. Nobody is answered before theirs is stored.
actor KillRecorder {
  /// The most in one transaction, which holds back all other writers meanwhile. More would share their pages a little
  /// better, but whoever waits for one commit together asks again together, and the database has nothing to do meanwhile.
  static let batchLimit = 32
  /// The most that may wait; beyond it reports are refused as the database's own queue would.
  static let waitingLimit = 10_000

  private struct Waiting {
    var entry: KillWriter.Entry
    var continuation: CheckedContinuation<KillWriter.Outcome, any Error>
  }

  private let database: Database
  private let events: KillEvents?
  private let boards: Boards
  private var waiting: [Waiting] = []
  private var isWriting = false
  /// Numbers of weapons and places, which never change; forgotten all at once when there are too many.
  private var names: [String: Int64] = [:]
  static let nameLimit = 5_000

  init(database: Database, events: KillEvents?, boards: Boards) {
    self.database = database
    self.events = events
    self.boards = boards
  }

  /// - Throws: `DatabaseError`.
  func record(_ entry: KillWriter.Entry) async throws -> KillWriter.Outcome {
    guard waiting.count < Self.waitingLimit else {
      throw DatabaseError(.overloaded, "too many kills are waiting to be recorded (\(Self.waitingLimit))")
    }
    return try await withCheckedThrowingContinuation { continuation in
      waiting.append(Waiting(entry: entry, continuation: continuation))
      guard !isWriting else { return }
      isWriting = true
      Task { await writeAll() }
    }
  }

  private func writeAll() async {
    while !waiting.isEmpty {
      let batch = Array(waiting.prefix(Self.batchLimit))
      waiting.removeFirst(batch.count)
      await write(batch)
    }
    isWriting = false
  }

  private func write(_ batch: [Waiting]) async {
    do {
      let result = try await store(batch.map(\.entry))
      for (place, item) in batch.enumerated() { item.continuation.resume(returning: result.outcomes[place]) }
    } catch {
      // What one report does to the database must not cost the others theirs.
      guard batch.count > 1, Self.isOfOne(error) else {
        for item in batch { item.continuation.resume(throwing: error) }
        return
      }
      for item in batch { await write([item]) }
    }
  }

  private static func isOfOne(_ error: any Error) -> Bool {
    switch (error as? DatabaseError)?.kind {
    case .constraint, .value, nil: true
    default: false
    }
  }

  private func store(_ entries: [KillWriter.Entry]) async throws -> KillWriter.Result {
    let known = names
    let result = try await boards.writing { [database, events] in
      let result = try await database.write {
        try KillWriter.record(entries, names: known, events: events, in: $0)
      }
      return (result, result.change)
    }
    names = result.names.count <= Self.nameLimit ? result.names : [:]
    return result
  }
}
