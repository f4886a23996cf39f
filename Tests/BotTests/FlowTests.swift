import Foundation
import Sandbox
import Testing

/// Whole flows: the program as a process, through real sockets, against the sandbox in this one.
struct FlowTests {
  @Test func aCommandGoesThroughTheGatewayAndComesBack() async throws {
    try await withTestDiscord { discord, directory in
      let bot = try RunningBot(environment: discord.environment(), in: directory)
      try await bot.waitForLog("commands written")
      try await bot.waitForLog("\"ready\"")
      let names = try await discord.ping()["fields"]?.array?.compactMap { $0["name"]?.string }
      #expect(names == ["Gateway heartbeat", "REST", "This answer"])
      let about = try await discord.type("/about")
      #expect(about["embeds"]?[0] != nil)
      #expect(try await bot.stop() == 0)
    }
  }

  @Test func aRestartResumesAndAsksForNothingTwice() async throws {
    try await withTestDiscord { discord, directory in
      var bot = try RunningBot(environment: discord.environment(), in: directory)
      try await eventually("a session is up") { try await discord.connectedSessions().count == 1 }
      try await bot.waitForCommands()
      let before = try await discord.connectedSessions()[0]["id"]
      #expect(try await bot.stop() == 0)
      #expect(try await discord.connectedSessions().isEmpty)

      _ = try await discord.control(.delete, "requests")
      bot = try RunningBot(environment: discord.environment(), in: directory)
      try await eventually("a session is up") { try await discord.connectedSessions().count == 1 }
      #expect(try await discord.connectedSessions()[0]["id"] == before)
      // The bot knows its guilds and answers although a resume repeats neither READY nor GUILD_CREATE.
      #expect(try await discord.type("/about")["embeds"]?[0] != nil)
      try await bot.waitForLog("\"scope\":\"guild \(TestDiscord.guild)\"")
      // Nothing has changed, so Discord is not even asked.
      #expect(try await discord.requests().filter { $0.contains("/commands") }.isEmpty)
      #expect(try await bot.stop() == 0)
    }
  }

  @Test func killedInTheMiddleTheBotComesBackWithItsDatabase() async throws {
    try await withTestDiscord { discord, directory in
      var bot = try RunningBot(environment: discord.environment(), in: directory)
      try await bot.waitForCommands()
      // What was answered but not noted comes again after the restart, and counts towards the limit of five a minute.
      for _ in 0..<2 { _ = try await discord.type("/about") }
      try await bot.killAtOnce()
      try await eventually("the session is given up") { try await discord.connectedSessions().isEmpty }
      bot = try RunningBot(environment: discord.environment(), in: directory)
      try await eventually("a session is up") { try await discord.connectedSessions().count == 1 }
      _ = try await discord.ping()
      #expect(try await bot.stop() == 0)
    }
  }

  @Test func membersSeeAndMayOnlyWhatIsTheirs() async throws {
    try await withTestDiscord { discord, directory in
      let bot = try RunningBot(environment: discord.environment(), in: directory)
      try await bot.waitForLog("commands written")
      try await bot.waitForLog("\"ready\"")
      let forOwner = try await discord.type("/help").serialized()
      #expect(forOwner.contains("/plugins"))
      let forMember = try await discord.type("/help", as: TestDiscord.member).serialized()
      #expect(forMember.contains("/ping"))
      #expect(!forMember.contains("/plugins"))
      #expect(try await bot.stop() == 0)
    }
  }

  @Test func aRefusedTokenEndsWith77AndOneLine() async throws {
    try await withTestDiscord { discord, directory in
      _ = try await discord.control(.post, "tokens/revoke", ["token": .string(TestDiscord.token)])
      let bot = try RunningBot(environment: discord.environment(["ADJUTANT_LOG_LEVEL": "error"]), in: directory)
      #expect(try await bot.exitCode() == 77)
      let lines = bot.errors.split(separator: "\n").filter { $0.hasPrefix("adjutant:") }
      #expect(lines.count == 1)
      #expect(lines.first?.contains("DISCORD_TOKEN") == true)
      #expect(!bot.errors.contains(TestDiscord.token))
    }
  }

  @Test func aMissingIntentEndsWith77AndNamesIt() async throws {
    var options = SandboxOptions()
    options.disallowedIntents = 1 << 1
    try await withTestDiscord(options) { discord, directory in
      let bot = try RunningBot(
        environment: discord.environment(["ADJUTANT_DISCORD_INTENTS": "GUILDS,GUILD_MEMBERS"]), in: directory)
      #expect(try await bot.exitCode() == 77)
      let lines = bot.errors.split(separator: "\n").filter { $0.hasPrefix("adjutant:") }
      #expect(lines.count == 1)
      #expect(lines.first?.contains("GUILD_MEMBERS") == true)
    }
  }

  @Test func anUnreachableDiscordIsTriedAgain() async throws {
    try await withTemporaryDirectory { directory in
      let bot = try RunningBot(
        environment: [
          "DISCORD_TOKEN": TestDiscord.token, "ADJUTANT_DISCORD_APIBASE": "http://127.0.0.1:1/api/v10",
          "ADJUTANT_LOG_FORMAT": "json",
        ], in: directory)
      try await bot.waitForLog("cannot ask Discord who this bot is")
      #expect(bot.process.isRunning)
      #expect(try await bot.stop() == 0)
    }
  }

  @Test func withoutATokenTheSandboxStartsInTheSameProcess() async throws {
    try await withTemporaryDirectory { directory in
      let bot = try RunningBot(
        environment: ["ADJUTANT_SANDBOX_LISTEN": "127.0.0.1:0", "ADJUTANT_LOG_FORMAT": "json"], in: directory)
      try await bot.waitForLog("commands written")
      #expect(FileManager.default.fileExists(atPath: directory.appending(path: "data/sandbox/adjutant.db").path()))
      #expect(try await bot.stop() == 0)
    }
  }

  @Test func theSandboxLeavesARealDatabaseAlone() async throws {
    try await withTestDiscord { discord, directory in
      let database = ["ADJUTANT_DATABASE_URL": "sqlite:shared.db"]
      var bot = try RunningBot(environment: discord.environment(database), in: directory)
      try await bot.waitForLog("commands written")
      #expect(try await bot.stop() == 0)
      bot = try RunningBot(
        environment: database.merging(["ADJUTANT_SANDBOX_LISTEN": "127.0.0.1:0"]) { $1 }, in: directory)
      #expect(try await bot.exitCode() == 78)
      #expect(bot.errors.contains("database.url: this database belongs to a bot at Discord"))
    }
  }

  @Test func aTakenAddressEndsWith69() async throws {
    try await withTestDiscord { discord, directory in
      let bot = try RunningBot(
        ["sandbox", "--listen", discord.addresses.socket.description], environment: [:], in: directory)
      #expect(try await bot.exitCode() == 69)
    }
  }

  @Test func reloadingChangesTheLogLevelAndReportsMistakes() async throws {
    try await withTestDiscord { discord, directory in
      let file = directory.appending(path: "config.json")
      try Data(#"{"log":{"level":"info"}}"#.utf8).write(to: file)
      var environment = discord.environment()
      environment["ADJUTANT_LOG_LEVEL"] = nil
      let bot = try RunningBot(environment: environment, in: directory)
      try await bot.waitForLog("commands written")
      #expect(!bot.errors.contains("\"debug\""))
      try Data(#"{"log":{"level":"loud"}}"#.utf8).write(to: file)
      kill(bot.process.processIdentifier, SIGHUP)
      try await bot.waitForLog("nothing was changed")
      try Data(#"{"log":{"level":"debug"},"dataDirectory":"elsewhere"}"#.utf8).write(to: file)
      kill(bot.process.processIdentifier, SIGHUP)
      try await bot.waitForLog("wait for a restart")
      #expect(try await bot.stop() == 0)
    }
  }
}
