import Glibc
import HTTP
import Platform

/// Requests per second of HTTP servers: ours and others', each in a process of its own, in turns, by the same client.
enum HTTPBenchmark {
  private struct Reply: Codable, Sendable {
    var id: Int
    var name: String
    var tags: [String]
  }

  /// Serves a small JSON reply until the process is stopped: at `/small`, from the
  /// cooperative pool at `/pooled`, and at `/users/:id` with a typed parameter.
  static func serve(_ options: Options) async throws {
    let listen = try SocketAddress(parsing: options.string("listen", default: "127.0.0.1:8080"))
    var router = Router()
    let notes: RouteNotes = "A small reply"
    router.route(.get, "/small", notes.immediate(), returning: .json(Reply.self)) { _ in
      Reply(id: 7, name: "Health Potion", tags: ["potion", "red"])
    }
    router.route(.get, "/pooled", notes, returning: .json(Reply.self)) { _ in
      Reply(id: 7, name: "Health Potion", tags: ["potion", "red"])
    }
    router.route(.get, "/users/:id", "The same by id", .path("id", Int.self), returning: .json(Reply.self)) { _, id in
      Reply(id: id, name: "Health Potion", tags: ["potion", "red"])
    }
    var configuration = HTTPServerConfiguration(listen: listen)
    configuration.limits.requestsPerConnection = .max
    configuration.loopCount = try options.number("loops", default: configuration.loopCount)
    // Kept for as long as it serves.
    let server = HTTPServer(configuration, router: router)
    let address = try await server.start()
    print(JSON.object(["benchmark": "http-server", "address": .string(address.description)]))
    fflush(nil)
    while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
    await server.shutdown()
  }

  static func run(_ options: Options) throws {
    try compare(
      options.string("targets").split(separator: ",").map { try Target(String($0)) },
      processes: Self.processes(options.string("processes", default: "")),
      connections: options.number("connections", default: 32), seconds: options.number("seconds", default: 3),
      rounds: options.number("repeat", default: 5))
  }

  static func compare(
    _ targets: [Target], processes: [String: Int], connections: Int, seconds: Int, rounds: Int
  ) throws {
    var results: [[Double]] = targets.map { _ in [] }
    var costs: [[Double]] = targets.map { _ in [] }
    // The first round warms up what is measured afterwards.
    for round in 0...rounds {
      for (index, target) in targets.enumerated() {
        var client = try BenchmarkClient(target, connections: connections)
        let before = try processes[target.name].map { try Self.processorSeconds(of: $0) }
        let (rate, answers) = try client.run(for: .seconds(round == 0 ? 1 : seconds))
        guard round > 0 else { continue }
        results[index].append(rate)
        if let before, let process = processes[target.name] {
          costs[index].append((try Self.processorSeconds(of: process) - before) / Double(answers) * 1e6)
        }
        print(
          JSON.object([
            "benchmark": "http", "target": .string(target.name), "requestsPerSecond": .double(rate.rounded()),
          ]))
      }
    }
    let medians = results.map { $0.sorted()[$0.count / 2] }
    for (index, (target, median)) in zip(targets, medians).enumerated() {
      var line: JSON = [
        "benchmark": "http", "target": .string(target.name), "connections": .integer(Int64(connections)),
        "medianRequestsPerSecond": .double(median.rounded()),
      ]
      if let last = medians.last, targets.count > 1 {
        line["ratioToLast"] = .double((median / last * 100).rounded() / 100)
      }
      if !costs[index].isEmpty {
        let cost = costs[index].sorted()[costs[index].count / 2]
        line["processorMicrosecondsPerRequest"] = .double((cost * 10).rounded() / 10)
      }
      print(line)
    }
  }

  /// `name=PID,…`
  static func processes(_ text: String) throws -> [String: Int] {
    var result: [String: Int] = [:]
    for part in text.split(separator: ",") {
      let pair = part.split(separator: "=")
      guard pair.count == 2, let id = Int(pair[1]) else { throw BenchmarkError("a process is NAME=PID, not \(part)") }
      result[String(pair[0])] = id
    }
    return result
  }

  /// What all threads of a process have used, in the system too: says more than a rate on a machine that is busy.
  static func processorSeconds(of process: Int) throws -> Double {
    guard let file = fopen("/proc/\(process)/stat", "r") else { throw SystemError(call: "fopen", code: errno) }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 1_024)
    guard fgets(&buffer, Int32(buffer.count), file) != nil else { throw SystemError(call: "fgets", code: errno) }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    // Behind the name, which may have blanks: state is the first of these fields, utime and stime the 12th and 13th.
    let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ").dropFirst()
    guard fields.count > 12, let user = Double(fields[fields.startIndex + 11]),
      let system = Double(fields[fields.startIndex + 12])
    else { throw BenchmarkError("/proc/\(process)/stat cannot be read") }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// `name=127.0.0.1:8080/path`
  struct Target {
    let name: String
    let address: SocketAddress
    let path: String
    /// A token or API key.
    let credential: String?

    init(_ text: String, credential: String? = nil) throws {
      self.credential = credential
      guard let equals = text.firstIndex(of: "="), let slash = text.firstIndex(of: "/") else {
        throw BenchmarkError("a target is NAME=HOST:PORT/PATH, not \(text)")
      }
      name = String(text[..<equals])
      address = try SocketAddress(parsing: String(text[text.index(after: equals)..<slash]))
      path = String(text[slash...])
    }
  }
}

/// One thread that keeps one request under way on each of its connections.
private struct BenchmarkClient {
  private var sockets: [pollfd] = []
  private let request: [UInt8]
  /// The answers are all of one length: dates, ids and counts have fixed widths.
  private var answerLength = 0
  private var received: [Int] = []

  init(_ target: HTTPBenchmark.Target, connections: Int) throws {
    request = KeptConnection.request(
      "GET", target.path, host: target.address.description, token: target.credential)
    for _ in 0..<connections {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = target.address.port.bigEndian
      inet_pton(AF_INET, target.address.host, &address.sin_addr)
      let code = withUnsafeBytes(of: address) {
        connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
      }
      guard descriptor >= 0, code == 0 else { throw SystemError(call: "connect", code: errno) }
      var on: Int32 = 1
      setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
      sockets.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
    }
    received = [Int](repeating: 0, count: connections)
    answerLength = try measureAnswer()
  }

  /// Reads one answer to its end.
  private func measureAnswer() throws -> Int {
    try ask(sockets[0].fd)
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = recv(sockets[0].fd, &buffer, buffer.count, 0)
      guard count > 0 else { throw BenchmarkError("the server closed the connection") }
      all += buffer[..<count]
      let text = String(decoding: all, as: UTF8.self).lowercased()
      guard let end = text.firstRange(of: "\r\n\r\n"), let field = text.firstRange(of: "content-length: ") else {
        continue
      }
      guard text.hasPrefix("http/1.1 200") else { throw BenchmarkError("the server does not answer 200") }
      let length = Int(text[field.upperBound...].prefix { $0.isNumber }) ?? 0
      let total = text[..<end.upperBound].utf8.count + length
      if all.count >= total { return total }
    }
  }

  private func ask(_ descriptor: Int32) throws {
    guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
      throw SystemError(call: "send", code: errno)
    }
  }

  /// - Returns: answers per second, and answers.
  mutating func run(for duration: Duration) throws -> (rate: Double, answers: Int) {
    defer { for socket in sockets { close(socket.fd) } }
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    var answers = 0
    let start = ContinuousClock.now
    for socket in sockets { try ask(socket.fd) }
    while ContinuousClock.now - start < duration {
      guard poll(&sockets, nfds_t(sockets.count), 1_000) >= 0 else { throw SystemError(call: "poll", code: errno) }
      for index in sockets.indices where sockets[index].revents != 0 {
        let count = recv(sockets[index].fd, &buffer, buffer.count, 0)
        guard count > 0 else { throw BenchmarkError("the server closed the connection") }
        received[index] += count
        guard received[index] >= answerLength else { continue }
        guard received[index] == answerLength else { throw BenchmarkError("an answer has another length") }
        received[index] = 0
        answers += 1
        try ask(sockets[index].fd)
      }
    }
    return (Double(answers) / (ContinuousClock.now - start).inSeconds, answers)
  }
}
