import Core
import HTTP
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// All of it put together.
struct AuthenticationTests {
  private struct NoHandles: HandleOwnership {
    func owner(of handle: String, in transaction: ReadTransaction) throws -> UserID? { nil }
  }

  @Test(arguments: TestEngine.available)
  func thePartsKnowEachOther(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let owner = UserID(100_000_000_000_000_001)
      let secret = Secret("shared")
      let settings = Authentication.Settings(
        directory: rig.directory, issuer: .adjutant, owners: [owner], uidLoginSecret: secret)
      let house = try await Authentication.open(
        settings, database: rig.database, handles: NoHandles(),
        hasher: PasswordHasher(parameters: .init(cost: 2, blockSize: 1, parallelism: 1)), time: rig.time)
      let token = try await house.tokens.issue(for: .user(owner))
      #expect(try await house.authenticator.principal(bearing: token.text).isAdmin)

      let now = rig.time.timestamp.milliseconds
      let signature = Hex.encode(try Crypto.hmacSHA256("\(owner):\(now)".utf8, key: secret.reveal().utf8))
      let login = try await house.uidLogin.logIn(uid: "\(owner)", signature: signature, timestamp: now)
      #expect(try await !house.authenticator.principal(bearing: login.text).isAdmin)

      let account = try await house.accounts.create(email: "a@b.cd", name: "A", password: Secret("password"))
      let group = try #require(IPAddress("192.0.2.1")).site
      let pair = try await house.passwordLogin.logIn(email: "a@b.cd", password: Secret("password"), from: group)
      #expect(try await house.authenticator.principal(bearing: pair.access.text).account == account.id)
      #expect(house.limits.take(.authentication, for: .address(group), from: nil)?.remaining == 4)
    }
  }

  @Test(arguments: TestEngine.available)
  func itCleansUpAndWritesDownAtTheEnd(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let settings = Authentication.Settings(directory: rig.directory, issuer: .adjutant, limitsRates: false)
      let house = try await Authentication.open(
        settings, database: rig.database, handles: NoHandles(), time: rig.time)
      #expect(house.limits.take(.authentication, for: .subject(rig.me), from: nil) == nil)
      try await rig.database.write {
        try $0.execute(
          "INSERT INTO login_marks (mark, expires_at) VALUES ($1, $2)", [1] as [UInt8],
          rig.time.timestamp + .seconds(250))
      }
      let key = try await house.keys.create(APIKeyRequest(name: "x"), for: UserID(1))
      let running = Task { await house.run() }
      // Tokens twice, uses of keys, cleaning; and on PostgreSQL the sharing of rates.
      await rig.time.waitForSleepers(engine == .postgreSQL ? 5 : 4)
      #expect(try await !rig.dump("login_marks").isEmpty)
      rig.time.advance(by: Authentication.cleaningInterval)
      await rig.time.waitForSleepers(engine == .postgreSQL ? 5 : 4)
      #expect(try await rig.dump("login_marks").isEmpty)

      _ = try await house.keys.authenticate(key.text)
      running.cancel()
      await running.value
      let other = APIKeys(database: rig.database, handles: NoHandles(), time: rig.time)
      #expect(try await other.find(key.key.id, of: UserID(1)).lastUsedAt == rig.time.timestamp)
    }
  }
}
