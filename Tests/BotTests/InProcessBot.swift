import Commands
import Core
import Foundation
import Gateway
import Platform
import Storage
import Testing

@testable import Bot

/// A bot in this process, connected to a test's Discord, with plugins of the test's own.
struct InProcessBot {
  var plugins: @Sendable (Database) -> [any Plugin]
  var pluginNames: [String]
  var intents = "GUILDS"

  func run(
    on discord: TestDiscord, in directory: URL, _ body: (SharedState) async throws -> Void
  ) async throws {
    let settings: JSON = ["discord": ["intents": .array(intents.split(separator: " ").map { .string(String($0)) })]]
    let configuration = try Configuration.read(
      settings, environment: [:], plugins: ["administration"] + pluginNames)
    let url = Secret("sqlite:\(directory.path())/bot.db")
    let database = try await Database.open(url: url.reveal())
    let shared = try await SharedState.open(database)
    let http = try HTTPClient(log: .silent, metrics: Metrics())
    let bot = try await Bot.assemble(
      Bot.Surroundings(
        target: DiscordTarget(
          token: Secret(TestDiscord.token), apiBase: discord.addresses.apiBase, gatewayURL: nil, databaseURL: url,
          sandbox: nil, addresses: nil),
        configuration: configuration, shared: shared, http: http, sink: MemoryLogSink(), metrics: Metrics(),
        time: SystemTime(), plugins: plugins(database))
    ) { state in
      if case .failed(let error) = state { Issue.record("refused: \(error)") }
    }
    try await bot.start()
    try await eventually("the session is up") { try await discord.connectedSessions().count == 1 }
    try await body(shared)
    await bot.stop(limit: .seconds(5))
    await http.shutdown()
    await database.close()
  }
}
