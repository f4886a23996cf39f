import Platform

/// An error as the operator is told of it.
struct CriticalError: Sendable, Equatable {
  /// What makes two errors the same: where, what, of which type. Ids and values differ each time.
  struct Kind: Hashable, Sendable {
    var label: String
    var message: String
    var type: String
  }
  var kind: Kind
  /// The line of the log, field by field: Swift's errors carry no stack.
  var trace: String
  var time: Timestamp

  /// Nil unless it is of level `error`.
  init?(_ record: LogRecord) {
    guard record.level == .error else { return nil }
    var type: String?
    var lines = ["\(record.label): \(record.message)"]
    for (key, value) in record.fields {
      if case .failure(let name, _) = value { type = type ?? name }
      lines.append("\(key) = \(value.text)")
    }
    kind = Kind(label: record.label, message: record.message, type: type ?? record.label)
    trace = lines.joined(separator: "\n")
    time = record.time
  }
}

/// Collapses errors: the first of a kind is told at once, those that follow as a number.
///
/// - The first of a kind is due after ``gathering``, so that one trouble that shows in several places is one message.
/// - Then the kind is quiet for ``quiet``; if it came again, one report says how often, and it is quiet again.
/// - At most ``capacity`` kinds are known; what is new beyond that is counted together.
struct ErrorDigest: Sendable {
  static let gathering = Duration.seconds(2)
  static let quiet = Duration.seconds(60)
  static let capacity = 100

  struct Report: Sendable, Equatable {
    /// The latest of its kind.
    var error: CriticalError
    var count: Int
    /// Over how long; nil for the first report of a kind.
    var span: Duration?

    /// `cannot look for jobs`, and below it `×37 in 60 s`.
    var description: String {
      let text = error.kind.message
      if let span { return "\(text)\n×\(count) in \(span.components.seconds) s" }
      return count > 1 ? "\(text)\n×\(count)" : text
    }
  }

  private struct Entry: Sendable {
    var error: CriticalError
    var count: Int
    var dueAt: ContinuousClock.Instant
    var wasTold: Bool
    /// The order in which kinds were first seen.
    var number: Int
  }
  private var entries: [CriticalError.Kind: Entry] = [:]
  private var lastNumber = 0
  private static let others = CriticalError.Kind(
    label: "reports", message: "Further errors of other kinds", type: "Various")

  var isEmpty: Bool { entries.isEmpty }

  mutating func take(_ error: CriticalError, at now: ContinuousClock.Instant) {
    var error = error
    if entries[error.kind] == nil, entries.count >= Self.capacity { error.kind = Self.others }
    if entries[error.kind] != nil {
      entries[error.kind]?.error = error
      entries[error.kind]?.count += 1
    } else {
      lastNumber += 1
      entries[error.kind] = Entry(
        error: error, count: 1, dueAt: now + Self.gathering, wasTold: false, number: lastNumber)
    }
  }

  /// What is to be told now. It counts as told: what cannot be delivered is the caller's to keep.
  /// - Parameter isLast: everything that was not told yet, whenever it would be due.
  mutating func due(at now: ContinuousClock.Instant, isLast: Bool = false) -> [Report] {
    var reports: [(Int, Report)] = []
    for (kind, entry) in entries where entry.dueAt <= now || isLast {
      if entry.count > 0 {
        reports.append(
          (entry.number, Report(error: entry.error, count: entry.count, span: entry.wasTold ? Self.quiet : nil)))
        entries[kind]?.count = 0
        entries[kind]?.wasTold = true
        entries[kind]?.dueAt = now + Self.quiet
      } else {
        entries[kind] = nil
      }
    }
    return reports.sorted { $0.0 < $1.0 }.map(\.1)
  }
}
