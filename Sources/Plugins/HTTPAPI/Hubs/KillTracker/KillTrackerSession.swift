import HTTP
import Platform

/// One listener of the Kill Tracker's WebSocket (`kill-tracker-v1.md`, "WebSocket API").
///
/// The first message is `{"type": "auth", "token": "…"}`, within ``authenticationLimit``; the token is what
/// `Authorization: Bearer` takes elsewhere. Nothing is sent in answer to a good one: events follow, those included that
/// happened while it was checked. Later messages of that kind put another token in its place; other types are ignored.
///
/// The token is checked again every ``recheckInterval``, so that one that is revoked closes the connection
/// (``HubClose/unauthorized``) as its end does at once.
public struct KillTrackerSession: HubSession {
  public typealias Event = KillTrackerEvent
  /// Whose token is this?
  public typealias Question = Secret<String>

  public enum Answer: Sendable, Equatable {
    case viewer(HubViewer)
    /// Forged, ended, revoked.
    case refused
    /// Good, but not for this: a key that may not read kills.
    case forbidden(String)
    /// It cannot be known at this moment.
    case unavailable
  }

  private enum State: Sendable {
    case new(until: ContinuousClock.Instant)
    /// The first token is being checked.
    case checking(Secret<String>, until: ContinuousClock.Instant)
    /// - `pending`: the token that is being checked, the same one or one that comes after it.
    case known(HubViewer, Secret<String>, pending: Secret<String>?)
    case closed
  }

  public static let authenticationLimit = Duration.seconds(10)
  static let recheckInterval = Duration.seconds(30)
  /// For how long a token is believed that cannot be checked again.
  static let trustWithoutCheck = Duration.seconds(300)
  static let pingInterval = Duration.seconds(45)
  /// A peer of which nothing was heard for so long is gone.
  static let silenceLimit = Duration.seconds(120)
  /// So many messages may come in ``messageWindow``.
  static let messageLimit = 20
  static let messageWindow = Duration.seconds(10)
  /// Events kept while the first token is checked; then the oldest are lost.
  static let heldEvents = 64
  static let tokenLength = 8 << 10

  private var state: State
  private var held: [Event] = []
  private var lastHeard: ContinuousClock.Instant
  private var nextPing: ContinuousClock.Instant
  private var nextCheck: ContinuousClock.Instant
  private var lastCheck: ContinuousClock.Instant
  private var expiry: ContinuousClock.Instant?
  private var windowStart: ContinuousClock.Instant
  private var windowCount = 0

  public init(at moment: HubMoment) {
    let now = moment.instant
    state = .new(until: now.advanced(by: Self.authenticationLimit))
    lastHeard = now
    nextPing = now.advanced(by: Self.pingInterval)
    nextCheck = now
    lastCheck = now
    windowStart = now
  }

  public var deadline: ContinuousClock.Instant? {
    let alive = min(nextPing, lastHeard.advanced(by: Self.silenceLimit))
    switch state {
    case .new(let until), .checking(_, let until): return min(until, alive)
    case .known: return min(alive, nextCheck, expiry ?? nextCheck)
    case .closed: return nil
    }
  }

  /// Who listens, once that is known.
  var viewer: HubViewer? { if case .known(let viewer, _, _) = state { viewer } else { nil } }

  // MARK: Input

  public mutating func handle(_ input: HubInput<Answer>, at moment: HubMoment) -> [HubAction<Question>] {
    if case .closed = state { return [] }
    switch input {
    case .opened: return []
    case .control:
      lastHeard = moment.instant
      return []
    case .binary: return close(HubClose.unsupportedData, "messages are text")
    case .text(let bytes):
      lastHeard = moment.instant
      return receive(bytes, moment)
    case .answer(let answer): return take(answer, moment)
    case .timeUp: return timeUp(moment)
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
    guard type == "auth" else {
      if case .known = state { return [] }
      return close(HubClose.unauthorized, "the first message must be of the type auth")
    }
    guard let token = message["token"]?.string, !token.isEmpty, token.utf8.count <= Self.tokenLength,
      token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else { return close(HubClose.unauthorized, "the token is missing or not a token") }
    return authenticate(Secret(token), moment)
  }

  private mutating func authenticate(_ token: Secret<String>, _ moment: HubMoment) -> [HubAction<Question>] {
    switch state {
    case .new(let until): state = .checking(token, until: until)
    // The one that is being checked is still to be answered: one question at a time.
    case .checking: return close(HubClose.badMessage, "a token is being checked already")
    case .known(let viewer, let old, let pending):
      guard pending == nil || pending == old else {
        return close(HubClose.badMessage, "a token is being checked already")
      }
      state = .known(viewer, old, pending: token)
    // A check of the old token that is under way is replaced.
    case .closed: return []
    }
    return [.ask(token)]
  }

  private mutating func take(_ answer: Answer, _ moment: HubMoment) -> [HubAction<Question>] {
    let token: Secret<String>
    let isFirst: Bool
    switch state {
    case .checking(let asked, _): (token, isFirst) = (asked, true)
    case .known(_, _, let pending?): (token, isFirst) = (pending, false)
    case .new, .known, .closed: return []
    }
    switch answer {
    case .refused: return close(HubClose.unauthorized, "the token is not valid")
    case .forbidden(let reason): return close(HubClose.forbidden, reason)
    case .unavailable: return postpone(token, isFirst, moment)
    case .viewer(let viewer):
      expiry = viewer.expiresAt.map(moment.instant(of:))
      if let expiry, expiry <= moment.instant { return close(HubClose.unauthorized, "the token has ended") }
      lastCheck = moment.instant
      nextCheck = moment.instant.advanced(by: Self.recheckInterval)
      state = .known(viewer, token, pending: nil)
      let waiting = held.filter { $0.audience.includes(viewer) }
      held = []
      return waiting.map { .send($0.frame) }
    }
  }

  /// A token that cannot be checked lets nobody in, and keeps nobody for ever.
  private mutating func postpone(
    _ token: Secret<String>, _ isFirst: Bool, _ moment: HubMoment
  ) -> [HubAction<Question>] {
    guard case .known(let viewer, let old, _) = state, !isFirst, token == old,
      moment.instant < lastCheck.advanced(by: Self.trustWithoutCheck)
    else { return close(HubClose.tryAgainLater, "the token cannot be checked for now") }
    state = .known(viewer, old, pending: nil)
    nextCheck = moment.instant.advanced(by: Self.recheckInterval)
    return []
  }

  private mutating func timeUp(_ moment: HubMoment) -> [HubAction<Question>] {
    let now = moment.instant
    switch state {
    case .new(let until), .checking(_, let until):
      if until <= now {
        return close(
          HubClose.timeout, "no authentication within \(Self.authenticationLimit.components.seconds) seconds")
      }
    case .known:
      if let expiry, expiry <= now { return close(HubClose.unauthorized, "the token has ended") }
    case .closed: return []
    }
    if lastHeard.advanced(by: Self.silenceLimit) <= now { return close(HubClose.timeout, "the client is silent") }
    var actions: [HubAction<Question>] = []
    if case .known(let viewer, let token, let pending) = state, nextCheck <= now {
      nextCheck = now.advanced(by: Self.recheckInterval)
      // A check that is still under way goes on.
      if pending == nil {
        state = .known(viewer, token, pending: token)
        actions.append(.ask(token))
      }
    }
    if nextPing <= now {
      nextPing = now.advanced(by: Self.pingInterval)
      actions.append(.ping)
    }
    return actions
  }

  private mutating func close(_ code: WebSocketCloseCode, _ reason: String) -> [HubAction<Question>] {
    state = .closed
    held = []
    return [.close(WebSocketClose(code: code, reason: reason))]
  }

  // MARK: Events

  public mutating func take(_ event: Event) -> HubVerdict {
    switch state {
    case .known(let viewer, _, _): return event.audience.includes(viewer) ? .send : .ignore
    case .checking:
      if held.count == Self.heldEvents { held.removeFirst() }
      held.append(event)
      return .ignore
    case .new, .closed: return .ignore
    }
  }
}
