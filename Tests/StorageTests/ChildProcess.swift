import Glibc

@testable import Storage

/// A process that a test starts, reads from line by line, and kills.
final class ChildProcess: Sendable {
  private let pid: pid_t
  private let output: Int32

  init(_ path: String, _ arguments: [String]) throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw DatabaseError(.other, "no pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[1]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)

    var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    var pid: pid_t = 0
    let status = posix_spawn(&pid, path, &actions, nil, &argv, environ)
    guard status == 0 else {
      close(ends[0])
      throw DatabaseError(.other, "cannot start \(path): \(String(cString: strerror(status)))")
    }
    self.pid = pid
    output = ends[0]
  }

  deinit { close(output) }

  /// Reads lines until `enough` says so, or the output ends; on a thread of its own.
  func lines(until enough: @escaping @Sendable ([String]) -> Bool) async throws -> [String] {
    try await onThread { [output] in
      var lines: [String] = []
      var partial: [UInt8] = []
      var byte: UInt8 = 0
      while !enough(lines), read(output, &byte, 1) == 1 {
        if byte == UInt8(ascii: "\n") {
          lines.append(String(decoding: partial, as: UTF8.self))
          partial = []
        } else {
          partial.append(byte)
        }
      }
      return lines
    }
  }

  /// Kills the process, waits for its end, and returns what it had still written.
  func killed() async throws -> [String] {
    kill(pid, SIGKILL)
    let rest = try await lines { _ in false }
    _ = try await exitStatus()
    return rest
  }

  func exitStatus() async throws -> Int32 {
    try await onThread { [pid] in
      var status: Int32 = 0
      while waitpid(pid, &status, 0) == -1, errno == EINTR {}
      return status
    }
  }

  /// Runs a program to its end.
  /// - Returns: the lines of its output.
  static func run(_ path: String, _ arguments: [String]) async throws -> [String] {
    let child = try ChildProcess(path, arguments)
    let lines = try await child.lines { _ in false }
    guard try await child.exitStatus() == 0 else { throw DatabaseError(.other, "\(path) \(arguments) failed") }
    return lines
  }
}

private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async throws -> Result {
  let thread = WorkerThreads()
  return try await withCheckedThrowingContinuation { continuation in
    do { try thread.start(name: "test") { continuation.resume(returning: body()) } } catch {
      continuation.resume(throwing: error)
    }
  }
}
