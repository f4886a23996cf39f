import Dispatch
import Glibc
import Storage
import Synchronization

/// A process that a test starts, reads from line by line, and kills.
public final class ChildProcess: Sendable {
  private let pid: pid_t
  private let output: Int32
  private let isEnded = Atomic(false)

  public init(_ path: String, _ arguments: [String]) throws {
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

  /// A test that failed leaves no process behind.
  deinit {
    close(output)
    guard !isEnded.load(ordering: .acquiring) else { return }
    kill(pid, SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }

  /// The program of that name which was built beside the tests.
  public static func beside(_ name: String) -> String {
    var path = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &path, path.count)
    let program = String(decoding: path.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return program.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/"
      + name
  }

  /// Reads lines until `enough` says so, or the output ends, or nothing comes for a minute; on a thread of its own.
  public func lines(until enough: @escaping @Sendable ([String]) -> Bool) async throws -> [String] {
    await onThread { [output] in
      var lines: [String] = []
      var partial: [UInt8] = []
      var byte: UInt8 = 0
      var source = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      while !enough(lines), poll(&source, 1, 60_000) == 1, read(output, &byte, 1) == 1 {
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
  public func killed() async throws -> [String] {
    kill(pid, SIGKILL)
    let rest = try await lines { _ in false }
    _ = try await exitStatus()
    return rest
  }

  public func exitStatus() async throws -> Int32 {
    let status = await onThread { [pid] in
      var status: Int32 = 0
      while waitpid(pid, &status, 0) == -1, errno == EINTR {}
      return status
    }
    isEnded.store(true, ordering: .releasing)
    return status
  }

  /// Runs a program to its end.
  /// - Returns: the lines of its output.
  public static func run(_ path: String, _ arguments: [String]) async throws -> [String] {
    let child = try ChildProcess(path, arguments)
    let lines = try await child.lines { _ in false }
    guard try await child.exitStatus() == 0 else { throw DatabaseError(.other, "\(path) \(arguments) failed") }
    return lines
  }
}

/// A thread that may wait.
private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
  await withCheckedContinuation { continuation in
    DispatchQueue(label: "child-process").async { continuation.resume(returning: body()) }
  }
}
