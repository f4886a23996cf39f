import Glibc
import HTTP
import Platform

/// `GET /api/v1/kills?limit=20` of the running program over many kills, beside other servers if there are any: each in
/// turns, with the same client.
enum KillsListBenchmark {
  static func run(_ options: Options) async throws {
    let size = try options.number("kills", default: 100_000)
    let directory = try "\(options.string("directory"))/kills-\(size)"
    try await KillsReadBenchmark.prepare(size, directory)
    let program = try RunningProgram(binary: options.optional("program"), directory: directory)
    defer { program.end() }
    let usesKey = options.flag("key")
    let credential =
      usesKey
      ? try program.key(of: KillsHTTPBenchmark.firstUser, playerName: "Player1")
      : try program.token(of: KillsHTTPBenchmark.firstUser)
    let own = try HTTPBenchmark.Target("adjutant=\(program.address)/api/v1/kills?limit=20", credential: credential)
    let others = try options.string("targets", default: "").split(separator: ",").map {
      try HTTPBenchmark.Target(String($0))
    }
    var processes = try HTTPBenchmark.processes(options.string("processes", default: ""))
    processes["adjutant"] = Int(program.id)
    try HTTPBenchmark.compare(
      [own] + others, processes: processes, connections: options.number("connections", default: 32),
      seconds: options.number("seconds", default: 3), rounds: options.number("repeat", default: 5))
  }
}
