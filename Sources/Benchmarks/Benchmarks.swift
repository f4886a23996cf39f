import Glibc
import Platform

@main
struct Benchmarks {
  private static let usage = """
    usage: benchmarks NAME [options]

      frames --kind messages|guilds|interactions --out FILE [--count N] [--seed N]
          makes gateway events and packs them as one zlib-stream connection carries them
      gateway --frames FILE [--repeat N] [--no-subscriber]
          inflate alone, and inflate to handler, over the frames of FILE: each as a 4-byte big-endian length and the
          bytes; with --no-subscriber nobody wants the events and nothing is cached
      allocations [--count N]
          how often the heap is asked for memory per event
      cache [--members N] [--guilds N]
          bytes that the cache takes per member, and per 1,000 small guilds
      latency [--rate N] [--seconds N]
          from an interaction to its answer over real sockets, N per second
      heartbeat [--seconds N] [--handlers N]
          how late heartbeats are while handlers burn the processors
      websocket-echo [--listen ADDRESS] [--message-size BYTES]
          serves an echo at ADDRESS (127.0.0.1:9001) until it is ended
      websocket-client --url ws://ADDRESS [--agent NAME] [--first N]
          goes through the cases of an Autobahn Testsuite's fuzzingserver
      http-server [--listen 127.0.0.1:8080] [--loops N]
          serves a small JSON reply at /small until it is stopped
      http --targets NAME=HOST:PORT/PATH,… [--processes NAME=PID,…] [--connections N] [--seconds N] [--repeat N]
          requests per second of HTTP servers, in turns, and the ratio of each to the last; with their processes the
          processor time of a request too
      gamelog [--file FILE | --megabytes N --every N] [--repeat N]
          reading a Game.log in memory, beside grep -c (and rg -c) on the same file
      kills [--kills N] [--writers N] [--players N] [--days N] [--url DATABASE | --directory PATH] [--events]
          recording kills by so many writers at once, spread over so many days, and the same rows by SQLite alone; then
          lists, leaderboards, statistics and the export
      kills-http [--writers N] [--seconds N] [--victims N] [--login] [--directory PATH] [--program PATH]
          POST /api/v1/kills to the program itself (the adjutant beside this), each connection with an API key or login
          of its own
      kills-make --out FILE [--kills N] [--players N] [--days N] [--seed N]
          makes an SQLite database with so many kills and their counts
      kills-list --directory PATH [--kills N] [--key] [--targets NAME=HOST:PORT/PATH,…] [--processes NAME=PID,…]
            [--connections N] [--seconds N] [--repeat N] [--program PATH]
          GET /api/v1/kills?limit=20 of the program itself over so many kills, which are made in PATH if they are not
          there, in turns with other servers
      kills-reads --directory PATH [--kills N,N] [--rate N] [--seconds N] [--program PATH]
          how long every documented read of the kill tracker takes in the program itself at that rate, with few kills and
          with very many
      mixed [--events N] [--requests N] [--seconds N]
          how long small reads over HTTP take while the gateway carries events, both per second
      websocket-hub [--listeners N] [--events N]
          memory of idle listeners of a hub, and the time of an event to the last of them; clients in another process
    """

  static func main() async {
    do {
      let arguments = CommandLine.arguments.dropFirst()
      switch arguments.first {
      case "frames": try makeFrames(Options(arguments.dropFirst(), allowed: ["kind", "out", "count", "seed"]))
      case "gateway":
        try await GatewayBenchmark.run(
          Options(arguments.dropFirst(), allowed: ["frames", "repeat"], flags: ["no-subscriber"]))
      case "allocations": try await AllocationsBenchmark.run(Options(arguments.dropFirst(), allowed: ["count"]))
      case "cache": try CacheBenchmark.run(Options(arguments.dropFirst(), allowed: ["members", "guilds"]))
      case "latency": try await LatencyBenchmark.run(Options(arguments.dropFirst(), allowed: ["rate", "seconds"]))
      case "heartbeat":
        try await HeartbeatBenchmark.run(Options(arguments.dropFirst(), allowed: ["seconds", "handlers"]))
      case "websocket-echo":
        try await WebSocketEcho.run(Options(arguments.dropFirst(), allowed: ["listen", "message-size"]))
      case "websocket-client":
        try await WebSocketCases.run(Options(arguments.dropFirst(), allowed: ["url", "agent", "first"]))
      case "http-server": try await HTTPBenchmark.serve(Options(arguments.dropFirst(), allowed: ["listen", "loops"]))
      case "http":
        try HTTPBenchmark.run(
          Options(arguments.dropFirst(), allowed: ["targets", "processes", "connections", "seconds", "repeat"]))
      case "gamelog":
        try GameLogBenchmark.run(
          Options(arguments.dropFirst(), allowed: ["file", "megabytes", "every", "repeat"]))
      case "kills":
        try await KillsBenchmark.run(
          Options(
            arguments.dropFirst(), allowed: ["kills", "writers", "players", "days", "url", "directory"],
            flags: ["events"]))
      case "kills-make":
        try await KillsMaker.run(
          Options(arguments.dropFirst(), allowed: ["out", "kills", "players", "days", "seed"]))
      case "kills-list":
        try await KillsListBenchmark.run(
          Options(
            arguments.dropFirst(),
            allowed: ["directory", "kills", "targets", "processes", "connections", "seconds", "repeat", "program"],
            flags: ["key"]))
      case "kills-reads":
        try await KillsReadBenchmark.run(
          Options(arguments.dropFirst(), allowed: ["directory", "kills", "rate", "seconds", "program"]))
      case "kills-http":
        try KillsHTTPBenchmark.run(
          Options(
            arguments.dropFirst(), allowed: ["writers", "seconds", "victims", "directory", "program"],
            flags: ["login"]))
      case "websocket-hub":
        try await HubBenchmark.run(Options(arguments.dropFirst(), allowed: ["listeners", "events"]))
      case "websocket-hub-clients":
        try HubBenchmark.runClients(Options(arguments.dropFirst(), allowed: ["address", "listeners", "length"]))
      case "mixed":
        try await MixedBenchmark.run(Options(arguments.dropFirst(), allowed: ["events", "requests", "seconds"]))
      case "mixed-clients":
        try MixedBenchmark.runClients(Options(arguments.dropFirst(), allowed: ["address", "rate", "seconds"]))
      default: throw BenchmarkError(usage)
      }
    } catch {
      print("\(error)")
      exit(64)
    }
  }

  private static func makeFrames(_ options: Options) throws {
    let name = options.string("kind", default: FrameGenerator.Kind.messages.rawValue)
    guard let kind = FrameGenerator.Kind(rawValue: name) else { throw BenchmarkError("there is no kind \(name)") }
    let count = try options.number("count", default: kind == .guilds ? 100 : 20_000)
    var generator = FrameGenerator(seed: UInt64(try options.number("seed", default: 1)))
    var bytes = 0
    let file = try FrameFile(
      packing: (0..<count).lazy.map { _ in
        let event = generator.event(kind)
        bytes += event.serialized().utf8.count
        return event
      })
    let path = try options.string("out")
    try file.write(to: path)
    let line: JSON = [
      "benchmark": "frames", "kind": .string(name), "events": .integer(Int64(count)),
      "bytesIn": .integer(Int64(file.frames.reduce(0) { $0 + $1.count })), "bytesOut": .integer(Int64(bytes)),
    ]
    print(line)
  }
}
