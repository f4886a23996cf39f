import CLinux
import Glibc
import Platform

/// Plain blocking sockets for clients of benchmarks.
enum BenchmarkSocket {
  static func connect(_ target: SocketAddress) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw SystemError(call: "socket", code: errno) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = target.port.bigEndian
    inet_pton(AF_INET, target.host, &address.sin_addr)
    let code = withUnsafeBytes(of: address) {
      Glibc.connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard code == 0 else { throw SystemError(call: "connect", code: errno) }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    return descriptor
  }

  /// Reads up to the empty line and no further.
  static func skipHead(_ descriptor: Int32) throws {
    let ending = Array("\r\n\r\n".utf8)
    var buffer = [UInt8](repeating: 0, count: 2_048)
    var seen = 0
    while seen < buffer.count {
      let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_PEEK))
      guard count > 0 else { throw BenchmarkError("the server closed the connection") }
      guard let end = buffer[..<count].firstRange(of: ending) else {
        seen = count
        continue
      }
      guard recv(descriptor, &buffer, end.upperBound, 0) == end.upperBound else { break }
      return
    }
    throw BenchmarkError("the server's head is too long")
  }
}

/// Many sockets that are read and counted.
final class EpollSet {
  private let epoll: Int32
  private var events = [epoll_event](repeating: epoll_event(), count: 512)
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)

  init() throws {
    epoll = epoll_create1(0)
    guard epoll >= 0 else { throw SystemError(call: "epoll_create1", code: errno) }
  }

  deinit { close(epoll) }

  func add(_ descriptor: Int32) throws {
    var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data(fd: descriptor))
    guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
      throw SystemError(call: "epoll_ctl", code: errno)
    }
  }

  /// Waits, and takes what is there.
  /// - Returns: how many bytes came.
  func receive() throws -> Int {
    let ready = epoll_wait(epoll, &events, Int32(events.count), -1)
    var total = 0
    for index in 0..<max(0, Int(ready)) {
      let count = recv(events[index].data.fd, &buffer, buffer.count, 0)
      guard count > 0 else { throw BenchmarkError("the server closed a connection") }
      total += count
    }
    return total
  }
}

/// This program once more, with other arguments, or another one.
final class ChildProcess {
  let id: pid_t
  private let output: UnsafeMutablePointer<FILE>

  init(_ arguments: [String], program: String = "/proc/self/exe") throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0, let file = fdopen(ends[0], "r") else { throw SystemError(call: "pipe", code: errno) }
    output = file
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    posix_spawn_file_actions_addclose(&actions, ends[1])
    var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for pointer in argv { free(pointer) } }
    var child = pid_t()
    let code = posix_spawn(&child, program, &actions, nil, &argv, environ)
    close(ends[1])
    guard code == 0 else { throw SystemError(call: "posix_spawn", code: code) }
    id = child
  }

  /// The next line that it prints; empty at its end.
  func line() throws -> String {
    var buffer = [CChar](repeating: 0, count: 4_096)
    guard fgets(&buffer, Int32(buffer.count), output) != nil else { return "" }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }

  /// Stops it and waits for its end.
  func end() {
    // It inherits the blocked signals of the thread that started it: only this one is certain.
    kill(id, SIGKILL)
    var status: Int32 = 0
    waitpid(id, &status, 0)
    fclose(output)
  }
}
