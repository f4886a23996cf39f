import HTTP

/// A limit that a document prints: so many requests in so much time, perhaps in two spans at once.
public struct RateLimitClass: Hashable, Sendable {
  public struct Window: Hashable, Sendable {
    public let limit: Int
    public let span: Duration

    public init(_ limit: Int, per span: Duration) {
      precondition(limit > 0 && span >= .seconds(1))
      self.limit = limit
      self.span = span
    }
  }

  /// Names it in the database and in metrics.
  public let name: String
  public let windows: [Window]

  public init(_ name: String, _ windows: [Window]) {
    precondition(!windows.isEmpty && !name.contains("|"))
    self.name = name
    self.windows = windows
  }

  /// By the name alone: no two of one name are in use.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }

  private static let minute = Duration.seconds(60)

  // Kill Tracker v1, "Rate Limits"; by user, by address before login.
  public static let authentication = RateLimitClass("authentication", [Window(5, per: minute)])
  public static let read = RateLimitClass("read", [Window(100, per: minute)])
  public static let write = RateLimitClass("write", [Window(20, per: minute)])
  public static let admin = RateLimitClass("admin", [Window(10, per: minute)])
  // Pegasus, "API Rate Limits"; by address.
  public static let pegasus = RateLimitClass(
    "pegasus", [Window(30, per: minute), Window(1_000, per: .seconds(3_600))])
  // SkyPANEL, "Rate Limiting"; by key where there is one, else by address.
  public static let panelAddress = RateLimitClass("panel", [Window(100, per: minute)])
  public static let panelKey = RateLimitClass("panel-key", [Window(1_000, per: minute)])
  // Aurora prints none; resolutions, "Limits".
  public static let aurora = RateLimitClass("aurora", [Window(300, per: minute)])

  /// Tokens and keys that turned out worthless, by address: whoever guesses must not keep the database busy.
  public static let worthlessCredentials = RateLimitClass("credentials", [Window(60, per: minute)])

  public static let all = [
    authentication, read, write, admin, pegasus, panelAddress, panelKey, aurora, worthlessCredentials,
  ]
}

/// Whose requests are counted together.
public enum RateLimitCaller: Hashable, Sendable, CustomStringConvertible {
  case address(NetworkBlock)
  case subject(Subject)
  case apiKey(APIKeyID)

  public var description: String {
    switch self {
    case .address(let group): "\(group)"
    case .subject(let subject): "\(subject)"
    case .apiKey(let id): "\(id)"
    }
  }
}
