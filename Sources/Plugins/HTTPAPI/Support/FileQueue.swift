import Dispatch

/// Where files are read and written: a thread of its own, so that none of the cooperative pool waits for a disk.
enum FileQueue {
  private static let queue = DispatchQueue(label: "adjutant.httpapi.files")

  static func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Swift.Result(catching: body)) }
    }
  }
}
