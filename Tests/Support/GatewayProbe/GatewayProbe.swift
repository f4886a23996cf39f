import Core
import Dispatch
import Gateway
import GatewayStore
import Glibc
import Platform
import Storage

/// A bot that notes every message it handles: `GatewayProbe DATABASE API-BASE TOKEN FILE`.
///
/// One line per message: session, sequence, content. Says `ready` and `resumed` on standard output; SIGTERM ends it as
/// the program ends.
@main
struct GatewayProbe {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5 else { exit(64) }
    let file = open(arguments[4], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { exit(74) }
    signal(SIGTERM, SIG_IGN)
    let (signals, continuation) = AsyncStream.makeStream(of: Void.self)
    let source = terminations { continuation.yield() }

    let database = try await Database.open(url: arguments[1])
    let shared = try await SharedState.open(database)
    let http = try HTTPClient(log: .silent, metrics: Metrics())
    let client = GatewayClient(
      configuration: .init(token: Secret(arguments[3]), intents: [.guilds, .guildMessages, .messageContent]),
      rest: RESTClient(
        configuration: .init(baseURL: arguments[2], token: Secret(arguments[3])),
        transport: HTTPTransport(client: http), log: .silent, metrics: Metrics()),
      connector: WebSocketConnector(), sessions: StoredSessions(state: shared.state),
      budget: StoredIdentifyBudget(state: shared.state, log: .silent), log: .silent, metrics: Metrics()
    ) { state in
      if case .ready(_, let resumed) = state { say(resumed ? "resumed" : "ready") }
    }
    client.events.subscribe(.messageCreate, capacity: 100_000) { batch in
      for event in batch {
        note("\(event.sessionID) \(event.sequence) \(event.payload.content)\n", in: file)
        // A handler that takes its time: a stop finds it in the middle.
        await Task.yield()
      }
    }
    try await client.start()
    for await _ in signals { break }
    source.cancel()
    await client.stop(saving: true)
    await http.shutdown()
    await database.close()
  }

  /// Its own function, so that the handler, which runs on a thread of Dispatch, inherits nobody's isolation.
  private static func terminations(_ handler: @escaping @Sendable () -> Void) -> any DispatchSourceSignal {
    let source = DispatchSource.makeSignalSource(signal: SIGTERM, queue: DispatchQueue(label: "probe.signals"))
    source.setEventHandler(handler: handler)
    source.resume()
    return source
  }

  /// One `write`: a line is there or not, also if the process is killed.
  private static func note(_ line: String, in file: Int32) {
    let bytes = Array(line.utf8)
    guard write(file, bytes, bytes.count) == bytes.count else { exit(74) }
  }

  private static func say(_ word: String) {
    let bytes = Array((word + "\n").utf8)
    guard write(STDOUT_FILENO, bytes, bytes.count) == bytes.count else { exit(74) }
  }
}
