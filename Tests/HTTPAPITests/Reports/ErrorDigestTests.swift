import Platform
import Testing

@testable import HTTPAPI

struct ErrorDigestTests {
  private struct DiskFull: Error {}
  private let start = ContinuousClock.Instant.now

  private func error(_ message: String, label: String = "core.jobs", _ value: String = "1") throws -> CriticalError {
    try #require(
      CriticalError(
        LogRecord(
          time: Timestamp(seconds: 5), level: .error, label: label, message: message,
          fields: [("id", .string(value)), ("error", .error(DiskFull())), ("count", 3)])))
  }

  @Test func aLineOfTheLogBecomesAnError() throws {
    let error = try error("cannot look for jobs")
    #expect(error.kind == .init(label: "core.jobs", message: "cannot look for jobs", type: "DiskFull"))
    #expect(error.trace == "core.jobs: cannot look for jobs\nid = 1\nerror = DiskFull()\ncount = 3")
    let plain = CriticalError(LogRecord(time: .now, level: .error, label: "rest", message: "m", fields: []))
    #expect(plain?.kind.type == "rest")
    for level in Log.Level.allCases where level != .error {
      #expect(CriticalError(LogRecord(time: .now, level: level, label: "rest", message: "m", fields: [])) == nil)
    }
  }

  @Test func theFirstIsToldSoonAndTheRestAsANumber() throws {
    var digest = ErrorDigest()
    #expect(digest.isEmpty)
    for number in 0..<3 { digest.take(try error("a", "\(number)"), at: start) }
    digest.take(try error("b"), at: start + .seconds(1))
    #expect(digest.due(at: start + .milliseconds(1_999)) == [])
    var reports = digest.due(at: start + .seconds(2))
    #expect(reports.map(\.description) == ["a\n×3"])
    #expect(reports[0].error.trace.contains("id = 2"))
    #expect(digest.due(at: start + .seconds(3)).map(\.description) == ["b"])
    // Quiet for a minute, however often it comes.
    for second in 4..<41 { digest.take(try error("a"), at: start + .seconds(second)) }
    #expect(digest.due(at: start + .milliseconds(61_999)) == [])
    reports = digest.due(at: start + .seconds(62))
    #expect(reports.map(\.description) == ["a\n×37 in 60 s"])
    // And again; what did not come again is forgotten.
    #expect(digest.due(at: start + .seconds(100)) == [])
    digest.take(try error("a"), at: start + .seconds(100))
    #expect(digest.due(at: start + .seconds(122)).map(\.description) == ["a\n×1 in 60 s"])
    #expect(digest.due(at: start + .seconds(182)) == [])
    #expect(digest.isEmpty)
    // Then it is new.
    digest.take(try error("a"), at: start + .seconds(200))
    #expect(digest.due(at: start + .seconds(202)).map(\.description) == ["a"])
  }

  @Test func whatWaitsIsToldAtTheEnd() throws {
    var digest = ErrorDigest()
    digest.take(try error("a"), at: start)
    #expect(digest.due(at: start + .seconds(2)).count == 1)
    digest.take(try error("a"), at: start + .seconds(3))
    digest.take(try error("b"), at: start + .seconds(3))
    #expect(digest.due(at: start + .seconds(3), isLast: true).map(\.description) == ["a\n×1 in 60 s", "b"])
  }

  @Test func kindsAreBounded() throws {
    var digest = ErrorDigest()
    for number in 0..<1_000 { digest.take(try error("e\(number)"), at: start) }
    let reports = digest.due(at: start + .seconds(2))
    #expect(reports.count == ErrorDigest.capacity + 1)
    #expect(reports.map(\.count).reduce(0, +) == 1_000)
    #expect(reports.last?.description == "Further errors of other kinds\n×\(1_000 - ErrorDigest.capacity)")
    #expect(reports.prefix(3).map(\.error.kind.message) == ["e0", "e1", "e2"])
  }
}
