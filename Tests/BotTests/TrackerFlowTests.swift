import Foundation
import HTTP
import Platform
import Testing

@testable import Bot

/// The kill tracker as people and their programs use it: the whole program, through real sockets.
struct TrackerFlowTests {
  private static let feedChannel = "900000000000000012"
  private static let nadia = "100000000000000003"
  private static let ports = [
    "ADJUTANT_PLUGINS_HTTPAPI_ENABLED": "true", "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_MAIN_LISTEN": "127.0.0.1:0",
    "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_TRACKER_LISTEN": "127.0.0.1:0",
    "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_PANEL_LISTEN": "127.0.0.1:0",
    "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_METRICS_LISTEN": "127.0.0.1:0",
  ]

  /// A program with an API key.
  private struct Client {
    let http: HTTPClient
    let base: String
    let key: String

    func send(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> JSON {
      let response = try await http.send(
        HTTPClientRequest(
          method, base + path, headers: ["Authorization": "Bearer \(key)", "Content-Type": "application/json"],
          body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none))
      try #require((200..<300).contains(response.status), "\(path): \(String(decoding: response.body, as: UTF8.self))")
      return try JSON(parsing: response.body)
    }
  }

  private func client(
    _ discord: TestDiscord, _ bot: RunningBot, of user: String, playing player: String
  ) async throws -> Client {
    let made = try await discord.type(
      "/apikey create name:Ship player:\(player) permissions:read:kills write:kills read:stats", as: user)
    let text = made["embeds"]?[0]?["description"]?.string ?? ""
    let key = try #require(text.split(separator: "\n").first { $0.hasPrefix("adj_") })
    let line = bot.printed.split(separator: "\n").first { $0.contains("  tracker: ") }
    let address = try #require(line?.split(separator: " ").first)
    return Client(http: discord.client, base: String(address.dropLast()), key: String(key))
  }

  /// The texts of the feed's messages, the oldest first.
  private func feed(_ discord: TestDiscord) async throws -> [String] {
    let messages = try await discord.control(
      .get, "messages?channel=\(Self.feedChannel)&user=\(TestDiscord.owner)")
    return (messages.array ?? []).flatMap { $0["embeds"]?.array ?? [] }.compactMap { $0["description"]?.string }
  }

  @Test func killsFromPeopleAndProgramsAreOneStory() async throws {
    try await withTestDiscord { discord, directory in
      let bot = try RunningBot(environment: discord.environment(Self.ports), in: directory)
      try await eventually("the program is connected") { bot.hasBanner }
      try await eventually("commands are registered") { try await discord.commands().contains("killfeed") }
      try await eventually("commands are registered") { try await discord.commands().contains("apikey") }

      // A server manager begins the feed; a member does not even see the command.
      #expect(try await !discord.commands(for: Self.nadia).contains("killfeed"))
      let begun = try await discord.type("/killfeed setup channel:bot-commands")
      #expect(begun["embeds"]?[0]?["title"] == "The kill feed is on", "\(begun.serialized())")
      #expect(try await feed(discord).first?.hasPrefix("New kills are told here from now on") == true)

      // Whoever uses a command is known as a member, so that what their programs record is told.
      #expect(try await discord.type("/stats")["embeds"]?[0]?["title"] != nil)
      let first = try await client(discord, bot, of: TestDiscord.owner, playing: "Ace")
      let second = try await client(discord, bot, of: TestDiscord.member, playing: "Ace")
      _ = try await first.send(.post, "/api/kills", ["victimId": "Rookie", "weapon": "Laser Cannon", "isPvP": true])
      try await eventually("the feed tells of it") {
        try await feed(discord).contains { $0.hasPrefix("**Ace** killed **Rookie**") }
      }

      // By hand, and then by another client's program: one kill.
      let recorded = try await discord.type("/kill record victim:EnemyPlayer weapon:P4-AR Rifle place:Daymar")
      #expect(recorded["embeds"]?[0]?["title"] == "Recorded", "\(recorded.serialized())")
      #expect((recorded["flags"]?.integer ?? 0) & 64 != 0)
      let id = try #require(recorded["embeds"]?[0]?["footer"]?["text"]?.string)
      let kills = try await first.send(.get, "/api/v1/kills")["data"]?["kills"]?.array ?? []
      let kill = try #require(kills.first { $0["id"]?.string == id }, "\(kills)")
      _ = try await second.send(
        .post, "/api/kills", ["victimId": "EnemyPlayer", "isPvP": true, "timestamp": kill["timestamp"] ?? .null])
      let after = try await first.send(.get, "/api/v1/kills")["data"]?["kills"]?.array ?? []
      #expect(after.count == 2)
      try await eventually("the feed tells of it") {
        try await feed(discord).contains { $0.contains("killed **EnemyPlayer**") }
      }

      // Somebody private records, too.
      let hidden = try await discord.type("/privacy private", as: Self.nadia)
      #expect(hidden["embeds"]?[0]?["title"] == "You are private from now on")
      _ = try await discord.type("/kill record victim:Secret", as: Self.nadia)
      _ = try await discord.type("/kill record victim:Last")
      try await eventually("the feed tells of what came later") {
        try await feed(discord).contains { $0.contains("killed **Last**") }
      }
      let told = try await feed(discord)
      #expect(told.filter { $0.contains("EnemyPlayer") }.count == 1)
      #expect(!told.contains { $0.contains("Secret") || $0.contains("Private player") || $0.contains("adia") })

      // The lists: everybody's hold nobody who is private.
      let board = try await discord.type("/leaderboard type:Kills period:All time scope:All kills")
      let lines = (board["embeds"]?[0]?["description"]?.string ?? "").split(separator: "\n")
      #expect(lines.first == "`#1` **Ace** · 3 · new")
      #expect(!lines.contains { $0.contains("adia") })
      let places = try await first.send(.get, "/api/v1/leaderboards?type=kills&period=all_time").serialized()
      #expect(places.contains("Ace") && !places.contains("adia") && !places.contains(Self.nadia))
      let list = try await first.send(.get, "/api/v1/kills").serialized()
      #expect(list.contains("Private player") && list.contains("Secret"))
      #expect(!list.contains("adia") && !list.contains(Self.nadia))
      let refused = try await discord.type("/stats user:nadia")
      #expect(refused["embeds"]?[0]?["description"] == "That is somebody else's, or they keep it private.")
      // Her own place is hers to see.
      let own = try await discord.type("/leaderboard scope:All kills", as: Self.nadia)
      #expect((own["flags"]?.integer ?? 0) & 64 != 0)
      #expect(own["embeds"]?[0]?["description"]?.string?.contains("You: `#2`") == true, "\(own.serialized())")
      #expect(try await bot.stop() == 0)
    }
  }
}
