import Core
import HTTP
import KillTracker
import Platform

extension KillTrackerV1 {
  func declareKills(in routes: inout SurfaceRoutes) {
    let service = KillTrackerKills(services)
    let tags = ["Kills"]
    routes.read(
      "/kills", access: .user(.readKills), limit: .byCaller(.read),
      RouteNotes("Kills, the newest first", tags: tags).immediate(), .query(KillQuery.self),
      returning: .response(describedBy: Succeeded<Page>.self)
    ) { request, query in
      let page = try await KillTrackerKills.perform {
        try await service.kills.keptList(
          try query.filter, page: query.page, limit: query.limit, for: service.viewer(of: request))
      }
      return try KillListAnswer.response(page, services.guilds) { Succeeded(Page($0, query, $1)) }
    }
    routes.change(
      .post, "/kills", access: .user(.writeKills), limit: .byCaller(.write), audit: .byService,
      RouteNotes(
        "Records a kill of the caller's", tags: tags, status: .created
      ).withAlternative(.ok).immediate(),
      .body(KillTrackerKills.NewKill.self),
      .header("Idempotency-Key", String?.self, .text("The same key is the same kill", length: 1...100)),
      returning: .response(describedBy: Succeeded<KillAnswer>.self)
    ) { request, body, key in
      let recorded = try await service.record(body, request, idempotencyKey: key)
      return try .json(
        Succeeded(KillAnswer(recorded.kill, services.guilds)), status: recorded.isNew ? .created : .ok)
    }
    routes.read(
      "/kills/:killId", access: .user(.readKills), limit: .byCaller(.read),
      RouteNotes("One kill", tags: tags, errors: [.notFound]), .path("killId", String.self),
      returning: .succeeded(KillAnswer.self)
    ) { request, id in
      let kill = try await KillTrackerKills.perform {
        try await service.kills.find(try KillTrackerKills.id(id), for: service.viewer(of: request))
      }
      return KillAnswer(kill, services.guilds)
    }
    routes.change(
      .patch, "/kills/:killId", access: .user(.writeKills), limit: .byCaller(.write),
      audit: .action("kill.update", targets: "killId"),
      RouteNotes("Corrects a kill", tags: tags, errors: [.notFound]), .path("killId", String.self),
      .body(Correction.self), returning: .succeeded(KillAnswer.self)
    ) { request, id, body in
      let kill = try await KillTrackerKills.perform {
        try await service.kills.update(
          try KillTrackerKills.id(id), .init(weapon: body.weapon, location: body.location),
          by: service.viewer(of: request))
      }
      return KillAnswer(kill, services.guilds)
    }
    routes.change(
      .delete, "/kills/:killId", access: .user(.writeKills), limit: .byCaller(.write),
      audit: .action("kill.delete", targets: "killId"),
      RouteNotes("Deletes a kill", tags: tags, errors: [.notFound]), .path("killId", String.self),
      returning: .succeeded(Done.self)
    ) { request, id in
      try await KillTrackerKills.perform {
        try await service.kills.delete(try KillTrackerKills.id(id), by: service.viewer(of: request))
      }
      return Done("Kill deleted")
    }
  }

  private struct KillQuery: Codable, Sendable, SchemaRuled {
    let page: Int
    let limit: Int
    let serverId: String?
    let weapon: String?
    let location: String?
    let startDate: String?
    let endDate: String?

    static let schemaRules: SchemaRules = [
      "page": .integer("From 1; page times limit goes to 100000", in: 1...100_000, default: 1),
      "limit": .integer("Kills of a page", in: 1...Kills.pageLimit, default: 20),
      "startDate": .text("A date or a time in ISO 8601", example: "2024-01-01"),
      "endDate": .text("The same; what it names still counts", example: "2024-01-31T23:59:59.000Z"),
    ]

    var filter: KillFilter {
      get throws {
        KillFilter(
          serverID: serverId, weapon: weapon, location: location,
          from: try DateBound.start(startDate, field: "startDate"),
          until: try DateBound.end(endDate, field: "endDate"))
      }
    }
  }

  private struct Correction: Codable, Sendable, SchemaRuled {
    let weapon: String?
    let location: String?
    static let schemaRules: SchemaRules = [
      "weapon": .text(length: 1...100, example: "Updated Weapon"),
      "location": .text(length: 1...100, example: "Updated Location"),
    ]
  }

  private struct Page: Codable, Sendable {
    struct Pagination: Codable, Sendable {
      let page: Int
      let limit: Int
      let total: Int
      let pages: Int
      /// True where more were found than are counted.
      let totalIsEstimate: Bool?
    }
    let kills: [KillAnswer]
    let pagination: Pagination

    init(_ page: KillPage, _ query: KillQuery, _ names: ServerNames) {
      kills = page.kills.map { KillAnswer($0, names) }
      pagination = Pagination(
        page: query.page, limit: query.limit, total: page.total,
        pages: page.total / query.limit + (page.total % query.limit > 0 ? 1 : 0),
        totalIsEstimate: page.totalIsEstimate ? true : nil)
    }
  }
}
