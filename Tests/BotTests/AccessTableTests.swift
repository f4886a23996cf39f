import Core
import Foundation
import HTTP
import Platform
import Storage
import Testing

@testable import Bot
@testable import HTTPAPI

/// Every route of every surface that the program mounts, asked for by every kind of caller: who is let in must be who
/// the route says. Routes are taken from the program's own description, which leaves none out that has a rule.
struct AccessTableTests {
  /// Of a WebSocket's opening request.
  private static let upgrade = [
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  ]

  enum Role: String, CaseIterable {
    /// From behind a proxy, and from this machine.
    case stranger, local
    case user, limitedUser, keyWith, keyWithout, manager, limitedManager, admin, account, panelAdmin, client,
      clientWithout
  }

  /// What a route says of itself.
  struct Operation {
    var method: HTTPMethod
    var path: String
    var access: String
    var permission: String?
    /// `login` or `apiKey`, where only that counts.
    var proof: String?
  }

  private static let user = UserID(100_000_000_000_000_002)
  /// Owns the sandbox's guild.
  private static let manager = UserID(100_000_000_000_000_001)
  private static let admin = UserID(100_000_000_000_000_009)
  /// Would end what the others are asked at.
  private static let dangerous = ["/bot/restart"]

  /// The credentials of every role, made beside the running program, over its database and with its keys. Tokens are
  /// new for each request, as some requests end them.
  private struct Cast {
    let tokens: TokenService
    let account: AccountID
    let panelAdmin: AccountID
    let client: ClientID
    let keyWith: String
    let keyWithout: String
    let scopes: [String]

    init(_ database: Database, directory: String, permissions: [String], scopes: [String]) async throws {
      let time = SystemTime()
      tokens = try await TokenService.open(database: database, directory: directory, issuer: .adjutant)
      let accounts = Accounts(database: database, hasher: PasswordHasher(), time: time)
      account = try await accounts.create(email: "a@b.cd", name: "A", password: nil).id
      panelAdmin = try await accounts.create(email: "c@b.cd", name: "C", password: nil, role: .admin).id
      client = try await OAuthClients(database: database, time: time).create(name: "program").0.id
      let keys = APIKeys(database: database, handles: PlayerHandles(), time: time)
      func key(_ permissions: [String]) async throws -> String {
        try await keys.create(
          APIKeyRequest(name: "key", permissions: Set(permissions.compactMap(Permission.init(rawValue:)))),
          for: AccessTableTests.user
        ).text.reveal()
      }
      // A key made without any permission would get the standard ones.
      keyWith = try await key(permissions + ["read:nothing"])
      keyWithout = try await key(["read:nothing"])
      self.scopes = scopes
    }

    func headers(of role: Role) async throws -> HTTPHeaders {
      var headers: HTTPHeaders = ["Content-Type": "application/json"]
      if role != .local { headers["X-Forwarded-For"] = "192.0.2.7" }
      if let credential = try await credential(of: role) { headers["Authorization"] = "Bearer \(credential)" }
      return headers
    }

    private func credential(of role: Role) async throws -> String? {
      func token(_ subject: Subject, isLimited: Bool = false, scopes: [String] = []) async throws -> String {
        try await tokens.issue(for: subject, isLimited: isLimited, scopes: scopes).text.reveal()
      }
      switch role {
      case .stranger, .local: return nil
      case .user: return try await token(.user(AccessTableTests.user))
      case .limitedUser: return try await token(.user(AccessTableTests.user), isLimited: true)
      case .manager: return try await token(.user(AccessTableTests.manager))
      case .limitedManager: return try await token(.user(AccessTableTests.manager), isLimited: true)
      case .admin: return try await token(.user(AccessTableTests.admin))
      case .account: return try await token(.account(account))
      case .panelAdmin: return try await token(.account(panelAdmin))
      case .client: return try await token(.client(client), scopes: scopes)
      case .clientWithout: return try await token(.client(client))
      case .keyWith: return keyWith
      case .keyWithout: return keyWithout
      }
    }
  }

  /// 200 for whoever is let in; told apart from the code that decides it.
  private static func expected(_ operation: Operation, _ role: Role) -> Int {
    if operation.access == "anyone" { return 200 }
    if operation.access == "local, elsewhere admin", role == .local { return 200 }
    if role == .stranger || role == .local { return 401 }
    if role == .keyWith || role == .keyWithout {
      if operation.proof == "login" || operation.permission == nil || role == .keyWithout { return 403 }
    } else if operation.proof == "apiKey" {
      return 401
    }
    if role == .admin { return 200 }
    let users: Set<Role> = [.user, .limitedUser, .keyWith, .manager, .limitedManager]
    let allowed: Set<Role> =
      switch operation.access.split(separator: " ").first ?? "" {
      case "person": users.union([.account, .panelAdmin])
      case "user": users
      case "own": [.user, .limitedUser, .keyWith]
      case "manager": [.manager]
      case "member": users
      case "panel": [.panelAdmin]
      case "scope": users.union([.account, .panelAdmin, .client])
      default: []
      }
    return allowed.contains(role) ? 200 : 403
  }

  private static func operations(_ document: JSON) -> [Operation] {
    (document["paths"]?.object ?? [:]).flatMap { path, item in
      (item.object ?? [:]).compactMap { method, operation in
        guard let access = operation["x-access"]?.string else { return nil }
        return Operation(
          method: HTTPMethod(rawValue: method.uppercased()), path: path, access: access,
          permission: operation["x-permission"]?.string, proof: operation["x-proof"]?.string)
      }
    }
  }

  /// The path with values in it: the caller's own, the guild that is managed, otherwise something that is not there.
  private static func filled(_ path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: false).map { part in
      guard part.hasPrefix("{") else { return String(part) }
      return switch part {
      case "{serverId}", "{guildId}": TestDiscord.guild
      case "{userId}": "\(user)"
      default: "1"
      }
    }.joined(separator: "/")
  }

  @Test func everyRoleAtEveryRoute() async throws {
    let key = try Ed25519.PrivateKey()
    try await withTestDiscord { discord, directory in
      var environment = discord.environment([
        "ADJUTANT_PLUGINS_HTTPAPI_ENABLED": "true", "ADJUTANT_PLUGINS_HTTPAPI_RATELIMITS": "false",
        "ADJUTANT_DISCORD_PUBLICKEY": Hex.encode(try key.publicKeyBytes()), "ADJUTANT_OWNERS": "\(Self.admin)",
      ])
      for listener in Configuration.HTTPAPI.defaultListeners {
        environment["ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_\(listener.name.uppercased())_LISTEN"] = "127.0.0.1:0"
      }
      let bot = try RunningBot(environment: environment, in: directory)
      try await eventually("the program is connected") { bot.hasBanner }
      let bases = bot.printed.split(separator: "\n").filter { $0.contains("described at /docs") }
        .compactMap { $0.split(separator: " ").first.map(String.init) }
      #expect(!bases.isEmpty)

      var all: [(base: String, operation: Operation)] = []
      for base in bases {
        let document = try await discord.client.send(HTTPClientRequest(.get, base + "openapi.json"))
        all += Self.operations(try JSON(parsing: document.body)).map { (base, $0) }
      }
      let state = directory.path() + "/data"
      let database = try await Database.open(url: "sqlite:\(state)/adjutant.db")
      let cast = try await Cast(
        database, directory: state, permissions: all.compactMap(\.operation.permission),
        scopes: all.map(\.operation.access).filter { $0.hasPrefix("scope ") }.map { String($0.dropFirst(6)) })
      var asked = 0
      for (base, operation) in all where !Self.dangerous.contains(where: operation.path.hasSuffix) {
        for role in Role.allCases {
          var headers = try await cast.headers(of: role)
          if operation.path.hasSuffix("/ws") {
            // Whoever is let in would get a connection that is not HTTP any more.
            if Self.expected(operation, role) == 200 { continue }
            for (name, value) in Self.upgrade { headers[name] = value }
          }
          let response = try await discord.client.send(
            HTTPClientRequest(
              operation.method, base + Self.filled(operation.path).dropFirst(), headers: headers,
              body: operation.method == .get ? .none : .bytes(Array("{}".utf8))))
          asked += 1
          let label: Comment = "\(operation.method) \(operation.path) as \(role): \(response.status)"
          switch Self.expected(operation, role) {
          case 200 where operation.access == "anyone":
            // A login may be refused; the gate refuses nobody. Renewing takes the token by itself.
            #expect(response.headers["WWW-Authenticate"] == nil || operation.path.hasSuffix("/refresh"), label)
          case 200: #expect(response.status != 401 && response.status != 403, label)
          case let expected: #expect(response.status == expected, label)
          }
          #expect(response.status != 500, label)
        }
      }
      #expect(asked >= all.count)
      await database.close()
      #expect(try await bot.stop() == 0)
    }
  }
}
