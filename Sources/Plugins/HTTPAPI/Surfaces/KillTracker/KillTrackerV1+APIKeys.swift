import HTTP
import Platform

extension KillTrackerV1 {
  func declareAPIKeys(in routes: inout SurfaceRoutes) {
    let service = KillTrackerKeys(services)
    routes.read(
      "/api-keys", access: KillTrackerKeys.access, limit: .byCaller(.read),
      RouteNotes("The caller's keys, newest first", tags: ["API keys"]), returning: .succeeded([KeyAnswer].self)
    ) { request in
      let user = try service.user(of: request)
      return try await service.perform { try await $0.list(of: user) }.map(KeyAnswer.init)
    }
    routes.change(
      .post, "/api-keys", access: KillTrackerKeys.access, limit: .byCaller(.write), audit: "api_key.create",
      RouteNotes("Makes a key; its text is told this once", tags: ["API keys"], status: .created),
      .body(NewKey.self), returning: .succeeded(NewKeyAnswer.self)
    ) { request, body in
      let user = try service.user(of: request)
      let wish = APIKeyRequest(
        name: body.name, playerName: body.playerName,
        permissions: try KillTrackerKeys.permissions(body.permissions) ?? [], expiresAt: body.expiresAt,
        isLimited: request.caller.isLimited)
      let new = try await service.perform { try await $0.create(wish, for: user) }
      return NewKeyAnswer(new.key, text: new.text)
    }
    routes.change(
      .patch, "/api-keys/:keyId", access: KillTrackerKeys.access, limit: .byCaller(.write),
      audit: .action("api_key.update", targets: "keyId"),
      RouteNotes("Changes a key", tags: ["API keys"], errors: [.notFound]), .path("keyId", String.self),
      .body(KeyChanges.self), returning: .succeeded(KeyAnswer.self)
    ) { request, id, body in
      let user = try service.user(of: request)
      let id = try KillTrackerKeys.id(id)
      let changes = APIKeyChanges(
        name: body.name, isActive: body.isActive, permissions: try KillTrackerKeys.permissions(body.permissions))
      return KeyAnswer(try await service.perform { try await $0.update(id, of: user, changes) })
    }
    routes.change(
      .delete, "/api-keys/:keyId", access: KillTrackerKeys.access, limit: .byCaller(.write),
      audit: .action("api_key.delete", targets: "keyId"),
      RouteNotes("Ends a key for good", tags: ["API keys"], errors: [.notFound]), .path("keyId", String.self),
      returning: .succeeded(Done.self)
    ) { request, id in
      let user = try service.user(of: request)
      let id = try KillTrackerKeys.id(id)
      try await service.perform { try await $0.delete(id, of: user) }
      return Done("API key deleted")
    }
  }

  private struct NewKey: Codable, Sendable, SchemaRuled {
    let name: String
    let playerName: String?
    let permissions: [String]?
    let expiresAt: Timestamp?
    static let schemaRules: SchemaRules = [
      "name": .text("For its owner", length: 1...100, example: "My Application"),
      "playerName": .text("Whose kills it records", length: 1...64, example: "MyPlayerName"),
      "permissions": .list(
        "None: reading kills, and recording its own", count: 0...32, example: ["read:kills", "read:stats"]),
      "expiresAt": .about("Missing: never", example: "2099-12-31T23:59:59.000Z"),
    ]
  }

  private struct KeyChanges: Codable, Sendable, SchemaRuled {
    let name: String?
    let isActive: Bool?
    let permissions: [String]?
    static let schemaRules: SchemaRules = [
      "name": .text(length: 1...100, example: "Updated Name"),
      "permissions": .list(count: 0...32, example: ["read:kills"]),
    ]
  }
}
