import Platform
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
    (
      ["logs", "watch", "Game.log", "--server", "http://127.0.0.1:3001/", "--key", "k", "--guild=900000000000000001"],
      .watchLog(
        config: nil,
        request: .init(
          file: "Game.log", server: "http://127.0.0.1:3001", key: Secret("k"), guild: "900000000000000001"))
    ),
    (["token", "--user", "7"], .token(config: nil, request: .user(7, isAdmin: false, life: .seconds(86_400)))),
    (
      ["token", "--admin", "--ttl=30m", "--user", "18446744073709551615", "--config", "x"],
      .token(config: "x", request: .user(UInt64.max, isAdmin: true, life: .seconds(1_800)))
    ),
    (
      ["token", "--user", "7", "--ttl", "90s"],
      .token(config: nil, request: .user(7, isAdmin: false, life: .seconds(90)))
    ),
    (
      ["token", "--user", "7", "--ttl", "365d"],
      .token(config: nil, request: .user(7, isAdmin: false, life: .seconds(365 * 86_400)))
    ),
    (["token", "--client", "Panel"], .token(config: nil, request: .client(name: "Panel"))),
    (["token", "--account", "a@b.cd"], .token(config: nil, request: .account(email: "a@b.cd"))),
    (["logs", "parse", "Game.log"], .parseLog(file: "Game.log", asJSON: false)),
    (["logs", "parse", "-", "--json"], .parseLog(file: "-", asJSON: true)),
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
    (["token"], "token needs one of --user ID, --client NAME, --account EMAIL"),
    (["token", "--user", "7", "--client", "x"], "token needs one of --user ID, --client NAME, --account EMAIL"),
    (["token", "--user", "me"], "--user takes the id of a Discord user, digits alone"),
    (["token", "--user", "+7"], "--user takes the id of a Discord user, digits alone"),
    (["token", "--user", "0"], "--user takes the id of a Discord user, digits alone"),
    (["token", "--user", "18446744073709551616"], "--user takes the id of a Discord user, digits alone"),
    (["token", "--user", "7", "--ttl", "24"], "--ttl takes a time such as 90s, 30m, 24h or 7d, at most 365d"),
    (["token", "--user", "7", "--ttl", "366d"], "--ttl takes a time such as 90s, 30m, 24h or 7d, at most 365d"),
    (["token", "--user", "7", "--ttl", "0h"], "--ttl takes a time such as 90s, 30m, 24h or 7d, at most 365d"),
    (
      ["token", "--user", "7", "--ttl", "99999999999999999999d"],
      "--ttl takes a time such as 90s, 30m, 24h or 7d, at most 365d"
    ),
    (["token", "--client", "x", "--admin"], "token does not take --admin"),
    (["token", "--account", "x", "--ttl", "1h"], "token does not take --ttl"),
    (["run", "--admin"], "run does not take --admin"), (["--user", "7"], "run does not take --user"),
    (["database", "backup"], "database backup needs the FILE to write"),
    (["logs"], "logs what? There are: logs parse FILE, logs watch FILE"),
    (["logs", "parse"], "logs parse needs the FILE to read"),
    (["logs", "watch"], "logs watch needs the FILE to follow"),
    (["run", "--json"], "run does not take --json"),
    (["logs", "parse", "a", "--ttl", "1h"], "logs does not take --ttl"),
  ])
  func refusesInPlainWords(arguments: [String], message: String) {
    #expect(throws: UsageError(description: message)) { try ArgumentParser.parse(arguments) }
  }
}
