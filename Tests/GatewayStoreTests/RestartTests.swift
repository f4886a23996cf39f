import Foundation
import Platform
import Sandbox
import StorageTestSupport
import Testing

/// A bot as a process is ended in the middle of a stream of numbered messages and started again.
@Suite(.timeLimit(.minutes(5))) struct RestartTests {
  private static let token = "restart-test-token"
  private static let count = 10_000

  private struct Line {
    let session: Substring
    let sequence: Int
    let number: Int
  }

  private struct Stage {
    let directory: String
    let apiBase: String
    let control: String
    let http: HTTPClient

    var record: String { "\(directory)/record.txt" }

    func lines() throws -> [Line] {
      guard let text = try? String(contentsOfFile: record, encoding: .utf8) else { return [] }
      // What stands behind the last line break is being written at this moment.
      guard let end = text.utf8.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
      return try text[..<end].split(separator: "\n").map { line in
        let parts = line.split(separator: " ")
        try #require(parts.count == 3, "\(line)")
        return Line(session: parts[0], sequence: try #require(Int(parts[1])), number: try #require(Int(parts[2])))
      }
    }

    /// How many messages are noted, without reading them.
    func waitForLines(_ count: Int) async throws {
      let deadline = ContinuousClock.now + .seconds(120)
      while try lines().count < count {
        try #require(ContinuousClock.now < deadline, "\(count) messages were not noted in two minutes")
        try await Task.sleep(for: .milliseconds(20))
      }
    }

    /// Users write messages with these numbers.
    func say(_ numbers: Range<Int>) async throws {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for lane in 0..<4 {
          group.addTask {
            for number in numbers where number % 4 == lane {
              let body: JSON = ["user": "100000000000000002", "content": .string(String(number))]
              let response = try await http.send(
                HTTPClientRequest(
                  .post, control + "/messages", headers: ["Content-Type": "application/json"],
                  body: .bytes(Array(body.serialized().utf8))))
              #expect(response.status == 200)
            }
          }
        }
        try await group.waitForAll()
      }
    }

    func start() throws -> Process {
      let process = Process()
      process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "GatewayProbe")
      process.arguments = ["sqlite:\(directory)/probe.db", apiBase, RestartTests.token, record]
      process.environment = [:]
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      // Not ours: whoever reads what the tests print would wait for a probe that outlives them.
      process.standardError = FileHandle.nullDevice
      try process.run()
      return process
    }

    func end(_ process: Process, with signal: Int32) async throws {
      kill(process.processIdentifier, signal)
      while process.isRunning { try await Task.sleep(for: .milliseconds(10)) }
    }

    func identifies() async throws -> Int64? {
      let response = try await http.send(HTTPClientRequest(.get, control + "/world"))
      return try JSON(parsing: response.body)["applications"]?[0]?["identifies"]?.integer
    }

    func isConnected() async throws -> Bool {
      let response = try await http.send(HTTPClientRequest(.get, control + "/sessions"))
      return try JSON(parsing: response.body).array?.contains { $0["connected"] == true } ?? false
    }
  }

  private func withStage(_ body: (Stage) async throws -> Void) async throws {
    var options = SandboxOptions()
    options.listen = "127.0.0.1:0"
    options.resumeBuffer = 2 * Self.count
    let server = try SandboxServer(options)
    let addresses = try await server.start()
    let http = try HTTPClient(log: .silent, metrics: Metrics())
    try await withTemporaryDirectory { directory in
      try await body(
        Stage(
          directory: directory, apiBase: addresses.apiBase, control: addresses.playground + "sandbox", http: http))
    }
    await http.shutdown()
    await server.stop()
  }

  /// Runs the stream, ending the process with `signal` each time another part of it is handled.
  private func run(_ stage: Stage, signal: Int32) async throws {
    var process = try stage.start()
    while try await !stage.isConnected() { try await Task.sleep(for: .milliseconds(20)) }
    async let talking: Void = stage.say(0..<Self.count)
    for part in 1...3 {
      try await stage.waitForLines(part * Self.count / 5)
      try await stage.end(process, with: signal)
      process = try stage.start()
    }
    try await talking
    // What is still to come is behind this one.
    while try Set(stage.lines().map(\.number)).count < Self.count { try await Task.sleep(for: .milliseconds(50)) }
    try await stage.end(process, with: SIGTERM)
    #expect(process.terminationStatus == 0)
    #expect(try await stage.identifies() == 1, "every start took the session up")
  }

  @Test func terminatedItHandlesEachMessageOnce() async throws {
    try await withStage { stage in
      try await run(stage, signal: SIGTERM)
      let lines = try stage.lines()
      #expect(lines.count == Self.count)
      #expect(Set(lines.map(\.number)).count == Self.count)
      #expect(Set(lines.map(\.session)).count == 1)
      // In the order of the session.
      #expect(zip(lines, lines.dropFirst()).allSatisfy { $0.sequence < $1.sequence })
    }
  }

  @Test func killedItHandlesEachMessageAndKnowsWhatItRepeats() async throws {
    try await withStage { stage in
      try await run(stage, signal: SIGKILL)
      let lines = try stage.lines()
      #expect(Set(lines.map(\.number)).count == Self.count)
      // Two lines with one number are one event; two numbers never share a name.
      let names = Dictionary(grouping: lines, by: \.number).mapValues { Set($0.map { "\($0.session) \($0.sequence)" }) }
      #expect(names.values.allSatisfy { $0.count == 1 })
      #expect(Set(names.values.compactMap(\.first)).count == Self.count)
    }
  }
}
