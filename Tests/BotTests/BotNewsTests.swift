import Core
import Foundation
import Platform
import Storage
import Testing

@testable import Bot

/// What the program tells of itself and of its guilds' members as domain events.
@Suite(.timeLimit(.minutes(2))) struct BotNewsTests {
  @Test func whoJoinsAndLeavesIsTold() async throws {
    try await withTestDiscord { discord, directory in
      try await InProcessBot(plugins: { _ in [] }, pluginNames: [], intents: "GUILDS GUILD_MEMBERS")
        .run(on: discord, in: directory) { shared in
          let joined = try await discord.control(.post, "join", ["name": "newcomer"])
          let user = try #require(joined["user"]?["id"]?.string ?? joined["id"]?.string ?? joined["user"]?.string)
          _ = try await discord.control(.post, "leave", ["user": .string(user)])
          try await eventually("both are told") {
            try await shared.events.events(after: 0).filter { $0.name.hasPrefix("user.") }.count == 2
          }
          let events = try await shared.events.events(after: 0).filter { $0.name.hasPrefix("user.") }
          #expect(events.map(\.name) == ["user.joined", "user.left"])
          #expect(events.allSatisfy { $0.data["id"]?.string == user && $0.guildID != nil })
        }
    }
  }

  @Test func theProgramTellsWhenItComesAndGoes() async throws {
    try await withTestDiscord { discord, directory in
      let bot = try RunningBot(environment: discord.environment(), in: directory)
      try await eventually("the program is connected") { bot.hasBanner }
      #expect(try await bot.stop() == 0)
      let database = try await Database.open(url: "sqlite:\(directory.path())/data/adjutant.db")
      let shared = try await SharedState.open(database, modules: ProgramTables.modules)
      let news = try await shared.events.events(after: 0).filter { $0.name == "bot.status_changed" }
      #expect(news.map { $0.data["status"] } == ["online", "offline"])
      await database.close()
    }
  }
}
