import HTTP
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// Guessing becomes slow, and nobody is locked out for good.
struct LoginThrottleTests {
  private let start = Timestamp(seconds: 1_700_000_000)
  private let policy = LoginThrottle.Policy.account

  @Test func pausesGrowAndEnd() {
    let pauses = (0...20).map { policy.pause(after: $0).components.seconds }
    #expect(
      pauses == [0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900, 900, 900])
    #expect(policy.pause(after: 1_000_000) == .seconds(900))
    #expect(LoginThrottle.Policy.address.pause(after: 19) == .zero)
    #expect(LoginThrottle.Policy.address.pause(after: 20) == .seconds(2))
    for policy in [LoginThrottle.Policy.account, .address] { #expect(policy.memory > policy.longest) }
  }

  @Test func aPauseEndsOnTime() {
    var throttle = LoginThrottle()
    for _ in 0..<5 {
      #expect(throttle.wait(at: start, policy) == .zero)
      throttle.begin(at: start, policy)
    }
    #expect(throttle.wait(at: start, policy) == .seconds(2))
    #expect(throttle.wait(at: start + .milliseconds(1_999), policy) == .milliseconds(1))
    #expect(throttle.wait(at: start + .seconds(2), policy) == .zero)
    // A clock that was set back makes nobody wait longer than the pause.
    #expect(throttle.wait(at: start + .seconds(-86_400 * 365), policy) == .seconds(2))
    throttle.begin(at: start + .seconds(2), policy)
    #expect(throttle.wait(at: start + .seconds(2), policy) == .seconds(4))
  }

  @Test func aDayWithoutAnAttemptForgets() {
    var throttle = LoginThrottle(attempts: 50, lastAt: start)
    #expect(throttle.wait(at: start, policy) == .seconds(900))
    let later = start + policy.memory
    #expect(!throttle.isForgotten(at: later + .milliseconds(-1), policy))
    #expect(throttle.isForgotten(at: later, policy))
    throttle.begin(at: later, policy)
    #expect(throttle == LoginThrottle(attempts: 1, lastAt: later))
    throttle.takeBack()
    throttle.takeBack()
    #expect(throttle.attempts == 0)
  }

  private func group(_ number: Int) throws -> NetworkBlock {
    try #require(IPAddress("10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)")).site
  }

  @Test func aFloodOfAddressesForgetsItself() throws {
    var throttles = AddressThrottles(capacity: 100)
    let guilty = try group(0)
    for _ in 0..<30 { throttles.begin(guilty, at: start) }
    for number in 1...5_000 {
      throttles.begin(try group(number), at: start)
      #expect(throttles.throttles.count <= 100)
    }
    #expect(throttles.wait(of: guilty, at: start) > .zero)
    #expect(throttles.wait(of: try group(1), at: start) == .zero)
    for number in 1...100 { throttles.begin(try group(number), at: start + .seconds(3_600)) }
    #expect(throttles.throttles[guilty] == nil)
  }

  @Test func whatIsTakenBackTakesNoRoom() throws {
    var throttles = AddressThrottles(capacity: 100)
    throttles.begin(try group(1), at: start)
    throttles.takeBack(try group(1))
    throttles.takeBack(try group(2))
    #expect(throttles.throttles.isEmpty)
  }

  // MARK: With a database

  private func attempt(_ attempts: LoginAttempts, _ account: String, from number: Int) async throws -> Duration {
    switch try await attempts.begin(account: account, address: try group(number)) {
    case .allowed: .zero
    case .wait(let duration): duration
    }
  }

  @Test(arguments: TestEngine.available)
  func anAccountIsGuardedWhereverTheGuessesComeFrom(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig async throws -> Void in
      let attempts = LoginAttempts(database: rig.database, time: rig.time)
      for number in 0..<5 { #expect(try await attempt(attempts, "me", from: number) == .zero) }
      #expect(try await attempt(attempts, "me", from: 9) == .seconds(2))
      #expect(try await attempt(attempts, "you", from: 9) == .zero)
      // Also after a restart, and in another process.
      let other = LoginAttempts(database: rig.database, time: rig.time)
      #expect(try await attempt(other, "me", from: 9) == .seconds(2))
      rig.time.advance(by: .seconds(2))
      #expect(try await attempt(other, "me", from: 9) == .zero)
      #expect(try await attempt(attempts, "me", from: 9) == .seconds(4))
      // Refused ones do not make it longer.
      #expect(try await attempt(attempts, "me", from: 9) == .seconds(4))
      // Nor are they held against the address.
      for _ in 0..<30 { #expect(try await attempt(attempts, "me", from: 10) == .seconds(4)) }
      #expect(try await attempt(attempts, "you", from: 10) == .zero)
      // What strangers type is not stored.
      #expect(try await !rig.dump("login_attempts").contains("me"))
    }
  }

  @Test(arguments: TestEngine.available)
  func strangersDoNotKeepTheOwnerOut(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let attempts = LoginAttempts(database: rig.database, time: rig.time)
      #expect(try await attempt(attempts, "me", from: 1) == .zero)
      try await attempts.succeeded(account: "me", address: try group(1))
      for _ in 0..<100 {
        _ = try await attempt(attempts, "me", from: 2)
        rig.time.advance(by: .seconds(60))
      }
      #expect(try await attempt(attempts, "me", from: 3) > .zero)
      #expect(try await attempt(attempts, "me", from: 1) == .zero)
      // From there too one cannot guess for ever.
      for _ in 0..<4 { #expect(try await attempt(attempts, "me", from: 1) == .zero) }
      #expect(try await attempt(attempts, "me", from: 1) == .seconds(2))
      // The acquaintance ends.
      rig.time.advance(by: .seconds(30 * 86_400))
      for _ in 0..<5 { #expect(try await attempt(attempts, "me", from: 1) == .zero) }
      #expect(try await attempt(attempts, "me", from: 4) == .seconds(2))
    }
  }

  @Test(arguments: TestEngine.available)
  func aSuccessForgetsTheAccountsFailuresButNotTheAddresss(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let attempts = LoginAttempts(database: rig.database, time: rig.time)
      for _ in 0..<4 { _ = try await attempt(attempts, "me", from: 1) }
      _ = try await attempt(attempts, "me", from: 1)
      try await attempts.succeeded(account: "me", address: try group(1))
      for _ in 0..<5 { #expect(try await attempt(attempts, "me", from: 2) == .zero) }

      // Somebody guesses at many accounts, and logs in to their own in between.
      for number in 0..<20 {
        #expect(try await attempt(attempts, "a\(number)", from: 7) == .zero)
        if number % 5 == 4, number < 19 {
          #expect(try await attempt(attempts, "own", from: 7) == .zero)
          try await attempts.succeeded(account: "own", address: try group(7))
        }
      }
      #expect(try await attempt(attempts, "b", from: 7) == .seconds(2))
      #expect(try await attempt(attempts, "b", from: 8) == .zero)
    }
  }

  @Test(arguments: TestEngine.available)
  func ofManyAtOnceOnlyTheFreeOnesPass(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let attempts = LoginAttempts(database: rig.database, time: rig.time)
      let group = try group(1)
      let allowed = try await withThrowingTaskGroup(of: LoginAttempts.Verdict.self) { tasks in
        for _ in 0..<40 { tasks.addTask { try await attempts.begin(account: "me", address: group) } }
        return try await tasks.reduce(0) { $0 + ($1 == .allowed ? 1 : 0) }
      }
      #expect(allowed == 5)
    }
  }

  @Test(arguments: TestEngine.available)
  func storedCountsAreBounded(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let attempts = LoginAttempts(database: rig.database, time: rig.time, maximumStored: 3)
      for number in 0..<5 {
        _ = try await attempt(attempts, "account\(number)", from: number)
        rig.time.advance(by: .seconds(1))
      }
      try await attempts.clean()
      let count = { try await rig.database.read { try $0.query("SELECT 1 AS one FROM login_attempts") { _ in } }.count }
      #expect(try await count() == 3)
      for _ in 0..<4 { #expect(try await attempt(attempts, "account4", from: 9) == .zero) }
      #expect(try await attempt(attempts, "account4", from: 9) > .zero)
      rig.time.advance(by: .seconds(86_400 - 1))
      try await attempts.clean()
      #expect(try await count() == 1)
      rig.time.advance(by: .seconds(1))
      try await attempts.clean()
      #expect(try await count() == 0)
      _ = try await attempt(attempts, "me", from: 1)
      try await attempts.succeeded(account: "me", address: try group(1))
      rig.time.advance(by: .seconds(30 * 86_400 - 1))
      try await attempts.clean()
      #expect(try await count() == 1)
      rig.time.advance(by: .seconds(1))
      try await attempts.clean()
      #expect(try await count() == 0)
    }
  }
}
