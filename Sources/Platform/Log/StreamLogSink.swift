import Dispatch
import Glibc
import Synchronization

/// Writes log lines to a file descriptor from a queue of its own, so that a full pipe never holds up a caller.
///
/// At most ``maximumPendingBytes`` wait to be written. Beyond that lines are dropped and counted; as soon as the
/// descriptor takes bytes again, one line says how many were lost.
public final class StreamLogSink: LogSink {
  public static let maximumPendingBytes = 4 << 20

  private let rank: Atomic<Int>
  private let format: LogFormat
  private let descriptor: Int32
  private let queue = DispatchQueue(label: "adjutant.log")
  private let state = Mutex(State())

  private struct State {
    var pending: [UInt8] = []
    var dropped = 0
    var isDraining = false
  }

  /// - Parameter format: nil means text in colour on a terminal and JSON lines anywhere else.
  public init(level: Log.Level, descriptor: Int32 = STDERR_FILENO, format: LogFormat? = nil) {
    rank = Atomic(level.rank)
    self.descriptor = descriptor
    self.format = format ?? (isatty(descriptor) == 1 ? .text(colour: true) : .jsonLines)
  }

  public var level: Log.Level { Log.Level.allCases[rank.load(ordering: .relaxed)] }

  /// Changes from now on which lines are built.
  public func setLevel(_ level: Log.Level) { rank.store(level.rank, ordering: .relaxed) }

  public func write(_ record: LogRecord) {
    let line = format.line(for: record).utf8
    let mustStart = state.withLock { state in
      guard state.pending.count + line.count <= Self.maximumPendingBytes else {
        state.dropped += 1
        return false
      }
      state.pending.append(contentsOf: line)
      defer { state.isDraining = true }
      return !state.isDraining
    }
    if mustStart { queue.async { self.drain() } }
  }

  /// Waits until everything logged so far is written. For the end of the process; it blocks its thread.
  public func flush() {
    queue.sync { self.drain() }
  }

  private func drain() {
    while true {
      let (bytes, dropped) = state.withLock { state in
        defer {
          state.pending = []
          state.dropped = 0
          if state.pending.isEmpty { state.isDraining = false }
        }
        return (state.pending, state.dropped)
      }
      guard !bytes.isEmpty || dropped > 0 else { return }
      writeAll(bytes)
      if dropped > 0 {
        let record = LogRecord(
          time: .now, level: .warning, label: "log", message: "log lines were dropped: the output did not keep up",
          fields: [("lines", .integer(Int64(dropped)))])
        writeAll(Array(format.line(for: record).utf8))
      }
    }
  }

  private func writeAll(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let count = Glibc.write(descriptor, buffer.baseAddress! + written, buffer.count - written)
        if count > 0 {
          written += count
        } else if count < 0, errno == EINTR {
          continue
        } else if count < 0, errno == EAGAIN {
          var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          _ = poll(&waiting, 1, 1_000)
        } else {
          // The output is gone (closed pipe, full disk): there is nowhere left to report to.
          return
        }
      }
    }
  }
}
