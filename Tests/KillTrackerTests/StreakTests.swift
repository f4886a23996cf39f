import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// The best streak, against a recount of the kills themselves.
@Suite(.timeLimit(.minutes(3)))
struct StreakTests {
  private func report(
    _ rig: TrackerRig, _ kind: KillKind, secondsAgo: Int64, by user: UserID = ann
  ) async throws -> Kill {
    let (killer, victim): (ReportedParty, ReportedParty) =
      switch kind {
      case .pvp: (.caller, .user(bob))
      case .pve: (.caller, .character("npc\(secondsAgo)"))
      case .suicide: (.caller, .caller)
      default: (.character("npc\(secondsAgo)"), .caller)
      }
    return try await rig.kills.record(
      KillReport(
        killer: killer, victim: victim, kind: kind, occurredAt: rig.time.timestamp + .seconds(-secondsAgo)),
      by: reporter(user)
    ).kill
  }

  private func best(_ rig: TrackerRig, of user: UserID = ann, _ kills: Kills? = nil) async throws -> Int {
    let player = try await rig.kills.player("\(user)")
    return try await (kills ?? rig.kills).statistics(of: player, for: rig.admin()).bestStreak
  }

  @Test(arguments: TestEngine.available)
  func killsBetweenDeathsAreCounted(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      #expect(try await best(rig) == 0)
      for ago in [100, 90, 80] as [Int64] { _ = try await report(rig, .pvp, secondsAgo: ago) }
      #expect(try await best(rig) == 3)
      _ = try await report(rig, .npc, secondsAgo: 75)
      for ago in [70, 60] as [Int64] { _ = try await report(rig, .pve, secondsAgo: ago) }
      #expect(try await best(rig) == 3)
      // A death that is told of late takes one streak apart, two that are told of late make the other the best.
      let death = try await report(rig, .environment, secondsAgo: 95)
      #expect(try await best(rig) == 2)
      for ago in [68, 65] as [Int64] { _ = try await report(rig, .pvp, secondsAgo: ago) }
      #expect(try await best(rig) == 4)
      // Deleted, and changed into somebody's own death.
      try await rig.kills.delete(death.id, by: rig.admin())
      #expect(try await best(rig) == 4)
      let middle = try await report(rig, .suicide, secondsAgo: 66)
      #expect(try await best(rig) == 3)
      try await rig.kills.delete(middle.id, by: rig.admin())
      #expect(try await best(rig) == 4)
      // Bob died of each of ann's PvP kills.
      #expect(try await best(rig, of: bob) == 0)
    }
  }

  @Test func oneGoneAndOneMoreOfLongAgoAreNotMistakenForNothing() async throws {
    try await withTracker(.sqlite) { rig in
      let first = try await report(rig, .environment, secondsAgo: 500)
      for ago in [400, 300, 200] as [Int64] { _ = try await report(rig, .pvp, secondsAgo: ago) }
      #expect(try await best(rig) == 3)
      try await rig.kills.delete(first.id, by: rig.admin())
      _ = try await report(rig, .environment, secondsAgo: 250)
      #expect(try await best(rig) == 2)
    }
  }

  @Test func anotherProcessSeesWhatThisOneChanges() async throws {
    try await withTracker(.sqlite) { rig in
      let other = Kills(database: rig.database, time: rig.time)
      var kills: [Kill] = []
      for ago in [400, 300, 200] as [Int64] { kills.append(try await report(rig, .pvp, secondsAgo: ago)) }
      #expect(try await best(rig, other) == 3)
      try await rig.kills.delete(kills[1].id, by: rig.admin())
      #expect(try await best(rig, other) == 2)
      _ = try await report(rig, .pvp, secondsAgo: 350)
      _ = try await report(rig, .pvp, secondsAgo: 100)
      #expect(try await best(rig, other) == 4)
    }
  }

  /// What was recorded under a handle is the user's once it is verified.
  @Test func aVerifiedHandleBringsItsStreakAlong() async throws {
    try await withTracker(.sqlite) { rig in
      for ago in [50, 40] as [Int64] {
        _ = try await rig.kills.record(
          KillReport(
            killer: .handle("Ann_1"), victim: .user(cem), kind: .pvp, occurredAt: rig.time.timestamp + .seconds(-ago)),
          by: reporter(cem))
      }
      _ = try await report(rig, .pvp, secondsAgo: 45)
      #expect(try await best(rig) == 1)
      try await rig.kills.players.verify("Ann_1", of: ann)
      #expect(try await best(rig) == 3)
    }
  }

  /// More than a page of them, in one go and then by and by.
  @Test func longHistoriesAreWalkedThroughInPages() async throws {
    try await withTracker(.sqlite) { rig in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 1...4_500 {
          group.addTask {
            _ = try await report(rig, number == 4_100 ? .environment : .pve, secondsAgo: Int64(number) * 10)
          }
        }
        try await group.waitForAll()
      }
      #expect(try await best(rig) == 4_099)
      _ = try await report(rig, .pve, secondsAgo: 5)
      #expect(try await best(rig) == 4_100)
      _ = try await report(rig, .environment, secondsAgo: 2_005)
      #expect(try await best(rig) == 3_899)
    }
  }
}
