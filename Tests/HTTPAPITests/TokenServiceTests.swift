import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// Issuing, renewing and ending tokens, on both engines.
struct TokenServiceTests {
  private func expect(
    _ error: TokenError, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> some Sendable
  ) async {
    await #expect(throws: error, sourceLocation: sourceLocation) { _ = try await body() }
  }

  @Test(arguments: TestEngine.available)
  func aTokenSaysWhatItWasIssuedFor(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      let token = try await tokens.issue(for: rig.me)
      let claims = try await tokens.verify(token.text)
      #expect(claims == token.claims)
      #expect(claims.subject == rig.me)
      #expect(claims.expiry - rig.time.timestamp == .seconds(86_400))
      #expect(claims.adminUntil == nil)
      #expect(!"\(token)".contains(token.text.reveal()))

      let admin = try await tokens.issue(for: rig.me, life: .seconds(60), isAdmin: true, scopes: ["a"])
      #expect(try await tokens.verify(admin.text).adminUntil == admin.claims.expiresAt)
      #expect(try await tokens.verify(admin.text).scopes == ["a"])
      rig.time.advance(by: .seconds(60))
      await expect(.expired) { try await tokens.verify(admin.text) }
      #expect(try await tokens.verify(token.text) == claims)
    }
  }

  @Test(arguments: TestEngine.available)
  func noTokenLivesLongerThanAllowed(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      let long = try await tokens.issue(for: rig.me, life: .seconds(1_000 * 86_400))
      #expect(long.claims.expiresAt - long.claims.issuedAt == TokenClaims.longestLife.components.seconds)
      #expect(try await tokens.verify(long.text) == long.claims)
      let short = try await tokens.issue(for: rig.me, life: .zero)
      #expect(short.claims.expiresAt - short.claims.issuedAt == 1)
    }
  }

  @Test(arguments: TestEngine.available)
  func refreshingEndsTheOldTokenAndASecondUseEndsAll(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      let bystander = try await tokens.issue(for: rig.me)
      let first = try await tokens.issue(for: rig.me)
      rig.time.advance(by: .seconds(10))
      let second = try await tokens.refresh(first.text)
      #expect(second.claims.family == first.claims.family)
      #expect(second.claims.id != first.claims.id)
      #expect(second.claims.authenticatedAt == first.claims.authenticatedAt)
      #expect(second.claims.expiresAt == first.claims.expiresAt + 10)
      await expect(.revoked) { try await tokens.verify(first.text) }
      #expect(try await tokens.verify(second.text) == second.claims)

      await expect(.reused) { try await tokens.refresh(first.text) }
      await expect(.revoked) { try await tokens.verify(second.text) }
      await expect(.revoked) { try await tokens.refresh(second.text) }
      await expect(.revoked) { try await tokens.refresh(first.text) }
      #expect(try await tokens.verify(bystander.text) == bystander.claims)
    }
  }

  @Test(arguments: TestEngine.available)
  func ofManyThatRefreshAtOnceOneSucceeds(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      let first = try await tokens.issue(for: rig.me)
      let results = await withTaskGroup(of: Result<IssuedToken, any Error>.self) { group in
        for _ in 0..<8 {
          group.addTask {
            do { return .success(try await tokens.refresh(first.text)) } catch { return .failure(error) }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      let good = results.compactMap { try? $0.get() }
      #expect(good.count == 1)
      // Who else held it: nobody can know. All of them end.
      await expect(.revoked) { try await tokens.verify(good[0].text) }
    }
  }

  @Test(arguments: TestEngine.available)
  func anEndedTokenIsGoodForRefreshingSevenDaysLong(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      let (first, second) = (try await tokens.issue(for: rig.me), try await tokens.issue(for: rig.me))
      rig.time.advance(by: .seconds(8 * 86_400 - 1))
      await expect(.expired) { try await tokens.verify(first.text) }
      let renewed = try await tokens.refresh(first.text)
      #expect(try await tokens.verify(renewed.text) == renewed.claims)
      rig.time.advance(by: .seconds(1))
      await expect(.expired) { try await tokens.refresh(second.text) }
    }
  }

  @Test(arguments: TestEngine.available)
  func aLoginIsNotRenewedForEver(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      var token = try await tokens.issue(for: rig.me)
      for _ in 0..<12 {
        rig.time.advance(by: .seconds(7 * 86_400))
        token = try await tokens.refresh(token.text)
      }
      rig.time.advance(by: .seconds(6 * 86_400 - 1))
      token = try await tokens.refresh(token.text)
      rig.time.advance(by: .seconds(1))
      await expect(.tooOld) { try await tokens.refresh(token.text) }
      #expect(try await tokens.verify(token.text) == token.claims)
    }
  }

  @Test(arguments: TestEngine.available)
  func refreshingDoesNotProlongTheAdminRole(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      let first = try await tokens.issue(for: rig.me, life: .seconds(600), isAdmin: true)
      let limited = try await tokens.issue(for: rig.me, isLimited: true)
      #expect(try await tokens.refresh(limited.text).claims.isLimited)
      rig.time.advance(by: .seconds(500))
      let second = try await tokens.refresh(first.text)
      #expect(second.claims.adminUntil == first.claims.expiresAt)
      #expect(second.claims.expiresAt > first.claims.expiresAt)
    }
  }

  @Test(arguments: TestEngine.available)
  func loggingOutEndsTheLoginAtOnceEverywhere(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let (here, there) = (try await rig.tokens(), try await rig.tokens())
      let token = try await here.issue(for: rig.me)
      let pair = try await here.issuePair(for: rig.me)
      let other = try await here.issue(for: rig.me)
      try await here.logOut(token.claims)
      try await here.logOut(pair.access.claims)
      try await here.logOut(token.claims)
      await expect(.revoked) { try await here.verify(token.text) }
      await expect(.revoked) { try await here.verify(pair.access.text) }
      await expect(.revoked) { try await here.refresh(token.text) }
      await expect(.revoked) { try await here.refreshPair(pair.refresh) }
      #expect(try await here.verify(other.text) == other.claims)

      // A process that has not heard of it yet does not renew it either.
      await expect(.revoked) { try await there.refresh(token.text) }
      await expect(.revoked) { try await there.verify(token.text) }
      // One that starts later knows.
      let late = try await rig.tokens()
      await expect(.revoked) { try await late.verify(token.text) }
    }
  }

  @Test(arguments: TestEngine.available)
  func otherProcessesFollow(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let (here, there) = (try await rig.tokens(), try await rig.tokens())
      let token = try await here.issue(for: rig.me)
      #expect(try await there.verify(token.text) == token.claims)
      let following = Task { await there.run() }
      defer { following.cancel() }
      try await here.logOut(token.claims)
      try await isRefusedSoon(token, by: there)
      let second = try await here.issue(for: rig.me)
      _ = try await here.refresh(second.text)
      try await isRefusedSoon(second, by: there)
      let pair = try await here.issuePair(for: rig.me)
      _ = try await here.refreshPair(pair.refresh)
      _ = try? await here.refreshPair(pair.refresh)
      try await isRefusedSoon(pair.access, by: there)
      let last = try await here.issue(for: rig.me)
      try await here.endAllSessions(of: rig.me)
      try await isRefusedSoon(last, by: there)
    }
  }

  private func isRefusedSoon(_ token: IssuedToken, by tokens: TokenService) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while (try? await tokens.verify(token.text)) != nil {
      try #require(ContinuousClock.now < deadline)
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  @Test(arguments: TestEngine.available)
  func whatNobodyAnnouncedIsFoundAfterAWhile(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      let token = try await tokens.issue(for: rig.me)
      let following = Task { await tokens.run() }
      defer { following.cancel() }
      // Both timers sleep: the first look at the database is over or under way.
      await rig.time.waitForSleepers(2)
      try await rig.database.write {
        _ = try Revocations.revoke(token.claims.id, until: token.claims.expiry, in: $0)
      }
      rig.time.advance(by: Revocations.pollInterval)
      try await isRefusedSoon(token, by: tokens)
    }
  }

  @Test(arguments: TestEngine.available)
  func allSessionsOfOneUserEnd(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      var mine = [try await tokens.issue(for: rig.me), try await tokens.issue(for: rig.me)]
      var pair = try await tokens.issuePair(for: rig.me)
      let theirs = try await tokens.issue(for: rig.other)
      for generation in 1...3 as ClosedRange<Int64> {
        try await tokens.endAllSessions(of: rig.me)
        for token in mine + [pair.access] { await expect(.revoked) { try await tokens.verify(token.text) } }
        await expect(.revoked) { try await tokens.refresh(mine[0].text) }
        await expect(.revoked) { try await tokens.refreshPair(pair.refresh) }
        #expect(try await tokens.verify(theirs.text) == theirs.claims)
        // In the same second: a new login counts.
        mine.append(try await tokens.issue(for: rig.me))
        #expect(mine.last?.claims.generation == generation)
        pair = try await tokens.issuePair(for: rig.me)
        for token in [mine[mine.count - 1], pair.access] {
          #expect(try await tokens.verify(token.text) == token.claims)
        }
      }
      let late = try await rig.tokens()
      #expect(try await late.verify(pair.access.text) == pair.access.claims)
      for token in mine.dropLast() { await expect(.revoked) { try await late.verify(token.text) } }
    }
  }

  @Test(arguments: TestEngine.available)
  func pairsRotate(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      let first = try await tokens.issuePair(for: .account(AccountID(number: 7)))
      #expect(first.access.claims.expiry - rig.time.timestamp == .seconds(3_600))
      #expect(!"\(first)".contains(first.refresh.reveal()))
      rig.time.advance(by: .seconds(3_601))
      let second = try await tokens.refreshPair(first.refresh)
      #expect(second.refresh != first.refresh)
      #expect(second.access.claims.family == first.access.claims.family)
      #expect(second.access.claims.subject == .account(AccountID(number: 7)))
      #expect(try await tokens.verify(second.access.text) == second.access.claims)
      let third = try await tokens.refreshPair(second.refresh)

      await expect(.reused) { try await tokens.refreshPair(first.refresh) }
      await expect(.revoked) { try await tokens.verify(third.access.text) }
      await expect(.revoked) { try await tokens.refreshPair(third.refresh) }

      for text in ["", "x", first.access.text.reveal(), first.refresh.reveal() + "A"] {
        await expect(.malformed) { try await tokens.refreshPair(Secret(text)) }
      }
      let stranger = try Crypto.randomToken()
      await expect(.malformed) { try await tokens.refreshPair(Secret(stranger)) }
      let stored = try await rig.dump("refresh_tokens")
      #expect(!stored.isEmpty && !stored.contains(third.refresh.reveal()))
    }
  }

  @Test(arguments: TestEngine.available)
  func refreshTokensEnd(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      var pair = try await tokens.issuePair(for: rig.me)
      rig.time.advance(by: RefreshTokens.life - .milliseconds(1))
      pair = try await tokens.refreshPair(pair.refresh)
      rig.time.advance(by: RefreshTokens.life)
      await expect(.expired) { try await tokens.refreshPair(pair.refresh) }

      pair = try await tokens.issuePair(for: rig.me)
      for _ in 0..<3 {
        rig.time.advance(by: .seconds(29 * 86_400))
        pair = try await tokens.refreshPair(pair.refresh)
      }
      rig.time.advance(by: .seconds(3 * 86_400))
      await expect(.tooOld) { try await tokens.refreshPair(pair.refresh) }
    }
  }

  @Test(arguments: TestEngine.available)
  func oneSubjectHasSoManyRefreshTokens(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      let first = try await tokens.issuePair(for: rig.me)
      let other = try await tokens.issuePair(for: rig.other)
      rig.time.advance(by: .milliseconds(1))
      for _ in 1..<RefreshTokens.maximumPerSubject { _ = try await tokens.issuePair(for: rig.me) }
      let count = { try await rig.database.read { try $0.query("SELECT 1 AS one FROM refresh_tokens") { _ in } }.count }
      #expect(try await count() == RefreshTokens.maximumPerSubject + 1)
      rig.time.advance(by: .milliseconds(1))
      _ = try await tokens.issuePair(for: rig.me)
      #expect(try await count() == RefreshTokens.maximumPerSubject + 1)
      await expect(.malformed) { try await tokens.refreshPair(first.refresh) }
      _ = try await tokens.refreshPair(other.refresh)
    }
  }

  @Test(arguments: TestEngine.available)
  func aSandboxsTokenIsWorthNothingElsewhere(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let real = try await rig.tokens()
      let sandbox = try await rig.tokens(issuer: .sandbox, directory: rig.directory + "/sandbox")
      let token = try await sandbox.issue(for: rig.me, isAdmin: true)
      await expect(.unknownKey) { try await real.verify(token.text) }
      let other = try await real.issue(for: rig.me)
      await expect(.unknownKey) { try await sandbox.verify(other.text) }
      await #expect(throws: KeyFileError.self) { try await rig.tokens(issuer: .sandbox) }
    }
  }

  @Test(arguments: TestEngine.available)
  func aRotatedKeyIsFoundByOtherProcesses(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let (here, there) = (try await rig.tokens(), try await rig.tokens())
      let old = try await here.issue(for: rig.me)
      try await here.rotateKeys()
      let new = try await here.issue(for: rig.me)
      #expect(try await here.verify(old.text) == old.claims)
      // A token with a made-up key must not make it read the file again and again.
      await expect(.unknownKey) { try await there.verify(new.text) }
      rig.time.advance(by: KeyStore.rereadInterval)
      #expect(try await there.verify(new.text) == new.claims)
      #expect(try await there.verify(old.text) == old.claims)
    }
  }

  @Test(arguments: TestEngine.available)
  func memoryIsBoundedAndTheAnswerStaysRight(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let full = try await rig.tokens()
      let issued = try await (0..<6).asyncMap { _ in try await full.issue(for: rig.me) }
      for token in issued.dropLast() { try await full.logOut(token.claims) }
      let leaver = try await full.issue(for: rig.other)
      try await full.endAllSessions(of: rig.other)

      let revocations = Revocations(database: rig.database, time: rig.time, capacity: 2)
      try await revocations.refresh()
      #expect(revocations.count == 2)
      for token in issued.dropLast() { #expect(try await revocations.isRevoked(token.claims)) }
      #expect(try await revocations.isRevoked(leaver.claims))
      #expect(try await !revocations.isRevoked(issued[5].claims))
    }
  }

  @Test(arguments: TestEngine.available)
  func whatNobodyNeedsIsForgotten(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let tokens = try await rig.tokens()
      let pair = try await tokens.issuePair(for: rig.me)
      try await tokens.logOut(try await tokens.issue(for: rig.me).claims)
      let revocations = Revocations(database: rig.database, time: rig.time)
      try await revocations.refresh()
      #expect(revocations.count == 1)
      rig.time.advance(by: .seconds(30 * 86_400 - 1))
      try await revocations.clean()
      try await revocations.refresh()
      #expect(revocations.count == 1)
      rig.time.advance(by: .seconds(1))
      try await revocations.clean()
      try await revocations.refresh()
      #expect(revocations.count == 0)
      #expect(try await rig.dump("token_revocations").isEmpty)
      #expect(try await rig.dump("refresh_tokens").isEmpty)
      await expect(.malformed) { try await tokens.refreshPair(pair.refresh) }
    }
  }
}
