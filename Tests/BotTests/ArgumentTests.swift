import Testing

@testable import Bot

struct ArgumentTests {
  @Test(arguments: [
    ([], Invocation.run(config: nil)), (["run"], .run(config: nil)),
    (["run", "--config", "a.json"], .run(config: "a.json")), (["--config=a.json"], .run(config: "a.json")),
    (["sandbox"], .sandbox(config: nil, listen: nil, options: SandboxArguments())),
    (
      ["sandbox", "--listen", "[::1]:3080", "--members=5"],
      .sandbox(config: nil, listen: "[::1]:3080", options: SandboxArguments(members: 5))
    ),
    (["config", "check"], .checkConfiguration(config: nil)),
    (["database", "migrate", "--config", "x"], .migrateDatabase(config: "x")),
    (["database", "backup", "copy.db"], .backUpDatabase(config: nil, file: "copy.db")),
    (["--help"], .help), (["run", "-h"], .help), (["--version"], .version),
  ])
  func understands(arguments: [String], invocation: Invocation) throws {
    #expect(try ArgumentParser.parse(arguments) == invocation)
  }

  @Test(arguments: [
    (["fly"], "there is no command \"fly\""), (["run", "--fast"], "there is no option --fast"),
    (["--config"], "--config needs a value"), (["--config", "a", "--config", "b"], "--config is given twice"),
    (["run", "--members", "4"], "run does not take --members"),
    (["sandbox", "--members", "-1"], "--members takes a number from 0 to 1000000"),
    (["sandbox", "--listen", "3080"], "--listen: \"3080\" is not an address with a port, such as 127.0.0.1:3000"),
    (["database", "backup"], "database backup needs the FILE to write"),
  ])
  func refusesInPlainWords(arguments: [String], message: String) {
    #expect(throws: UsageError(description: message)) { try ArgumentParser.parse(arguments) }
  }
}
