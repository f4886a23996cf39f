import Platform

/// What a watch tells whoever started it.
public enum WatchNews: Sendable, Equatable {
  /// There is no such file yet, or no more.
  case noFile
  /// A log begins, or was found.
  case session(GameBuild, LogCapabilities)
  case player(String)
  /// A kill or death was seen that is not known yet.
  case seen(String)
  /// The server took it; false: it knew it already.
  case taken(isNew: Bool, waiting: Int)
  /// The server will never take it.
  case refused(String)
  /// Nothing can be sent now; what is seen is kept.
  case away(String, waiting: Int, again: Duration)
  /// The server counts no time in the game; it is not told any more.
  case noPlayTime(String)
  /// The log cannot be read now.
  case unreadable(String)
}

/// The server will take nothing from this watch until somebody changes something: a key that is not known, or that is
/// somebody else's. What was seen is kept.
public struct WatchEnded: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
}

/// Follows a growing log and records the kills and deaths of its player at a server, through its documented
/// `POST /api/kills`. What was seen waits on disk until the server has taken it.
public struct LogWatch: Sendable {
  public struct Settings: Sendable {
    public var file: String
    /// `http://host:3001`, without a slash at the end.
    public var server: String
    public var key: Secret<String>
    /// The Discord server that the kills are for; nil: none.
    public var guild: String?
    /// Between two looks at the file.
    public var interval = Duration.milliseconds(500)
    /// Between two times that the server is told how long the game has been running.
    public var heartbeat = Duration.seconds(300)

    public init(file: String, server: String, key: Secret<String>, guild: String? = nil) {
      self.file = file
      self.server = server
      self.key = key
      self.guild = guild
    }
  }

  private static let backoff = Backoff(first: .seconds(2), limit: .seconds(120))

  private let settings: Settings
  private let spool: KillSpool
  private let client: HTTPClient
  private let time: any TimeSource
  private let random: any RandomSource
  private let tell: @Sendable (WatchNews) -> Void
  /// Rings when something waits to be sent.
  private let bell: AsyncStream<Void>
  private let ringer: AsyncStream<Void>.Continuation
  /// How long the game has been running, whenever that is to be told.
  private let sessions: AsyncStream<PlayedSession>
  private let reporter: AsyncStream<PlayedSession>.Continuation

  public init(
    _ settings: Settings, spool: KillSpool, client: HTTPClient, time: any TimeSource = SystemTime(),
    random: any RandomSource = SystemRandom(), tell: @escaping @Sendable (WatchNews) -> Void
  ) {
    self.settings = settings
    self.spool = spool
    self.client = client
    self.time = time
    self.random = random
    self.tell = tell
    (bell, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    (sessions, reporter) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(8))
  }

  /// Watches until it is cancelled.
  /// - Throws: ``WatchEnded``; `CancellationError`; `DatabaseError` of the spool.
  public func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await read() }
      group.addTask { try await send() }
      group.addTask {
        await tellTime()
        // Where no time is taken, kills still are.
        while true { try await time.sleep(for: .seconds(3_600)) }
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  // MARK: - Reading

  private func read() async throws {
    var tail = LogTail(path: settings.file)
    var news: WatchNews?
    /// Tells what hinders, once for as long as it stays the same.
    func hinder(_ trouble: WatchNews?) {
      if let trouble, trouble != news { tell(trouble) }
      news = trouble
    }
    var reading = Reading()
    var toldAt: ContinuousClock.Instant?
    var toldLines = 0
    while true {
      do {
        let (next, events) = try await GameLogFile.waiting { [tail] in
          var tail = tail
          let events = try tail.read()
          return (tail, events)
        }
        tail = next
        hinder(tail.isThere ? nil : .noFile)
        try await take(events, into: &reading)
        if tail.parser.lines != toldLines, toldAt.map({ time.now - $0 >= settings.heartbeat }) ?? true,
          let session = reading.session(in: tail.parser)
        {
          reporter.yield(session)
          toldLines = tail.parser.lines
          toldAt = time.now
        }
      } catch let error as GameLogFileError {
        hinder(.unreadable(error.description))
      }
      try await time.sleep(for: settings.interval)
    }
  }

  /// What the log has told of itself.
  private struct Reading {
    var player: LoggedPlayer?
    var sessionID: String?

    /// How long the game has been running: what the log would say if it ended here.
    func session(in parser: GameLogParser) -> PlayedSession? {
      guard player != nil else { return nil }
      var parser = parser
      for case .sessionEnd(let end) in parser.finish().map(\.what) { return PlayedSession(end, id: sessionID) }
      return nil
    }
  }

  private func take(_ events: [GameLogEvent], into reading: inout Reading) async throws {
    var kills: [WatchedKill] = []
    for event in events {
      switch event.what {
      case .sessionEnd(let end):
        // The last word on it, which is not to wait.
        if reading.player != nil { reporter.yield(PlayedSession(end, id: reading.sessionID)) }
      case .session(let session):
        reading = Reading(sessionID: session.id)
        tell(.session(session.build, session.capabilities))
      case .player(let found):
        if found.handle != reading.player?.handle { tell(.player(found.handle)) }
        reading.player = found
      default: break
      }
      if let player = reading.player, let kill = try WatchedKill(event, of: player, serverID: settings.guild) {
        kills.append(kill)
      }
    }
    let new = try await spool.add(kills)
    for kill in new { tell(.seen(kill.text)) }
    if !new.isEmpty { ringer.yield() }
  }

  // MARK: - Sending

  private func send() async throws {
    var bells = bell.makeAsyncIterator()
    var failures = 0
    while true {
      guard let entry = try await spool.next() else {
        guard await bells.next() != nil else { return }
        continue
      }
      switch await answer(to: entry) {
      case .taken(let isNew):
        try await spool.settle(entry)
        failures = 0
        tell(.taken(isNew: isNew, waiting: try await spool.waiting()))
      case .refused(let reason):
        try await spool.settle(entry)
        failures = 0
        tell(.refused(reason))
      case .hopeless(let reason): throw WatchEnded(description: reason)
      case .later(let reason, let pause):
        try Task.checkCancellation()
        failures += 1
        let pause = max(pause ?? .zero, Self.backoff.delay(failures: failures, random: random))
        tell(.away(reason, waiting: try await spool.waiting(), again: pause))
        try await time.sleep(for: pause)
      }
    }
  }

  private func answer(to entry: KillSpool.Entry) async -> WatchAnswer {
    await post("/api/kills", entry.body, headers: ["Idempotency-Key": entry.key])
  }

  /// A server that cannot be reached now hears of the session with the next heartbeat: it tells all of the time again.
  private func tellTime() async {
    for await session in sessions {
      let body: JSON = [
        "session": .string(session.name), "began": .string(session.began.iso8601),
        "ended": .string(session.ended.iso8601), "playedSeconds": .integer(session.played.components.seconds),
      ]
      switch await post("/api/heartbeats", body.serialized()) {
      case .taken, .later: break
      case .refused(let reason), .hopeless(let reason):
        tell(.noPlayTime(reason))
        return
      }
    }
  }

  private func post(_ path: String, _ body: String, headers: HTTPHeaders = [:]) async -> WatchAnswer {
    var all = headers
    all["Authorization"] = "Bearer \(settings.key.reveal())"
    all["Content-Type"] = "application/json"
    let request = HTTPClientRequest(
      .post, settings.server + path, headers: all, body: .bytes(Array(body.utf8)), maximumResponseBytes: 1 << 20)
    do {
      let response = try await client.send(request)
      return WatchAnswer(status: response.status, headers: response.headers, body: response.body)
    } catch {
      return .later("\(error)", after: nil)
    }
  }
}
