import Dispatch
import Synchronization

/// Draws away from the cooperative threads, one picture after the other.
public final class DrawingQueue: Sendable {
  /// Pictures that may wait; more are refused.
  public static let limit = 64

  public struct Overloaded: Error, Sendable, CustomStringConvertible {
    public var description: String { "too many pictures are being drawn" }
  }

  private let queue = DispatchQueue(label: "adjutant.drawing")
  private let waiting = Mutex(0)

  public init() {}

  /// - Throws: ``Overloaded``; ``DrawingError``.
  public func draw(_ drawable: some Drawable) async throws -> Picture {
    let isTaken = waiting.withLock { waiting in
      guard waiting < Self.limit else { return false }
      waiting += 1
      return true
    }
    guard isTaken else { throw Overloaded() }
    defer { waiting.withLock { $0 -= 1 } }
    return try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try drawable.picture() }) }
    }
  }
}
