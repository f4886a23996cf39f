import HTTP
import Platform

/// One listener of Aurora's WebSocket (`aurora.md`, "WebSocket"): whoever was let in gets every message.
///
/// The client sends `{"type": "PING"}`, the answer is `{"type": "PONG"}`. One that is silent for ``silenceLimit`` is
/// closed; ping and pong frames of the WebSocket itself count as a sign of life too.
public struct AuroraSession: HubSession {
  public typealias Event = AuroraEvent
  /// What are the statistics now?
  public struct Question: Sendable, Equatable {}
  /// Nil if they cannot be had.
  public typealias Answer = AuroraEvent?

  public static let silenceLimit = Duration.seconds(60)
  /// So many messages may come in ``messageWindow``.
  static let messageLimit = 20
  static let messageWindow = Duration.seconds(10)
  private static let pong = WebSocketFrame.text(#"{"type":"PONG"}"#)

  private var lastHeard: ContinuousClock.Instant
  private var windowStart: ContinuousClock.Instant
  private var windowCount = 0
  private var isClosed = false
  /// Nobody needs to wait for the next round to see something.
  private var hasStats = false

  public init(at moment: HubMoment) {
    lastHeard = moment.instant
    windowStart = moment.instant
  }

  public var deadline: ContinuousClock.Instant? { isClosed ? nil : lastHeard.advanced(by: Self.silenceLimit) }

  public mutating func handle(_ input: HubInput<Answer>, at moment: HubMoment) -> [HubAction<Question>] {
    guard !isClosed else { return [] }
    switch input {
    case .opened: return [.ask(Question())]
    case .answer(let stats):
      guard let stats, !hasStats else { return [] }
      hasStats = true
      return [.send(stats.frame)]
    case .control:
      lastHeard = moment.instant
      return []
    case .binary: return close(HubClose.unsupportedData, "messages are text")
    case .text(let bytes):
      lastHeard = moment.instant
      return receive(bytes, moment)
    case .timeUp:
      guard lastHeard.advanced(by: Self.silenceLimit) <= moment.instant else { return [] }
      return close(
        HubClose.timeout, "nothing was heard for \(Self.silenceLimit.components.seconds) seconds; send PING")
    }
  }

  private mutating func receive(_ bytes: [UInt8], _ moment: HubMoment) -> [HubAction<Question>] {
    if moment.instant >= windowStart.advanced(by: Self.messageWindow) {
      windowStart = moment.instant
      windowCount = 0
    }
    windowCount += 1
    guard windowCount <= Self.messageLimit else {
      return close(
        HubClose.tooManyMessages, "at most \(Self.messageLimit) messages in \(Self.messageWindow.components.seconds) s")
    }
    guard let message = try? JSON(parsing: bytes), let type = message["type"]?.string else {
      return close(HubClose.badMessage, "a message is a JSON object with a type")
    }
    return type == "PING" ? [.send(Self.pong)] : []
  }

  private mutating func close(_ code: WebSocketCloseCode, _ reason: String) -> [HubAction<Question>] {
    isClosed = true
    return [.close(WebSocketClose(code: code, reason: reason))]
  }

  public mutating func take(_ event: Event) -> HubVerdict {
    if isClosed { return .ignore }
    if event.name == .statsUpdate { hasStats = true }
    return .send
  }
}
