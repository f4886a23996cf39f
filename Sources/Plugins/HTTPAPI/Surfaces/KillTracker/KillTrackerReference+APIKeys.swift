import Core
import HTTP
import Platform

extension KillTrackerReference {
  func declareAPIKeys(in routes: inout SurfaceRoutes) {
    let service = KillTrackerKeys(services)
    routes.change(
      .post, "/api/api-keys", access: KillTrackerKeys.access, limit: .byCaller(.write), audit: "api_key.create",
      RouteNotes(
        "Makes a key; its text is told this once", tags: ["API keys"], status: .created, errors: [.notFound]),
      .body(NewKey.self), returning: .json(NewKeyAnswer.self)
    ) { request, body in
      let user = try await owner(body.userId, request)
      let wish = APIKeyRequest(
        name: body.name, playerName: body.playerName,
        permissions: try KillTrackerKeys.permissions(body.permissions) ?? [], expiresAt: body.expiresAt,
        isLimited: request.caller.isLimited)
      let new = try await service.perform { try await $0.create(wish, for: user) }
      return NewKeyAnswer(new.key, text: new.text)
    }
    routes.read(
      "/api/api-keys", access: KillTrackerKeys.access, limit: .byCaller(.read),
      RouteNotes("The keys of a user, newest first", tags: ["API keys"], errors: [.notFound]), .query(Owner.self),
      returning: .json([KeyAnswer].self)
    ) { request, query in
      let user = try await owner(query.userId, request)
      return try await service.perform { try await $0.list(of: user) }.map(KeyAnswer.init)
    }
    routes.change(
      .post, "/api/api-keys/primary", access: KillTrackerKeys.access, limit: .byCaller(.write),
      audit: "api_key.primary",
      RouteNotes(
        "The user's key for the Kill Tracker application, made if there is none; its text is told when it is made",
        tags: ["API keys"], errors: [.notFound]), .body(PrimaryKey.self), returning: .json(NewKeyAnswer.self)
    ) { request, body in
      let user = try await owner(body.userId, request)
      let (key, text) = try await service.perform {
        try await $0.primary(for: user, playerName: body.playerName, isLimited: request.caller.isLimited)
      }
      return NewKeyAnswer(key, text: text)
    }
    routes.change(
      .post, "/api/api-keys/bot", access: KillTrackerKeys.access, limit: .byCaller(.write), audit: "api_key.create",
      RouteNotes("Makes a key for a Discord bot", tags: ["API keys"], status: .created, errors: [.notFound]),
      .body(BotKey.self),
      returning: .json(NewKeyAnswer.self)
    ) { request, body in
      let user = try await owner(body.userId, request)
      let wish = APIKeyRequest(
        kind: .bot, name: body.botName, playerName: body.playerName, botName: body.botName,
        isLimited: request.caller.isLimited)
      let new = try await service.perform { try await $0.create(wish, for: user) }
      return NewKeyAnswer(new.key, text: new.text)
    }
    routes.change(
      .delete, "/api/api-keys/:id", access: KillTrackerKeys.access, limit: .byCaller(.write),
      audit: .action("api_key.delete", targets: "id"),
      RouteNotes("Ends a key for good", tags: ["API keys"], errors: [.notFound]), .path("id", String.self),
      .body(Owner.self), returning: .json(Done.self)
    ) { request, id, body in
      let user = try await owner(body.userId, request)
      let id = try KillTrackerKeys.id(id)
      try await service.perform { try await $0.delete(id, of: user) }
      return Done("API key revoked")
    }
  }

  /// The user that a body or query names: the caller, or anybody for an admin.
  private func owner(_ text: String, _ request: HTTPRequest) async throws -> UserID {
    guard let user = UserID(text) else {
      throw HTTPError(.notFound, kind: .notFound, code: "USER_NOT_FOUND", "there is no such user")
    }
    try await request.authorize(AccessRule(.own(.user(user)), proof: .loginOnly))
    return user
  }

  private struct Owner: Codable, Sendable, SchemaRuled {
    let userId: String
    static let schemaRules: SchemaRules = ["userId": .text("The caller's own, but for admins", length: 1...64)]
  }

  private struct NewKey: Codable, Sendable, SchemaRuled {
    let userId: String
    let playerName: String?
    let name: String
    let permissions: [String]?
    let expiresAt: Timestamp?
    static let schemaRules: SchemaRules = [
      "userId": .text("The caller's own, but for admins", length: 1...64, example: "123456789012345678"),
      "playerName": .text("Whose kills it records", length: 1...64, example: "PlayerName"),
      "name": .text("For its owner", length: 1...100, example: "My Application"),
      "permissions": .list("None: reading kills, and recording its own", count: 0...32, example: ["read:kills"]),
      "expiresAt": .about("Missing: never", example: "2099-12-31T23:59:59.000Z"),
    ]
  }

  private struct PrimaryKey: Codable, Sendable, SchemaRuled {
    let userId: String
    let playerName: String
    static let schemaRules: SchemaRules = [
      "userId": .text("The caller's own, but for admins", length: 1...64, example: "123456789012345678"),
      "playerName": .text("Whose kills it records", length: 1...64, example: "PlayerName"),
    ]
  }

  private struct BotKey: Codable, Sendable, SchemaRuled {
    let userId: String
    let playerName: String?
    let botName: String
    static let schemaRules: SchemaRules = [
      "userId": .text("The caller's own, but for admins", length: 1...64, example: "123456789012345678"),
      "playerName": .text("Whose kills it records", length: 1...64, example: "PlayerName"),
      "botName": .text(length: 1...100, example: "MyBot"),
    ]
  }
}
