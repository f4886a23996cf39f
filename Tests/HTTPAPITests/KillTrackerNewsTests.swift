import KillTracker
import Platform
import Testing

@testable import Core
@testable import HTTPAPI

/// What the Kill Tracker's WebSocket says of domain events, and to whom.
struct KillTrackerNewsTests {
  private let killer = UserID(1)
  private let victim = UserID(2)

  private func kill(killerIsPrivate: Bool = false, victimIsPrivate: Bool = false) -> [KillTrackerEvent] {
    KillTrackerNews.events(
      from: DomainEvent(
        position: 1, name: "kill.created", guildID: GuildID(9), subjects: [.user(killer), .user(victim)],
        data: [
          "id": "kill_1", "killer": "A", "victim": "B", "serverId": "9", "weapon": "Laser Cannon",
          "timestamp": "2024-01-01T12:00:00.000Z", "killerIsPrivate": .boolean(killerIsPrivate),
          "victimIsPrivate": .boolean(victimIsPrivate), "killerUserId": "1",
        ], at: Timestamp(milliseconds: 0)))
  }

  /// Behind the frame's head.
  private static func text(_ event: KillTrackerEvent) -> String {
    String(decoding: event.frame.bytes.drop { $0 != UInt8(ascii: "{") }, as: UTF8.self)
  }

  private func names(_ event: KillTrackerEvent) throws -> [String] {
    let kill = try #require(try JSON(parsing: Array(Self.text(event).utf8))["data"]?["kill"])
    return ["killer", "victim"].map { kill[$0]?.string ?? "" }
  }

  @Test func aPublicKillIsToldToEverybodyOnce() throws {
    let events = kill()
    #expect(events.map(\.audience) == [.everybody])
    #expect(try names(events[0]) == ["A", "B"])
    let text = Self.text(events[0])
    #expect(text.hasPrefix(#"{"type":"kill.created","data":{"kill":{"id":"kill_1""#))
    #expect(!text.contains("killerUserId"))
  }

  @Test(arguments: [(true, false), (false, true), (true, true)])
  func privateNamesReachThoseWhoTookPartAlone(killerIsPrivate: Bool, victimIsPrivate: Bool) throws {
    let events = kill(killerIsPrivate: killerIsPrivate, victimIsPrivate: victimIsPrivate)
    let viewers = [
      (HubViewer(user: killer), true), (HubViewer(user: victim), true), (HubViewer(user: UserID(3)), false),
      (HubViewer(user: UserID(3), isAdmin: true), true), (HubViewer(user: nil), false),
      (HubViewer(user: UserID(3), managedGuilds: [GuildID(9)]), false),
    ]
    for (viewer, seesNames) in viewers {
      let seen = events.filter { $0.audience.includes(viewer) }
      try #require(seen.count == 1)
      let expected =
        seesNames
        ? ["A", "B"] : [killerIsPrivate ? "Private player" : "A", victimIsPrivate ? "Private player" : "B"]
      #expect(try names(seen[0]) == expected)
    }
  }

  @Test func aPrivateServersKillsAreToldToWhoTookPartAndItsManagers() throws {
    let event = DomainEvent(
      position: 1, name: "kill.created", guildID: GuildID(9), subjects: [.user(killer), .user(victim)],
      data: ["id": "kill_1", "killer": "A", "victim": "B", "killerIsPrivate": true, "victimIsPrivate": false],
      at: Timestamp(milliseconds: 0))
    let events = KillTrackerNews.events(from: event) { $0 == GuildID(9) }
    for (viewer, expected) in [
      (HubViewer(user: killer), ["A", "B"]), (HubViewer(user: victim), ["A", "B"]),
      (HubViewer(user: UserID(3), isAdmin: true), ["A", "B"]),
      (HubViewer(user: UserID(3), managedGuilds: [GuildID(9)]), ["Private player", "B"]),
      (HubViewer(user: UserID(3)), []), (HubViewer(user: nil), []),
      (HubViewer(user: UserID(3), managedGuilds: [GuildID(8)]), []),
    ] {
      let seen = events.filter { $0.audience.includes(viewer) }
      #expect(try seen.flatMap(names) == expected)
    }
  }

  @Test func aServersNewsAreForItsManagers() {
    let event = DomainEvent(
      position: 1, name: "server.updated", guildID: GuildID(9), subjects: [], data: ["id": "9"],
      at: Timestamp(milliseconds: 0))
    #expect(KillTrackerNews.events(from: event).map(\.audience) == [HubAudience(guild: GuildID(9))])
  }

  @Test func whatTheDocumentDoesNotKnowIsNotTold() {
    let event = DomainEvent(
      position: 1, name: "giveaway.ended", guildID: nil, subjects: [], data: [:], at: Timestamp(milliseconds: 0))
    #expect(KillTrackerNews.events(from: event).isEmpty)
  }
}
