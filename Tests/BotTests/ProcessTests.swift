import Foundation
import Testing

@testable import Bot

/// The program as a process: what it prints and how it ends.
struct ProcessTests {
  struct Outcome {
    var code: Int32
    var output: String
    var errors: String
  }

  private func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Outcome {
    let process = Process()
    process.executableURL = RunningBot.executable
    process.arguments = arguments
    process.environment = environment
    process.currentDirectoryURL = FileManager.default.temporaryDirectory
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = try output.fileHandleForReading.readToEnd() ?? Data()
    let errorText = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Outcome(
      code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: errorText, as: UTF8.self))
  }

  private func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
    let file = FileManager.default.temporaryDirectory.appending(path: "adjutant-\(UUID()).json")
    try Data(text.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file.path())
  }

  @Test func helpListsTheCommands() throws {
    let outcome = try run("--help")
    #expect(outcome.code == 0)
    for command in ["run", "sandbox", "config check", "database migrate", "database backup"] {
      #expect(outcome.output.contains(command))
    }
  }

  @Test func wrongCommandLineExits64() throws {
    let outcome = try run("fly")
    #expect(outcome.code == 64)
    #expect(outcome.errors.hasPrefix("adjutant: there is no command \"fly\""))
  }

  @Test(arguments: ["run", "config check", "sandbox", "database migrate"])
  func brokenConfigurationExits78WithOneLine(command: String) throws {
    try withFile(#"{"discord":{"shards":"three"}}"#) { file in
      let outcome =
        command.contains(" ")
        ? try run(
          String(command.split(separator: " ")[0]), String(command.split(separator: " ")[1]), "--config", file)
        : try run(command, "--config", file)
      #expect(outcome.code == 78)
      #expect(outcome.errors == "discord.shards: expected \"auto\" or { \"total\": N, \"ids\": [..] }\n")
      #expect(outcome.output == "")
    }
  }

  @Test func soundConfigurationExits0() throws {
    try withFile("{}") { file in
      let outcome = try run("config", "check", "--config", file)
      #expect(outcome.code == 0)
    }
  }
}
