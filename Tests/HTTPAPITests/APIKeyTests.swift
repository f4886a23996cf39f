import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// API keys: their text, their life, whom they name.
struct APIKeyTests {
  private let me = UserID(100_000_000_000_000_001)
  private let other = UserID(100_000_000_000_000_002)

  /// Handles that are verified, in lower case.
  private struct Handles: HandleOwnership {
    var owners: [String: UserID] = [:]
    func owner(of handle: String, in transaction: ReadTransaction) throws -> UserID? { owners[handle.lowercased()] }
  }

  private func keys(_ rig: Rig, _ owners: [String: UserID] = [:]) -> APIKeys {
    APIKeys(database: rig.database, handles: Handles(owners: owners), time: rig.time)
  }

  // MARK: Text

  @Test func aKeyHasAFormThatCanBeRecognised() throws {
    var seen: Set<String> = []
    for _ in 0..<1_000 {
      let key = try APIKeyText.make().reveal()
      #expect(key.hasPrefix("adj_") && key.utf8.count == 43)
      #expect(key.utf8.dropFirst(4).allSatisfy(Base62.isDigit))
      #expect(try APIKeyText.hash(Secret(key)) == Crypto.sha256(key.utf8))
      seen.insert(key)
    }
    #expect(seen.count == 1_000)
  }

  @Test func everyChangedCharacterIsNoticed() throws {
    let key = Array(try APIKeyText.make().reveal().utf8)
    for index in key.indices {
      for replacement in "0aZ_-. é".utf8 where replacement != key[index] {
        var bytes = key
        bytes[index] = replacement
        #expect(try APIKeyText.hash(Secret(String(decoding: bytes, as: UTF8.self))) == nil)
      }
      #expect(try APIKeyText.hash(Secret(String(decoding: key[..<index], as: UTF8.self))) == nil)
    }
    let text = String(decoding: key, as: UTF8.self)
    for text in [text + "0", " " + text, text + "\n", text.lowercased() + "", String(text.dropFirst())]
    where text != String(decoding: key, as: UTF8.self) {
      #expect(try APIKeyText.hash(Secret(text)) == nil)
    }
  }

  @Test func randomTextIsNoKey() throws {
    let random = SeededRandom(seed: 5)
    for _ in 0..<5_000 {
      let body = (0..<39).map { _ in UInt8(random.integer(below: 256)) }
      #expect(try APIKeyText.hash(Secret("adj_" + String(decoding: body, as: UTF8.self))) == nil)
    }
  }

  @Test(arguments: ["_", "-", " ", "\u{0}", "."])
  func aChecksumDoesNotMakeUpForAnotherAlphabet(character: String) throws {
    let start = "adj_" + String(repeating: "a", count: 32) + character
    let text = start + Base62.encode(try Crypto.sha256(start.utf8).prefix(4), length: 6)
    #expect(text.utf8.count == APIKeyText.length)
    #expect(try APIKeyText.hash(Secret(text)) == nil)
    let good = "adj_" + String(repeating: "a", count: 33)
    let key = good + Base62.encode(try Crypto.sha256(good.utf8).prefix(4), length: 6)
    #expect(try APIKeyText.hash(Secret(key)) != nil)
  }

  @Test func base62IsThatOfANumber() {
    #expect(Base62.encode([0], length: 3) == "000")
    #expect(Base62.encode([61], length: 2) == "0z")
    #expect(Base62.encode([62], length: 2) == "10")
    #expect(Base62.encode([1, 0], length: 3) == "048")
    #expect(Base62.encode([UInt8](repeating: 255, count: 24), length: 33).first != "0")
  }

  // MARK: Life

  @Test(arguments: TestEngine.available)
  func aKeyIsShownOnceAndStoredAsAHash(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let keys = keys(rig)
      let expiry = rig.time.timestamp + .seconds(60)
      let new = try await keys.create(
        APIKeyRequest(name: "  My Application ", playerName: "Me", permissions: [.readStats], expiresAt: expiry),
        for: me)
      let expected = APIKey(
        id: new.key.id, userID: me, kind: .standard, name: "My Application", playerName: "Me", botName: nil,
        permissions: [.readStats], isLimited: false, isActive: true, createdAt: rig.time.timestamp, expiresAt: expiry,
        lastUsedAt: nil)
      #expect(new.key == expected)
      #expect(try await keys.list(of: me) == [expected])
      #expect(try await keys.list(of: other) == [])
      #expect(!"\(new)".contains(new.text.reveal()))
      let stored = try await rig.dump("api_keys")
      #expect(stored.contains("My Application") && !stored.contains(new.text.reveal().dropFirst(4)))

      var used = expected
      used.lastUsedAt = rig.time.timestamp
      #expect(try await keys.authenticate(new.text) == expected)
      #expect(try await keys.list(of: me) == [used])
      let invented = try APIKeyText.make()
      #expect(try await keys.authenticate(invented) == nil)
      #expect(try await keys.authenticate(Secret("")) == nil)
      rig.time.advance(by: .milliseconds(59_999))
      #expect(try await keys.authenticate(new.text) != nil)
      rig.time.advance(by: .milliseconds(1))
      #expect(try await keys.authenticate(new.text) == nil)
    }
  }

  @Test(arguments: TestEngine.available)
  func aKeyWithoutPermissionsReadsAndRecordsItsOwnKills(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let key = try await keys(rig).create(APIKeyRequest(name: "x"), for: me).key
      #expect(key.permissions == [.readKills, .writeKills])
    }
  }

  @Test(arguments: TestEngine.available)
  func keysAreSwitchedOffAndDeletedByTheirOwnerAlone(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let keys = keys(rig)
      let new = try await keys.create(APIKeyRequest(name: "x"), for: me)
      let id = new.key.id
      await #expect(throws: APIKeyError.notFound) {
        try await keys.update(id, of: other, APIKeyChanges(isActive: false))
      }
      await #expect(throws: APIKeyError.notFound) { try await keys.delete(id, of: other) }
      await #expect(throws: APIKeyError.notFound) { try await keys.find(id, of: other) }
      let changed = try await keys.update(
        id, of: me, APIKeyChanges(name: "y", isActive: false, permissions: [.readLogs]))
      #expect(changed.name == "y" && !changed.isActive && changed.permissions == [.readLogs])
      #expect(try await keys.find(id, of: me) == changed)
      #expect(try await keys.authenticate(new.text) == nil)
      #expect(try await keys.update(id, of: me, APIKeyChanges(isActive: true)).name == "y")
      #expect(try await keys.authenticate(new.text)?.permissions == [.readLogs])
      try await keys.delete(id, of: me)
      #expect(try await keys.authenticate(new.text) == nil)
      await #expect(throws: APIKeyError.notFound) { try await keys.delete(id, of: me) }
    }
  }

  @Test(arguments: TestEngine.available)
  func badRequestsMakeNothing(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig async throws -> Void in
      let keys = keys(rig)
      let cases: [(APIKeyRequest, String)] = [
        (APIKeyRequest(name: " "), "name"), (APIKeyRequest(name: String(repeating: "x", count: 101)), "name"),
        (APIKeyRequest(name: "a\u{0}b"), "name"), (APIKeyRequest(name: "x", playerName: ""), "playerName"),
        (APIKeyRequest(name: "x", playerName: String(repeating: "x", count: 65)), "playerName"),
        (APIKeyRequest(name: "x", botName: "a\nb"), "botName"),
        (APIKeyRequest(name: "x", expiresAt: rig.time.timestamp), "expiresAt"),
      ]
      for (request, field) in cases {
        #expect(await refusedField(request, keys) == field, "\(request)")
      }
      #expect(try await keys.list(of: me).isEmpty)
      let long = String(repeating: "é", count: 100)
      #expect(try await keys.create(APIKeyRequest(name: long), for: me).key.name == long)
    }
  }

  private func refusedField(_ request: APIKeyRequest, _ keys: APIKeys) async -> String? {
    do {
      _ = try await keys.create(request, for: me)
      return nil
    } catch APIKeyError.invalid(let field, _) {
      return field
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: TestEngine.available)
  func aUserHasSoManyKeys(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let keys = keys(rig)
      for _ in 0..<APIKeys.maximumPerUser { _ = try await keys.create(APIKeyRequest(name: "x"), for: me) }
      await #expect(throws: APIKeyError.tooMany) { try await keys.create(APIKeyRequest(name: "x"), for: me) }
      await #expect(throws: APIKeyError.tooMany) { try await keys.primary(for: me, playerName: "Me") }
      _ = try await keys.create(APIKeyRequest(name: "x"), for: other)
    }
  }

  // MARK: Primary

  @Test(arguments: TestEngine.available)
  func askedTwiceThereIsOnePrimaryKey(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let keys = keys(rig)
      let first = try await keys.primary(for: me, playerName: "Me")
      let text = try #require(first.text)
      let second = try await keys.primary(for: me, playerName: "Me")
      #expect(second.text == nil)
      #expect(second.key == first.key)
      #expect(first.key.kind == .primary)
      #expect(try await keys.primary(for: me, playerName: "Renamed").key.id == first.key.id)
      #expect(try await keys.authenticate(text)?.playerName == "Renamed")
      #expect(try await keys.primary(for: other, playerName: "Other").text != nil)

      _ = try await keys.update(first.key.id, of: me, APIKeyChanges(isActive: false))
      let third = try await keys.primary(for: me, playerName: "Me", isLimited: true)
      #expect(third.text != nil && third.key.id != first.key.id && third.key.isLimited)
      #expect(try await keys.list(of: me).count == 1)
      #expect(try await keys.authenticate(text) == nil)
    }
  }

  @Test(arguments: TestEngine.available)
  func ofManyThatAskAtOnceOneMakesIt(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let keys = keys(rig)
      let texts = try await withThrowingTaskGroup(of: Secret<String>?.self) { group in
        for _ in 0..<8 { group.addTask { try await keys.primary(for: me, playerName: "Me").text } }
        return try await group.reduce(into: []) { if let text = $1 { $0.append(text) } }
      }
      #expect(texts.count == 1)
      #expect(try await keys.list(of: me).count == 1)
    }
  }

  // MARK: Handles

  @Test(arguments: TestEngine.available)
  func aKeyNamesNobodyElse(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let keys = keys(rig, ["me": me, "other": other])
      let mine = try await keys.create(APIKeyRequest(name: "x", playerName: "ME"), for: me)
      #expect(try await keys.authenticate(mine.text)?.playerName == "ME")
      _ = try await keys.create(APIKeyRequest(name: "x", playerName: "Nobody"), for: me)
      await #expect(throws: APIKeyError.handleTaken) {
        try await keys.create(APIKeyRequest(name: "x", playerName: "Other"), for: me)
      }
      await #expect(throws: APIKeyError.handleTaken) { try await keys.primary(for: me, playerName: "Other") }
      _ = try await keys.primary(for: me, playerName: "Me")
      await #expect(throws: APIKeyError.handleTaken) { try await keys.primary(for: me, playerName: "Other") }
      #expect(try await keys.list(of: me).map(\.playerName) == ["Me", "Nobody", "ME"])
    }
  }

  @Test(arguments: TestEngine.available)
  func aHandleThatIsVerifiedLaterIsTakenFromTheKey(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let new = try await keys(rig).create(APIKeyRequest(name: "x", playerName: "Ace"), for: me)
      #expect(try await keys(rig, ["ace": other]).authenticate(new.text)?.playerName == nil)
      #expect(try await keys(rig, ["ace": me]).authenticate(new.text)?.playerName == "Ace")
    }
  }

  // MARK: Last use

  @Test(arguments: TestEngine.available)
  func theLastUseIsWrittenLater(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let keys = keys(rig)
      let new = try await keys.create(APIKeyRequest(name: "x"), for: me)
      let unused = try await keys.create(APIKeyRequest(name: "y"), for: me)
      rig.time.advance(by: .seconds(1))
      let first = rig.time.timestamp
      _ = try await keys.authenticate(new.text)
      let elsewhere = self.keys(rig)
      #expect(try await elsewhere.find(new.key.id, of: me).lastUsedAt == nil)
      try await keys.flushUsage()
      #expect(try await elsewhere.find(new.key.id, of: me).lastUsedAt == first)
      rig.time.advance(by: .seconds(1))
      _ = try await elsewhere.authenticate(new.text)
      let second = rig.time.timestamp
      try await elsewhere.flushUsage()
      // A process that writes late does not turn it back.
      let usage = APIKeyUsage(database: rig.database, time: rig.time, log: .silent)
      usage.note(new.key.id, at: first)
      try await usage.flush()
      #expect(usage.pendingCount == 0)
      #expect(try await keys.find(new.key.id, of: me).lastUsedAt == second)
      #expect(try await keys.find(unused.key.id, of: me).lastUsedAt == nil)
    }
  }

  @Test(arguments: TestEngine.available)
  func itIsWrittenOnceAMinute(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let keys = keys(rig)
      let new = try await keys.create(APIKeyRequest(name: "x"), for: me)
      _ = try await keys.authenticate(new.text)
      let running = Task { await keys.run() }
      defer { running.cancel() }
      await rig.time.waitForSleepers()
      rig.time.advance(by: APIKeyUsage.interval)
      await rig.time.waitForSleepers()
      #expect(try await self.keys(rig).find(new.key.id, of: me).lastUsedAt != nil)
    }
  }

  @Test(arguments: [TestEngine.sqlite])
  func memoryOfUsesIsBounded(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let usage = APIKeyUsage(database: rig.database, time: rig.time, log: .silent)
      for number in 1...APIKeyUsage.capacity + 5 {
        usage.note(APIKeyID(number: Int64(number)), at: rig.time.timestamp)
      }
      #expect(usage.pendingCount == APIKeyUsage.capacity)
      rig.time.advance(by: .seconds(1))
      usage.note(APIKeyID(number: 1), at: rig.time.timestamp)
      try await usage.flush()
      #expect(usage.pendingCount == 0)
    }
  }
}
