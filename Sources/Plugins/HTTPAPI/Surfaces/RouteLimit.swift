import HTTP

/// Which limit of its document binds a route, and whose requests are counted together.
public struct RouteLimit: Sendable, Equatable {
  enum Basis: Sendable, Equatable {
    case none
    /// Before anything else is done for the request.
    case address(RateLimitClass)
    /// After authentication; whoever is not logged in counts by address.
    case caller(RateLimitClass)
    case key(RateLimitClass, otherwise: RateLimitClass)
  }

  let basis: Basis

  public static let none = RouteLimit(basis: .none)

  /// Each address (of IPv6: each /64) for itself, whoever asks.
  public static func byAddress(_ rateClass: RateLimitClass) -> RouteLimit { RouteLimit(basis: .address(rateClass)) }

  /// Each user, account or client for itself, with all their keys and logins; strangers by address.
  public static func byCaller(_ rateClass: RateLimitClass) -> RouteLimit { RouteLimit(basis: .caller(rateClass)) }

  /// Each API key for itself; whoever shows none by address, under another limit.
  public static func byKey(_ rateClass: RateLimitClass, elseByAddress other: RateLimitClass) -> RouteLimit {
    RouteLimit(basis: .key(rateClass, otherwise: other))
  }

  /// For the description: `read, 100 in 60 s`.
  var words: String? {
    switch basis {
    case .none: nil
    case .address(let rateClass): rateClass.words + " by address"
    case .caller(let rateClass): rateClass.words + " by caller"
    case .key(let rateClass, let other): "\(rateClass.words) by API key, else \(other.words) by address"
    }
  }
}

extension RateLimitClass {
  fileprivate var words: String {
    windows.map { "\($0.limit) in \($0.span.components.seconds) s" }.joined(separator: " and ")
  }
}
