import Core
import HTTP
import KillTracker
import Platform

extension KillTrackerReference {
  func declareKills(in routes: inout SurfaceRoutes) {
    let service = KillTrackerKills(services)
    let tags = ["Kills"]
    routes.change(
      .post, "/api/kills", access: .user(.writeKills, proof: .apiKeyOnly), limit: .byCaller(.write),
      audit: .byService,
      RouteNotes("Records a kill of the key's player", tags: tags, status: .created).withAlternative(.ok).immediate(),
      .body(KillTrackerKills.NewKill.self),
      .header("Idempotency-Key", String?.self, .text("The same key is the same kill", length: 1...100)),
      returning: .response(describedBy: NamedKillAnswer.self)
    ) { request, body, key in
      let recorded = try await service.record(body, request, idempotencyKey: key)
      return try .json(NamedKillAnswer(recorded.kill), status: recorded.isNew ? .created : .ok)
    }
    routes.read(
      "/api/kills/user/:userId", access: .user(.readKills), limit: .byCaller(.read),
      RouteNotes("A user's kills, the newest first", tags: tags, errors: [.notFound]), .path("userId", String.self),
      .query(UserLimit.self), returning: .json(List.self)
    ) { request, user, query in
      let player = try await service.player(user)
      let kills = try await service.recent(.killer, of: player, limit: query.limit, for: service.viewer(of: request))
      return List(kills: kills.map(NamedKillAnswer.init))
    }
    routes.read(
      "/api/kills/server/:serverId", access: .user(.readKills), limit: .byCaller(.read),
      RouteNotes("The kills of a server, the newest first", tags: tags).immediate(), .path("serverId", String.self),
      .query(ServerLimit.self), returning: .response(describedBy: List.self)
    ) { request, server, query in
      let page = try await KillTrackerKills.perform {
        try await service.kills.keptList(
          KillFilter(serverID: server), limit: query.limit, for: service.viewer(of: request))
      }
      return try KillListAnswer.response(page, services.guilds) { page, _ in
        List(kills: page.kills.map(NamedKillAnswer.init))
      }
    }
    routes.read(
      "/api/stats/user/:userId", access: .user(.readStats), limit: .byCaller(.read),
      RouteNotes("What a user did", tags: tags, errors: [.notFound]), .path("userId", String.self),
      returning: .json(PlayerStatisticsAnswer.self)
    ) { request, user in
      try await service.statistics(of: try await service.player(user), for: service.viewer(of: request))
    }
    routes.read(
      "/api/leaderboard/:type", access: .user(.readStats), limit: .byCaller(.read),
      RouteNotes("Who leads, and the caller's own rank", tags: ["Leaderboards"]),
      .path("type", LeaderboardMetric.self), .query(BoardLimit.self), returning: .json(LeaderboardAnswer.self)
    ) { request, metric, query in
      let board = try await KillTrackerKills.perform {
        try await service.kills.leaderboard(metric, .allTime, limit: query.limit, for: service.viewer(of: request))
      }
      return LeaderboardAnswer(board, printsPeriod: false)
    }
  }

  func declareUsers(in routes: inout SurfaceRoutes) {
    let profiles = KillTrackerProfiles(services)
    let service = KillTrackerKills(services)
    routes.read(
      "/api/users/:userId", access: .user(.readUsers), limit: .byCaller(.read),
      RouteNotes("A user with the latest kills and deaths", tags: ["Users"], errors: [.notFound]),
      .path("userId", String.self), returning: .json(Portrait.self)
    ) { request, text in
      let viewer = service.viewer(of: request)
      guard let user = UserID(text) else {
        throw HTTPError(.notFound, kind: .notFound, code: "USER_NOT_FOUND", "there is no such user")
      }
      let player = try await service.kills.player(user.description)
      let person = try await profiles.accounts.person(user)
      guard player != nil || person.createdAt != nil else {
        throw HTTPError(.notFound, kind: .notFound, code: "USER_NOT_FOUND", "there is no such user")
      }
      // First, so that a private user is refused before anything is told.
      var kills: [Kill] = []
      var deaths: [Kill] = []
      if let player {
        kills = try await service.recent(.killer, of: player, limit: Self.portraitLength, for: viewer)
        deaths = try await service.recent(.victim, of: player, limit: Self.portraitLength, for: viewer)
      }
      return Portrait(
        KillTrackerProfiles.Profile(person, try await profiles.players.profile(of: user)), kills: kills,
        deaths: deaths, services.guilds)
    }
    routes.change(
      .put, "/api/users/:userId", access: .own(user: "userId", .writeUsers), limit: .byCaller(.write),
      audit: .action("user.update", targets: "userId"),
      RouteNotes("Changes a profile", tags: ["Users"], errors: [.notFound]), .path("userId", String.self),
      .body(KillTrackerProfiles.Changes.self, unknownFields: .refused),
      returning: .json(KillTrackerProfiles.Profile.self)
    ) { _, text, body in
      guard let user = UserID(text) else {
        throw HTTPError(.notFound, kind: .notFound, code: "USER_NOT_FOUND", "there is no such user")
      }
      return try await profiles.change(user, body)
    }
  }

  private static let portraitLength = 10

  private struct List: Codable, Sendable { let kills: [NamedKillAnswer] }

  private struct UserLimit: Codable, Sendable, SchemaRuled {
    let limit: Int
    static let schemaRules: SchemaRules = ["limit": .integer(in: 1...Kills.pageLimit, default: 50)]
  }

  private struct ServerLimit: Codable, Sendable, SchemaRuled {
    let limit: Int
    static let schemaRules: SchemaRules = ["limit": .integer(in: 1...Kills.pageLimit, default: 100)]
  }

  private struct BoardLimit: Codable, Sendable, SchemaRuled {
    let limit: Int
    static let schemaRules: SchemaRules = ["limit": .integer(in: 1...Kills.pageLimit, default: 10)]
  }

  private struct Portrait: Codable, Sendable {
    struct Deed: Codable, Sendable {
      let id: String
      /// Of a kill.
      let victim: PlayerAnswer?
      /// Of a death.
      let killer: PlayerAnswer?
      let server: ServerAnswer
      @Nullable var weapon: String?
      @Nullable var location: String?
      let timestamp: Timestamp
      let isPvP: Bool

      init(_ kill: Kill, isDeath: Bool, _ guilds: any GuildDirectory) {
        id = kill.id.description
        victim = isDeath ? nil : PlayerAnswer(kill.victim)
        killer = isDeath ? PlayerAnswer(kill.killer) : nil
        server = ServerAnswer(kill, guilds)
        weapon = kill.weapon
        location = kill.location
        timestamp = kill.occurredAt
        isPvP = kill.isPvP
      }
    }
    let id: String
    let discordId: String
    let username: String
    let discriminator: String
    @Nullable var avatar: String?
    @Nullable var rsiHandle: String?
    let isHandleVerified: Bool
    let privacyLevel: String
    let kills: [Deed]
    let deaths: [Deed]
    @Nullable var createdAt: Timestamp?
    @Nullable var updatedAt: Timestamp?

    init(
      _ profile: KillTrackerProfiles.Profile, kills: [Kill], deaths: [Kill], _ guilds: any GuildDirectory
    ) {
      id = profile.id
      discordId = profile.discordId
      username = profile.username
      discriminator = profile.discriminator
      avatar = profile.avatar
      rsiHandle = profile.rsiHandle
      isHandleVerified = profile.isHandleVerified
      privacyLevel = profile.privacyLevel
      self.kills = kills.map { Deed($0, isDeath: false, guilds) }
      self.deaths = deaths.map { Deed($0, isDeath: true, guilds) }
      createdAt = profile.createdAt
      updatedAt = profile.updatedAt
    }
  }
}
