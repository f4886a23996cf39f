import Core
import Foundation
import Platform
import Storage
import Testing

@testable import Bot

/// What owners do to the running program, as a process.
struct AdminFlowTests {
  private static let owner = ["ADJUTANT_OWNERS": TestDiscord.owner]

  private func descriptors(_ bot: RunningBot) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(bot.process.processIdentifier)/fd").count
  }

  /// What the audit log says that owners did, oldest first.
  private func deeds(in directory: URL) async throws -> [AuditEntry] {
    let database = try await Database.open(url: "sqlite:\(directory.path())/data/adjutant.db")
    let records = try await SharedState.open(database).auditLog.recent()
    await database.close()
    return records.map(\.entry).filter { $0.category == "admin_action" }.reversed()
  }

  @Test func aRestartIsTheSameProcessAndTheSameSessions() async throws {
    try await withTestDiscord { discord, directory in
      let bot = try RunningBot(environment: discord.environment(Self.owner), in: directory)
      try await eventually("the program is connected") { bot.hasBanner }
      try await eventually("the command is there") { try await discord.commands().contains("bot") }
      let session = try await discord.connectedSessions()[0]["id"]
      let before = try descriptors(bot)
      let answer = try await discord.type("/bot restart")
      #expect(answer["embeds"]?[0]?["description"] == "The bot starts anew.")
      try await bot.waitForLog("starting anew")
      try await eventually("it is connected again") { bot.printed.components(separatedBy: "is connected.").count == 3 }
      #expect(bot.process.isRunning)
      let sessions = try await discord.connectedSessions()
      #expect(sessions.count == 1 && sessions[0]["id"] == session)
      // Nothing of the first life is left open. Connections that are just being made may come on top.
      #expect(try descriptors(bot) <= before + 10)
      #expect(try await discord.type("/about")["embeds"]?[0] != nil)

      // Twice is as good as once, and signals work as at the first start.
      _ = try await discord.type("/bot restart")
      try await eventually("it is connected again") { bot.printed.components(separatedBy: "is connected.").count == 4 }
      #expect(try await bot.stop() == 0)
      let deeds = try await deeds(in: directory)
      #expect(deeds.map(\.action) == ["restart_requested", "restart_requested"])
      #expect(deeds.first?.userID.description == TestDiscord.owner && deeds.first?.details["through"] == "command")
    }
  }

  @Test func commandsAreReloadedAndCachesCleared() async throws {
    try await withTestDiscord { discord, directory in
      let bot = try RunningBot(environment: discord.environment(Self.owner), in: directory)
      try await eventually("the program is connected") { bot.hasBanner }
      try await eventually("the command is there") { try await discord.commands().contains("bot") }
      try await bot.waitForLog("\"scope\":\"guild \(TestDiscord.guild)\"")
      _ = try await discord.control(.delete, "requests")
      let reload = try await discord.type("/bot reload-commands")
      #expect(
        reload["embeds"]?[0]?["description"]
          == "The global commands are as they should be. Those of 1 servers are looked at now.")
      // What is remembered is not good enough: Discord is asked, but nothing written.
      try await eventually("Discord is asked") {
        try await discord.requests().filter { $0.hasPrefix("GET ") && $0.contains("/commands") }.count >= 2
      }
      #expect(try await discord.requests().filter { $0.hasPrefix("PUT ") }.isEmpty)
      let cleared = try await discord.type("/bot clear-caches")
      #expect(cleared["embeds"]?[0]?["description"]?.string?.hasPrefix("Forgotten: plugin switches") == true)
      #expect(try await bot.stop() == 0)
      #expect(try await deeds(in: directory).map(\.action) == ["commands_reloaded", "caches_cleared"])
    }
  }

  @Test func aSecondStartOffersItsCommandsInItsOwnSandboxAgain() async throws {
    let client = try HTTPClient(log: .silent, metrics: Metrics())
    try await withTemporaryDirectory { directory in
      for _ in 0..<2 {
        let bot = try RunningBot(environment: ["ADJUTANT_SANDBOX_LISTEN": "127.0.0.1:0"], in: directory)
        try await eventually("the program is connected") { bot.hasBanner }
        let line = bot.printed.split(separator: "\n").first { $0.contains("  playground ") }
        let playground = try #require(line?.split(separator: " ").last)
        let path = "sandbox/commands?user=\(TestDiscord.owner)&channel=\(TestDiscord.channel)"
        try await eventually("the commands are offered") {
          let answer = try await client.send(HTTPClientRequest(.get, playground + path))
          return String(decoding: answer.body, as: UTF8.self).contains("\"ping\"")
        }
        #expect(try await bot.stop() == 0)
      }
    }
    await client.shutdown()
  }

  @Test func othersMayNot() async throws {
    try await withTestDiscord { discord, directory in
      // The guild's owner is not the bot's.
      let environment = discord.environment(["ADJUTANT_OWNERS": TestDiscord.member])
      let bot = try RunningBot(environment: environment, in: directory)
      try await eventually("the program is connected") { bot.hasBanner }
      try await eventually("the command is there") { try await discord.commands().contains("bot") }
      let answer = try await discord.type("/bot restart")
      #expect(answer["embeds"]?[0]?["description"] != "The bot starts anew.")
      #expect(try await bot.stop() == 0)
      #expect(!bot.errors.contains("starting anew"))
    }
  }
}
