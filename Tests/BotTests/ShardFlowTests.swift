import Foundation
import Platform
import Sandbox
import Testing

/// Several shards, and another number of them, in the running program.
struct ShardFlowTests {
  private func file(_ directory: URL, shards: String) throws {
    try Data(#"{"discord":{"shards":\#(shards)}}"#.utf8).write(to: directory.appending(path: "config.json"))
  }

  private func shards(_ discord: TestDiscord) async throws -> [String] {
    try await discord.connectedSessions().map { "\($0["shard"]?.serialized() ?? "")" }.sorted()
  }

  @Test func theBannerComesWhenTheLastShardIsReady() async throws {
    var options = SandboxOptions()
    options.shards = 2
    try await withTestDiscord(options) { discord, directory in
      let bot = try RunningBot(environment: discord.environment(), in: directory)
      // One key of max_concurrency: the second shard is ready five seconds after the first.
      try await eventually(limit: .seconds(60), "the banner is shown") { bot.hasBanner }
      #expect(try await shards(discord) == ["[0,2]", "[1,2]"])
      #expect(try await bot.stop() == 0)
      // The next start takes both sessions up and spends no identify.
      let next = try RunningBot(environment: discord.environment(), in: directory)
      try await eventually(limit: .seconds(60), "the banner is shown") { next.hasBanner }
      let world = try await discord.control(.get, "world")
      #expect(world["applications"]?[0]?["identifies"] == 2)
      #expect(try await next.stop() == 0)
    }
  }

  @Test func reloadingChangesTheNumberOfShardsWithoutAGap() async throws {
    var options = SandboxOptions()
    options.maxConcurrency = 16
    try await withTestDiscord(options) { discord, directory in
      try file(directory, shards: #"{"total":1}"#)
      let bot = try RunningBot(environment: discord.environment(), in: directory)
      try await bot.waitForCommands()
      // A share of the shards is for a restart.
      try file(directory, shards: #"{"total":4,"ids":[0]}"#)
      kill(bot.process.processIdentifier, SIGHUP)
      try await bot.waitForLog("their number changes with a restart", limit: .seconds(60))
      try file(directory, shards: #"{"total":2}"#)
      kill(bot.process.processIdentifier, SIGHUP)
      try await bot.waitForLog("another set of shards starts", limit: .seconds(60))
      // Whoever asks meanwhile is answered, and once.
      var answers = 0
      while !bot.errors.contains("the new shards have taken over") {
        #expect(try await discord.type("/about")["embeds"]?[0] != nil)
        answers += 1
        try await Task.sleep(for: .milliseconds(50))
      }
      #expect(answers > 0)
      #expect(try await shards(discord) == ["[0,2]", "[1,2]"])
      #expect(try await discord.type("/about")["embeds"]?[0] != nil)
      #expect(!bot.errors.contains("already been acknowledged"))
      #expect(!bot.errors.contains("wait for a restart"))
      #expect(try await bot.stop() == 0)
    }
  }
}
