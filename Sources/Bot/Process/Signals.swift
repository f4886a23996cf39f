import Dispatch
import Glibc

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
  /// Kept alive for as long as the stream is wanted.
  private let sources: [any DispatchSourceSignal]

  init() {
    var continuation: AsyncStream<ProcessSignal>.Continuation?
    stream = AsyncStream(bufferingPolicy: .bufferingNewest(8)) { continuation = $0 }
    let queue = DispatchQueue(label: "adjutant.signals")
    sources = ProcessSignal.allCases.map { Self.source(for: $0, on: queue, yieldingTo: continuation) }
  }

  /// Its own function, so that the handler, which runs on a thread of Dispatch, inherits nobody's isolation.
  private static func source(
    for value: ProcessSignal, on queue: DispatchQueue, yieldingTo continuation: AsyncStream<ProcessSignal>.Continuation?
  ) -> any DispatchSourceSignal {
    signal(value.rawValue, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: value.rawValue, queue: queue)
    source.setEventHandler { continuation?.yield(value) }
    source.resume()
    return source
  }
}
