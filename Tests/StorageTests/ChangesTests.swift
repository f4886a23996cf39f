import Platform
import StorageTestSupport
import Testing

@testable import Storage

/// Announcements of stored transactions.
@Suite(.timeLimit(.minutes(2)))
struct ChangesTests {
  @Test(arguments: TestEngine.available)
  func aStoredTransactionIsAnnouncedToThoseWhoFollowTheTopic(engine: TestEngine) async throws {
    struct Refused: Error {}
    try await withTestDatabase(engine) { database async throws in
      try await database.create("CREATE TABLE t (id \(.integer) NOT NULL)")
      var news = database.changes(of: "news").makeAsyncIterator()
      if engine == .postgreSQL { await news.next() }  // connected: look, for something may have been missed

      // One that fails says nothing. One of another topic does not wake us. What wakes us can be seen.
      await #expect(throws: Refused.self) {
        try await database.write { transaction in
          try transaction.announce("news")
          throw Refused()
        }
      }
      try await database.write { transaction in
        try transaction.execute("INSERT INTO t (id) VALUES (1)")
        try transaction.announce("other")
      }
      try await database.write { transaction in
        try transaction.execute("INSERT INTO t (id) VALUES (2)")
        try transaction.announce("news")
        try transaction.announce("news")
      }
      await news.next()
      #expect(try await database.count("t") == 2)
      await database.close()
      #expect(await news.next() == nil)
      var late = database.changes(of: "news").makeAsyncIterator()
      #expect(await late.next() == nil)
    }
  }

  @Test func wakesOfOneTopicBecomeOneUntilFetched() async {
    let hub = ChangeHub()
    var stream = hub.listen(to: "a").makeAsyncIterator()
    for _ in 0..<5 { hub.wake(["a", "b"]) }
    hub.wake(["b"])
    await stream.next()
    hub.wakeAll()
    await stream.next()
    hub.close()
    #expect(await stream.next() == nil)
  }

  @Test(.enabled(if: TestEngine.postgresURL != nil, "ADJUTANT_TEST_POSTGRES is not set"))
  func otherProcessesHearItAndNothingIsMissedOverABrokenConnection() async throws {
    try await withTestURL(.postgreSQL) { url in
      let speaker = try await Database.open(url: url)
      let hearer = try await Database.open(url: url + "&application_name=hearer")
      var news = hearer.changes(of: "news").makeAsyncIterator()
      await news.next()  // connected
      try await speaker.write { try $0.announce("news") }
      await news.next()

      _ = try await speaker.write { transaction in
        try transaction.query(
          "SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity WHERE application_name = 'hearer'"
        ) { try $0.value("done", as: Bool.self) }
      }
      await news.next()  // connected again
      try await speaker.write { try $0.announce("news") }
      await news.next()
      await hearer.close()
      await speaker.close()
    }
  }
}
