import Core
import HTTP
import Platform

/// Webhooks for both Kill Tracker documents: whose they are, and refusals in the caller's terms.
struct KillTrackerWebhooks: Sendable {
  let webhooks: Webhooks

  init(_ services: KillTrackerServices) { webhooks = services.webhooks }

  func owner(_ request: HTTPRequest) throws -> Subject { .user(try KillTrackerKills.user(of: request)) }

  func perform<Result>(_ body: (Webhooks) async throws -> Result) async throws -> Result {
    do { return try await body(webhooks) } catch let error as WebhookError { throw error.httpError }
  }

  static func id(_ text: String) throws -> WebhookID {
    guard let id = WebhookID(text) else { throw WebhookError.notFound.httpError }
    return id
  }

  /// What both documents' bodies may say of a new webhook.
  struct New: Codable, Sendable, SchemaRuled {
    let name: String
    let url: String
    let events: [String]
    let secret: String?
    let serverId: String?
    let maxRetries: Int?
    let retryDelay: Int64?
    let backoffMultiplier: Double?
    let headers: [String: String]?

    static let schemaRules: SchemaRules = [
      "name": .text(length: 1...100, example: "My Webhook"),
      "url": .text("http or https", length: 1...2_000, example: "https://myapp.com/webhook"),
      "events": .list("Names of either document", count: 1...32, example: ["kill.created", "kill.updated"]),
      "secret": .text("To sign with; never shown again", length: 1...256, example: "webhook_secret"),
      "serverId": .text("Only what happens in that server", length: 1...20, pattern: "[0-9]{1,20}"),
      "maxRetries": .integer("3 unless chosen", in: 0...10, example: 3),
      "retryDelay": .integer("Milliseconds; 1000 unless chosen", in: 100...3_600_000, example: 1_000),
      "backoffMultiplier": .number("2 unless chosen", in: 1...10, example: 2),
      "headers": .about("Sent with each delivery", example: ["X-Custom-Header": "value"]),
    ]

    var request: WebhookRequest {
      let standard = WebhookRetry.standard
      return WebhookRequest(
        name: name, url: url, events: events, guildID: serverId.flatMap { GuildID($0) },
        secret: secret.map { Secret($0) }, headers: KillTrackerWebhooks.headers(headers ?? [:]),
        retry: WebhookRetry(
          maxRetries: maxRetries ?? standard.maxRetries, delayMilliseconds: retryDelay ?? standard.delayMilliseconds,
          multiplier: backoffMultiplier ?? standard.multiplier))
    }
  }

  /// What may be different; what is missing stays.
  struct Changes: Codable, Sendable, SchemaRuled {
    let name: String?
    let url: String?
    let events: [String]?
    let secret: String?
    let isActive: Bool?
    let maxRetries: Int?
    let retryDelay: Int64?
    let backoffMultiplier: Double?
    let headers: [String: String]?

    static let schemaRules: SchemaRules = [
      "name": .text(length: 1...100, example: "Updated Webhook Name"), "url": .text(length: 1...2_000),
      "events": .list(count: 1...32, example: ["kill.recorded"]), "secret": .text(length: 1...256),
      "maxRetries": .integer(in: 0...10), "retryDelay": .integer("Milliseconds", in: 100...3_600_000),
      "backoffMultiplier": .number(in: 1...10),
    ]

    var changes: WebhookChanges {
      var changes = WebhookChanges()
      changes.name = name
      changes.url = url
      changes.events = events
      if let secret { changes.secret = .some(Secret(secret)) }
      changes.headers = headers.map(KillTrackerWebhooks.headers)
      changes.isActive = isActive
      changes.maxRetries = maxRetries
      changes.retryDelayMilliseconds = retryDelay
      changes.backoffMultiplier = backoffMultiplier
      return changes
    }
  }

  private static func headers(_ fields: [String: String]) -> HTTPHeaders {
    var headers: HTTPHeaders = [:]
    for (name, value) in fields.sorted(by: { $0.key < $1.key }) { headers[name] = value }
    return headers
  }
}

extension WebhookError {
  var httpError: HTTPError {
    switch self {
    case .invalid(let field, let reason): .invalid(.invalidBody, [.init(path: field, message: reason)])
    case .tooMany(let limit):
      HTTPError(
        .unprocessableContent, kind: .invalidBody, "a user has at most \(limit) webhooks; delete one first")
    case .tooManyWaiting(let limit):
      HTTPError(.tooManyRequests, kind: .rateLimited, "\(limit) tests wait to be sent already; try again later")
    case .notFound: HTTPError(.notFound, kind: .notFound, "there is no such webhook")
    }
  }
}

/// A webhook as its owner sees it.
struct WebhookAnswer: Codable, Sendable {
  let id: String
  let name: String
  let url: String
  let events: [String]
  @Nullable var serverId: String?
  let isActive: Bool
  /// Why it was switched off, if its deliveries failed for too long.
  @Nullable var disabledReason: String?
  let maxRetries: Int
  let retryDelay: Int64
  let backoffMultiplier: Double
  let headers: [String: String]
  let createdAt: Timestamp
  let updatedAt: Timestamp

  init(_ webhook: Webhook) {
    id = webhook.id.description
    name = webhook.name
    url = webhook.url
    events = webhook.events
    serverId = webhook.guildID?.description
    isActive = webhook.isActive
    disabledReason = webhook.disabledReason
    maxRetries = webhook.retry.maxRetries
    retryDelay = webhook.retry.delayMilliseconds
    backoffMultiplier = webhook.retry.multiplier
    headers = Dictionary(webhook.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    createdAt = webhook.createdAt
    updatedAt = webhook.updatedAt
  }
}

extension KillTrackerV1 {
  func declareWebhooks(in routes: inout SurfaceRoutes) {
    let service = KillTrackerWebhooks(services)
    let tags = ["Webhooks"]
    routes.read(
      "/webhooks", access: .user(.readWebhooks), limit: .byCaller(.read),
      RouteNotes("The caller's webhooks", tags: tags), returning: .succeeded([WebhookAnswer].self)
    ) { request in
      let owner = try service.owner(request)
      return try await service.perform { try await $0.list(of: owner) }.map(WebhookAnswer.init)
    }
    routes.change(
      .post, "/webhooks", access: .user(.writeWebhooks), limit: .byCaller(.write), audit: "webhook.create",
      RouteNotes("Makes a webhook", tags: tags, status: .created), .body(KillTrackerWebhooks.New.self),
      returning: .succeeded(WebhookAnswer.self)
    ) { request, body in
      let owner = try service.owner(request)
      return WebhookAnswer(try await service.perform { try await $0.create(body.request, for: owner) })
    }
    routes.change(
      .post, "/webhooks/:webhookId/test", access: .user(.writeWebhooks), limit: .byCaller(.write),
      audit: .action("webhook.test", targets: "webhookId"),
      RouteNotes("Sends a test event", tags: tags, errors: [.notFound]), .path("webhookId", String.self),
      returning: .succeeded(Done.self)
    ) { request, id in
      let owner = try service.owner(request)
      let id = try KillTrackerWebhooks.id(id)
      try await service.perform { _ = try await $0.test(id, of: owner) }
      return Done("Test webhook triggered successfully")
    }
    routes.change(
      .delete, "/webhooks/:webhookId", access: .user(.writeWebhooks), limit: .byCaller(.write),
      audit: .action("webhook.delete", targets: "webhookId"),
      RouteNotes("Ends a webhook, with all that waits", tags: tags, errors: [.notFound]),
      .path("webhookId", String.self), returning: .succeeded(Done.self)
    ) { request, id in
      let owner = try service.owner(request)
      let id = try KillTrackerWebhooks.id(id)
      try await service.perform { try await $0.delete(id, of: owner) }
      return Done("Webhook deleted")
    }
  }
}

extension KillTrackerReference {
  func declareWebhooks(in routes: inout SurfaceRoutes) {
    let service = KillTrackerWebhooks(services)
    let tags = ["Webhooks"]
    routes.change(
      .post, "/api/webhooks", access: .user(.writeWebhooks), limit: .byCaller(.write), audit: "webhook.create",
      RouteNotes("Makes a webhook", tags: tags, status: .created), .body(KillTrackerWebhooks.New.self),
      returning: .json(Made.self)
    ) { request, body in
      let owner = try service.owner(request)
      let webhook = try await service.perform { try await $0.create(body.request, for: owner) }
      return Made(id: webhook.id.description, message: "Webhook created successfully")
    }
    routes.read(
      "/api/webhooks", access: .user(.readWebhooks), limit: .byCaller(.read),
      RouteNotes("The caller's webhooks", tags: tags), returning: .json([WebhookAnswer].self)
    ) { request in
      let owner = try service.owner(request)
      return try await service.perform { try await $0.list(of: owner) }.map(WebhookAnswer.init)
    }
    routes.read(
      "/api/webhooks/events", access: .user(.readWebhooks), limit: .byCaller(.read),
      RouteNotes("What webhooks can hear of", tags: tags), returning: .json([Available].self)
    ) { _ in
      service.webhooks.catalog.events.map { Available(name: $0.name, description: $0.summary, payload: $0.fields) }
    }
    routes.change(
      .put, "/api/webhooks/:id", access: .user(.writeWebhooks), limit: .byCaller(.write),
      audit: .action("webhook.update", targets: "id"),
      RouteNotes("Changes a webhook", tags: tags, errors: [.notFound]), .path("id", String.self),
      .body(KillTrackerWebhooks.Changes.self), returning: .json(WebhookAnswer.self)
    ) { request, id, body in
      let owner = try service.owner(request)
      let id = try KillTrackerWebhooks.id(id)
      return WebhookAnswer(try await service.perform { try await $0.update(id, of: owner, body.changes) })
    }
    routes.change(
      .delete, "/api/webhooks/:id", access: .user(.writeWebhooks), limit: .byCaller(.write),
      audit: .action("webhook.delete", targets: "id"),
      RouteNotes("Ends a webhook, with all that waits", tags: tags, errors: [.notFound]), .path("id", String.self),
      returning: .json(Done.self)
    ) { request, id in
      let owner = try service.owner(request)
      let id = try KillTrackerWebhooks.id(id)
      try await service.perform { try await $0.delete(id, of: owner) }
      return Done("Webhook deleted successfully")
    }
    routes.change(
      .post, "/api/webhooks/:id/test", access: .user(.writeWebhooks), limit: .byCaller(.write),
      audit: .action("webhook.test", targets: "id"),
      RouteNotes("Sends a test event", tags: tags, errors: [.notFound]), .path("id", String.self),
      returning: .json(Done.self)
    ) { request, id in
      let owner = try service.owner(request)
      let id = try KillTrackerWebhooks.id(id)
      try await service.perform { _ = try await $0.test(id, of: owner) }
      return Done("Test webhook triggered successfully")
    }
  }

  private struct Made: Codable, Sendable {
    let id: String
    let message: String
  }

  private struct Available: Codable, Sendable {
    let name: String
    let description: String
    let payload: JSON
  }
}
