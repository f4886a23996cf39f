import Platform
import Storage
import StorageTestSupport
import Testing

@testable import Core

struct ComponentUsesTests {
  @Test(arguments: TestEngine.available)
  func theFirstOfManyWins(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let time = ManualTime()
      let uses = try await SharedState.open(database, time: time).componentUses
      let other = try await SharedState.open(database, time: time).componentUses
      let end = time.timestamp + .seconds(60)
      let wins = try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<20 {
          group.addTask { try await (index.isMultiple(of: 2) ? uses : other).claim("a", until: end) }
        }
        return try await group.reduce(into: 0) { if $1 { $0 += 1 } }
      }
      #expect(wins == 1)
      #expect(try await uses.claim("b", until: end))
      try await uses.release("a")
      #expect(try await other.claim("a", until: end))
      #expect(try await !uses.claim("a", until: end))
    }
  }

  @Test(arguments: TestEngine.available)
  func whatHasEndedIsForgotten(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let time = ManualTime()
      let uses = try await SharedState.open(database, time: time).componentUses
      for number in 0..<10 { _ = try await uses.claim("old \(number)", until: time.timestamp + .seconds(5)) }
      time.advance(by: .seconds(6))
      for number in 10..<(ComponentUses.pruneInterval + 1) {
        _ = try await uses.claim("new \(number)", until: time.timestamp + .seconds(5))
      }
      #expect(try await uses.count() == ComponentUses.pruneInterval + 1 - 10)
      #expect(try await !uses.claim("new 10", until: time.timestamp))
    }
  }

  @Test(arguments: TestEngine.available)
  func maintenanceSurvivesARestart(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let time = ManualTime()
      let rest = Maintenance(reason: nil, since: time.timestamp, by: UserID(.max))
      let mode = try await SharedState.open(database, time: time).maintenance
      #expect(try await mode.current() == nil)
      try await mode.set(rest, by: UserID(1))
      #expect(try await mode.current() == rest)
      #expect(try await SharedState.open(database, time: time).maintenance.current() == rest)
    }
  }
}
