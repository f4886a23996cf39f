import Platform
import Synchronization

/// What Discord may send that it should not, or that this version does not know.
public enum GatewayFault: String, Sendable, CaseIterable {
  /// The answer to the opening request opens no WebSocket.
  case handshake
  /// A WebSocket frame that RFC 6455 forbids.
  case frame
  case invalidUTF8 = "invalid_utf8"
  /// A frame, or a message unpacked, beyond the limits.
  case tooLarge = "too_large"
  case compression
  case json
  /// JSON that is no gateway message, or one whose values cannot be true.
  case envelope
  /// A message that the protocol does not foresee in this state.
  case unexpected
  case unknownOpcode = "unknown_opcode"
  case unknownEvent = "unknown_event"
  case unknownValue = "unknown_value"

  /// Why a message could not be read.
  init(_ error: any Error) {
    switch error {
    case CompressionError.tooLarge: self = .tooLarge
    case is CompressionError: self = .compression
    case is JSONError: self = .json
    default: self = .envelope
    }
  }

  /// Whether it is a novelty of Discord's rather than a breach.
  var isNovelty: Bool {
    switch self {
    case .unknownOpcode, .unknownEvent, .unknownValue: true
    default: false
    }
  }
}

/// Counts faults by kind and tells each kind once: what happens once can happen a thousand times a second.
///
/// Decoding, which knows no shard, finds it as the ``JSONView/context`` of what it reads.
final class FaultReporter: Sendable {
  /// Names come from outside, so there must be an end to what is remembered.
  private static let maximumReported = 200

  private let log: Log
  private let counts: Family<Counter>
  private let reported = Mutex<Set<String>>([])

  init(log: Log, metrics: Metrics) {
    self.log = log
    counts = metrics.counter(
      "gateway_faults_total", help: "What the gateway sent against the protocol or unknown to this version, by kind",
      labels: ["kind"])
  }

  /// - Parameter what: the particular case. Novelties and unexpected messages are told once each, all others once per
  ///   kind.
  func report(_ fault: GatewayFault, _ what: String) {
    counts(fault.rawValue).increment()
    let what = what.count > 200 ? String(what.prefix(200)) : what
    let key = fault.isNovelty || fault == .unexpected ? "\(fault.rawValue) \(what)" : fault.rawValue
    let isNew = reported.withLock { $0.count < Self.maximumReported && $0.insert(key).inserted }
    guard isNew else { return }
    if fault.isNovelty {
      log.info("unknown to this version, and ignored", ["kind": .string(fault.rawValue), "what": .string(what)])
    } else {
      log.warning("the gateway broke the protocol", ["kind": .string(fault.rawValue), "what": .string(what)])
    }
  }
}
