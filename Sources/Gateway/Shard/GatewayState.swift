/// What the outside may want to know of the shards at the moment it happens.
public enum GatewayState: Sendable {
  case ready(ShardID, resumed: Bool)
  case disconnected(ShardID, reason: String, retryAfter: Duration)
  /// The shard has given up; the message names the remedy.
  case failed(GatewayFatalError)
  /// Another set of shards has taken the guilds over.
  case resharded(from: Int, to: Int)
}

/// How one shard is doing.
public struct ShardStatus: Sendable {
  public enum State: String, Sendable {
    case connecting
    /// Connected; its turn to identify has not come, or the day's identifies are used up.
    case waiting
    case identifying, resuming, ready
    /// Waits before the next attempt to connect.
    case reconnecting
    case stopped
    /// Refused for good.
    case failed

    init(_ state: ShardMachine.State) {
      self =
        switch state {
        case .idle, .connecting, .awaitingHello: .connecting
        case .awaitingIdentifySlot: .waiting
        case .identifying: .identifying
        case .resuming: .resuming
        case .ready: .ready
        case .awaitingReconnect: .reconnecting
        case .stopped: .stopped
        case .failed: .failed
        }
    }
  }

  /// The end of a connection.
  public struct Disconnection: Sendable {
    /// Nil if the connection broke or was given up here.
    public let code: GatewayCloseCode?
    public let reason: String
    public let at: ContinuousClock.Instant
  }

  public let shard: ShardID
  public internal(set) var state = State.connecting
  /// From the last heartbeat to its ACK.
  public internal(set) var latency: Duration?
  /// Since when this process has the present session.
  public internal(set) var sessionSince: ContinuousClock.Instant?
  public internal(set) var lastDisconnection: Disconnection?
  /// Connections lost or given up.
  public internal(set) var disconnections = 0

  public var isReady: Bool { state == .ready }

  init(shard: ShardID) { self.shard = shard }
}
