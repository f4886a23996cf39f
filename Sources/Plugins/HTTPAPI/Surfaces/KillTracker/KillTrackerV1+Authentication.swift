import HTTP
import Platform

extension KillTrackerV1 {
  func declareAuthentication(in routes: inout SurfaceRoutes) {
    let limit = RouteLimit.byAddress(.authentication)
    routes.change(
      .post, "/auth/discord", access: .anyone, limit: limit, audit: .byService,
      RouteNotes(
        "Logs in with the code of a Discord authorization", tags: ["Authentication"],
        errors: [.unauthorized, .forbidden]),
      .body(DiscordCode.self), returning: .succeeded(Login.self)
    ) { request, body in
      let (token, person) = try await accounts.logIn(code: body.code, state: body.state, from: request)
      return Login(user: .init(person), token: token.text.reveal(), expiresIn: token.claims.lifetime)
    }
    routes.change(
      .post, "/auth/refresh", access: .anyone, limit: limit, audit: .changesNothing,
      RouteNotes(
        "Gives a new token for the one in the header, which ends", tags: ["Authentication"], errors: [.unauthorized]),
      returning: .succeeded(NewToken.self)
    ) { request in
      guard let old = request.bearer else {
        throw AccessRule.Refusal.unauthenticated.httpError(code: nil, proof: .any)
      }
      do {
        let token = try await accounts.renew(old)
        return NewToken(token: token.text.reveal(), expiresIn: token.claims.lifetime)
      } catch is TokenError {
        throw HTTPError(.unauthorized, kind: .invalidCredentials, "the token cannot be renewed; log in again")
      }
    }
    routes.change(
      .post, "/auth/logout", access: .person(proof: .loginOnly), limit: limit, audit: .byService,
      RouteNotes("Ends the login", tags: ["Authentication"]), returning: .succeeded(Done.self)
    ) { request in
      try await accounts.logOut(request)
      return Done("Logged out")
    }
  }

  private struct DiscordCode: Codable, Sendable, SchemaRuled {
    let code: String
    let state: String?
    static let schemaRules: SchemaRules = [
      "code": .text("As Discord gave it to the redirect", length: 1...512, example: "discord_oauth_code"),
      "state": .text("As it came back from Discord", length: 0...512, example: "random_state_string"),
    ]
  }

  private struct Login: Codable, Sendable {
    struct User: Codable, Sendable {
      let id: String
      let username: String
      let discriminator: String
      @Nullable var avatar: String?

      init(_ person: KillTrackerAccounts.Person) {
        id = person.id.description
        username = person.username
        discriminator = person.discriminator
        avatar = person.avatarURL
      }
    }
    let user: User
    let token: String
    /// Seconds.
    let expiresIn: Int64
  }

  private struct NewToken: Codable, Sendable {
    let token: String
    let expiresIn: Int64
  }
}

extension TokenClaims {
  /// From its making to its end, in seconds.
  var lifetime: Int64 { expiresAt - issuedAt }
}
