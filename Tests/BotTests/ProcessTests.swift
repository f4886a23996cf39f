import Foundation
import Platform
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
    for command in ["run", "sandbox", "config check", "database migrate", "database backup", "logs parse"] {
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

  // MARK: Logs

  private static let log = """
    <2025-04-13T17:17:51.279Z> [Notice] <Actor Death> CActor::Kill: 'Luxservexz' [207064464865] in zone \
    'ANVL_Hornet_F7A_Mk2_2677329226210' killed by 'GarQuilr' [201106509142] using \
    'GATS_BallisticGatling_S3_2677329225797' [Class unknown] with damage type 'VehicleDestruction' from direction
    <2025-04-13T17:18:00.000Z> [Notice] <Vehicle Destruction> CVehicle::OnAdvanceDestroyLevel: Vehicle \
    'AEGS_Gladius_2562525119604' [2562525119604] in zone 'SolarSystem_2562525112462' [pos x: 5021.092552] driven by \
    'unknown' [0] advanced from destroy level 0 to 2 caused by 'GarQuilr' [201106509142] with 'Combat' [Team_X][Vehicle]

    """

  @Test func aLogIsPrintedAsJSONLines() throws {
    try withFile(Self.log) { file in
      let outcome = try run("logs", "parse", file, "--json")
      #expect(outcome.code == 0)
      #expect(outcome.errors == "")
      let lines = try outcome.output.split(separator: "\n").map { try JSON(parsing: String($0)) }
      #expect(lines.map { $0["event"]?.string } == ["session", "kill", "vehicleDestruction", "sessionEnd"])
      let kill = try #require(lines.first { $0["event"]?.string == "kill" })
      #expect(kill["timestamp"]?.string == "2025-04-13T17:17:51.279Z")
      #expect(kill["killer"]?.string == "GarQuilr")
      #expect(kill["victim"]?.string == "Luxservexz")
      #expect(kill["weapon"]?.string == "GATS_BallisticGatling_S3_2677329225797")
      #expect(kill["weaponName"]?.string == "Mantis GT-220 Gatling")
      #expect(kill["location"]?.string == "ANVL_Hornet_F7A_Mk2_2677329226210")
      #expect(kill["kind"]?.string == "pvp")
      #expect(kill["confidence"]?.double == 0.95)
    }
  }

  @Test func aLogIsPrintedForPeople() throws {
    try withFile(Self.log) { file in
      let outcome = try run("logs", "parse", file)
      #expect(outcome.code == 0)
      #expect(
        outcome.output.contains(
          "2025-04-13 17:17:51  pvp         GarQuilr killed Luxservexz with Mantis GT-220 Gatling at Anvil F7A Hornet Mk II\n"
        ))
      #expect(outcome.output.contains("vehicle     GarQuilr destroyed Aegis Gladius at Space (Combat)\n"))
      #expect(outcome.output.hasSuffix("2 lines read.\n"))
    }
  }

  @Test func aLogThatCannotBeReadExits74() throws {
    let outcome = try run("logs", "parse", "/nowhere/Game.log", "--json")
    #expect(outcome.code == 74)
    #expect(outcome.output == "")
    #expect(outcome.errors == "adjutant: cannot read /nowhere/Game.log: No such file or directory\n")
  }

  @Test func aLineOfAnUnknownShapeIsTold() throws {
    try withFile("<2025-04-13T17:17:51.279Z> [Notice] <Actor Death> says something else now\n") { file in
      let outcome = try run("logs", "parse", file, "--json")
      #expect(outcome.code == 0)
      #expect(outcome.errors.hasPrefix("adjutant: 1 lines have the name of a form that matters"))
    }
  }
}
