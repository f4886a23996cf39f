import Glibc
import Synchronization

/// How many connections may be open, over all listeners that share it: each takes a descriptor, and a process that has
/// none left can open no file and no database either.
public final class ConnectionBudget: Sendable {
  public let limit: Int
  private let used = Atomic<Int>(0)

  public init(limit: Int) { self.limit = limit }

  /// What the process may open, less what everything else in it needs.
  public static let process: ConnectionBudget = {
    var limits = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else {
      return ConnectionBudget(limit: 768)
    }
    let total = Int(clamping: limits.rlim_cur)
    return ConnectionBudget(limit: max(total / 2, total - 1_024))
  }()

  public var isSpent: Bool { used.load(ordering: .relaxed) >= limit }

  func take() -> Bool {
    guard used.add(1, ordering: .relaxed).newValue <= limit else {
      used.subtract(1, ordering: .relaxed)
      return false
    }
    return true
  }

  func giveBack() { used.subtract(1, ordering: .relaxed) }
}
