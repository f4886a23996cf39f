import Core
import HTTP
import KillTracker
import Platform

/// Kills for both documents: reads what the caller sent, calls the service, and gives its refusals the caller's terms.
struct KillTrackerKills: Sendable {
  let kills: Kills
  let imports: LogImport
  let guilds: any GuildDirectory

  init(_ services: KillTrackerServices) {
    kills = services.kills
    imports = services.tracker.imports
    guilds = services.guilds
  }

  // MARK: Who

  /// - Throws: 403 for callers that are no user of Discord.
  static func user(of request: HTTPRequest) throws -> UserID {
    guard let user = request.caller.user else {
      throw HTTPError(.forbidden, kind: .forbidden, "this takes a user of Discord")
    }
    return user
  }

  /// Who looks or acts. Whether the caller manages a guild is asked only where the answer matters.
  func viewer(of request: HTTPRequest) -> KillViewer {
    KillViewer(
      user: request.caller.user, isAdmin: request.caller.isAdmin,
      manages: { guild in
        do {
          try await request.authorize(AccessRule(.serverManager(of: guild), permission: .writeKills))
          return true
        } catch {
          // Who cannot be asked about is no manager for now.
          return false
        }
      }, belongs: { guild in await request.isFromMember(of: guild) })
  }

  /// - Throws: 404 if nobody is known by that id or handle.
  func player(_ text: String) async throws -> Int64 {
    guard let player = try await kills.player(text) else {
      throw HTTPError(.notFound, kind: .notFound, code: "USER_NOT_FOUND", "there is no such user")
    }
    return player
  }

  static func perform<Result>(_ body: () async throws -> Result) async throws -> Result {
    do { return try await body() } catch let error as KillError { throw error.httpError }
  }

  static func id(_ text: String) throws -> KillID {
    guard let id = KillID(text) else { throw KillError.notFound.httpError }
    return id
  }

  // MARK: Recording

  /// What the documents' bodies say about a kill. Only the victim must be there, and not even that where the caller died.
  struct NewKill: Codable, Sendable, SchemaRuled {
    let killerId: String?
    let victimId: String?
    let victimName: String?
    let serverId: String?
    let weapon: String?
    let location: String?
    let isPvP: Bool?
    let isSuicide: Bool?
    let isEnvironmental: Bool?
    let timestamp: Timestamp?
    let source: Source?
    let confidence: Double?
    let rawData: JSON?

    enum Source: String, Codable, Sendable, CaseIterable { case api, log }

    static let schemaRules: SchemaRules = [
      "killerId": .text(
        "Who did it, where the caller is the victim; missing, or the caller: the caller", length: 1...100),
      "victimId": .text("A user's Discord id, or a handle", length: 1...100, example: "victim_user_id"),
      "victimName": .text("A handle, where there is no victimId", length: 1...64, example: "EnemyPlayer"),
      "serverId": .text(
        "The Discord id of the server; missing: none", length: 1...32, pattern: "[0-9]{1,20}|default-server",
        example: "900000000000000001"),
      "weapon": .text(length: 0...100, example: "Laser Cannon"),
      "location": .text(length: 0...100, example: "Stanton System"),
      "timestamp": .about("When it happened; missing: now", example: "2024-01-01T12:00:00.000Z"),
      "source": .about("Where it is known from; missing: `api`"),
      "confidence": .number("How sure the source is", in: 0...1),
      "rawData": .about("Anything worth keeping", example: ["additional": "metadata"]),
    ]

    func report(idempotencyKey: String?) throws -> KillReport {
      let kind = try KillReport.kind(isPvP: isPvP, isSuicide: isSuicide, isEnvironmental: isEnvironmental)
      let victim: ReportedParty
      if let victimId {
        victim = ReportedParty(text: victimId)
      } else if let victimName {
        victim = .handle(victimName)
      } else if kind == .suicide || kind == .environment {
        victim = .caller
      } else {
        throw KillError.invalid(field: "victimId", reason: "is required")
      }
      if let object = rawData, object.object == nil {
        throw KillError.invalid(field: "rawData", reason: "must be an object")
      }
      return KillReport(
        victim: victim, kind: kind, occurredAt: timestamp, serverID: serverId, weapon: weapon,
        location: location, source: source == .log ? .log : .api, confidence: confidence ?? 1,
        idempotencyKey: idempotencyKey, details: rawData)
    }
  }

  /// - Returns: the kill, and whether it was unknown before.
  func record(_ body: NewKill, _ request: HTTPRequest, idempotencyKey: String?) async throws -> RecordedKill {
    var reporter = KillReporter(user: try Self.user(of: request))
    if case .apiKey(let grant) = request.caller.credential { reporter.playerName = grant.playerName }
    return try await Self.perform { [reporter] in
      let report = try await kills.attributing(
        try body.report(idempotencyKey: idempotencyKey), to: body.killerId, victim: body.victimId ?? body.victimName,
        by: reporter)
      return try await imports.record(report, by: reporter)
    }
  }

  // MARK: Lists

  /// The latest kills of a player.
  func recent(_ side: KillFilter.Side, of player: Int64, limit: Int, for viewer: KillViewer) async throws -> [Kill] {
    try await Self.perform {
      try await kills.list(KillFilter(player: player, side: side), limit: limit, for: viewer).kills
    }
  }

  func statistics(of player: Int64?, for viewer: KillViewer) async throws -> PlayerStatisticsAnswer {
    let statistics = try await Self.perform { try await kills.statistics(of: player, for: viewer) }
    var latest: [Kill] = []
    if let player { latest = try await recent(.killer, of: player, limit: 5, for: viewer) }
    return PlayerStatisticsAnswer(statistics, recent: latest)
  }
}

extension KillError {
  var httpError: HTTPError {
    switch self {
    case .invalid(let field, let reason): .invalid(.invalidBody, [.init(path: field, message: reason)])
    case .notFound: HTTPError(.notFound, kind: .notFound, "there is no such kill")
    case .forbidden: HTTPError(.forbidden, kind: .forbidden, "this is not yours to see or change")
    case .handleTaken:
      .invalid(.invalidBody, [.init(path: "rsiHandle", message: "is verified as somebody else's handle")])
    case .off: HTTPError(.forbidden, kind: .forbidden, "\(self)")
    }
  }
}

/// A date of a query: `2024-01-01`, or with a time.
enum DateBound {
  /// The first moment of what the text names.
  static func start(_ text: String?, field: String) throws -> Timestamp? {
    try text.map { try span($0, field).start }
  }

  /// The first moment behind what the text names.
  static func end(_ text: String?, field: String) throws -> Timestamp? {
    try text.map { try span($0, field).end }
  }

  private static func span(_ text: String, _ field: String) throws -> (start: Timestamp, end: Timestamp) {
    if text.utf8.count == 10, let day = Timestamp(iso8601: text + "T00:00:00Z") { return (day, day + .seconds(86_400)) }
    guard let moment = Timestamp(iso8601: text) else {
      throw HTTPError.invalid(.invalidQuery, [.init(path: field, message: "must be a date in ISO 8601")])
    }
    return (moment, moment + .milliseconds(1))
  }
}
