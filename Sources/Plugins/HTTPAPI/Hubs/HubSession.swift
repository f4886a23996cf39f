import HTTP
import Platform

/// What a hub distributes: one message, made once for all who get it.
public protocol HubEvent: Sendable {
  var frame: WebSocketFrame { get }
}

/// The protocol that one listener speaks with a hub: a value that does no I/O and asks nobody for the time.
public protocol HubSession: Sendable {
  associatedtype Event: HubEvent
  /// What the session cannot know by itself: who bears a token, what the numbers are now. One at a time.
  associatedtype Question: Sendable
  associatedtype Answer: Sendable

  /// When ``HubInput/timeUp`` must come, at the latest; nil for never.
  var deadline: ContinuousClock.Instant? { get }

  mutating func handle(_ input: HubInput<Answer>, at moment: HubMoment) -> [HubAction<Question>]

  /// What becomes of an event for this listener.
  mutating func take(_ event: Event) -> HubVerdict
}

public enum HubVerdict: Sendable, Equatable {
  case send, ignore
}

/// Now, by both clocks: spans go by the first, the end of a token by the second.
public struct HubMoment: Sendable, Equatable {
  public let instant: ContinuousClock.Instant
  public let timestamp: Timestamp

  public init(_ instant: ContinuousClock.Instant, _ timestamp: Timestamp) {
    self.instant = instant
    self.timestamp = timestamp
  }

  init(_ time: any TimeSource) { self.init(time.now, time.timestamp) }

  /// The instant at which civil time will be that far, as far as can be told now.
  func instant(of timestamp: Timestamp) -> ContinuousClock.Instant {
    instant.advanced(by: timestamp - self.timestamp)
  }
}

public enum HubInput<Answer: Sendable>: Sendable {
  case opened
  /// A whole text message.
  case text([UInt8])
  /// A whole binary message.
  case binary
  /// A ping or pong frame.
  case control
  /// To the last ``HubAction/ask(_:)``.
  case answer(Answer)
  /// ``HubSession/deadline`` is reached. Too early does nothing.
  case timeUp
}

public enum HubAction<Question: Sendable>: Sendable {
  case send(WebSocketFrame)
  /// A ping frame of the WebSocket itself.
  case ping
  case ask(Question)
  /// The last action. What the peer still sends is not heard.
  case close(WebSocketClose)
}

extension HubAction: Equatable where Question: Equatable {}

/// The codes with which hubs close, beside those that RFC 6455 defines for broken frames (1002), text that is not UTF-8
/// (1007) and messages that are too large (1009). Those of our own are 4000 and the HTTP status of the same meaning.
public enum HubClose {
  /// The server stops; connecting again is welcome.
  public static let goingAway = WebSocketCloseCode.goingAway
  /// A binary message.
  public static let unsupportedData = WebSocketCloseCode.unsupportedData
  /// The listener does not take what is sent as fast as it comes, or a check cannot be made for now: connect again, and
  /// fetch what was missed.
  public static let tryAgainLater = WebSocketCloseCode.tryAgainLater
  /// A message that is not what the protocol says.
  public static let badMessage = WebSocketCloseCode(rawValue: 4400)
  /// The token is not, or no longer, valid.
  public static let unauthorized = WebSocketCloseCode(rawValue: 4401)
  /// The token is valid, but not for this.
  public static let forbidden = WebSocketCloseCode(rawValue: 4403)
  /// No authentication in time, or a silent client.
  public static let timeout = WebSocketCloseCode(rawValue: 4408)
  /// The client sends too many messages.
  public static let tooManyMessages = WebSocketCloseCode(rawValue: 4429)
}
