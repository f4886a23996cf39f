import Platform
import StorageTestSupport
import Testing

@testable import Core
@testable import KillTracker

/// What is told, to whom, and that neither a crash nor an outage loses or repeats it; on both databases.
@Suite(.timeLimit(.minutes(2)))
struct KillFeedTests {
  @Test(arguments: TestEngine.available)
  func aBurstIsToldInOneMessage(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp()
      try await rig.join(ann)
      var ids: [KillID] = []
      for number in 0..<3 { ids.append(try await rig.record(.handle("v\(number)"))) }
      let position = try await rig.noteNew()
      #expect(try await rig.due() == FeedNotes.gathering)
      #expect(try await rig.services.feeds.find(FeedRig.guild)?.waiting == 3)
      // More of the same burst; the time stays.
      rig.time.advance(by: .seconds(1))
      ids.append(
        try await rig.services.kills.record(KillReport(victim: .handle("v3")), by: KillReporter(user: ann)).kill.id)
      _ = try await rig.noteNew(after: position)
      #expect(try await rig.due() == .seconds(1))
      rig.time.advance(by: .seconds(1))
      try await rig.tellOnce()
      #expect(rig.outlet.told == [ids])
      #expect(try await rig.due() == nil)
      let feed = try #require(try await rig.services.feeds.find(FeedRig.guild))
      #expect(feed.waiting == 0)
      #expect(feed.postedAt == rig.time.timestamp)
      #expect(try await rig.notedRows() == 0)
    }
  }

  @Test(arguments: TestEngine.available)
  func theFiltersHold(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      // Ann is a member of both servers, Bob of the second, Cem of none.
      try await rig.join(ann)
      try await rig.join(ann, FeedRig.other)
      try await rig.join(bob, FeedRig.other)
      try await rig.setUp(.init(membersOnly: true, pvpOnly: true))
      try await rig.setUp(.init(membersOnly: false, minimumValue: 2_000_000), in: FeedRig.other)
      let byAnn = try await rig.record(.handle("a"))
      let ofAnn = try await rig.record(.user(ann), by: bob)
      _ = try await rig.record(.handle("b"), by: bob)
      _ = try await rig.record(.character("c"), kind: .pve)
      let rich = try await rig.record(.handle("d"), by: cem, ship: "Anvil Valkyrie")
      let zone = try await rig.record(.handle("e"), by: cem, location: "Anvil Valkyrie")
      _ = try await rig.record(.handle("f"), by: cem, ship: "Origin 100i")
      _ = try await rig.record(.handle("g"), by: cem, ship: "Unheard of")
      // That server only says so: nobody of it has a part.
      _ = try await rig.record(.handle("h"), by: cem, server: FeedRig.guild)
      // Of a server that keeps its kills to itself.
      rig.privateServers.all.withLock { _ = $0.insert(GuildID(900_000_000_000_000_003)) }
      _ = try await rig.record(.handle("i"), ship: "Anvil Valkyrie", server: GuildID(900_000_000_000_000_003))
      _ = try await rig.noteNew()
      try await rig.tellAll()
      #expect(Set(rig.outlet.told) == [[byAnn, ofAnn], [rich, zone]])
      let item = try #require(rig.outlet.messages.withLock { $0 }.flatMap(\.items).first { $0.kill.id == rich })
      #expect(item.vehicle == "Anvil Valkyrie")
      #expect(item.vehiclePrice == 19_845_000)
    }
  }

  @Test(arguments: TestEngine.available)
  func privatePlayersAreNeverTold(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      try await rig.services.players.update(bob, privacy: .private)
      _ = try await rig.record(.user(bob))
      _ = try await rig.record(.handle("x"), by: bob)
      let shown = try await rig.record(.handle("y"), by: cem)
      let later = try await rig.record(.handle("z"))
      _ = try await rig.noteNew()
      // Private, or taken back, before it is told.
      try await rig.services.players.update(ann, privacy: .private)
      try await rig.tellAll()
      #expect(rig.outlet.told == [[shown]])
      let deleted = try await rig.record(.handle("y"), by: cem)
      _ = try await rig.noteNew(after: 4)
      try await rig.services.kills.delete(deleted, by: KillViewer(user: cem))
      try await rig.tellAll()
      #expect(rig.outlet.told == [[shown]])
      #expect(try await rig.services.feeds.find(FeedRig.guild)?.waiting == 0)
      _ = later
    }
  }

  @Test(arguments: TestEngine.available)
  func aPrivateServersKillsAreItsOwn(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      try await rig.setUp(.init(membersOnly: false), in: FeedRig.other)
      let id = try await rig.record(.handle("x"), server: FeedRig.guild)
      var position = try await rig.noteNew()
      // Private before it is told.
      rig.privateServers.all.withLock { _ = $0.insert(FeedRig.guild) }
      try await rig.tellAll()
      #expect(rig.outlet.told == [[id]])
      let next = try await rig.record(.handle("y"), server: FeedRig.guild)
      position = try await rig.noteNew(after: position)
      try await rig.tellAll()
      #expect(rig.outlet.told == [[id], [next]])
      let own = try await rig.record(.handle("z"), server: FeedRig.other)
      _ = try await rig.noteNew(after: position)
      try await rig.tellAll()
      #expect(rig.outlet.told == [[id], [next], [own], [own]])
    }
  }

  @Test func settingsOfAServerDecideOverItsFeed() async throws {
    try await withTestDatabase(.sqlite) { database in
      let shared = try await SharedState.open(database, modules: [ServerSettings.tables])
      let settings = ServerSettings(shared, isTracking: { _ in true })
      let isOn = FeedRig.Switch()
      let servers = FeedServers(settings) { [isOn] _ in isOn.isSet }
      let guild = FeedRig.guild
      #expect(servers.isOn(guild) && !servers.isPrivate(guild))
      isOn.isSet = false
      #expect(!servers.isOn(guild))
      isOn.isSet = true
      try await settings.update(guild, ServerChanges(features: [.notifications: false]), by: ann)
      #expect(!servers.isOn(guild))
      try await settings.update(guild, ServerChanges(features: [.notifications: true]), by: ann)
      #expect(servers.isOn(guild))
      try await settings.update(guild, ServerChanges(killNotifications: false), by: ann)
      #expect(!servers.isOn(guild))
      #expect(servers.isOn(FeedRig.other))
      try await settings.update(guild, ServerChanges(privacy: .private, killNotifications: true), by: ann)
      #expect(servers.isOn(guild) && servers.isPrivate(guild))
      #expect(FeedServers(nil) { _ in true }.isOn(guild))
    }
  }

  @Test(arguments: TestEngine.available)
  func whoLeftIsNoMember(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp()
      try await rig.join(ann)
      rig.outlet.members.withLock { $0 = [] }
      _ = try await rig.record(.handle("x"))
      _ = try await rig.noteNew()
      try await rig.tellAll()
      #expect(rig.outlet.told.isEmpty)
      // Nobody asks Discord about them again.
      #expect(try await rig.shared.members.find(ann, in: FeedRig.guild)?.leftAt != nil)
      // Back, and at it.
      try await rig.join(ann)
      let id = try await rig.record(.handle("y"))
      _ = try await rig.noteNew(after: 1)
      try await rig.tellAll()
      #expect(rig.outlet.told == [[id]])
    }
  }

  @Test(arguments: TestEngine.available)
  func tooManyAndTooOldAreToldAsANumber(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      for number in 0..<60 { _ = try await rig.record(.handle("v\(number)")) }
      for number in 0..<7 { _ = try await rig.record(.handle("old\(number)"), ago: .seconds(3_700)) }
      _ = try await rig.noteNew()
      #expect(try await rig.notedRows() == FeedNotes.capacity)
      try await rig.tellAll()
      #expect(try await rig.notedRows() == 0)
      let messages = rig.outlet.messages.withLock { $0 }
      #expect(messages.map(\.items.count) == [10, 10, 10, 10, 10])
      #expect(messages.map(\.missed) == [17, 0, 0, 0, 0])
      #expect(Set(messages.map(\.nonce)).count == 5)
      #expect(messages.allSatisfy { $0.nonce.utf8.count <= 25 })
      let told = messages.flatMap(\.items).map(\.kill.id.rawValue)
      #expect(told == told.sorted() && Set(told).count == 50)
    }
  }

  @Test(arguments: TestEngine.available)
  func oldOnesAloneAreGatheredLonger(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      var position: Int64 = 0
      for number in 0..<3 {
        _ = try await rig.record(.handle("old\(number)"), ago: .seconds(7_200))
        position = try await rig.noteNew(after: position)
      }
      // From the first one on, five seconds each.
      #expect(try await rig.due() == FeedNotes.summaryGathering - .seconds(10))
      // A new one brings them along at once.
      let id = try await rig.record(.handle("new"))
      _ = try await rig.noteNew(after: position)
      #expect(try await rig.due() == FeedNotes.gathering)
      try await rig.tellAll()
      #expect(rig.outlet.told == [[id]])
      #expect(rig.outlet.messages.withLock { $0.map(\.missed) } == [3])
    }
  }

  @Test(arguments: TestEngine.available)
  func whatComesWhileAMessageIsOnItsWayIsToldNext(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      let first = try await rig.record(.handle("a"))
      let position = try await rig.noteNew()
      // An old one: numbers are not in a hurry.
      rig.outlet.meanwhile.withLock { hook in
        hook = {
          _ = try await rig.record(.handle("old"), ago: .seconds(7_200))
          _ = try await rig.noteNew(after: position)
        }
      }
      rig.time.advance(by: FeedNotes.gathering)
      try await rig.tellOnce()
      #expect(rig.outlet.told == [[first]])
      #expect(try await rig.due() == FeedNotes.summaryGathering)
      // A new one: as soon as bursts are gathered.
      let second = try await rig.record(.handle("b"))
      _ = try await rig.noteNew(after: position + 1)
      #expect(try await rig.due() == FeedNotes.gathering)
      rig.outlet.meanwhile.withLock { hook in
        hook = {
          _ = try await rig.record(.handle("c"))
          _ = try await rig.noteNew(after: position + 2)
        }
      }
      rig.time.advance(by: FeedNotes.gathering)
      try await rig.tellOnce()
      #expect(rig.outlet.told == [[first], [second]])
      #expect(try await rig.due() == FeedTeller.pause)
      try await rig.tellAll()
      #expect(rig.outlet.told.count == 3)
      #expect(rig.outlet.messages.withLock { $0.map(\.missed) } == [0, 1, 0])
      #expect(try await rig.services.feeds.find(FeedRig.guild)?.waiting == 0)
    }
  }

  @Test(arguments: TestEngine.available)
  func whatAPersonTellsOfIsNewWhenItIsRecorded(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      let id = try await rig.record(.handle("a"), ago: .seconds(7_200), source: .report)
      _ = try await rig.record(.handle("b"), ago: .seconds(7_200), source: .log)
      _ = try await rig.noteNew()
      try await rig.tellAll()
      #expect(rig.outlet.told == [[id]])
      #expect(rig.outlet.messages.withLock { $0.map(\.missed) } == [1])
    }
  }

  @Test(arguments: TestEngine.available)
  func anOutageKeepsThePlace(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      let first = try await rig.record(.handle("a"))
      let position = try await rig.noteNew()
      rig.outlet.failures.withLock { $0 = [FakeOutlet.Outage(), FakeOutlet.Outage()] }
      rig.time.advance(by: .seconds(2))
      try await rig.tellOnce()
      #expect(try await rig.due() == .seconds(5))
      // More come meanwhile; they neither hurry it nor join what may have arrived already.
      let second = try await rig.record(.handle("b"))
      _ = try await rig.noteNew(after: position)
      #expect(try await rig.due() == .zero)
      try await rig.tellOnce()
      #expect(rig.outlet.told.isEmpty)
      try await rig.tellAll()
      #expect(rig.outlet.told == [[first], [second]])
    }
  }

  @Test(arguments: TestEngine.available)
  func whatAgesDuringAnOutageBecomesANumber(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      var position: Int64 = 0
      for number in 0..<12 {
        _ = try await rig.record(.handle("a\(number)"))
        position = try await rig.noteNew(after: position)
      }
      rig.time.advance(by: .seconds(3_601))
      let id = try await rig.record(.handle("new"))
      _ = try await rig.noteNew(after: position)
      try await rig.tellAll()
      #expect(rig.outlet.told == [[id]])
      #expect(rig.outlet.messages.withLock { $0.map(\.missed) } == [12])
      #expect(try await rig.services.feeds.find(FeedRig.guild)?.waiting == 0)
    }
  }

  @Test(arguments: TestEngine.available)
  func aMessageWhoseAnswerWasLostIsThereOnce(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      let first = try await rig.record(.handle("a"))
      let position = try await rig.noteNew()
      rig.outlet.failures.withLock { $0 = [FakeOutlet.Outage()] }
      rig.outlet.arrivesAllTheSame.withLock { $0 = true }
      rig.time.advance(by: .seconds(2))
      try await rig.tellOnce()
      #expect(rig.outlet.told == [[first]])
      let second = try await rig.record(.handle("b"))
      _ = try await rig.noteNew(after: position)
      try await rig.tellAll()
      // The same message again, with the same name, and then the rest.
      #expect(rig.outlet.told == [[first], [second]])
    }
  }

  @Test(arguments: TestEngine.available)
  func aFeedWhoseChannelIsGoneSwitchesItselfOff(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      _ = try await rig.record(.handle("a"))
      let position = try await rig.noteNew()
      rig.outlet.failures.withLock { $0 = [FeedOutletFailure.closed(reason: "Unknown Channel")] }
      try await rig.tellAll()
      #expect(try await rig.services.feeds.find(FeedRig.guild) == nil)
      #expect(rig.log.records.contains { $0.message == "a kill feed switched itself off" })
      let entry = try #require(try await rig.shared.auditLog.recent(in: FeedRig.guild).first?.entry)
      #expect(entry.action == "killfeed_switched_off")
      #expect(entry.details["reason"] == "Unknown Channel")
      // Nothing is left, and nothing comes.
      _ = try await rig.record(.handle("b"))
      _ = try await rig.noteNew(after: position)
      #expect(try await rig.due() == nil)
    }
  }

  @Test(arguments: TestEngine.available)
  func aFeedThatMovedMeanwhileStaysOn(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      let feed = try #require(try await rig.services.feeds.find(FeedRig.guild))
      let moved = FeedChannelID(5)
      try await rig.services.feeds.set(FeedRig.guild, channel: moved, .init(), by: ann)
      let entry = AuditEntry(userID: ann, guildID: FeedRig.guild, action: "x", category: "x")
      #expect(try await !rig.services.feeds.remove(FeedRig.guild, ifIn: feed.channel, entry))
      #expect(try await rig.services.feeds.find(FeedRig.guild)?.channel == moved)
    }
  }

  @Test(arguments: TestEngine.available)
  func aMessageThatIsRefusedDoesNotStandInTheWay(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      for number in 0..<10 { _ = try await rig.record(.handle("a\(number)")) }
      let last = try await rig.record(.handle("b"))
      _ = try await rig.noteNew()
      rig.outlet.failures.withLock { $0 = [FeedOutletFailure.refused(reason: "50035")] }
      try await rig.tellAll()
      #expect(rig.outlet.told == [[last]])
      #expect(rig.log.records.contains { $0.message == "a message of a kill feed was refused" })
    }
  }

  @Test(arguments: TestEngine.available)
  func withThePluginOffNothingIsTold(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      rig.isOn.isSet = false
      _ = try await rig.record(.handle("a"))
      var position = try await rig.noteNew()
      #expect(try await rig.due() == nil)
      rig.isOn.isSet = true
      _ = try await rig.record(.handle("b"))
      position = try await rig.noteNew(after: position)
      // Switched off before it is told: gone, not kept for later.
      rig.isOn.isSet = false
      try await rig.tellAll()
      rig.isOn.isSet = true
      #expect(try await rig.services.feeds.find(FeedRig.guild)?.waiting == 0)
      let id = try await rig.record(.handle("c"))
      _ = try await rig.noteNew(after: position)
      try await rig.tellAll()
      #expect(rig.outlet.told == [[id]])
    }
  }

  @Test(arguments: TestEngine.available)
  func switchedOffItForgetsWhatWaits(engine: TestEngine) async throws {
    try await withFeed(engine) { rig in
      try await rig.setUp(.init(membersOnly: false))
      _ = try await rig.record(.handle("a"))
      let position = try await rig.noteNew()
      #expect(try await rig.services.feeds.remove(FeedRig.guild, by: ann))
      #expect(try await !rig.services.feeds.remove(FeedRig.guild, by: ann))
      try await rig.setUp(.init(membersOnly: false))
      let id = try await rig.record(.handle("b"))
      _ = try await rig.noteNew(after: position)
      try await rig.tellAll()
      #expect(rig.outlet.told == [[id]])
      let actions = try await rig.shared.auditLog.recent(in: FeedRig.guild).map(\.entry.action)
      #expect(actions.sorted() == ["killfeed_off", "killfeed_set", "killfeed_set"])
    }
  }
}
