import Platform

/// Keeps a connection below Discord's 120 payloads in 60 seconds; more and Discord closes with 4008.
///
/// Heartbeats and the handshake never wait: room is kept for as many as a minute can bring.
struct SendLimiter: Sendable {
  static let limit = 120
  static let window = Duration.seconds(60)

  private var sent: [ContinuousClock.Instant] = []
  /// How many of the window's payloads only the urgent ones may use.
  private(set) var reserved = 5

  init() {}

  /// To be called at HELLO: a new connection starts with a full allowance.
  mutating func reset(heartbeatInterval: Duration) {
    sent.removeAll(keepingCapacity: true)
    // Twice the regular beats, as Discord may ask for more, and the handshake.
    reserved = min(Self.limit / 2, 2 * Int((Self.window / heartbeatInterval).rounded(.up)) + 1)
  }

  /// Counts a payload that cannot wait.
  mutating func recordUrgent(at now: ContinuousClock.Instant) {
    forget(before: now)
    sent.append(now)
  }

  /// Counts an ordinary payload if it may go out now.
  /// - Returns: nil if it may; otherwise when to try again.
  mutating func admit(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    forget(before: now)
    let usable = Self.limit - reserved
    guard sent.count >= usable else {
      sent.append(now)
      return nil
    }
    return sent[sent.count - usable].advanced(by: Self.window)
  }

  private mutating func forget(before now: ContinuousClock.Instant) {
    let firstKept = sent.firstIndex { $0.advanced(by: Self.window) > now } ?? sent.endIndex
    if firstKept > 0 { sent.removeSubrange(..<firstKept) }
  }
}
