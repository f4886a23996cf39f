import Core
import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import HTTPAPI

/// A key that was found good once ends as soon as one that never was.
struct APIKeyMemoryTests {
  private let me = UserID(100_000_000_000_000_001)
  private let other = UserID(100_000_000_000_000_002)

  /// Verified handles, which change their owners, and tell of it.
  private final class Handles: HandleOwnership {
    private let state = Mutex((owners: [String: UserID](), changes: UInt64(0)))
    let asked = Mutex(0)

    func give(_ handle: String, to user: UserID?) {
      state.withLock {
        $0.owners[handle] = user
        $0.changes += 1
      }
    }
    func owner(of handle: String, in transaction: ReadTransaction) throws -> UserID? {
      asked.withLock { $0 += 1 }
      return state.withLock { $0.owners[handle] }
    }
    var changes: UInt64? { state.withLock { $0.changes } }
  }

  private func keys(_ rig: Rig, _ handles: Handles) -> APIKeys {
    APIKeys(database: rig.database, handles: handles, time: rig.time)
  }

  @Test(arguments: TestEngine.available) func itIsWhatTheDatabaseSays(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let handles = Handles()
      let keys = keys(rig, handles)
      let new = try await keys.create(APIKeyRequest(name: "a", playerName: "Ace"), for: me)
      func found() async throws -> APIKey? {
        let first = try await keys.authenticate(new.text)
        #expect(try await keys.authenticate(new.text) == first)
        return first
      }
      #expect(try await found()?.permissions == Permission.standard)
      _ = try await keys.update(new.key.id, of: me, APIKeyChanges(permissions: [.readLogs]))
      #expect(try await found()?.permissions == [.readLogs])
      _ = try await keys.update(new.key.id, of: me, APIKeyChanges(isActive: false))
      #expect(try await found() == nil)
      _ = try await keys.update(new.key.id, of: me, APIKeyChanges(isActive: true))
      #expect(try await found()?.playerName == "Ace")
      handles.give("Ace", to: other)
      #expect(try await found()?.playerName == .some(nil))
      handles.give("Ace", to: nil)
      #expect(try await found()?.playerName == "Ace")
      // Somebody else's key, and one that cannot be deleted, change nothing.
      await #expect(throws: APIKeyError.notFound) { try await keys.delete(new.key.id, of: other) }
      #expect(try await found() != nil)
      try await keys.delete(new.key.id, of: me)
      #expect(try await found() == nil)
      // All of somebody's go with their data.
      let last = try await keys.create(APIKeyRequest(name: "b"), for: me)
      #expect(try await keys.authenticate(last.text) != nil)
      #expect(try await keys.deleteAll(of: other) == 0)
      #expect(try await keys.authenticate(last.text) != nil)
      #expect(try await keys.deleteAll(of: me) == 1)
      #expect(try await keys.authenticate(last.text) == nil)
    }
  }

  @Test func theOneOfTheApplicationFollowsItsPlayer() async throws {
    try await Rig.with(.sqlite) { rig in
      let keys = keys(rig, Handles())
      let made = try await keys.primary(for: me, playerName: "First")
      let text = try #require(made.text)
      #expect(try await keys.authenticate(text)?.playerName == "First")
      _ = try await keys.primary(for: me, playerName: "Second")
      #expect(try await keys.authenticate(text)?.playerName == "Second")
      _ = try await keys.update(made.key.id, of: me, APIKeyChanges(isActive: false))
      let next = try await keys.primary(for: me, playerName: "Third")
      #expect(try await keys.authenticate(text) == nil)
      let renewed = try #require(next.text)
      #expect(try await keys.authenticate(renewed)?.playerName == "Third")
    }
  }

  @Test func itEndsInTimeAndIsReadAgainNowAndThen() async throws {
    try await Rig.with(.sqlite) { rig in
      let handles = Handles()
      let keys = keys(rig, handles)
      let end = rig.time.timestamp + .seconds(30)
      let short = try await keys.create(APIKeyRequest(name: "a", expiresAt: end), for: me)
      let long = try await keys.create(APIKeyRequest(name: "b", playerName: "Ace"), for: me)
      for _ in 0..<3 {
        #expect(try await keys.authenticate(short.text) != nil)
        #expect(try await keys.authenticate(long.text) != nil)
      }
      #expect(handles.asked.withLock { $0 } == 2)  // when it was made, and the first time that it was shown
      rig.time.advance(by: .milliseconds(29_999))
      #expect(try await keys.authenticate(short.text) != nil)
      rig.time.advance(by: .milliseconds(1))
      #expect(try await keys.authenticate(short.text) == nil)
      #expect(try await keys.authenticate(long.text) != nil)
      #expect(handles.asked.withLock { $0 } == 2)
      rig.time.advance(by: APIKeyMemory.longest)
      #expect(try await keys.authenticate(long.text) != nil)
      #expect(handles.asked.withLock { $0 } == 3)
      // Its use is noted whether it was read or not.
      #expect(try await keys.find(long.key.id, of: me).lastUsedAt == rig.time.timestamp)
      rig.time.advance(by: .seconds(1))
      #expect(try await keys.authenticate(long.text) != nil)
      #expect(try await keys.find(long.key.id, of: me).lastUsedAt == rig.time.timestamp)
    }
  }

  @Test(arguments: TestEngine.available) func whereOthersMayEndItNothingIsKept(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let (here, there) = (keys(rig, Handles()), keys(rig, Handles()))
      let new = try await here.create(APIKeyRequest(name: "a"), for: me)
      #expect(try await here.authenticate(new.text) != nil)
      #expect(try await there.authenticate(new.text) != nil)
      #expect(here.memory.count == (engine == .postgreSQL ? 0 : 1))
      guard engine == .postgreSQL else { return }
      try await there.delete(new.key.id, of: me)
      #expect(try await here.authenticate(new.text) == nil)
    }
  }

  @Test func noOneKnowsWhoseHandlesAreNothingIsKept() async throws {
    try await Rig.with(.sqlite) { rig in
      let keys = APIKeys(database: rig.database, handles: NoOwners(), time: rig.time)
      let new = try await keys.create(APIKeyRequest(name: "a"), for: me)
      #expect(try await keys.authenticate(new.text) != nil)
      #expect(keys.memory.count == 0)
    }
  }

  @Test func whatWasReadBeforeAChangeIsNotKeptAfterIt() throws {
    let memory = APIKeyMemory(capacity: 4)
    let key = APIKey(
      id: APIKeyID(number: 1), userID: me, kind: .standard, name: "a", permissions: [], isLimited: false,
      isActive: true, createdAt: Timestamp(seconds: 0))
    let now = ContinuousClock.now
    let before = try #require(memory.stamp(handles: 7))
    memory.keysChanged()
    memory.insert(key, for: [1], before, at: now)
    let after = try #require(memory.stamp(handles: 7))
    #expect(memory.find([1], after, at: now) == nil)
    memory.insert(key, for: [1], after, at: now)
    #expect(memory.find([1], after, at: now) == key)
    let later = try #require(memory.stamp(handles: 8))
    #expect(memory.find([1], later, at: now) == nil)
    #expect(memory.stamp(handles: nil) == nil)
    for number in 2..<100 as Range<UInt8> {
      memory.insert(key, for: [number], after, at: now)
      #expect(memory.find([1], after, at: now) == key)
      #expect(memory.count <= 8)
    }
    #expect(memory.find([50], after, at: now) == nil)
  }
}
