import Foundation
import Platform
import Testing

/// What one event may cost, in numbers that do not depend on the machine. Whoever needs more changes the number here, and
/// says why.
@Suite struct ThresholdTests {
  #if DEBUG
    // Without optimization there are several times as many; a new one per event still shows.
    private static let allocations = ["MESSAGE_CREATE": 55.0, "GUILD_CREATE": 10_500, "INTERACTION_CREATE": 78]
  #else
    private static let allocations = ["MESSAGE_CREATE": 8.0, "GUILD_CREATE": 2_500, "INTERACTION_CREATE": 16]
  #endif
  private static let bytesPerMember = 120.0
  private static let bytesPerThousandGuilds = 12e6

  @Test func eventsAskTheHeapForNoMoreThanThis() async throws {
    let lines = try await benchmark(["allocations", "--count", "2000"])
    #expect(lines.count == Self.allocations.count)
    for line in lines {
      let event = try #require(line["event"]?.string)
      let found = try #require(line["allocationsPerEvent"]?.double)
      let allowed = try #require(Self.allocations[event])
      #expect(found <= allowed, "\(event)")
      #expect(found > allowed / 2, "\(event) got much better: lower the threshold")
    }
  }

  @Test func theCacheTakesNoMoreThanThis() async throws {
    let line = try #require(try await benchmark(["cache", "--members", "20000", "--guilds", "200"]).first)
    #expect(try #require(line["bytesPerMember"]?.double) <= Self.bytesPerMember)
    #expect(try #require(line["bytesPerThousandGuilds"]?.double) <= Self.bytesPerThousandGuilds)
  }

  /// Runs the benchmark program that lies beside the test program, and reads its lines.
  private func benchmark(_ arguments: [String]) async throws -> [JSON] {
    let process = Process()
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.executableURL = program.deletingLastPathComponent().appending(path: "benchmarks")
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    let status: Int32 = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch {
        process.terminationHandler = nil
        continuation.resume(throwing: error)
      }
    }
    // A few lines: they wait in the pipe.
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(status == 0, "\(text)")
    return try text.split(separator: "\n").map { try JSON(parsing: String($0)) }
  }
}
