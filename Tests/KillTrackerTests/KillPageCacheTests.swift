import Core
import Platform
import StorageTestSupport
import Testing

@testable import KillTracker

/// Pages that are given again are what would be read now, for whoever asks.
struct KillPageCacheTests {
  private static let viewers =
    [KillViewer.anonymous, KillViewer(user: nil, isAdmin: true)]
    + [ann, bob, cem].flatMap { [KillViewer(user: $0), KillViewer(user: $0, isAdmin: true)] }

  /// One service that has answered before, and one that never did: whoever asks hears the same.
  @Test(arguments: TestEngine.available) func aPageFromMemoryIsThePageOfTheDatabase(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      var random = SeededGenerator(seed: 31)
      for round in 0..<40 {
        try await Self.change(rig, round, &random)
        let fresh = Kills(database: rig.database, time: rig.time)
        let annID = try #require(try await rig.kills.player("\(ann)"))
        let filters = [KillFilter(), KillFilter(serverID: "900000000000000001"), KillFilter(player: annID)]
        for _ in 0..<12 {
          let viewer = Self.viewers.randomElement(using: &random) ?? .anonymous
          let filter = filters.randomElement(using: &random) ?? KillFilter()
          let page = Int.random(in: 1...3, using: &random)
          let kept = await Self.answer { try await rig.kills.list(filter, page: page, limit: 4, for: viewer) }
          let read = await Self.answer { try await fresh.list(filter, page: page, limit: 4, for: viewer) }
          #expect(kept == read, "round \(round): \(filter) for \(String(describing: viewer.user))")
        }
      }
    }
  }

  private static func answer(_ body: () async throws -> KillPage) async -> String {
    do { return "\(try await body())" } catch { return "\(error)" }
  }

  private static func change(_ rig: TrackerRig, _ round: Int, _ random: inout SeededGenerator) async throws {
    let users = [ann, bob, cem]
    let user = round == 0 ? ann : users.randomElement(using: &random) ?? ann
    switch round == 0 ? 0 : Int.random(in: 0...5, using: &random) {
    case 0, 1:
      rig.time.advance(by: .seconds(3_600))
      let victim = users.filter { $0 != user }.randomElement(using: &random) ?? bob
      _ = try await rig.kills.record(
        KillReport(
          victim: .user(victim), serverID: Bool.random(using: &random) ? "900000000000000001" : nil, weapon: "Gun",
          idempotencyKey: "\(round)", details: ["round": .integer(Int64(round))]), by: reporter(user))
    case 2: try await rig.kills.players.update(user, privacy: .private)
    case 3: try await rig.kills.players.update(user, privacy: .public)
    case 4: try await rig.kills.players.verify("Handle\(round)", of: user)
    default: break
    }
  }

  @Test func strangersShareAPageAndNobodyElseDoes() async throws {
    try await withTracker(.sqlite) { rig in
      _ = try await rig.kills.record(KillReport(victim: .user(bob), weapon: "Gun"), by: reporter(ann))
      try await rig.kills.players.update(bob, privacy: .private)
      func page(_ viewer: KillViewer, _ filter: KillFilter = KillFilter()) async throws -> KeptKillPage {
        try await rig.kills.keptList(filter, for: viewer)
      }
      let strangers = try await page(KillViewer(user: cem))
      #expect(try await page(.anonymous) === strangers)
      #expect(try await page(KillViewer(user: UserID(9))) === strangers)
      #expect(strangers.page.kills[0].victim == .hidden)
      let own = try await page(KillViewer(user: ann))
      #expect(own !== strangers && own.page.kills[0].victim.user == bob)
      #expect(try await page(KillViewer(user: ann)) === own)
      #expect(try await page(KillViewer(user: bob)) !== own)
      let admins = try await page(KillViewer(user: cem, isAdmin: true))
      #expect(admins !== strangers && admins !== own && admins.page.kills[0].victim.user == bob)
      #expect(try await page(KillViewer(user: nil, isAdmin: true)) === admins)
      #expect(try await page(KillViewer(user: cem)) === strangers)

      // One player's kills: who may see them is asked each time.
      let bobID = try #require(try await rig.kills.player("\(bob)"))
      let bobs = KillFilter(player: bobID)
      _ = try await page(KillViewer(user: bob), bobs)
      _ = try await page(KillViewer(user: nil, isAdmin: true), bobs)
      for viewer in [.anonymous, KillViewer(user: cem), KillViewer(user: ann)] {
        #expect(try await killError { try await page(viewer, bobs) } == .forbidden)
      }
      // A page in which nobody takes part may still be of somebody.
      let empty = KillFilter(player: bobID, weapon: "Knife")
      _ = try await page(KillViewer(user: bob), empty)
      #expect(try await killError { try await page(KillViewer(user: cem), empty) } == .forbidden)
    }
  }

  @Test func whatWasMadeOfAPageEndsWithIt() async throws {
    struct Form: Sendable { let text: String }
    try await withTracker(.sqlite) { rig in
      _ = try await rig.kills.record(KillReport(victim: .user(bob), weapon: "Gun"), by: reporter(ann))
      func form(_ text: String, isRight: Bool = true) async throws -> String {
        let page = try await rig.kills.keptList(for: .anonymous)
        return page.form(isRight: { (_: Form) in isRight }, make: { _ in Form(text: text) }).text
      }
      #expect(try await form("first") == "first")
      #expect(try await form("second") == "first")
      #expect(try await form("third", isRight: false) == "third")
      #expect(try await form("fourth") == "third")
      try await rig.kills.players.update(bob, privacy: .private)
      #expect(try await form("fifth") == "fifth")
      // Another form of the same page is another thing.
      let page = try await rig.kills.keptList(for: .anonymous)
      let other = page.form(isRight: { (_: Int) in true }) { $0.total }
      #expect(other == 1)
      #expect(try await form("sixth") == "fifth")
    }
  }

  @Test func noMoreThanSoManyPagesAreKept() async throws {
    try await withTracker(.sqlite) { rig in
      _ = try await rig.kills.record(KillReport(victim: .user(bob), weapon: "Gun"), by: reporter(ann))
      let first = try await rig.kills.keptList(for: .anonymous)
      for number in 1..<KillPageCache.limit {
        _ = try await rig.kills.keptList(KillFilter(weapon: "Gun \(number)"), for: .anonymous)
      }
      #expect(try await rig.kills.keptList(for: .anonymous) === first)
      _ = try await rig.kills.keptList(KillFilter(weapon: "one too many"), for: .anonymous)
      #expect(try await rig.kills.keptList(for: .anonymous) !== first)
    }
  }
}
