import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// The settings of servers: one record, its switches, and who sees a private server.
@Suite(.timeLimit(.minutes(2))) struct ServerSettingsTests {
  private static let guild = GuildID(900_000_000_000_000_001)
  private static let manager = UserID(100_000_000_000_000_001)
  private static let member = UserID(100_000_000_000_000_002)

  private struct House {
    let shared: SharedState
    let settings: ServerSettings
    let kills: Kills
    let switched: Recorder
  }

  /// Counts how often a server's commands were to be brought in order.
  private actor Recorder {
    var guilds: [GuildID] = []
    func note(_ guild: GuildID) { guilds.append(guild) }
  }

  private func open(_ shared: SharedState, _ recorder: Recorder = Recorder()) async throws -> ServerSettings {
    let settings = ServerSettings(
      shared,
      isTracking: { [switches = shared.switches] in switches.isEnabled("killtracker", in: $0, default: true) },
      onSwitch: { await recorder.note($0) })
    try await settings.reload()
    return settings
  }

  private func withHouse(_ engine: TestEngine, _ body: (House) async throws -> Void) async throws {
    try await withTestDatabase(engine) { database in
      let time = ManualTime()
      let shared = try await SharedState.open(
        database, modules: [KillTables.module, ServerSettings.tables], time: time)
      let publishing = Task { await shared.events.run() }
      defer { publishing.cancel() }
      let recorder = Recorder()
      let settings = try await open(shared, recorder)
      let kills = Kills(database: database, events: KillEvents(shared.events), servers: settings, time: time)
      try await body(House(shared: shared, settings: settings, kills: kills, switched: recorder))
    }
  }

  @Test(arguments: TestEngine.available) func aPartialUpdateKeepsTheRest(engine: TestEngine) async throws {
    try await withHouse(engine) { house in
      #expect(house.settings.record(of: Self.guild) == ServerRecord())
      try await house.settings.update(
        Self.guild, ServerChanges(prefix: "?", leaderboardChannel: "#general"), by: Self.manager)
      let seen = try await house.settings.update(
        Self.guild, ServerChanges(language: "de", privacy: .private, features: [.notifications: false]),
        by: Self.manager)
      var wanted = ServerRecord()
      wanted.prefix = "?"
      wanted.language = "de"
      wanted.privacy = .private
      wanted.leaderboardChannel = "general"
      wanted.features = [.killTracker, .leaderboard]
      #expect(seen == wanted && house.settings.record(of: Self.guild) == wanted)
      // As it is on disk.
      #expect(try await open(house.shared).record(of: Self.guild) == wanted)
      try await house.settings.update(Self.guild, ServerChanges(leaderboardChannel: .some(nil)), by: Self.manager)
      #expect(house.settings.record(of: Self.guild).leaderboardChannel == nil)
      #expect(house.settings.record(of: GuildID(1)) == ServerRecord())
      #expect(await house.switched.guilds.isEmpty)
    }
  }

  @Test(arguments: TestEngine.available) func thePluginsSwitchIsCores(engine: TestEngine) async throws {
    try await withHouse(engine) { house in
      let off = try await house.settings.update(
        Self.guild, ServerChanges(prefix: "?", features: [.killTracker: false]), by: Self.manager)
      #expect(off.features == [.leaderboard, .notifications] && off.prefix == "?")
      #expect(house.shared.switches.choice(of: Self.guild, for: "killtracker") == false)
      #expect(await house.switched.guilds == [Self.guild])
      // No part works while the plugin is off; the choices stay.
      for feature in ServerFeature.allCases { #expect(!house.settings.isOn(feature, in: Self.guild)) }
      #expect(house.settings.isOn(.leaderboard, inServer: Kill.defaultServer))
      // Switched on by `/plugins`.
      try await house.shared.switches.set("killtracker", enabled: true, in: Self.guild, by: Self.manager)
      #expect(house.settings.record(of: Self.guild).isOn(.killTracker))
      // The same again changes nothing and tells nobody.
      try await house.settings.update(Self.guild, ServerChanges(features: [.killTracker: true]), by: Self.manager)
      #expect(await house.switched.guilds == [Self.guild])
      let deadline = ContinuousClock.now + .seconds(30)
      var events: [DomainEvent] = []
      while events.count < 2, ContinuousClock.now < deadline {
        events = try await house.shared.events.events(after: 0)
        await Task.yield()
      }
      #expect(events.map(\.name) == ["server.updated", "server.updated"])
      #expect(events.first?.guildID == Self.guild && events.first?.data["settings"]?["prefix"] == "?")
      #expect(events.first?.data["settings"]?["features"]?["killTracker"] == false)
    }
  }

  @Test(arguments: TestEngine.available) func anotherProcessHearsOfAChange(engine: TestEngine) async throws {
    try await withHouse(engine) { house in
      // A second process on the same database: services of its own.
      let other = try await SharedState.open(
        house.shared.database, modules: [KillTables.module, ServerSettings.tables], time: SystemTime())
      let there = try await open(other)
      let following = Task {
        async let published: Void = other.events.run()
        async let switches: Void = other.switches.run(log: .silent)
        async let settings: Void = there.run()
        _ = await (published, switches, settings)
      }
      let deadline = ContinuousClock.now + .seconds(60)
      var prefix = 0
      // Again and again: what is stored before the other listens is none of its news.
      while there.record(of: Self.guild).prefix == "!" || there.isOn(.killTracker, in: Self.guild),
        ContinuousClock.now < deadline
      {
        prefix += 1
        try await house.settings.update(
          Self.guild, ServerChanges(prefix: "\(prefix)", features: [.killTracker: false]), by: Self.manager)
        await Task.yield()
      }
      #expect(there.record(of: Self.guild).prefix != "!" && !there.isOn(.killTracker, in: Self.guild))
      following.cancel()
      await following.value
    }
  }

  @Test(arguments: TestEngine.available) func changesAtTheSameTimeAllStay(engine: TestEngine) async throws {
    try await withHouse(engine) { house in
      let settings = house.settings
      try await withThrowingTaskGroup(of: Void.self) { group in
        let changes: [ServerChanges] = [
          .init(prefix: "?"), .init(language: "fr"), .init(privacy: .private), .init(killNotifications: false),
          .init(leaderboardChannel: "board"), .init(features: [.leaderboard: false]),
          .init(features: [.notifications: false]), .init(features: [.killTracker: false]),
        ]
        for change in changes {
          group.addTask { _ = try await settings.update(Self.guild, change, by: Self.manager) }
        }
        try await group.waitForAll()
      }
      let seen = settings.record(of: Self.guild)
      #expect(seen.prefix == "?" && seen.language == "fr" && seen.privacy == .private && !seen.killNotifications)
      #expect(seen.leaderboardChannel == "board" && seen.features.isEmpty)
      #expect(try await open(house.shared).record(of: Self.guild) == seen)
    }
  }

  @Test(arguments: [
    (ServerChanges(prefix: ""), "prefix"), (ServerChanges(prefix: "12345678901"), "prefix"),
    (ServerChanges(prefix: String(repeating: "👨‍👩‍👧‍👦", count: 5)), "prefix"),
    (ServerChanges(prefix: "a b"), "prefix"), (ServerChanges(language: "english"), "language"),
    (ServerChanges(language: "e"), "language"), (ServerChanges(language: "pt-"), "language"),
    (ServerChanges(leaderboardChannel: "#"), "leaderboardChannel"),
    (ServerChanges(leaderboardChannel: "\u{7}"), "leaderboardChannel"),
  ]) func whatIsWrongIsNamedAndChangesNothing(changes: ServerChanges, field: String) async throws {
    try await withHouse(.sqlite) { house in
      var changes = changes
      changes.killNotifications = false
      do {
        _ = try await house.settings.update(Self.guild, changes, by: Self.manager)
        Issue.record("taken")
      } catch KillError.invalid(let named, _) { #expect(named == field) }
      #expect(house.settings.record(of: Self.guild) == ServerRecord())
    }
  }

  @Test func theSameAgainIsNoChange() async throws {
    try await withHouse(.sqlite) { house in
      let changes = ServerChanges(prefix: "?", killNotifications: false)
      for _ in 0..<3 { try await house.settings.update(Self.guild, changes, by: Self.manager) }
      #expect(try await house.shared.auditLog.recent().count { $0.entry.action == "server_settings_updated" } == 1)
    }
  }

  @Test func whatIsSwitchedOffIsRefused() async throws {
    try await withHouse(.sqlite) { house in
      let server = "\(Self.guild)"
      let report = KillReport(victim: .handle("Enemy"), serverID: server)
      _ = try await house.kills.record(report, by: KillReporter(user: Self.member))
      let viewer = KillViewer(user: Self.member)
      #expect(try await house.kills.leaderboard(.kills, .allTime, serverID: server, for: viewer).entries.count == 1)
      try await house.settings.update(Self.guild, ServerChanges(features: [.leaderboard: false]), by: Self.manager)
      await #expect(throws: KillError.off(.leaderboard)) {
        try await house.kills.leaderboard(.kills, .allTime, serverID: server, for: viewer)
      }
      #expect(try await house.kills.leaderboard(.kills, .allTime, for: viewer).entries.count == 1)
      try await house.settings.update(Self.guild, ServerChanges(features: [.killTracker: false]), by: Self.manager)
      await #expect(throws: KillError.off(.killTracker)) {
        try await house.kills.record(
          KillReport(victim: .handle("Another"), serverID: server), by: KillReporter(user: Self.member))
      }
    }
  }

  @Test func aPrivateServerIsForItsMembers() async throws {
    try await withHouse(.sqlite) { house in
      let server = "\(Self.guild)"
      try await house.settings.update(Self.guild, ServerChanges(privacy: .private), by: Self.manager)
      let member = KillViewer(user: Self.member, belongs: { $0 == Self.guild })
      let admin = KillViewer(user: Self.member, isAdmin: true)
      for viewer in [member, admin] {
        _ = try await house.kills.list(KillFilter(serverID: server), for: viewer)
        _ = try await house.kills.leaderboard(.kills, .allTime, serverID: server, for: viewer)
      }
      let nobody = KillViewer(user: nil, belongs: { _ in true })
      for viewer in [KillViewer(user: Self.member), KillViewer.anonymous, nobody] {
        await #expect(throws: KillError.forbidden) {
          try await house.kills.list(KillFilter(serverID: server), for: viewer)
        }
        await #expect(throws: KillError.forbidden) {
          try await house.kills.leaderboard(.kills, .allTime, serverID: server, for: viewer)
        }
        _ = try await house.kills.list(for: viewer)
      }
    }
  }
}
