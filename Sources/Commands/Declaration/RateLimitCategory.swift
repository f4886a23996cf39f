/// Which budget a command draws on: a user may run so many commands of one category in a window.
///
/// Source: Pegasus API document, "Command Rate Limits".
public enum RateLimitCategory: String, Sendable, CaseIterable {
  case `default`, economy, admin, api, heavy

  /// Commands in one window.
  public var limit: Int {
    switch self {
    case .default: 5
    case .economy: 3
    case .admin: 10
    case .api: 30
    case .heavy: 1
    }
  }

  public var window: Duration {
    switch self {
    case .heavy: .seconds(300)
    case .default, .economy, .admin, .api: .seconds(60)
    }
  }
}
