import Core
import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import HTTPAPI

/// Uid login and Discord's code exchange.
struct LoginTests {
  private let uid = "100000000000000001"
  private let secret = Secret("shared secret")

  private func sign(_ uid: String, _ timestamp: Int64, secret: String = "shared secret") throws -> String {
    Hex.encode(try Crypto.hmacSHA256("\(uid):\(timestamp)".utf8, key: secret.utf8))
  }

  // MARK: Uid

  @Test(arguments: TestEngine.available)
  func aSignedUidLogsInAsAPlainUser(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      let login = UIDLogin(secret: secret, database: rig.database, tokens: tokens, time: rig.time)
      let now = rig.time.timestamp.milliseconds
      let token = try await login.logIn(uid: uid, signature: try sign(uid, now), timestamp: now)
      let claims = try await tokens.verify(token.text)
      #expect(claims.subject == rig.me && claims.isLimited && claims.adminUntil == nil)

      // Once, in all processes; the next timestamp is another login.
      await #expect(throws: UIDLogin.Refusal.invalidSignature) {
        try await login.logIn(uid: uid, signature: try sign(uid, now), timestamp: now)
      }
      let other = UIDLogin(secret: secret, database: rig.database, tokens: tokens, time: rig.time)
      await #expect(throws: UIDLogin.Refusal.invalidSignature) {
        try await other.logIn(uid: uid, signature: try sign(uid, now), timestamp: now)
      }
      _ = try await login.logIn(uid: uid, signature: try sign(uid, now + 1), timestamp: now + 1)
    }
  }

  @Test(arguments: TestEngine.available)
  func theSignatureIsExact(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let login = UIDLogin(secret: secret, database: rig.database, tokens: try await rig.tokens(), time: rig.time)
      let now = rig.time.timestamp.milliseconds
      let good = try sign(uid, now)
      let bad = [
        "", good.uppercased(), String(good.dropLast()), good + "0", try sign(uid, now, secret: "other"),
        try sign("100000000000000002", now), try sign(uid, now + 1),
      ]
      for signature in bad {
        await #expect(throws: UIDLogin.Refusal.invalidSignature) {
          try await login.logIn(uid: uid, signature: signature, timestamp: now)
        }
      }
      for uid in ["", "me", "0" + uid, "+1", "-1", "18446744073709551616"] {
        await #expect(throws: UIDLogin.Refusal.invalidSignature) {
          try await login.logIn(uid: uid, signature: try sign(uid, now), timestamp: now)
        }
      }
      _ = try await login.logIn(uid: uid, signature: good, timestamp: now)
    }
  }

  @Test(arguments: TestEngine.available)
  func theTimestampIsFiveMinutesOffAtMost(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let login = UIDLogin(secret: secret, database: rig.database, tokens: try await rig.tokens(), time: rig.time)
      let now = rig.time.timestamp.milliseconds
      for timestamp in [now - 300_001, now + 300_001, 0, -now, Int64.max, Int64.min] {
        await #expect(throws: UIDLogin.Refusal.timestampTooOld) {
          try await login.logIn(uid: uid, signature: try sign(uid, timestamp), timestamp: timestamp)
        }
        // Who cannot sign is not told that it is too old.
        await #expect(throws: UIDLogin.Refusal.invalidSignature) {
          try await login.logIn(uid: uid, signature: "00", timestamp: timestamp)
        }
      }
      for timestamp in [now - 300_000, now + 300_000] {
        _ = try await login.logIn(uid: uid, signature: try sign(uid, timestamp), timestamp: timestamp)
      }
      // A pair from the future stays used up for as long as its timestamp is good, however often is cleaned.
      for _ in 0..<20 {
        rig.time.advance(by: .seconds(30))
        try await LoginMarks.clean(rig.database, at: rig.time.timestamp)
        let timestamp = now + 300_000
        let error = await #expect(throws: UIDLogin.Refusal.self) {
          try await login.logIn(uid: uid, signature: try sign(uid, timestamp), timestamp: timestamp)
        }
        #expect(error == .invalidSignature)
      }
      rig.time.advance(by: .milliseconds(1))
      try await LoginMarks.clean(rig.database, at: rig.time.timestamp)
      #expect(try await rig.dump("login_marks").isEmpty)
    }
  }

  @Test(arguments: TestEngine.available)
  func withoutASecretItIsOff(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let now = rig.time.timestamp.milliseconds
      for secret in [nil, Secret("")] {
        let login = UIDLogin(secret: secret, database: rig.database, tokens: try await rig.tokens(), time: rig.time)
        await #expect(throws: UIDLogin.Refusal.off) {
          try await login.logIn(uid: uid, signature: try sign(uid, now, secret: ""), timestamp: now)
        }
      }
    }
  }

  // MARK: Discord

  /// Knows one code, once.
  private final class Discord: DiscordOAuth {
    let asked = Mutex<[String]>([])
    func identity(forCode code: Secret<String>, redirectURI: String) async throws -> DiscordIdentity {
      asked.withLock { $0.append("\(code.reveal()) \(redirectURI)") }
      guard code.reveal().hasPrefix("good") else { throw DiscordLogin.Refusal.code }
      return DiscordIdentity(
        id: UserID(100_000_000_000_000_001), username: code.reveal(), discriminator: "0001", globalName: "Me",
        avatarURL: "https://cdn.example/a.png")
    }
  }

  private let page = "https://bot.example/auth/callback"
  private let app = "http://127.0.0.1:3000/cb?x=1&y=ü"

  private func login(_ rig: Rig, _ discord: Discord, pages: [String]? = nil) async throws -> DiscordLogin {
    DiscordLogin(
      oauth: discord, database: rig.database, tokens: try await rig.tokens(),
      users: APIUsers(database: rig.database, time: rig.time), authorizeURL: "https://discord.com/oauth2/authorize",
      clientID: "123", redirectURIs: pages ?? [page, app], time: rig.time)
  }

  private func withLogin(_ engine: TestEngine, _ body: (Rig, DiscordLogin, Discord) async throws -> Void) async throws {
    try await Rig.with(engine) { rig in
      _ = try await SharedState.open(rig.database, time: rig.time)
      let discord = Discord()
      try await body(rig, try await login(rig, discord), discord)
    }
  }

  @Test(arguments: TestEngine.available)
  func aPageOfOursGoesThereAndBack(engine: TestEngine) async throws {
    try await withLogin(engine) { rig, login, discord in
      let start = try await login.begin(redirectURI: app)
      #expect(
        start.authorizationURL
          == "https://discord.com/oauth2/authorize?response_type=code&client_id=123&scope=identify&state=\(start.state)"
          + "&redirect_uri=http%3A%2F%2F127.0.0.1%3A3000%2Fcb%3Fx%3D1%26y%3D%C3%BC&prompt=none")
      #expect(!start.authorizationURL.contains(start.nonce.reveal()))
      let stored = try await rig.dump("login_marks")
      #expect(!stored.contains(start.state) && !stored.contains(start.nonce.reveal()))

      let (token, user) = try await login.logIn(
        code: Secret("good"), state: start.state, nonce: start.nonce, redirectURI: app, requiresState: true)
      #expect(discord.asked.withLock { $0 } == ["good \(app)"])
      #expect(token.claims.subject == rig.me && !token.claims.isLimited)
      #expect(user.username == "good" && user.discriminator == "0001" && user.lastLoginAt == rig.time.timestamp)
      await #expect(throws: DiscordLogin.Refusal.state) {
        try await login.logIn(
          code: Secret("good"), state: start.state, nonce: start.nonce, redirectURI: app, requiresState: true)
      }
      #expect(discord.asked.withLock { $0.count } == 1)
    }
  }

  @Test(arguments: TestEngine.available)
  func aStateFitsItsBrowserItsPageAndItsTime(engine: TestEngine) async throws {
    try await withLogin(engine) { rig, login, discord in
      let (start, other) = (try await login.begin(), try await login.begin())
      let attempts: [(state: String?, nonce: Secret<String>?, redirect: String?, requires: Bool)] = [
        (start.state, other.nonce, nil, true), (start.state, nil, nil, true), (nil, start.nonce, nil, true),
        (start.state + "x", start.nonce, nil, true), ("random", start.nonce, nil, true),
        (start.state, start.nonce, app, true), (start.nonce.reveal(), Secret(start.state), nil, true),
        // One of ours is checked even where none is asked for.
        (start.state, nil, nil, false), (start.state, other.nonce, nil, false),
      ]
      for attempt in attempts {
        await #expect(throws: DiscordLogin.Refusal.state, "\(attempt)") {
          try await login.logIn(
            code: Secret("good"), state: attempt.state, nonce: attempt.nonce, redirectURI: attempt.redirect,
            requiresState: attempt.requires)
        }
      }
      #expect(discord.asked.withLock { $0.isEmpty })
      rig.time.advance(by: .seconds(600) - .milliseconds(1))
      _ = try await login.logIn(
        code: Secret("good"), state: start.state, nonce: start.nonce, requiresState: true)
      rig.time.advance(by: .milliseconds(1))
      await #expect(throws: DiscordLogin.Refusal.state) {
        try await login.logIn(code: Secret("good"), state: other.state, nonce: other.nonce, requiresState: true)
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func aProgramPostsACodeAndJudgesItsOwnState(engine: TestEngine) async throws {
    try await withLogin(engine) { rig, login, discord in
      for state in [nil, "random_state_string"] {
        let (token, _) = try await login.logIn(code: Secret("good"), state: state, nonce: nil, requiresState: false)
        #expect(token.claims.subject == rig.me)
      }
      #expect(discord.asked.withLock { $0 } == ["good \(page)", "good \(page)"])
      await #expect(throws: DiscordLogin.Refusal.code) {
        try await login.logIn(code: Secret("bad"), state: nil, nonce: nil, requiresState: false)
      }
      #expect(try await rig.dump("api_users").contains("good"))
    }
  }

  @Test(arguments: TestEngine.available)
  func peopleAreSentBackToOurPagesAlone(engine: TestEngine) async throws {
    try await withLogin(engine) { rig, login, discord in
      for redirect in ["", "https://evil.example", page + "/", page + "?x", String(page.dropLast()), page.uppercased()]
      {
        await #expect(throws: DiscordLogin.Refusal.redirect) { try await login.begin(redirectURI: redirect) }
        await #expect(throws: DiscordLogin.Refusal.redirect) {
          try await login.logIn(
            code: Secret("good"), state: nil, nonce: nil, redirectURI: redirect, requiresState: false)
        }
      }
      let without = try await self.login(rig, discord, pages: [])
      await #expect(throws: DiscordLogin.Refusal.notConfigured) { try await without.begin() }
    }
  }

  @Test(arguments: TestEngine.available)
  func aUserIsKnownFromTheFirstLogin(engine: TestEngine) async throws {
    try await withLogin(engine) { rig, login, _ in
      let first = rig.time.timestamp
      _ = try await login.logIn(code: Secret("good"), state: nil, nonce: nil, requiresState: false)
      rig.time.advance(by: .seconds(5))
      let (_, user) = try await login.logIn(code: Secret("good2"), state: nil, nonce: nil, requiresState: false)
      #expect(user.createdAt == first && user.lastLoginAt == first + .seconds(5) && user.username == "good2")
      let users = APIUsers(database: rig.database, time: rig.time)
      #expect(try await users.find(user.id) == user)
      #expect(try await users.find(UserID(5)) == nil)
    }
  }
}
