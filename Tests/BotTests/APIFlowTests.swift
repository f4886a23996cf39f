import Foundation
import HTTP
import Platform
import Testing

@testable import Bot

/// The HTTP API of the program as a process.
struct APIFlowTests {
  /// Opens one port that the system chooses; a public key brings the one surface that needs nothing else.
  private static func environment(_ key: Ed25519.PrivateKey, _ more: [String: String] = [:]) throws -> [String: String]
  {
    [
      "ADJUTANT_PLUGINS_HTTPAPI_ENABLED": "true", "ADJUTANT_DISCORD_PUBLICKEY": Hex.encode(try key.publicKeyBytes()),
      "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_MAIN_LISTEN": "127.0.0.1:0",
      "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_TRACKER_LISTEN": "127.0.0.1:0",
      "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_PANEL_LISTEN": "127.0.0.1:0",
      "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_METRICS_LISTEN": "127.0.0.1:0",
    ].merging(more) { $1 }
  }

  /// Where the listener is, as the banner says.
  private func address(of listener: String, _ bot: RunningBot) async throws -> String {
    try await eventually("the program is connected") { bot.hasBanner }
    let line = bot.printed.split(separator: "\n").first { $0.contains("  \(listener): ") }
    return try String(#require(line?.split(separator: " ").first))
  }

  /// Where the first listener is, as the log says: known before Discord has answered.
  private func loggedAddress(_ bot: RunningBot) async throws -> String {
    var address: String?
    try await eventually("the log says where it listens") {
      // What has no end yet is still being written.
      let lines = bot.errors.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      let line = lines.first { $0.contains("\"message\":\"listening\"") && !$0.contains("sandbox") }
      address = try line.flatMap { try JSON(parsing: Array($0.utf8))["address"]?.string }
      return address != nil
    }
    return "http://\(try #require(address))/"
  }

  private func interaction(
    _ client: HTTPClient, _ base: String, _ key: Ed25519.PrivateKey, _ body: String, breaking: Bool = false
  ) async throws -> (status: Int, body: JSON?) {
    let timestamp = String(SystemTime().timestamp.milliseconds / 1_000)
    var signature = try key.sign(Array((timestamp + body).utf8))
    if breaking { signature[0] ^= 1 }
    let response = try await client.send(
      HTTPClientRequest(
        .post, base + "interactions",
        headers: [
          "Content-Type": "application/json", "X-Signature-Ed25519": Hex.encode(signature),
          "X-Signature-Timestamp": timestamp,
        ], body: .bytes(Array(body.utf8))))
    return (response.status, try? JSON(parsing: response.body))
  }

  @Test func interactionsAndKeysOverItsOwnPorts() async throws {
    let key = try Ed25519.PrivateKey()
    try await withTestDiscord { discord, directory in
      let bot = try RunningBot(environment: discord.environment(Self.environment(key)), in: directory)
      let base = try await address(of: "main", bot)
      #expect(
        try await interaction(discord.client, base, key, #"{"id":"1","application_id":"1","type":1,"token":"t"}"#)
          .body?["type"] == 1)
      #expect(try await interaction(discord.client, base, key, "{}", breaking: true).status == 401)
      let document = try await discord.client.send(HTTPClientRequest(.get, base + "openapi.json"))
      #expect(try JSON(parsing: document.body)["paths"]?["/interactions"]?["post"] != nil)

      // A user's key is shown to them once, and never in the log.
      try await eventually("commands are registered") { try await discord.commands().contains("apikey") }
      let made = try await discord.type("/apikey create name:Ship player:Me", as: TestDiscord.member)
      let text = made["embeds"]?[0]?["description"]?.string ?? ""
      let shown = try #require(text.split(separator: "\n").first { $0.hasPrefix("adj_") })
      #expect((made["flags"]?.integer ?? 0) & 64 != 0)
      #expect(!bot.errors.contains(shown))
      let listed = try await discord.type("/apikey list", as: TestDiscord.member)
      let line = listed["embeds"]?[0]?["description"]?.string ?? ""
      #expect(line.contains("**Ship**") && line.contains("for Me") && !line.contains("adj_"))
      #expect(try await discord.type("/apikey list")["content"]?.string?.hasPrefix("You have no keys.") == true)
      let refused = try await discord.type("/apikey revoke key:key_1")
      #expect(refused["embeds"]?[0]?["description"]?.string?.hasPrefix("You have no such key.") == true)
      _ = try await discord.type("/apikey revoke key:key_1", as: TestDiscord.member)
      #expect(try await discord.type("/apikey list", as: TestDiscord.member)["content"] != nil)
      #expect(try await bot.stop() == 0)
    }
  }

  @Test func itListensBeforeDiscordAnswers() async throws {
    let key = try Ed25519.PrivateKey()
    try await withTestDiscord { discord, directory in
      // Nobody listens there.
      let nowhere = ["ADJUTANT_DISCORD_APIBASE": "http://127.0.0.1:1/api/v10"]
      let bot = try RunningBot(environment: discord.environment(Self.environment(key, nowhere)), in: directory)
      let base = try await loggedAddress(bot)
      #expect(try await interaction(discord.client, base, key, "{}").status == 503)
      #expect(try await discord.client.send(HTTPClientRequest(.get, base + "docs")).status == 200)
      #expect(!bot.hasBanner)
      #expect(try await bot.stop() == 0)
    }
  }

  @Test func aTakenPortEndsTheStartWithItsName() async throws {
    let key = try Ed25519.PrivateKey()
    try await withTestDiscord { discord, directory in
      let taken = discord.addresses.socket
      let environment = try Self.environment(key, ["ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_MAIN_LISTEN": "\(taken)"])
      let bot = try RunningBot(environment: discord.environment(environment), in: directory)
      #expect(try await bot.exitCode() == 69)
      #expect(
        bot.errors.contains(
          "adjutant: plugins.httpapi.listeners.main.listen: \(taken) is taken by another program; no port"))
      #expect(try await discord.requests().isEmpty)
    }
  }

  @Test func switchedOffItOpensNothing() async throws {
    let key = try Ed25519.PrivateKey()
    try await withTestDiscord { discord, directory in
      let off = try Self.environment(key, ["ADJUTANT_PLUGINS_HTTPAPI_ENABLED": "false"])
      let bot = try RunningBot(environment: discord.environment(off), in: directory)
      try await eventually("the program is connected") { bot.hasBanner }
      #expect(!bot.errors.contains("\"message\":\"listening\"") && !bot.printed.contains("HTTP API"))
      try await eventually("commands are registered") { try await discord.commands().contains("ping") }
      #expect(try await !discord.commands().contains("apikey"))
      #expect(try await bot.stop() == 0)
    }
  }
}
