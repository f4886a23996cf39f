import HTTP
import Platform

/// The routes under `/sandbox` by which scripts and the playground steer the world. Described in `docs/sandbox.md`.
struct ControlAPI: Sendable {
  let world: World

  /// Errors are `{"error": "what is wrong"}`.
  static let errors = HTTPErrorShape { error, _ in .json(["error": .string(error.message)], status: error.status) }

  func router() -> Router {
    var router = Router(errors: Self.errors, bodyLimit: 16 << 20)
    read(&router)
    users(&router)
    faults(&router)
    rest(&router)
    return router
  }

  private func read(_ router: inout Router) {
    let world = world
    router.on(.get, "/world") { _ in .json(await world.worldJSON()) }
    router.on(.get, "/messages") { request in
      try await Self.reply { try await world.visibleMessages(Self.query(request)) }
    }
    router.on(.get, "/commands") { request in
      try await Self.reply { try await world.commandsJSON(Self.query(request)) }
    }
    router.on(.get, "/sessions") { _ in .json(await world.sessionsJSON()) }
    router.on(.get, "/requests") { request in
      .json(
        await world.requestsJSON(path: request.query["path"], withResponses: request.query["responses"] == "true"))
    }
    router.on(.delete, "/requests") { _ in
      await world.clearRequests()
      return .noContent
    }
    router.on(.get, "/interactions/:id") { request in
      try await Self.reply { try await world.interactionJSON(id: request.parameters["id"]) }
    }
  }

  private func users(_ router: inout Router) {
    let world = world
    router.on(.post, "/messages") { request in
      let body = try await Self.body(request)
      return try await Self.reply { await world.messageJSON(try await world.sendMessage(body)) }
    }
    router.on(.post, "/commands") { request in
      let body = try await Self.body(request)
      return try await Self.reply {
        try await world.act(body) { world throws(ControlError) in try world.runCommand(body) }
      }
    }
    router.on(.post, "/components") { request in
      let body = try await Self.body(request)
      return try await Self.reply {
        try await world.act(body) { world throws(ControlError) in try world.useComponent(body) }
      }
    }
    router.on(.post, "/modals") { request in
      let body = try await Self.body(request)
      return try await Self.reply {
        try await world.act(body) { world throws(ControlError) in try world.submitModal(body) }
      }
    }
    router.on(.post, "/join") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.join(body) }
    }
    router.on(.post, "/leave") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.leave(body) }
    }
    router.on(.post, "/direct") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.openDirect(body) }
    }
  }

  private func faults(_ router: inout Router) {
    let world = world
    router.on(.post, "/faults/gateway") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.orderGatewayFault(body) }
    }
    router.on(.post, "/faults/connect") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.orderConnectFault(body) }
    }
    router.on(.post, "/faults/rest") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.orderRESTFault(body) }
    }
    router.on(.delete, "/faults") { _ in
      await world.clearFaults()
      return .noContent
    }
    router.on(.post, "/settings") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.changeSettings(body) }
    }
    router.on(.post, "/tokens/revoke") { request in
      let body = try await Self.body(request)
      return try await Self.reply {
        guard let token = body["token"]?.string else { throw ControlError.bad("token is needed") }
        await world.revoke(token: token)
        return [:]
      }
    }
  }

  static func body(_ request: HTTPRequest) async throws -> JSON {
    let body = try await request.json()
    guard body.object != nil else { throw HTTPError(.badRequest, "the body must be an object") }
    return body
  }

  private static func query(_ request: HTTPRequest) -> JSON {
    .object(JSON.Object(request.query.map { ($0.name, .string($0.value)) }))
  }

  static func reply(_ make: () async throws -> JSON) async throws -> HTTPResponse {
    do {
      return .json(try await make())
    } catch let error as ControlError {
      throw HTTPError(HTTPStatus(rawValue: error.status), error.message)
    }
  }
}
