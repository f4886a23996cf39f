import Dispatch
import Synchronization

/// A few threads that wait for disks, so that none of the cooperative pool does.
public final class FileThreads: Sendable {
  private let queues: [DispatchQueue]
  private let turn = Atomic<Int>(0)

  public init(count: Int = 4, name: String = "files") {
    precondition(count > 0)
    queues = (0..<count).map { DispatchQueue(label: "adjutant.\(name).\($0)") }
  }

  /// What one caller does after the other may run at the same time: hand over what is to be done in order as one.
  public func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
    let queue = queues[Int(UInt(bitPattern: number) % UInt(queues.count))]
    return try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Swift.Result(catching: body)) }
    }
  }
}
