import Core
import HTTP
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// SkyPANEL's accounts, passwords and clients.
struct AccountTests {
  /// Quick: what is tested is not how slow it is.
  private let hasher = PasswordHasher(parameters: .init(cost: 2, blockSize: 1, parallelism: 1))
  private let password = Secret("correct horse")

  private func accounts(_ rig: Rig, hasher: PasswordHasher? = nil) -> Accounts {
    Accounts(database: rig.database, hasher: hasher ?? self.hasher, time: rig.time)
  }

  private struct Login {
    let accounts: Accounts
    let tokens: TokenService
    let passwords: PasswordLogin
  }

  private func login(_ rig: Rig, hasher: PasswordHasher? = nil) async throws -> Login {
    let hasher = hasher ?? self.hasher
    let accounts = accounts(rig, hasher: hasher)
    let tokens = try await rig.tokens()
    return Login(
      accounts: accounts, tokens: tokens,
      passwords: PasswordLogin(
        accounts: accounts, hasher: hasher, tokens: tokens,
        attempts: LoginAttempts(database: rig.database, time: rig.time)))
  }

  private func address(_ number: Int = 1) throws -> NetworkBlock {
    try #require(IPAddress("10.0.0.\(number)")).site
  }

  // MARK: Addresses

  @Test(arguments: [
    ("user@example.com", "user@example.com"), ("User.Name+tag@Example.COM", "user.name+tag@example.com"),
    ("o'brien@x-y.example", "o'brien@x-y.example"), ("a@b.c1", "a@b.c1"),
    (String(repeating: "a", count: 64) + "@b.cd", String(repeating: "a", count: 64) + "@b.cd"),
  ])
  func addressesHaveOneForm(text: String, expected: String) throws {
    #expect(try EmailAddress.normalized(text) == expected)
  }

  @Test(arguments: [
    "", "@", "user", "user@", "@example.com", "a@b", "a@b@c.de", " user@example.com", "user@example.com\n", "a b@c.de",
    ".a@b.cd", "a.@b.cd", "a..b@c.de", "a@.de", "a@b.", "a@-b.de", "a@b-.de", "a@b_c.de", "a@127.0.0.1",
    "a@[127.0.0.1]",
    "\"a\"@b.cd", "ü@b.cd", "a@ü.de", "a@b.cd\u{0}", String(repeating: "a", count: 65) + "@b.cd",
    "a@" + String(repeating: "b", count: 64) + ".de",
    "a@" + Array(repeating: String(repeating: "b", count: 60), count: 5).joined(separator: "."),
  ])
  func otherTextIsNoAddress(text: String) {
    #expect(throws: AccountError.invalid(field: "email", reason: "Must be a valid email address")) {
      try EmailAddress.normalized(text)
    }
  }

  // MARK: Accounts

  @Test(arguments: TestEngine.available)
  func accountsAreMadeFoundAndChanged(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let accounts = accounts(rig)
      let made = try await accounts.create(email: "User@Example.com", name: " John Doe ", password: password)
      let now = rig.time.timestamp
      #expect(
        made
          == Account(
            id: made.id, email: "user@example.com", name: "John Doe", role: .user, userID: nil, createdAt: now,
            updatedAt: now))
      #expect(try await accounts.find(made.id) == made)
      #expect(try await accounts.find(email: "USER@example.com") == made)
      #expect(try await accounts.find(email: "x") == nil)
      await #expect(throws: AccountError.emailTaken) {
        try await accounts.create(email: "user@EXAMPLE.com", name: "x", password: password)
      }
      let other = try await accounts.create(email: "b@example.com", name: "B", password: nil, role: .admin)
      #expect(other.role == .admin)
      rig.time.advance(by: .seconds(1))
      let changed = try await accounts.update(made.id, email: "New@example.com", name: "New Name", role: .admin)
      #expect(changed.email == "new@example.com" && changed.name == "New Name" && changed.role == .admin)
      #expect(changed.updatedAt == now + .seconds(1) && changed.createdAt == now)
      #expect(try await accounts.find(made.id) == changed)
      #expect(try await accounts.update(made.id) == changed)
      await #expect(throws: AccountError.emailTaken) { try await accounts.update(made.id, email: "b@example.com") }
      await #expect(throws: AccountError.notFound) { try await accounts.update(AccountID(number: 99), name: "x") }
      await #expect(throws: AccountError.invalid(field: "name", reason: "must not be empty")) {
        try await accounts.update(made.id, name: " ")
      }
      #expect(try await accounts.page(limit: 1, offset: 1).accounts == [other])
      #expect(try await accounts.page(limit: 10, offset: 0).total == 2)
      #expect(try await accounts.page(limit: -1, offset: -1).accounts == [])
    }
  }

  @Test(arguments: TestEngine.available)
  func aDiscordUserHasOneAccount(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let accounts = accounts(rig)
      let one = try await accounts.create(email: "a@example.com", name: "A", password: nil)
      let two = try await accounts.create(email: "b@example.com", name: "B", password: nil)
      let user = UserID(100_000_000_000_000_001)
      try await accounts.link(one.id, to: user)
      try await accounts.link(one.id, to: user)
      #expect(try await accounts.find(linkedTo: user)?.id == one.id)
      await #expect(throws: AccountError.userTaken) { try await accounts.link(two.id, to: user) }
      await #expect(throws: AccountError.notFound) { try await accounts.link(AccountID(number: 99), to: nil) }
      try await accounts.link(one.id, to: nil)
      try await accounts.link(two.id, to: user)
      #expect(try await accounts.find(linkedTo: user)?.id == two.id)
    }
  }

  @Test(arguments: TestEngine.available, ["", "seven77", String(repeating: "x", count: 1_025)])
  func passwordsHaveALength(engine: TestEngine, text: String) async throws {
    try await Rig.with(engine) { rig in
      let accounts = accounts(rig)
      await #expect(throws: AccountError.self) {
        try await accounts.create(email: "a@example.com", name: "A", password: Secret(text))
      }
      #expect(try await accounts.page(limit: 1, offset: 0).total == 0)
      let account = try await accounts.create(
        email: "a@example.com", name: "A", password: Secret(String(repeating: "é", count: 4)))
      await #expect(throws: AccountError.self) { try await accounts.setPassword(Secret(text), of: account.id) }
      await #expect(throws: AccountError.notFound) {
        try await accounts.setPassword(Secret("long enough"), of: AccountID(number: 99))
      }
    }
  }

  // MARK: Logging in

  @Test(arguments: TestEngine.available)
  func theRightPasswordLogsIn(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let login = try await login(rig)
      let account = try await login.accounts.create(email: "user@example.com", name: "John", password: password)
      let stored = try await rig.dump("accounts")
      #expect(stored.contains("scrypt$") && !stored.contains(password.reveal()))
      let pair = try await login.passwords.logIn(email: "USER@example.com", password: password, from: try address())
      #expect(try await login.tokens.verify(pair.access.text).subject == .account(account.id))

      let unset = try await login.accounts.create(email: "unset@example.com", name: "U", password: nil)
      let attempts = [
        ("user@example.com", "wrong horse"), ("user@example.com", ""), ("user@example.com", "Correct horse"),
        ("nobody@example.com", "correct horse"), ("no address", "correct horse"), ("unset@example.com", ""),
        ("user@example.com", String(repeating: "x", count: 2_000)),
      ]
      for (email, password) in attempts {
        await #expect(throws: PasswordLogin.Refusal.invalidCredentials) {
          try await login.passwords.logIn(email: email, password: Secret(password), from: try address(2))
        }
        rig.time.advance(by: .seconds(1_000))
      }
      try await login.accounts.setPassword(Secret("another one"), of: account.id)
      try await login.accounts.setPassword(Secret("the first one"), of: unset.id)
      _ = try await login.passwords.logIn(
        email: "unset@example.com", password: Secret("the first one"), from: try address())
      await #expect(throws: PasswordLogin.Refusal.invalidCredentials) {
        try await login.passwords.logIn(email: "user@example.com", password: password, from: try address())
      }
    }
  }

  @Test(arguments: TestEngine.available, ["user@example.com", "nobody@example.com", "no address"])
  func guessingIsSlowedDownWhetherTheAccountExistsOrNot(engine: TestEngine, email: String) async throws {
    try await Rig.with(engine) { rig in
      let login = try await login(rig)
      _ = try await login.accounts.create(email: "user@example.com", name: "John", password: password)
      for number in 0..<5 {
        await #expect(throws: PasswordLogin.Refusal.invalidCredentials) {
          try await login.passwords.logIn(email: email, password: Secret("wrong"), from: try address(number))
        }
      }
      // Not even the right one is looked at.
      await #expect(throws: PasswordLogin.Refusal.tooManyAttempts(retryAfter: .seconds(2))) {
        try await login.passwords.logIn(email: email.uppercased(), password: password, from: try address(9))
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func manyRightLoginsAreNoGuessing(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let login = try await login(rig)
      _ = try await login.accounts.create(email: "user@example.com", name: "John", password: password)
      for _ in 0..<30 {
        _ = try await login.passwords.logIn(email: "user@example.com", password: password, from: try address())
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func aHashGrowsWithTheParameters(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let old = try await login(rig)
      let account = try await old.accounts.create(email: "user@example.com", name: "John", password: password)
      let stronger = PasswordHasher(parameters: .init(cost: 4, blockSize: 1, parallelism: 1))
      let new = try await login(rig, hasher: stronger)
      let hash = { try await new.accounts.credential(email: "user@example.com")?.hash }
      let before = try await hash()
      #expect(before?.hasPrefix("scrypt$2$") == true)
      await #expect(throws: PasswordLogin.Refusal.invalidCredentials) {
        try await new.passwords.logIn(email: "user@example.com", password: Secret("wrong"), from: try address())
      }
      #expect(try await hash() == before)
      _ = try await new.passwords.logIn(email: "user@example.com", password: password, from: try address())
      let after = try await hash()
      #expect(after?.hasPrefix("scrypt$4$") == true)
      _ = try await new.passwords.logIn(email: "user@example.com", password: password, from: try address())
      #expect(try await hash() == after)
      // A password that was changed in between is not put back.
      try await new.accounts.rehash(password, of: .init(id: account.id, hash: before))
      #expect(try await hash() == after)
    }
  }

  // MARK: Clients

  @Test(arguments: TestEngine.available)
  func clientsProveThemselvesByTheirSecret(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let clients = OAuthClients(database: rig.database, time: rig.time)
      let (client, secret) = try await clients.create(name: "Panel", scopes: ["read:servers", "write:servers"])
      let (other, otherSecret) = try await clients.create(name: "Other")
      #expect(other.scopes == OAuthClients.allScopes)
      let id = client.id.description
      #expect(try await clients.authenticate(id: id, secret: secret, scope: nil).scopes == client.scopes)
      #expect(try await clients.authenticate(id: id, secret: secret, scope: "").scopes == client.scopes)
      let narrow = try await clients.authenticate(id: id, secret: secret, scope: " write:servers  write:servers")
      #expect(narrow.0 == client.id && narrow.scopes == ["write:servers"])
      for (id, secret) in [
        (id, otherSecret), (id, Secret("")), ("", secret), ("client_x", secret),
        (try ClientID().description, secret), (other.id.description, secret),
      ] {
        await #expect(throws: OAuthClients.Refusal.invalidClient) {
          try await clients.authenticate(id: id, secret: secret, scope: nil)
        }
      }
      await #expect(throws: OAuthClients.Refusal.invalidScope) {
        try await clients.authenticate(id: id, secret: secret, scope: "read:servers read:billing")
      }
      #expect(try await !rig.dump("oauth_clients").contains(secret.reveal()))
      #expect(try await clients.isActive(client.id))
      #expect(try await clients.remove(client.id))
      #expect(try await !clients.remove(client.id))
      #expect(try await !clients.isActive(client.id))
      await #expect(throws: OAuthClients.Refusal.invalidClient) {
        try await clients.authenticate(id: id, secret: secret, scope: nil)
      }
      for (name, scopes) in [("", ["read:servers"]), ("x", []), ("x", ["admin"])] {
        await #expect(throws: AccountError.self) { try await clients.create(name: name, scopes: scopes) }
      }
    }
  }
}
