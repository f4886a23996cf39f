import Synchronization

/// Writes structured log lines under one label.
///
/// A `Log` is cheap to copy and to derive (``labelled(_:)``); all copies share one ``LogSink``. A line below the sink's
/// level costs one comparison: its message and its fields are not even built.
public struct Log: Sendable {
  /// How much a line matters. `notice` is for what an operator wants to see at every start.
  public enum Level: String, Sendable, Comparable, CaseIterable {
    case trace, debug, info, notice, warning, error

    /// The place in `allCases`.
    var rank: Int {
      switch self {
      case .trace: 0
      case .debug: 1
      case .info: 2
      case .notice: 3
      case .warning: 4
      case .error: 5
      }
    }

    public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
  }

  public typealias Fields = KeyValuePairs<String, LogValue>

  /// The part of the program that speaks, for example `gateway` or `storage.sqlite`.
  public let label: String
  public let sink: any LogSink

  public init(label: String, sink: any LogSink) {
    self.label = label
    self.sink = sink
  }

  /// A log for a part of this part: `gateway` gives `gateway.shard`.
  public func labelled(_ part: String) -> Log {
    Log(label: label.isEmpty ? part : "\(label).\(part)", sink: sink)
  }

  /// A log that drops everything, for tests and tools.
  public static let silent = Log(label: "", sink: SilentLogSink())

  public func log(
    _ level: Level, _ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]
  ) {
    guard level >= sink.level else { return }
    sink.write(
      LogRecord(time: .now, level: level, label: label, message: message(), fields: fields().map { ($0.key, $0.value) })
    )
  }

  public func trace(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    log(.trace, message(), fields())
  }
  public func debug(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    log(.debug, message(), fields())
  }
  public func info(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    log(.info, message(), fields())
  }
  public func notice(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    log(.notice, message(), fields())
  }
  public func warning(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    log(.warning, message(), fields())
  }
  public func error(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    log(.error, message(), fields())
  }
}

/// One line as a sink receives it.
public struct LogRecord: Sendable {
  public var time: Timestamp
  public var level: Log.Level
  public var label: String
  public var message: String
  public var fields: [(key: String, value: LogValue)]

  public init(
    time: Timestamp, level: Log.Level, label: String, message: String, fields: [(key: String, value: LogValue)] = []
  ) {
    self.time = time
    self.level = level
    self.label = label
    self.message = message
    self.fields = fields
  }
}

/// Where log lines go. `write` is called on any thread and must not block.
public protocol LogSink: Sendable {
  /// Lines below this level are not built at all.
  var level: Log.Level { get }
  func write(_ record: LogRecord)
}

/// Writes every line to another sink and shows it to a listener, which must not block.
public struct LogTee: LogSink {
  private let sink: any LogSink
  private let listener: @Sendable (LogRecord) -> Void

  public init(_ sink: any LogSink, listener: @escaping @Sendable (LogRecord) -> Void) {
    self.sink = sink
    self.listener = listener
  }

  public var level: Log.Level { sink.level }

  public func write(_ record: LogRecord) {
    sink.write(record)
    listener(record)
  }
}

struct SilentLogSink: LogSink {
  let level = Log.Level.error
  func write(_ record: LogRecord) {}
}

/// Keeps every line in memory: lets a test see what was said.
public final class MemoryLogSink: LogSink {
  public let level: Log.Level
  private let stored = Mutex<[LogRecord]>([])

  public init(level: Log.Level = .trace) { self.level = level }

  public var records: [LogRecord] { stored.withLock { $0 } }
  public func write(_ record: LogRecord) { stored.withLock { $0.append(record) } }
}
