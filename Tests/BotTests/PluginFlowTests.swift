import Commands
import Core
import Foundation
import Gateway
import Platform
import Storage
import Testing

@testable import Bot

/// A plugin is switched on and off in a guild, through real sockets.
struct PluginFlowTests {
  private struct Coins: Plugin {
    let name = "coins"
    let title = "Coins"
    let summary = "Money of the server."
    let migrations = [Migration(1, "purses", ["CREATE TABLE coins_purses (id \(.identity))"])]

    func commands(among plugins: [PluginDescription]) throws -> [Command] { [try Pay.command(services: ())] }
  }

  private struct Pay: SlashCommand {
    static let name = "pay", summary = "Send coins"
    @Option("How many", range: 1...9) var amount: Int
    func run(in context: CommandContext<Void>) async throws -> Reply { "paid \(amount)" }
  }

  /// A bot in this process, with the plugin.
  private func withBot(
    _ discord: TestDiscord, _ directory: URL, _ body: (SharedState) async throws -> Void
  ) async throws {
    try await InProcessBot(plugins: { _ in [Coins()] }, pluginNames: ["coins"])
      .run(on: discord, in: directory, body)
  }

  @Test func aPluginSwitchedOffVanishesFromTheGuildAndComesBack() async throws {
    try await withTestDiscord { discord, directory in
      try await withBot(discord, directory) { shared in
        try await eventually("/pay is offered") { try await discord.commands().contains("pay") }
        #expect(try await discord.type("/pay amount:7")["content"] == "paid 7")

        let refusal = try await discord.type("/help command:plugins", as: "100000000000000003").serialized()
        #expect(!refusal.contains("disable"))
        let answer = try await discord.type("/plugins disable plugin:coins")
        #expect(answer.serialized().contains("Coins"))
        #expect(try await !discord.commands().contains("pay"))
        #expect(shared.switches.choice(of: GuildID(900_000_000_000_000_001), for: "coins") == false)
        let audited = try await shared.auditLog.recent().map(\.entry.action)
        #expect(audited.contains("plugin_disabled"))
        #expect(audited.contains("command_executed"))
      }
      // The choice is on disk: the next start does not offer it either.
      try await withBot(discord, directory) { _ in
        #expect(try await !discord.commands().contains("pay"))
        _ = try await discord.type("/plugins enable plugin:coins")
        #expect(try await discord.commands().contains("pay"))
        #expect(try await discord.type("/pay amount:1")["content"] == "paid 1")
      }
    }
  }
}
