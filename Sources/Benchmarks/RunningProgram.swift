import CLinux
import Glibc
import HTTP
import Platform

/// The program itself, as people run it: a process of its own with its sandbox inside, in a directory and on a port of
/// its own, without rate limits.
final class RunningProgram {
  let address: SocketAddress
  let id: pid_t
  private let binary: String
  private let configuration: String
  private let process: ChildProcess

  /// - Parameters:
  ///   - binary: the `adjutant` to run; nil: the one beside this program.
  ///   - directory: where it keeps its data; what is there already is used.
  init(binary: String?, directory: String) throws {
    let binary = try binary ?? Self.neighbour()
    self.binary = binary
    address = try SocketAddress(parsing: "127.0.0.1:\(try Self.freePort())")
    configuration = directory + "/benchmark.json"
    let settings: JSON = [
      "dataDirectory": .string(directory + "/data"), "log": ["level": "warning"],
      "sandbox": ["listen": .string("127.0.0.1:\(try Self.freePort())")],
      "plugins": [
        "httpapi": [
          "rateLimits": false,
          "listeners": ["tracker": ["listen": .string(address.description), "surfaces": ["killtracker"]]],
        ]
      ],
    ]
    guard let file = fopen(configuration, "w") else { throw SystemError(call: "fopen", code: errno) }
    fputs(settings.serialized(), file)
    fclose(file)
    process = try ChildProcess(["run", "--config", configuration], program: binary)
    id = process.id
    try waitUntilItAnswers()
  }

  private static func neighbour() throws -> String {
    var buffer = [CChar](repeating: 0, count: 4_096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    guard count > 0 else { throw SystemError(call: "readlink", code: errno) }
    let own = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    return String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)]) + "/adjutant"
  }

  private static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
      }
    }
    guard code == 0 else { throw SystemError(call: "bind", code: errno) }
    return UInt16(bigEndian: address.sin_port)
  }

  private func waitUntilItAnswers() throws {
    for _ in 0..<600 {
      if let client = try? KeptConnection(address) {
        let (status, _) = try client.ask("GET", "/api/v1/health", token: nil)
        if status == 200 { return }
      }
      usleep(100_000)
    }
    throw BenchmarkError("the program does not answer on \(address)")
  }

  /// A login of that user.
  func token(of user: Int) throws -> String {
    let command = try ChildProcess(["token", "--user", String(user), "--config", configuration], program: binary)
    var last = ""
    while true {
      let line = try command.line()
      if line.isEmpty { break }
      last = line
    }
    command.end()
    guard !last.isEmpty else { throw BenchmarkError("the program gave no token") }
    return last
  }

  /// An API key of that user, under that name in the game.
  func key(of user: Int, playerName: String) throws -> String {
    let body: JSON = [
      "name": "benchmark", "playerName": .string(playerName), "permissions": ["read:kills", "write:kills"],
    ]
    let (status, answer) = try KeptConnection(address).ask(
      "POST", "/api/v1/api-keys", token: try token(of: user), body: body.serialized())
    guard status == 201 || status == 200, let key = answer["data"]?["key"]?.string else {
      throw BenchmarkError("the program made no API key: \(status)")
    }
    return key
  }

  func end() { process.end() }
}

/// One connection of a client, with a request under way.
final class KeptConnection {
  let descriptor: Int32
  private let host: String
  private var buffer: [UInt8] = []
  private var input = [UInt8](repeating: 0, count: 64 << 10)
  private(set) var status = 0
  private(set) var body: ArraySlice<UInt8> = []

  init(_ address: SocketAddress) throws {
    host = address.description
    descriptor = try BenchmarkSocket.connect(address)
  }

  deinit { close(descriptor) }

  static func request(_ method: String, _ path: String, host: String, token: String?, body: String? = nil) -> [UInt8] {
    var text = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\nAccept: application/json\r\n"
    if let token { text += "Authorization: Bearer \(token)\r\n" }
    if let body { text += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
    return Array((text + "\r\n" + (body ?? "")).utf8)
  }

  func send(_ request: [UInt8]) throws {
    buffer.removeAll(keepingCapacity: true)
    guard Glibc.send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
      throw SystemError(call: "send", code: errno)
    }
  }

  /// Takes what came; true once the answer is whole.
  func receive() throws -> Bool {
    let count = recv(descriptor, &input, input.count, 0)
    guard count > 0 else { throw BenchmarkError("the server closed the connection") }
    buffer += input[..<count]
    guard buffer.count > 16, let end = Self.endOfHead(buffer) else { return false }
    guard let length = Self.length(buffer[..<end]) else { throw BenchmarkError("an answer without a length") }
    guard buffer.count >= end + length else { return false }
    status = buffer[9..<12].reduce(0) { $0 * 10 + Int($1) - 0x30 }
    body = buffer[end..<(end + length)]
    return true
  }

  private static func endOfHead(_ bytes: [UInt8]) -> Int? {
    var index = 3
    while index < bytes.count {
      if bytes[index] == 0x0A, bytes[index - 2] == 0x0A { return index + 1 }
      index += 1
    }
    return nil
  }

  /// What `Content-Length` says.
  private static func length(_ head: ArraySlice<UInt8>) -> Int? {
    let name = StaticBytes.contentLength
    var line = head.startIndex
    while line < head.endIndex {
      if head.endIndex - line > name.count, head[line] | 0x20 == name[0] {
        var place = 0
        while place < name.count, head[line + place] | 0x20 == name[place] { place += 1 }
        if place == name.count {
          return head[(line + place)...].prefix { $0 != 0x0D }.reduce(0) { $1 == 0x20 ? $0 : $0 * 10 + Int($1) - 0x30 }
        }
      }
      while line < head.endIndex, head[line] != 0x0A { line += 1 }
      line += 1
    }
    return nil
  }

  private enum StaticBytes {
    // `:` and `-` have the bit of small letters too.
    static let contentLength = Array("content-length:".utf8)
  }

  /// Asks and waits for the whole answer.
  func ask(_ method: String, _ path: String, token: String?, body: String? = nil) throws -> (status: Int, JSON) {
    try send(Self.request(method, path, host: host, token: token, body: body))
    while try !receive() {}
    return (status, (try? JSON(parsing: String(decoding: self.body, as: UTF8.self))) ?? .null)
  }
}

/// Which of many connections have something to read.
final class ConnectionPoll {
  private let epoll: Int32
  private var events = [epoll_event](repeating: epoll_event(), count: 128)

  init() throws {
    epoll = epoll_create1(0)
    guard epoll >= 0 else { throw SystemError(call: "epoll_create1", code: errno) }
  }

  deinit { close(epoll) }

  /// - Parameter number: what ``wait(nanoseconds:_:)`` tells of it.
  func add(_ connection: KeptConnection, number: Int) throws {
    var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data(u64: UInt64(number)))
    guard epoll_ctl(epoll, EPOLL_CTL_ADD, connection.descriptor, &event) == 0 else {
      throw SystemError(call: "epoll_ctl", code: errno)
    }
  }

  func wait(nanoseconds: Int = 1_000_000_000, _ body: (Int) throws -> Void) throws {
    var limit = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
    let ready = epoll_pwait2(epoll, &events, Int32(events.count), &limit, nil)
    for index in 0..<max(0, Int(ready)) { try body(Int(events[index].data.u64)) }
  }
}
