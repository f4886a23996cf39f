import Foundation
import Platform
import Testing

extension SandboxRig {
  /// Adds what was sent and answered to the file that `ADJUTANT_TEST_REQUEST_LOG` names, to be held against Discord's
  /// OpenAPI.
  func keepRequests() async throws {
    guard let path = ProcessInfo.processInfo.environment["ADJUTANT_TEST_REQUEST_LOG"] else { return }
    let lines = (try await control(.get, "/requests?responses=true").array ?? []).map { $0.serialized() + "\n" }
      .joined()
    // One write at the end of the file: tests run beside each other.
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let bytes = Array(lines.utf8)
    try #require(write(descriptor, bytes, bytes.count) == bytes.count)
  }
}
