import Core
import HTTP
import Platform

extension KillTrackerReference {
  func declareAuthentication(in routes: inout SurfaceRoutes) {
    let limit = RouteLimit.byAddress(.authentication)
    routes.change(
      .post, "/auth/discord", access: .anyone, limit: limit, audit: .byService,
      RouteNotes(
        "Logs in with the code of a Discord authorization", tags: ["Authentication"],
        errors: [.unauthorized, .forbidden]),
      .body(DiscordCode.self), returning: .json(Login.self)
    ) { request, body in
      let (token, person) = try await accounts.logIn(code: body.code, state: nil, from: request)
      return Login(user: user(person, isAdmin: services.authentication.authenticator.isOwner(person.id)), token)
    }
    routes.change(
      .post, "/auth/uid-login", access: .anyone, limit: limit, audit: .byService,
      RouteNotes(
        "Logs in with a signature made by a Kill Tracker application", tags: ["Authentication"],
        errors: [.unauthorized, .forbidden]
      ), .body(SignedUID.self), returning: .json(Login.self)
    ) { request, body in
      let (token, person) = try await accounts.logIn(
        uid: body.uid, signature: body.signature, timestamp: body.timestamp, from: request)
      // A plain user's login, whoever it is.
      return Login(user: User(person, isAdmin: false, owning: []), token)
    }
    routes.change(
      .post, "/auth/refresh", access: .anyone, limit: limit, audit: .changesNothing,
      RouteNotes(
        "Gives a new token for the one in the body, which ends", tags: ["Authentication"], errors: [.unauthorized]),
      .body(OldToken.self), returning: .json(NewToken.self)
    ) { _, body in
      guard let old = body.refreshToken, !old.isEmpty else {
        throw HTTPError(
          .badRequest, code: "REFRESH_TOKEN_REQUIRED", "refreshToken is required: the current token",
          fields: [.init(path: "refreshToken", message: "is required")])
      }
      do {
        return NewToken(try await accounts.renew(Secret(old)))
      } catch is TokenError {
        throw HTTPError(
          .unauthorized, kind: .invalidCredentials, code: "REFRESH_FAILED",
          "the token cannot be renewed; log in again")
      }
    }
    routes.change(
      .post, "/auth/logout", access: .person(proof: .loginOnly).withoutCredentials(code: "TOKEN_REQUIRED"),
      limit: limit, audit: .byService, RouteNotes("Ends the login", tags: ["Authentication"]),
      returning: .json(Done.self)
    ) { request in
      try await accounts.logOut(request)
      return Done("Logged out successfully")
    }
    routes.read(
      "/auth/me", access: .user(.readUsers), limit: .byCaller(.read),
      RouteNotes("The user that is logged in", tags: ["Authentication"]), returning: .json(User.self)
    ) { request in
      guard let id = request.caller.user else {
        throw HTTPError(.notFound, kind: .notFound, code: "USER_NOT_FOUND", "there is no such user")
      }
      let person = try await accounts.person(id)
      guard !request.caller.isLimited else { return User(person, isAdmin: false, owning: []) }
      return user(person, isAdmin: request.caller.isAdmin)
    }
  }

  private func user(_ person: KillTrackerAccounts.Person, isAdmin: Bool) -> User {
    User(person, isAdmin: isAdmin, owning: services.guilds.guilds(ownedBy: person.id))
  }

  private struct DiscordCode: Codable, Sendable, SchemaRuled {
    let code: String
    static let schemaRules: SchemaRules = [
      "code": .text("As Discord gave it to the redirect", length: 1...512, example: "discord_oauth_code")
    ]
  }

  private struct SignedUID: Codable, Sendable, SchemaRuled {
    let uid: String
    let signature: String
    let timestamp: Int64
    static let schemaRules: SchemaRules = [
      "uid": .text("A Discord user's id", length: 1...20, example: "123456789012345678"),
      "signature": .text("HMAC-SHA256 of uid:timestamp, in lower-case hex", length: 1...128, example: "hmac_signature"),
      "timestamp": .integer("Milliseconds since 1970", example: 1_640_995_200_000),
    ]
  }

  private struct OldToken: Codable, Sendable, SchemaRuled {
    let refreshToken: String?
    static let schemaRules: SchemaRules = ["refreshToken": .text("The current token", example: "jwt_token_here")]
  }

  private struct NewToken: Codable, Sendable {
    let token: String
    let expiresAt: Timestamp

    init(_ token: IssuedToken) {
      self.token = token.text.reveal()
      expiresAt = token.claims.expiry
    }
  }

  private struct Login: Codable, Sendable {
    let user: User
    let token: String
    let expiresAt: Timestamp

    init(user: User, _ token: IssuedToken) {
      self.user = user
      self.token = token.text.reveal()
      expiresAt = token.claims.expiry
    }
  }

  struct User: Codable, Sendable {
    struct Server: Codable, Sendable {
      let id: String
      let name: String
      @Nullable var icon: String?
    }
    let id: String
    let discordId: String
    let username: String
    let discriminator: String
    @Nullable var avatar: String?
    /// `user`, `server_owner` or `admin`.
    let role: String
    let permissions: [String]
    let isAdmin: Bool
    let isServerOwner: Bool
    /// The guilds with this bot that the user owns.
    let servers: [Server]
    @Nullable var createdAt: Timestamp?
    @Nullable var lastLoginAt: Timestamp?

    init(_ person: KillTrackerAccounts.Person, isAdmin: Bool, owning guilds: [GuildSummary]) {
      id = person.id.description
      discordId = person.id.description
      username = person.username
      discriminator = person.discriminator
      avatar = person.avatarURL
      self.isAdmin = isAdmin
      isServerOwner = !guilds.isEmpty
      role = isAdmin ? "admin" : isServerOwner ? "server_owner" : "user"
      permissions =
        ["view_own_data", "use_features"] + (isServerOwner ? ["manage_servers"] : [])
        + (isAdmin ? ["view_all_data", "manage_bot"] : [])
      servers = guilds.map { Server(id: $0.id.description, name: $0.name, icon: $0.iconURL) }
      createdAt = person.createdAt
      lastLoginAt = person.lastLoginAt
    }
  }
}
