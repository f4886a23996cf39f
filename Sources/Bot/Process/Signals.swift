import Dispatch
import Glibc
import Synchronization

/// What the operator tells the running process.
enum ProcessSignal: Int32, Sendable, CaseIterable {
  case interrupt = 2
  case terminate = 15
  case hangUp = 1

  var name: String {
    switch self {
    case .interrupt: "SIGINT"
    case .terminate: "SIGTERM"
    case .hangUp: "SIGHUP"
    }
  }
}

/// Turns signals into a stream. From the first use on they no longer end the process by themselves.
struct Signals {
  let stream: AsyncStream<ProcessSignal>
  /// Whether SIGINT or SIGTERM came, also if nobody has taken it from the stream.
  let toldToEnd = Flag()
  /// Kept alive for as long as the stream is wanted.
  private let sources: [any DispatchSourceSignal]

  init() {
    var continuation: AsyncStream<ProcessSignal>.Continuation?
    stream = AsyncStream(bufferingPolicy: .bufferingNewest(8)) { continuation = $0 }
    let queue = DispatchQueue(label: "adjutant.signals")
    sources = ProcessSignal.allCases.map { [toldToEnd] in
      Self.source(for: $0, on: queue, yieldingTo: continuation, toldToEnd)
    }
  }

  /// Its own function, so that the handler, which runs on a thread of Dispatch, inherits nobody's isolation.
  private static func source(
    for value: ProcessSignal, on queue: DispatchQueue,
    yieldingTo continuation: AsyncStream<ProcessSignal>.Continuation?, _ toldToEnd: Flag
  ) -> any DispatchSourceSignal {
    signal(value.rawValue, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: value.rawValue, queue: queue)
    source.setEventHandler {
      if value != .hangUp { toldToEnd.raise() }
      continuation?.yield(value)
    }
    source.resume()
    return source
  }
}

/// Raised once, and never lowered.
final class Flag: Sendable {
  private let raised = Atomic(false)

  var value: Bool { raised.load(ordering: .acquiring) }
  func raise() { raised.store(true, ordering: .releasing) }
}
