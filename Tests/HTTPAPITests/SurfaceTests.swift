import Core
import HTTP
import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import HTTPAPI

/// The gate in front of the surfaces: who is let through, how often, and what is written down.
struct SurfaceTests {
  /// A route of every kind of access.
  private struct Everything: Surface {
    var name: SurfaceName { .killtracker }
    var title: String { "Everything" }
    var prefixes: [PathPattern] { ["/api/v1"] }
    var errors: HTTPErrorShape { .killTrackerV1 }

    static let accesses: [(String, RouteAccess)] = [
      ("anyone", .anyone), ("local", .local), ("person", .person()), ("person-key", .person(.readKills)),
      ("user", .user()), ("user-key", .user(.readKills)), ("login-only", .user(.readKills, proof: .loginOnly)),
      ("key-only", .user(.readKills, proof: .apiKeyOnly)), ("own/:userId", .own(user: "userId")),
      ("own-key/:userId", .own(user: "userId", .readKills)), ("guild/:serverId", .serverManager(of: "serverId")),
      ("guild-key/:serverId", .serverManager(of: "serverId", .readKills)), ("admin", .admin),
      ("panel", .panelAdmin), ("scope", .scope("servers")), ("scope-key", .scope("servers", .readKills)),
      ("logout", .person().withoutCredentials(code: "TOKEN_REQUIRED")),
    ]

    func declare(in routes: inout SurfaceRoutes) {
      for (path, access) in Self.accesses {
        routes.read(PathPattern("/\(path)"), access: access, limit: .none, "", returning: .json(String.self)) { _ in
          "passed"
        }
        routes.change(
          .post, PathPattern("/\(path)"), access: access, limit: .none, audit: "thing.make", "",
          returning: .json(String.self)
        ) { _ in "passed" }
      }
    }
  }

  /// Routes that tests need by name.
  private struct Some: Surface {
    var name: SurfaceName { .aurora }
    var title: String { "Some" }
    var errors: HTTPErrorShape { .killTrackerReference }
    static let narrow = RateLimitClass("narrow", [.init(2, per: .seconds(60))])
    static let wide = RateLimitClass("wide", [.init(3, per: .seconds(60))])

    struct Body: Codable, Sendable { var userId: String }

    func declare(in routes: inout SurfaceRoutes) {
      routes.read("/open", access: .anyone, limit: .byAddress(Self.narrow), "", returning: .json(String.self)) { _ in ""
      }
      routes.read("/mine", access: .user(.readKills), limit: .byCaller(Self.narrow), "", returning: .json(String.self))
      {
        $0.caller.user?.description ?? ""
      }
      routes.read(
        "/keyed", access: .user(.readKills), limit: .byKey(Self.wide, elseByAddress: Self.narrow), "",
        returning: .json(String.self)
      ) { _ in "" }
      routes.change(
        .put, "/things/:serverId/:thing", access: .serverManager(of: "serverId", .writeServers), limit: .none,
        audit: .action("thing.update", targets: "thing"), "", .body(Body.self), returning: .json(String.self)
      ) { request, body in
        guard let user = UserID(body.userId) else { throw HTTPError(.conflict, "no") }
        try await request.authorize(AccessRule(.own(.user(user)), permission: .writeServers))
        return "done"
      }
      routes.change(
        .delete, "/things", access: .local, limit: .none, audit: .byService, "", returning: .noContent
      ) { _ in }
    }
  }

  private struct Mute: GuildAuthority {
    func isManager(_ user: UserID, of guild: GuildID) async throws -> Bool { throw DatabaseError(.other, "mute") }
  }

  private struct House {
    let authentication: Authentication
    let rig: Rig
    let auditLog: AuditLog
    var authority: any GuildAuthority = OneManager(manager: Cast.manager, guild: Cast.guild)
    var listen = "127.0.0.1:3000"
    var allowedOrigins: Set<String> = []

    func router(_ surfaces: [any Surface]) throws -> Router {
      let listen = try SocketAddress(parsing: listen)
      let gatekeeper = Gatekeeper(
        authenticator: authentication.authenticator, limits: authentication.limits, authority: authority,
        auditLog: auditLog, trust: PeerTrust(), listener: listen, log: .silent)
      return try ListenerRouter(
        settings: ListenerSettings(name: "main", listen: listen, surfaces: surfaces.map(\.name)),
        gatekeeper: gatekeeper, hosts: HostPolicy(allowed: []), allowedOrigins: allowedOrigins, version: "1"
      ).router(surfaces)
    }

    func cast() async throws -> Cast {
      try await Cast(authentication, permissions: [.readKills, .writeServers], scopes: ["servers"])
    }
  }

  private func with(_ engine: TestEngine = .sqlite, limits: Bool = true, _ body: (House) async throws -> Void)
    async throws
  {
    try await withTemporaryDirectory { directory in
      try await withTestDatabase(engine) { database in
        let rig = Rig(database: database, directory: directory, time: ManualTime())
        let shared = try await SharedState.open(database, modules: [HTTPAPITables.module], time: rig.time)
        let authentication = try await Authentication.open(
          .init(directory: directory, issuer: .adjutant, owners: [Cast.owner], limitsRates: limits),
          database: database, handles: NoOwners(),
          hasher: PasswordHasher(parameters: .init(cost: 2, blockSize: 1, parallelism: 1)), time: rig.time)
        try await body(House(authentication: authentication, rig: rig, auditLog: shared.auditLog))
      }
    }
  }

  @Test func everyRoleAtEveryKindOfRoute() async throws {
    try await with { house in
      let router = try house.router([Everything()])
      let cast = try await house.cast()
      for route in router.routes where !route.notes.isHidden {
        let policy = try #require(route.notes.values[RoutePolicy.self])
        for role in Cast.Role.allCases {
          let path = route.pattern.description.replacing(":userId", with: "\(Cast.user)")
            .replacing(":serverId", with: "\(Cast.guild)")
          let response = try await router.respond(to: .sample(route.method, path, cast.headers(of: role)))
          let expected = Cast.expected(policy.access, role)
          #expect(response.status.rawValue == expected, "\(route.method) \(route.pattern) as \(role)")
          if expected >= 400 { #expect(response.json?["success"] == false) }
          if expected == 401 { #expect(response.headers["WWW-Authenticate"] == "Bearer") }
        }
      }
    }
  }

  @Test func refusalsSpeakTheDocumentsLanguage() async throws {
    try await with { house in
      let router = try house.router([Everything()])
      let cast = try await house.cast()
      func code(_ path: String, _ role: Cast.Role, _ credential: String? = nil) async throws -> String? {
        var headers = cast.headers(of: role)
        if let credential { headers["Authorization"] = credential }
        return try await router.respond(to: .sample(.get, "/api/v1/\(path)", headers)).json?["error"]?["code"]?.string
      }
      #expect(try await code("user", .stranger) == "AUTHENTICATION_REQUIRED")
      #expect(try await code("logout", .stranger) == "TOKEN_REQUIRED")
      #expect(try await code("user", .stranger, "Bearer nonsense") == "INVALID_TOKEN")
      #expect(try await code("user", .stranger, "Basic nonsense") == "INVALID_TOKEN")
      // Anyone means that nobody looks: who renews a token sends one that has ended.
      #expect(try await code("anyone", .stranger, "Bearer nonsense") == nil)
      #expect(try await code("user-key", .keyWithout) == "INSUFFICIENT_PERMISSIONS")
      #expect(try await code("key-only", .user) == "AUTHENTICATION_REQUIRED")
      #expect(try await code("nowhere", .user) == "RESOURCE_NOT_FOUND")
      // What cannot be a user's id: strangers learn nothing, others that it is not there.
      #expect(try await code("own/xyz", .stranger) == "AUTHENTICATION_REQUIRED")
      #expect(try await code("own/xyz", .user) == "RESOURCE_NOT_FOUND")
      let reference = try house.router([Some()])
      let response = try await reference.respond(to: .sample(.get, "/mine", cast.headers(of: .keyWithout)))
      #expect(response.json?["error"]?["code"] == "INSUFFICIENT_PERMISSIONS")
      #expect(response.json?["error"]?["message"] == "the permission read:kills is missing")
    }
  }

  @Test func limitsByAddressCallerAndKey() async throws {
    try await with { house in
      let router = try house.router([Some()])
      let cast = try await house.cast()
      func ask(_ path: String, _ role: Cast.Role) async throws -> (status: Int, left: String?, wait: String?) {
        let response = try await router.respond(to: .sample(.get, path, cast.headers(of: role)))
        return (
          response.status.rawValue, response.headers["X-RateLimit-Remaining"], response.headers["Retry-After"]
        )
      }
      #expect(try await ask("/open", .stranger) == (200, "1", nil))
      #expect(try await ask("/open", .user) == (200, "0", nil))
      let refused = try await ask("/open", .local)
      #expect(refused.status == 429 && refused.left == "0" && refused.wait != nil)
      // The same class, but counted by caller: what strangers used up of the address is not the user's.
      #expect(try await ask("/mine", .stranger).status == 429)
      #expect(try await ask("/mine", .user) == (200, "1", nil))
      #expect(try await ask("/mine", .keyWith) == (200, "0", nil))
      #expect(try await ask("/mine", .limitedUser).status == 429)
      // Another user has places of their own; a refusal by rule carries the headers too.
      #expect(try await ask("/mine", .manager) == (200, "1", nil))
      #expect(try await ask("/mine", .account) == (403, "1", nil))
      #expect(try await ask("/keyed", .user).status == 429)
      #expect(try await ask("/keyed", .keyWith) == (200, "2", nil))
      house.rig.time.advance(by: .seconds(61))
      #expect(try await ask("/keyed", .user) == (200, "1", nil))
    }
  }

  @Test func whoGuessesCredentialsWaits() async throws {
    try await with { house in
      let router = try house.router([Everything()])
      let cast = try await house.cast()
      let limit = RateLimitClass.worthlessCredentials.windows[0].limit
      for index in 0..<limit + 1 {
        var headers = cast.headers(of: .stranger)
        headers["Authorization"] = "Bearer adj_\(index)"
        let response = try await router.respond(to: .sample(.get, "/api/v1/user", headers))
        #expect(response.status == (index < limit ? .unauthorized : .tooManyRequests))
      }
      let known = try await router.respond(to: .sample(.get, "/api/v1/user", cast.headers(of: .user)))
      #expect(known.status == .tooManyRequests && known.headers["Retry-After"] != nil)
      #expect(try await router.respond(to: .sample(.get, "/api/v1/anyone", cast.headers(of: .stranger))).status == .ok)
      house.rig.time.advance(by: .seconds(61))
      #expect(try await router.respond(to: .sample(.get, "/api/v1/user", cast.headers(of: .user))).status == .ok)
    }
  }

  @Test(arguments: TestEngine.available)
  func changesThatSucceededAreWrittenDown(engine: TestEngine) async throws {
    try await with(engine) { house in
      let router = try house.router([Some()])
      let cast = try await house.cast()
      func put(_ role: Cast.Role, _ user: UserID) async throws -> HTTPStatus {
        var headers = cast.headers(of: role)
        headers["Content-Type"] = "application/json"
        return try await router.respond(
          to: .sample(
            .put, "/things/\(Cast.guild)/x%2Fy?token=secret", headers, body: "{\"userId\":\"\(user)\"}")
        ).status
      }
      #expect(try await put(.manager, Cast.manager) == .ok)
      #expect(try await put(.manager, Cast.user) == .forbidden)
      #expect(try await put(.user, Cast.user) == .forbidden)
      #expect(
        try await router.respond(to: .sample(.delete, "/things", cast.headers(of: .local))).status == .noContent)
      let lines = try await house.auditLog.recent()
      let line = try #require(lines.first)
      #expect(lines.count == 1)
      #expect(line.entry.action == "thing.update" && line.entry.category == "api_action")
      #expect(line.entry.userID == Cast.manager && line.entry.guildID == Cast.guild)
      #expect(line.entry.ip == "127.0.0.1")
      var details = line.entry.details
      details["request"] = nil
      #expect(
        details == [
          "surface": "aurora", "route": "PUT /things/:serverId/:thing", "as": .string("user:\(Cast.manager)"),
          "thing": "x/y",
        ])
    }
  }

  @Test func aChangeWithoutAUserIsWrittenDownToo() async throws {
    try await with { house in
      let router = try house.router([Everything()])
      let cast = try await house.cast()
      for role in [Cast.Role.local, .client, .keyWith] {
        let path = role == .keyWith ? "user-key" : role == .local ? "local" : "scope"
        // Lines of one moment are in no order.
        house.rig.time.advance(by: .seconds(1))
        #expect(try await router.respond(to: .sample(.post, "/api/v1/\(path)", cast.headers(of: role))).status == .ok)
      }
      let lines = try await house.auditLog.recent().map(\.entry).reversed().map { $0 }
      #expect(lines.map(\.userID) == [UserID(0), UserID(0), Cast.user])
      #expect(lines[0].details["as"] == "local")
      #expect(lines[1].details["as"]?.string?.hasPrefix("client:") == true)
      #expect(lines[2].details["key"]?.string?.hasPrefix("key_") == true)
    }
  }

  @Test func anAuthorityThatCannotAnswerLetsNobodyIn() async throws {
    try await with { house in
      var house = house
      house.authority = Mute()
      let router = try house.router([Everything()])
      let cast = try await house.cast()
      for (role, status) in [(Cast.Role.manager, HTTPStatus.internalServerError), (.admin, .ok)] {
        let request = try HTTPRequest.sample(.get, "/api/v1/guild/\(Cast.guild)", cast.headers(of: role))
        let response = try await router.respond(to: request)
        #expect(response.status == status)
      }
    }
  }

  @Test func hostsAndOrigins() async throws {
    try await with { house in
      var house = house
      house.allowedOrigins = ["https://pages.example"]
      let router = try house.router([Everything()])
      func status(_ host: String) async throws -> HTTPStatus {
        try await router.respond(to: .sample(.get, "/api/v1/anyone", ["Host": host])).status
      }
      for host in ["127.0.0.1:3000", "localhost:3000", "LOCALHOST:3000"] { #expect(try await status(host) == .ok) }
      for host in ["rebound.example:3000", "127.0.0.1", "127.0.0.1:3001", "127.0.0.1:30000", "localhost:", ""] {
        #expect(try await status(host) == 421, "\(host)")
      }
      let response = try await router.respond(
        to: .sample(.get, "/api/v1/anyone", ["Host": "localhost:3000", "Origin": "https://pages.example"]))
      #expect(response.headers["Access-Control-Allow-Origin"] == "https://pages.example")
      #expect(response.headers["X-Content-Type-Options"] == "nosniff")
      let refused = try await router.respond(to: .sample(.get, "/api/v1/user", ["Host": "localhost:3000"]))
      #expect(refused.status == .unauthorized && refused.headers["X-Content-Type-Options"] == "nosniff")
    }
  }

  @Test func hostPolicyKnowsItsNames() throws {
    let policy = HostPolicy(allowed: ["Bot.example", "other.example:81"], publicHost: "api.example:8443")
    let loopback = try SocketAddress(parsing: "127.0.0.1:3000")
    let outside = try SocketAddress(parsing: "[2001:db8::1]:80")
    for host in ["bot.example", "bot.example:5", "other.example:81", "api.example:8443", "localhost:3000"] {
      #expect(policy.isAllowed(host, on: loopback), "\(host)")
    }
    for host in ["other.example", "other.example:82", "api.example", "localhost", "[::1]:3000"] {
      #expect(!policy.isAllowed(host, on: loopback), "\(host)")
    }
    for host in ["[2001:db8::1]", "[2001:db8::1]:80"] { #expect(policy.isAllowed(host, on: outside)) }
    for host in ["localhost", "localhost:80", "[2001:db8::2]", "2001:db8::1"] {
      #expect(!policy.isAllowed(host, on: outside))
    }
  }

  @Test func surfacesThatClashAreNamed() async throws {
    struct Other: Surface {
      var name: SurfaceName { .monitoring }
      var title: String { "Other" }
      var errors: HTTPErrorShape { .pegasus }
      func declare(in routes: inout SurfaceRoutes) {
        routes.change(
          .put, "/things/:a/:b", access: .local, limit: .none, audit: .changesNothing, "", returning: .noContent
        ) { _ in }
      }
    }
    try await with { house in
      let error = #expect(throws: SurfaceClash.self) { try house.router([Some(), Other()]) }
      #expect(
        error?.description == "aurora and monitoring both answer PUT /things/{}/{}: give them listeners of their own")
      #expect(throws: Never.self) { try house.router([Everything(), Other()]) }
    }
  }

  @Test func aWrongMethodIsAnsweredByTheSurfaceThatHasThePath() async throws {
    struct Monitor: Surface {
      var name: SurfaceName { .monitoring }
      var title: String { "Monitor" }
      var errors: HTTPErrorShape { .pegasus }
      func declare(in routes: inout SurfaceRoutes) {
        routes.read("/api/stats", access: .local, limit: .none, "", returning: .json(String.self)) { _ in "" }
      }
    }
    try await with { house in
      let router = try house.router([Some(), Monitor()])
      let refused = try await router.respond(to: .sample(.post, "/api/stats"))
      #expect(refused.status == .methodNotAllowed && refused.json?["error"]?["code"] == "E006")
      #expect(refused.json?["success"] == nil)
      let nowhere = try await router.respond(to: .sample(.get, "/api/nowhere"))
      #expect(nowhere.json?["error"]?["code"] == "NOT_FOUND")
    }
  }

  @Test func theDescriptionSaysWhoMay() async throws {
    try await with { house in
      let router = try house.router([Everything(), Some()])
      func document(_ path: String) async throws -> JSON {
        try #require(try await router.respond(to: .sample(.get, path)).json)
      }
      let all = try await document("/openapi.json")
      let one = try await document("/openapi/killtracker.json")
      let operation = try #require(all["paths"]?["/api/v1/own-key/{userId}"]?["get"])
      #expect(operation["security"] == [["bearer": []]])
      #expect(operation["x-access"] == "own userId" && operation["x-permission"] == "read:kills")
      #expect(operation["responses"]?["401"] != nil && operation["responses"]?["429"] == nil)
      #expect(all["paths"]?["/open"]?["get"]?["security"] == [])
      #expect(all["paths"]?["/open"]?["get"]?["responses"]?["429"] != nil)
      #expect(all["paths"]?["/things/{serverId}/{thing}"]?["put"]?["x-audit"] == "thing.update")
      #expect(one["paths"]?["/open"] == nil && one["paths"]?["/api/v1/user"] != nil)
      for page in ["/docs", "/docs/aurora", "/docs/killtracker"] {
        #expect(try await router.respond(to: .sample(.get, page)).status == .ok)
      }
    }
  }
}
