import Glibc
import HTTP
import Platform

/// Recording kills through the running program: `POST /api/v1/kills`, each connection a player with a key of their own.
/// Every answer means that its kill is on disk.
enum KillsHTTPBenchmark {
  static func run(_ options: Options) throws {
    let writers = try options.number("writers", default: 64)
    let seconds = try options.number("seconds", default: 10)
    let victims = try options.number("victims", default: 10_000)
    let directory = try Scratch(options.optional("directory"))
    defer { directory.remove() }
    let program = try RunningProgram(binary: options.optional("program"), directory: directory.path)
    defer { program.end() }
    let usesLogins = options.flag("login")
    let tokens = try (0..<writers).map { number in
      usesLogins
        ? try program.token(of: firstUser + number)
        : try program.key(of: firstUser + number, playerName: "Killer\(number)")
    }
    let connections = try tokens.map { _ in try KeptConnection(program.address) }
    let poll = try ConnectionPoll()
    for (number, connection) in connections.enumerated() { try poll.add(connection, number: number) }
    let random = SeededRandom(seed: 1)
    func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
    let host = program.address.description
    var asked = [UInt64](repeating: 0, count: writers)
    func ask(_ number: Int) throws {
      let server = pick(2) == 0 ? "" : "\"serverId\":\"90000000000000000\(pick(4))\","
      let body = """
        {"victimId":"Player\(pick(victims))",\(server)"weapon":"Weapon \(pick(200))","location":"Place \(pick(300))",\
        "isPvP":true}
        """
      asked[number] = monotonicNanoseconds()
      try connections[number].send(
        KeptConnection.request("POST", "/api/v1/kills", host: host, token: tokens[number], body: body))
    }
    var times: [UInt64] = []
    var recorded = 0
    var known = 0
    /// - Returns: answers per second, processor time of the program and of the client for each.
    func drive(for limit: Double) throws -> (rate: Double, program: Double, client: Double) {
      times = []
      let before = try HTTPBenchmark.processorSeconds(of: Int(program.id))
      let own = try HTTPBenchmark.processorSeconds(of: Int(getpid()))
      let start = monotonicNanoseconds()
      let end = start + UInt64(limit * 1e9)
      var running = writers
      for number in connections.indices { try ask(number) }
      while running > 0 {
        try poll.wait { number in
          guard try connections[number].receive() else { return }
          let now = monotonicNanoseconds()
          switch connections[number].status {
          case 201: recorded += 1
          case 200: known += 1
          default:
            throw BenchmarkError(
              "the program answered \(connections[number].status): "
                + String(decoding: connections[number].body, as: UTF8.self))
          }
          times.append(now - asked[number])
          if now < end { try ask(number) } else { running -= 1 }
        }
      }
      let elapsed = Double(monotonicNanoseconds() - start) / 1e9
      let count = Double(times.count)
      return (
        count / elapsed, (try HTTPBenchmark.processorSeconds(of: Int(program.id)) - before) / count * 1e6,
        (try HTTPBenchmark.processorSeconds(of: Int(getpid())) - own) / count * 1e6
      )
    }
    _ = try drive(for: 2)
    let result = try drive(for: Double(seconds))
    times.sort()
    let (status, list) = try KeptConnection(program.address).ask("GET", "/api/v1/kills?limit=1", token: tokens[0])
    let total = list["data"]?["pagination"]?["total"]?.integer ?? list["data"]?["total"]?.integer
    guard status == 200, total == Int64(recorded) else {
      throw BenchmarkError("\(recorded) kills were recorded, but \(total ?? -1) are there")
    }
    func milliseconds(_ part: Double) -> JSON {
      .double((Double(times[min(times.count - 1, Int(Double(times.count) * part))]) / 1e4).rounded() / 100)
    }
    print(
      JSON.object([
        "benchmark": "kills-http", "writers": .integer(Int64(writers)), "victims": .integer(Int64(victims)),
        "credential": usesLogins ? "login" : "API key", "killsPerSecond": .double(result.rate.rounded()),
        "programMicrosecondsPerKill": .double((result.program * 10).rounded() / 10),
        "clientMicrosecondsPerKill": .double((result.client * 10).rounded() / 10),
        "recorded": .integer(Int64(recorded)), "knownBefore": .integer(Int64(known)),
        "p50Milliseconds": milliseconds(0.5), "p99Milliseconds": milliseconds(0.99),
      ]))
  }

  static let firstUser = 100_000_000_000_000_000
}

/// A directory that is there as long as it is needed.
struct Scratch {
  let path: String

  /// - Parameter place: where it is made; nil: where the system keeps what is temporary.
  init(_ place: String? = nil) throws {
    let place = place ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var name = Array("\(place)/adjutant-benchmark-XXXXXX".utf8CString)
    guard mkdtemp(&name) != nil else { throw SystemError(call: "mkdtemp", code: errno) }
    path = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  func remove() {
    // Read to its end, so that it is done.
    guard let command = try? ChildProcess(["-rf", path], program: "/bin/rm") else { return }
    _ = try? command.line()
    command.end()
  }
}
