import Core
import HTTP
import KillTracker
import Platform

/// Logs that lie on the bot's machine, shared or uploaded: what is there, what one holds, and recording it.
struct KillTrackerLogs: Sendable {
  let services: KillTrackerServices
  private var shelf: LogShelf { services.tracker.logs }

  init(_ services: KillTrackerServices) { self.services = services }

  private static func reader(_ request: HTTPRequest) throws -> LogReader {
    LogReader(user: try KillTrackerKills.user(of: request), isAdmin: request.caller.isAdmin)
  }

  struct Directories: Codable, Sendable {
    struct Directory: Codable, Sendable, SchemaRuled {
      let path: String
      let exists: Bool
      let files: Int
      let size: Int
      static let schemaRules: SchemaRules = [
        "files": .about("Logs in it and below"), "size": .about("Of these, in bytes"),
      ]
    }
    let directories: [Directory]
  }

  func directories(_ request: HTTPRequest) async throws -> Directories {
    Directories(
      directories: try await shelf.directories(for: Self.reader(request)).map {
        .init(path: $0.path, exists: $0.exists, files: $0.files, size: $0.bytes)
      })
  }

  struct Files: Codable, Sendable, SchemaRuled {
    struct File: Codable, Sendable, SchemaRuled {
      let filePath: String
      let name: String
      let directory: String
      let size: Int
      let modifiedAt: Timestamp
      static let schemaRules: SchemaRules = [
        "filePath": .about("What validating and parsing take"), "size": .about("In bytes"),
      ]
    }
    let files: [File]
    static let schemaRules: SchemaRules = ["files": .list("The newest first", count: 0...LogShelf.listLimit)]
  }

  func files(_ request: HTTPRequest) async throws -> Files {
    Files(
      files: try await shelf.files(for: Self.reader(request)).map {
        .init(filePath: $0.path, name: $0.name, directory: $0.directory, size: $0.size, modifiedAt: $0.modified)
      })
  }

  // MARK: Validating

  struct Path: Codable, Sendable, SchemaRuled {
    let filePath: String
    static let schemaRules: SchemaRules = [
      "filePath": .text("As the list of files gives it", length: 1...4_096, example: "/path/to/logfile.log")
    ]
  }

  /// What the game's builds can tell.
  struct Capabilities: Codable, Sendable {
    let kills: String
    let vehicleDestructions: Bool

    init(_ capabilities: LogCapabilities) {
      kills = capabilities.kills.rawValue
      vehicleDestructions = capabilities.vehicleDestructions
    }
  }

  struct Build: Codable, Sendable, SchemaRuled {
    @Nullable var number: Int?
    @Nullable var version: String?
    let tells: Capabilities
    static let schemaRules: SchemaRules = ["tells": .about("What logs of that build can and cannot give")]

    init(_ build: GameBuild) {
      number = build.number
      version = build.version?.description
      tells = Capabilities(LogCapabilities(of: build))
    }
  }

  struct Validation: Codable, Sendable, SchemaRuled {
    struct Kills: Codable, Sendable {
      let total: Int
      let pvp: Int
      let pve: Int
      let other: Int
    }
    let filePath: String
    let isValid: Bool
    @Nullable var reason: String?
    let size: Int
    let lines: Int
    let unreadableLines: Int
    let owners: [String]
    let builds: [Build]
    let kills: Kills
    let deaths: Int
    let sessions: Int
    @Nullable var firstEvent: Timestamp?
    @Nullable var lastEvent: Timestamp?

    static let schemaRules: SchemaRules = [
      "unreadableLines": .about("Lines of a form that matters with an unknown shape: perhaps a newer game"),
      "owners": .list("Whose logs these are, as they say"), "deaths": .about("Deaths without a killer"),
      "reason": .text("Why it is none of the game's logs", example: "no line of it is one of the game's"),
    ]
  }

  func validate(_ path: String, _ request: HTTPRequest) async throws -> Validation {
    let reader = try Self.reader(request)
    return try await reading(reader.user) {
      let log = try await shelf.open(path, for: reader)
      let isTooLarge = log.file.size > LogImport.maximumBytes
      let found = try await LogInspection.of(log, limit: LogImport.maximumBytes)
      let reason: LogImportError? =
        isTooLarge ? .tooLarge(limit: LogImport.maximumBytes) : found.isLog ? nil : .notALog
      let total = found.kills.values.reduce(0, +)
      let (pvp, pve) = (found.kills[.pvp] ?? 0, found.kills[.pve] ?? 0)
      return Validation(
        filePath: path, isValid: reason == nil, reason: reason?.description, size: log.file.size, lines: found.lines,
        unreadableLines: found.unreadableLines, owners: found.owners, builds: found.builds.map(Build.init),
        kills: .init(total: total, pvp: pvp, pve: pve, other: total - pvp - pve), deaths: found.deaths,
        sessions: found.sessions, firstEvent: found.firstEvent, lastEvent: found.lastEvent)
    }
  }

  // MARK: Parsing

  struct Wish: Codable, Sendable, SchemaRuled {
    struct Options: Codable, Sendable {
      let includePvE: Bool?
      let includePvP: Bool?
    }
    let filePath: String
    let parseOptions: Options?
    let serverId: String?
    static let schemaRules: SchemaRules = [
      "filePath": .text("As the list of files gives it", length: 1...4_096, example: "/path/to/logfile.log"),
      "parseOptions": .about("Both are included unless told"),
      "serverId": .text(
        "The server to which its kills belong, of which the caller is a member; missing: none", length: 1...20,
        pattern: "[0-9]{1,20}", example: "900000000000000001"),
    ]
  }

  struct Outcome: Codable, Sendable, SchemaRuled {
    struct Found: Codable, Sendable, SchemaRuled {
      let kills: Int
      let deaths: Int
      let incapacitations: Int
      let vehiclesLost: Int
      let sessions: Int
      static let schemaRules: SchemaRules = [
        "kills": .about("Of the kinds that were asked for"), "deaths": .about("Without a killer"),
      ]
    }
    struct Recorded: Codable, Sendable, SchemaRuled {
      let kills: Int
      let deaths: Int
      let known: Int
      let foreign: Int
      let refused: Int
      let confirmedReports: Int
      let playTime: String
      static let schemaRules: SchemaRules = [
        "known": .about("Kills that were recorded before"),
        "foreign": .about("Kills of others who proved their handles, in a log that is not the caller's own"),
        "playTime": .text("Time in the game that was not counted before", example: "1h 30m"),
      ]
    }
    let filePath: String
    let lines: Int
    let unreadableLines: Int
    let owners: [String]
    let isOwn: Bool
    let found: Found
    let recorded: Recorded
    let kills: [NamedKillAnswer]
    let problems: [String]
    let isCutOff: Bool
    @Nullable var firstEvent: Timestamp?
    @Nullable var lastEvent: Timestamp?

    static let schemaRules: SchemaRules = [
      "isOwn": .about("Whether the logs' owner is the handle that the caller proved"),
      "kills": .list("Those that are recorded now, the first of them", count: 0...KillTrackerLogs.listedKills),
      "isCutOff": .about("Whether there was more than one parsing may record"),
    ]
  }

  static let listedKills = 100

  func parse(_ body: Wish, _ request: HTTPRequest) async throws -> Outcome {
    let reader = try Self.reader(request)
    let user = reader.user
    var guild: GuildID?
    if let text = body.serverId {
      guard let id = GuildID(text) else {
        throw HTTPError.invalid(.invalidBody, [.init(path: "serverId", message: "is not the id of a server")])
      }
      try await request.authorize(AccessRule(.serverMember(of: id), permission: .writeLogs))
      guild = id
    }
    var options = LogImport.Options()
    options.includesPvP = body.parseOptions?.includePvP ?? true
    options.includesPvE = body.parseOptions?.includePvE ?? true
    return try await reading(user) { [guild, options] in
      let log = try await shelf.open(body.filePath, for: reader)
      let outcome = try await services.tracker.imports.importLog(log, by: user, in: guild, options: options)
      var kills: [NamedKillAnswer] = []
      let viewer = KillViewer(user: user)
      for id in outcome.recordedKills.prefix(Self.listedKills) {
        do {
          kills.append(NamedKillAnswer(try await services.kills.find(id, for: viewer)))
        } catch KillError.notFound {
          // Somebody deleted it since.
        }
      }
      let minutes = outcome.addedPlayTime.components.seconds / 60
      return Outcome(
        filePath: body.filePath, lines: outcome.lines, unreadableLines: outcome.unreadableLines,
        owners: outcome.owners, isOwn: outcome.isOwn,
        found: .init(
          kills: outcome.kills, deaths: outcome.deaths, incapacitations: outcome.incapacitations,
          vehiclesLost: outcome.vehiclesLost, sessions: outcome.sessions),
        recorded: .init(
          kills: outcome.recorded, deaths: outcome.recordedDeaths, known: outcome.known, foreign: outcome.foreign,
          refused: outcome.refused, confirmedReports: outcome.confirmedReports.count,
          playTime: "\(minutes / 60)h \(minutes % 60)m"),
        kills: kills, problems: outcome.problems, isCutOff: outcome.isCutOff, firstEvent: outcome.firstEvent,
        lastEvent: outcome.lastEvent)
    }
  }

  /// One log of a user at a time, and what is wrong with it in the caller's terms.
  private func reading<Result: Sendable>(_ user: UserID, _ body: () async throws -> Result) async throws -> Result {
    do {
      return try await KillTrackerKills.perform { try await shelf.turns.take(user, body) }
    } catch let error as LogShelfError {
      throw switch error {
      case .outside: HTTPError(.forbidden, kind: .forbidden, error.description)
      case .missing: HTTPError(.notFound, kind: .notFound, error.description)
      case .busy: HTTPError(.tooManyRequests, kind: .rateLimited, error.description, headers: ["Retry-After": "5"])
      }
    } catch let error as LogImportError {
      throw switch error {
      case .busy: HTTPError(.tooManyRequests, kind: .rateLimited, error.description, headers: ["Retry-After": "5"])
      case .tooLarge, .notALog:
        HTTPError.invalid(.invalidBody, [.init(path: "filePath", message: error.description)])
      }
    }
  }
}

extension KillTrackerReference {
  func declareLogs(in routes: inout SurfaceRoutes) {
    let logs = KillTrackerLogs(services)
    let tags = ["Logs"]
    routes.read(
      "/api/logs/directories", access: .user(.readLogs), limit: .byCaller(.read),
      RouteNotes("The directories from which logs can be read, and what the caller uploaded", tags: tags),
      returning: .json(KillTrackerLogs.Directories.self)
    ) { request in try await logs.directories(request) }
    routes.read(
      "/api/logs/files", access: .user(.readLogs), limit: .byCaller(.read),
      RouteNotes("The logs in these directories", tags: tags), returning: .json(KillTrackerLogs.Files.self)
    ) { request in try await logs.files(request) }
    routes.change(
      .post, "/api/logs/validate", access: .user(.readLogs), limit: .byCaller(.write), audit: .changesNothing,
      RouteNotes("What a log holds; nothing is recorded", tags: tags, errors: [.notFound, .tooManyRequests]),
      .body(KillTrackerLogs.Path.self), returning: .json(KillTrackerLogs.Validation.self)
    ) { request, body in
      try await logs.validate(body.filePath, request)
    }
    routes.change(
      .post, "/api/logs/parse", access: .user(.writeLogs), limit: .byCaller(.write), audit: "log.parse",
      RouteNotes("Records what a log tells; again changes nothing", tags: tags, errors: [.notFound, .tooManyRequests]),
      .body(KillTrackerLogs.Wish.self), returning: .json(KillTrackerLogs.Outcome.self)
    ) { request, body in try await logs.parse(body, request) }
  }
}
