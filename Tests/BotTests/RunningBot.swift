import Foundation
import Platform
import Testing

/// The program as a process, for as long as a test needs it.
final class RunningBot {
  /// What a start prints once it is under way.
  private static let banner = "is connected."

  let process = Process()
  let log: URL
  private let output: URL

  /// - Parameter environment: `ADJUTANT_…` settings; nothing of the test's own environment is handed on. Without one that
  ///   says otherwise, the ports of the HTTP API stay closed: they are fixed, and tests run beside each other.
  init(_ arguments: [String] = ["run"], environment: [String: String], in directory: URL) throws {
    process.executableURL = Self.executable
    process.arguments = arguments
    process.environment = ["ADJUTANT_PLUGINS_HTTPAPI_ENABLED": "false"].merging(environment) { $1 }
    process.currentDirectoryURL = directory
    log = directory.appending(path: "log-\(UUID().uuidString).txt")
    output = directory.appending(path: "output-\(UUID().uuidString).txt")
    for file in [log, output] { try Data().write(to: file) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: log)
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  static var executable: URL {
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "adjutant")
  }

  /// Everything that was written to standard error so far.
  var errors: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

  /// Everything that was written to standard output so far.
  var printed: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

  /// Whether it has said that it is connected.
  var hasBanner: Bool { printed.contains(Self.banner) }

  /// Returns once the log has a line with `text`.
  func waitForLog(_ text: String, limit: Duration = .seconds(60)) async throws {
    try await eventually(limit: limit, "the log says \"\(text)\"") { self.errors.contains(text) }
  }

  /// Returns once Discord has the commands of all scopes, those of the one guild too; needs a log in JSON with `debug`.
  func waitForCommands() async throws {
    for scope in ["global", "guild \(TestDiscord.guild)"] { try await waitForLog("\"scope\":\"\(scope)\"") }
  }

  /// Sends SIGTERM and waits for the end.
  func stop() async throws -> Int32 {
    process.terminate()
    return try await exitCode()
  }

  func killAtOnce() async throws {
    kill(process.processIdentifier, SIGKILL)
    _ = try await exitCode()
  }

  /// Waits until the process has ended by itself.
  func exitCode(limit: Duration = .seconds(60)) async throws -> Int32 {
    try await eventually(limit: limit, "the process ends") { !self.process.isRunning }
    return process.terminationStatus
  }
}

/// Looks again and again until `condition` holds. For what happens in another process, whose time cannot be injected.
func eventually(
  limit: Duration = .seconds(60), _ what: String, _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while try await !condition() {
    guard ContinuousClock.now < deadline else { throw Late(what: what) }
    try await Task.sleep(for: .milliseconds(20))
  }
}

struct Late: Error, CustomStringConvertible {
  let what: String
  var description: String { "waited too long until \(what)" }
}

func withTemporaryDirectory<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
  let directory = FileManager.default.temporaryDirectory.appending(path: "adjutant-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  return try await body(directory)
}
