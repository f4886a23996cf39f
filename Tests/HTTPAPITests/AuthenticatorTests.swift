import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// From the `Authorization` of a request to who sends it.
struct AuthenticatorTests {
  private let owner = UserID(100_000_000_000_000_001)
  private let user = UserID(100_000_000_000_000_002)

  private struct NoHandles: HandleOwnership {
    func owner(of handle: String, in transaction: ReadTransaction) throws -> UserID? { nil }
  }

  private struct House {
    let tokens: TokenService
    let keys: APIKeys
    let accounts: Accounts
    let clients: OAuthClients
    let authenticator: Authenticator

    func who(_ token: IssuedToken) async throws -> Principal {
      try await authenticator.principal(bearing: token.text)
    }
  }

  private func house(_ rig: Rig) async throws -> House {
    let tokens = try await rig.tokens()
    let keys = APIKeys(database: rig.database, handles: NoHandles(), time: rig.time)
    let accounts = Accounts(
      database: rig.database, hasher: PasswordHasher(parameters: .init(cost: 2, blockSize: 1, parallelism: 1)),
      time: rig.time)
    let clients = OAuthClients(database: rig.database, time: rig.time)
    return House(
      tokens: tokens, keys: keys, accounts: accounts, clients: clients,
      authenticator: Authenticator(
        tokens: tokens, keys: keys, accounts: accounts, clients: clients, owners: [owner], time: rig.time))
  }

  @Test(arguments: TestEngine.available)
  func tokensOfUsersAndAdmins(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let house = try await house(rig)
      let plain = try await house.tokens.issue(for: .user(user))
      #expect(
        try await house.who(plain)
          == Principal(identity: .user(user), credential: .token(plain.claims), isAdmin: false))
      #expect(try await house.who(house.tokens.issue(for: .user(owner))).isAdmin)
      // Whoever has the shared secret of the uid login could be the owner: they are not.
      #expect(try await !house.who(house.tokens.issue(for: .user(owner), isLimited: true)).isAdmin)
      let admin = try await house.tokens.issue(for: .user(user), life: .seconds(60), isAdmin: true)
      #expect(try await house.who(admin).isAdmin)
      rig.time.advance(by: .seconds(50))
      let renewed = try await house.tokens.refresh(admin.text)
      #expect(try await house.who(renewed).isAdmin)
      rig.time.advance(by: .seconds(10))
      #expect(try await !house.who(renewed).isAdmin)
    }
  }

  @Test(arguments: TestEngine.available)
  func tokensOfAccounts(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let house = try await house(rig)
      let account = try await house.accounts.create(email: "a@example.com", name: "A", password: nil)
      let token = try await house.tokens.issue(for: .account(account.id))
      #expect(
        try await house.who(token)
          == Principal(identity: .account(account.id, linked: nil), credential: .token(token.claims), isAdmin: false))
      try await house.accounts.link(account.id, to: user)
      #expect(try await house.who(token).user == user)
      #expect(try await !house.who(token).isAdmin)
      try await house.accounts.link(account.id, to: owner)
      #expect(try await house.who(token).isAdmin)
      try await house.accounts.link(account.id, to: nil)
      _ = try await house.accounts.update(account.id, role: .admin)
      #expect(try await house.who(token).isPanelAdmin)
      #expect(try await !house.who(token).isAdmin)
      let gone = try await house.tokens.issue(for: .account(AccountID(number: 99)))
      await #expect(throws: Authenticator.Failure.subjectGone) { try await house.who(gone) }
    }
  }

  @Test(arguments: TestEngine.available)
  func tokensOfClients(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let house = try await house(rig)
      let (client, _) = try await house.clients.create(name: "c")
      let token = try await house.tokens.issue(for: .client(client.id), isAdmin: true, scopes: ["read:servers"])
      #expect(
        try await house.who(token)
          == Principal(identity: .client(client.id), credential: .token(token.claims), isAdmin: false))
      _ = try await house.clients.remove(client.id)
      await #expect(throws: Authenticator.Failure.subjectGone) { try await house.who(token) }
    }
  }

  @Test(arguments: TestEngine.available)
  func keys(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let house = try await house(rig)
      let new = try await house.keys.create(
        APIKeyRequest(name: "x", playerName: "Ace", permissions: [.readStats], isLimited: true), for: owner)
      let grant = APIKeyGrant(id: new.key.id, permissions: [.readStats], playerName: "Ace", isLimited: true)
      let headers: HTTPHeaders = ["Authorization": "Bearer \(new.text.reveal())"]
      #expect(
        try await house.authenticator.principal(of: headers)
          == Principal(identity: .user(owner), credential: .apiKey(grant), isAdmin: false))
      try await house.keys.delete(new.key.id, of: owner)
      await #expect(throws: Authenticator.Failure.apiKey) { try await house.authenticator.principal(of: headers) }
      await #expect(throws: Authenticator.Failure.apiKey) {
        try await house.authenticator.principal(bearing: Secret("adj_"))
      }
    }
  }

  @Test(arguments: [TestEngine.sqlite])
  func headers(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let house = try await house(rig)
      let text = try await house.tokens.issue(for: .user(user)).text.reveal()
      #expect(try await house.authenticator.principal(of: [:]) == .anonymous)
      for value in ["Bearer \(text)", "bearer \(text)", "BEARER  \(text)"] {
        #expect(try await house.authenticator.principal(of: ["authorization": value]).user == user)
      }
      for value in [
        "", "Bearer", "Bearer ", text, "Basic \(text)", "Bearer\(text)", "Bearer \(text) x", "Bearer\t\(text)",
        "Bearer \(text), Bearer \(text)", " Bearer \(text)", "Bearer é", "ＢＥＡＲＥＲ \(text)", "beareK \(text)",
      ] {
        await #expect(throws: Authenticator.Failure.header, "\(value)") {
          try await house.authenticator.principal(of: ["Authorization": value])
        }
      }
      await #expect(throws: Authenticator.Failure.header) {
        try await house.authenticator.principal(of: [
          "Authorization": "Bearer \(text)", "authorization": "Bearer \(text)",
        ])
      }
      await #expect(throws: Authenticator.Failure.token(.malformed)) {
        try await house.authenticator.principal(of: ["Authorization": "Bearer x"])
      }
    }
  }
}
