import CLinux
import Glibc
import HTTP
import Platform

/// How long every documented read of the kill tracker takes in the running program, at a steady rate, with few kills and
/// with very many. Endpoints are those of the program's own description, so that new ones are measured as they come.
enum KillsReadBenchmark {
  private struct Read {
    var name: String
    var path: String
  }

  static func run(_ options: Options) async throws {
    let sizes = try options.string("kills", default: "10000,10000000").split(separator: ",").map { text in
      guard let size = Int(text), size > 0 else { throw BenchmarkError("--kills takes numbers: 10000,10000000") }
      return size
    }
    let place = try options.string("directory")
    let rate = try options.number("rate", default: 100)
    let seconds = try options.number("seconds", default: 60)
    var before: [String: Double] = [:]
    for size in sizes {
      let directory = "\(place)/kills-\(size)"
      try await prepare(size, directory)
      let program = try RunningProgram(binary: options.optional("program"), directory: directory)
      defer { program.end() }
      let token = try program.token(of: KillsHTTPBenchmark.firstUser)
      let reads = try reads(of: program, token: token, kills: size, tells: size == sizes[0])
      // Everything once, so that what is read for the first time is told apart.
      let connection = try KeptConnection(program.address)
      var first: [String: Double] = [:]
      for read in reads {
        let start = monotonicNanoseconds()
        let (status, _) = try connection.ask("GET", read.path, token: token)
        first[read.name] = Double(monotonicNanoseconds() - start) / 1e6
        guard status < 500 else { throw BenchmarkError("\(read.path) is answered with \(status)") }
      }
      let times = try drive(program, reads, token: token, rate: rate, count: rate * seconds)
      var after: [String: Double] = [:]
      for read in reads {
        let sorted = (times[read.name] ?? []).sorted()
        guard !sorted.isEmpty else { continue }
        let p99 = sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
        after[read.name] = p99
        var line: JSON = [
          "benchmark": "kills-reads", "kills": .integer(Int64(size)), "read": .string(read.name),
          "p50Milliseconds": rounded(sorted[sorted.count / 2]), "p99Milliseconds": rounded(p99),
          "firstMilliseconds": rounded(first[read.name] ?? 0),
        ]
        if let small = before[read.name] { line["p99Ratio"] = rounded(p99 / small) }
        print(line)
      }
      let all = times.values.flatMap { $0 }.sorted()
      print(
        JSON.object([
          "benchmark": "kills-reads", "kills": .integer(Int64(size)), "read": "all",
          "requests": .integer(Int64(all.count)), "perSecond": .integer(Int64(rate)),
          "p50Milliseconds": rounded(all[all.count / 2]), "p99Milliseconds": rounded(all[all.count * 99 / 100]),
          "maxMilliseconds": rounded(all[all.count - 1]),
        ]))
      fflush(nil)
      if before.isEmpty { before = after }
    }
  }

  private static func rounded(_ value: Double) -> JSON { .double((value * 100).rounded() / 100) }

  /// The database where the program looks for it; made if it is not there.
  static func prepare(_ size: Int, _ directory: String) async throws {
    let path = directory + "/data/sandbox/adjutant.db"
    guard access(path, F_OK) != 0 else { return }
    var plan = KillsMaker.Plan()
    plan.kills = size
    plan.players = min(100_000, max(100, size / 10))
    try await KillsMaker.make(plan, at: path)
  }

  /// Every GET of the description whose parts of the path are known, and lists with their filters.
  private static func reads(of program: RunningProgram, token: String, kills: Int, tells: Bool) throws -> [Read] {
    let (status, document) = try KeptConnection(program.address).ask("GET", "/openapi/killtracker.json", token: nil)
    guard status == 200, let paths = document["paths"]?.object else { throw BenchmarkError("there is no description") }
    let values = [
      "killId": "kill_\(kills / 2)", "userId": "\(KillsHTTPBenchmark.firstUser)", "serverId": "900000000000000001",
      "guildId": "900000000000000001", "type": "kills", "metric": "kills", "playerId": "Player5", "player": "Player5",
    ]
    var reads: [Read] = []
    for (path, methods) in paths.sorted(by: { $0.key < $1.key }) {
      guard methods["get"] != nil, !path.contains("export"), !path.hasSuffix("/ws") else { continue }
      var filled = path
      for (name, value) in values { filled = filled.replacing("{\(name)}", with: value) }
      guard !filled.contains("{") else {
        if tells { print(JSON.object(["benchmark": "kills-reads", "left out": .string(path)])) }
        continue
      }
      reads.append(Read(name: path, path: filled))
    }
    let day = String(Timestamp(milliseconds: Timestamp.now.milliseconds - 20 * 86_400_000).iso8601.prefix(10))
    for query in [
      "limit=100", "page=500&limit=20", "serverId=900000000000000001", "userId=\(KillsHTTPBenchmark.firstUser)",
      "weapon=Weapon%207", "startDate=\(day)&endDate=\(day)",
    ] {
      reads.append(
        Read(name: "/api/v1/kills?\(query.prefix { $0 != "&" && $0 != "%" })", path: "/api/v1/kills?\(query)"))
    }
    for period in ["daily", "weekly", "monthly", "all_time"] {
      for type in ["kills", "kdr"] {
        let path = "/api/v1/leaderboards?type=\(type)&period=\(period)&limit=100"
        if paths["/api/v1/leaderboards"] != nil { reads.append(Read(name: path, path: path)) }
      }
    }
    return reads
  }

  /// A request whenever one is due, timed from that moment.
  /// - Returns: milliseconds by name.
  private static func drive(
    _ program: RunningProgram, _ reads: [Read], token: String, rate: Int, count: Int
  ) throws -> [String: [Double]] {
    let connections = try (0..<16).map { _ in try KeptConnection(program.address) }
    let poll = try ConnectionPoll()
    for (number, connection) in connections.enumerated() { try poll.add(connection, number: number) }
    let host = program.address.description
    let requests = reads.map { KeptConnection.request("GET", $0.path, host: host, token: token) }
    var idle = Array(connections.indices)
    var asked = connections.map { _ in (read: 0, due: UInt64(0)) }
    var times: [String: [Double]] = [:]
    let start = monotonicNanoseconds()
    let step = 1_000_000_000 / UInt64(rate)
    var next = 0
    var answered = 0
    while answered < count {
      let now = monotonicNanoseconds()
      while next < count, start + UInt64(next) * step <= now, !idle.isEmpty {
        // In turns: a connection that nobody uses for long is closed by the server.
        let number = idle.removeFirst()
        asked[number] = (next % reads.count, start + UInt64(next) * step)
        try connections[number].send(requests[next % reads.count])
        next += 1
      }
      let due = start + UInt64(next) * step
      let pause = idle.isEmpty || next == count ? 1_000_000_000 : Int(due > now ? due - now : 0)
      try poll.wait(nanoseconds: pause) { number in
        guard try connections[number].receive() else { return }
        let (read, due) = asked[number]
        guard connections[number].status < 500 else {
          throw BenchmarkError("\(reads[read].path) is answered with \(connections[number].status)")
        }
        times[reads[read].name, default: []].append(Double(monotonicNanoseconds() - due) / 1e6)
        idle.append(number)
        answered += 1
      }
    }
    return times
  }
}
