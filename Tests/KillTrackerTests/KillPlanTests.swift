import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// How SQLite goes about the lists: by an index from the newest on, never through the whole table.
struct KillPlanTests {
  private static let from = Timestamp(seconds: 1_771_000_000)

  @Test(arguments: [
    (KillFilter(), "kills_time"), (KillFilter(serverID: "900000000000000001"), "kills_server"),
    (KillFilter(weapon: "Gun"), "kills_weapon"), (KillFilter(location: "Pyro"), "kills_location"),
    (KillFilter(from: from, until: from + .seconds(86_400)), "kills_time"),
    (KillFilter(serverID: "900000000000000001", from: from), "kills_server"),
    (KillFilter(player: 1, side: .killer), "kills_killer"), (KillFilter(player: 1, side: .victim), "kills_victim"),
    (KillFilter(player: 1), "kills_killer"), (KillFilter(player: 1, from: from), "kills_victim"),
  ])
  func aListWalksAnIndex(filter: KillFilter, index: String) async throws {
    try await withTracker(.sqlite) { rig in
      _ = try await rig.kills.record(
        KillReport(victim: .handle("x"), weapon: "Gun", location: "Pyro"), by: reporter(ann))
      for cursor in [nil, KillCursor(occurredAt: Self.from, id: KillID(rawValue: 7))] {
        let plan = try await rig.database.read { transaction in
          let selection = try KillList.selection(
            filter, after: cursor, offset: 0, limit: 20, backwards: false, in: transaction)
          guard let selection else { return ["nothing can match"] }
          return try transaction.query(
            "EXPLAIN QUERY PLAN SELECT k.id FROM kills k \(selection.text)", parameters: selection.parameters
          ) { try $0.value("detail", as: String.self) }
        }
        #expect(plan.contains { $0.contains(index) }, "\(plan)")
        #expect(!plan.contains { $0.hasPrefix("SCAN k") && !$0.contains("INDEX") }, "\(plan)")
        // Only the two short lists of a player's sides are put in order afterwards.
        #expect(filter.player != nil || !plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
      }
    }
  }

  /// The total of a list by a name reads the counts of that name, not those of all names.
  @Test(arguments: [
    KillFilter(weapon: "Gun"), KillFilter(location: "Pyro"), KillFilter(serverID: "900000000000000001", weapon: "Gun"),
    KillFilter(weapon: "Gun", from: Timestamp(seconds: 86_400 * 20_000)),
  ])
  func aTotalByNameReadsThatName(filter: KillFilter) async throws {
    try await withTracker(.sqlite) { rig in
      _ = try await rig.kills.record(
        KillReport(victim: .handle("x"), weapon: "Gun", location: "Pyro"), by: reporter(ann))
      let plan = try await rig.database.read { transaction in
        let question = try KillList.keptTotalQuestion(filter, in: transaction)
        guard let question else { return ["no count is kept"] }
        return try transaction.query("EXPLAIN QUERY PLAN \(question.text)", parameters: question.parameters) {
          try $0.value("detail", as: String.self)
        }
      }
      #expect(plan.first?.contains("COVERING INDEX kill_name_days_name (what=? AND name_id=?") == true, "\(plan)")
      #expect(plan.contains { $0.contains("PRIMARY KEY (what=? AND server_id=? AND day=? AND name_id=?)") }, "\(plan)")
    }
  }
}
