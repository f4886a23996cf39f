import FoundationEssentials
import KillTracker
import Platform
import Storage

/// `adjutant logs watch`: runs where the game runs, beside no bot.
enum WatchCommand {
  struct Request: Equatable {
    var file: String
    var server: String
    /// The key itself, or `@` and the file that holds it.
    var key: Secret<String>
    var guild: String?
  }

  /// Watches until it is told to end.
  /// - Throws: `WatchEnded`; `DatabaseError` for the file in which what waits is kept; ``UsageError`` for a key file.
  static func run(_ request: Request, dataDirectory: String, log: Log) async throws -> ExitCode {
    let key = try readKey(request.key)
    let database = try await Database.open(url: "sqlite:\(dataDirectory)/watch.db", log: log)
    do {
      let client = try HTTPClient(
        configuration: .init(name: "watch", userAgent: "Adjutant/\(Version.current)", usesProxyFromEnvironment: true),
        log: log,
        metrics: Metrics())
      let watch = LogWatch(
        .init(file: request.file, server: request.server, key: key, guild: request.guild),
        spool: try await KillSpool.open(database, server: request.server, key: key), client: client,
        tell: { Terminal.show(line(for: $0, file: request.file)) })
      try await untilToldToEnd { try await watch.run() }
      await client.shutdown()
      await database.close()
    } catch {
      await database.close()
      throw error
    }
    return .success
  }

  private static func untilToldToEnd(_ body: @escaping @Sendable () async throws -> Void) async throws {
    let signals = Signals()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await body() }
      group.addTask { [stream = signals.stream] in
        for await signal in stream where signal != .hangUp { return }
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private static func readKey(_ key: Secret<String>) throws -> Secret<String> {
    let text = key.reveal()
    guard text.hasPrefix("@") else { return key }
    let path = String(text.dropFirst())
    guard let content = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw UsageError(description: "--key: \(path) cannot be read")
    }
    return Secret(String(content.trimmed))
  }

  static func line(for news: WatchNews, file: String) -> String {
    switch news {
    case .noFile: "\(file) is not there; waiting for it."
    case .session(let build, let capabilities):
      "A session of \(build.version.map { "version \($0)" } ?? "an unknown version"). \(capabilities.summary)"
    case .player(let handle): "This is the log of \(handle)."
    case .seen(let text): text
    case .taken(let isNew, let waiting):
      "  \(isNew ? "recorded" : "was known already")\(waiting == 0 ? "" : "; \(waiting) wait")"
    case .refused(let reason): "  refused: \(reason)"
    case .away(let reason, let waiting, let pause):
      "  cannot be sent now (\(reason)); \(waiting) kept, again in \(max(1, pause.components.seconds)) s"
    case .noPlayTime(let reason): "Time in the game is not counted: \(reason)"
    case .unreadable(let reason): reason
    }
  }
}
