import Synchronization

/// Several loops among which connections are spread.
public final class EventLoopGroup: Sendable {
  public let loops: [EventLoop]
  private let turn = Atomic<Int>(0)

  /// - Parameter count: at least one.
  public init(count: Int, name: String) throws {
    precondition(count > 0, "a group needs a loop")
    loops = try (0..<count).map { try EventLoop(name: "\(name)-\($0)") }
  }

  /// The loops in turn.
  public func next() -> EventLoop {
    loops[(turn.wrappingAdd(1, ordering: .relaxed).oldValue & .max) % loops.count]
  }

  /// Shuts all loops down and returns when the last has ended.
  public func shutdown() async {
    for loop in loops { await loop.shutdown() }
  }
}
