import Core
import Foundation
import HTTP
import Platform
import Storage
import Testing

@testable import Bot
@testable import HTTPAPI

/// A server's settings over the program's HTTP API, and what becomes of them at Discord.
struct ServerFlowTests {
  private static let manager = UserID(100_000_000_000_000_001)

  /// The program with its HTTP API, asked by one user.
  private struct Program {
    let base: String
    let client: HTTPClient
    let token: String

    func send(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> (status: Int, json: JSON) {
      let response = try await client.send(
        HTTPClientRequest(
          method, base + path, headers: ["Authorization": "Bearer \(token)", "Content-Type": "application/json"],
          body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none))
      return (response.status, response.body.isEmpty ? .null : try JSON(parsing: response.body))
    }
  }

  private func withProgram(_ body: (TestDiscord, Program) async throws -> Void) async throws {
    try await withTestDiscord { discord, directory in
      var environment = discord.environment(["ADJUTANT_PLUGINS_HTTPAPI_ENABLED": "true"])
      for listener in Configuration.HTTPAPI.defaultListeners {
        environment["ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_\(listener.name.uppercased())_LISTEN"] = "127.0.0.1:0"
      }
      let bot = try RunningBot(environment: environment, in: directory)
      try await eventually("the program is connected") { bot.hasBanner }
      let line = bot.printed.split(separator: "\n").first { $0.contains("  tracker: ") }
      let base = try String(#require(line?.split(separator: " ").first))
      let database = try await Database.open(url: "sqlite:\(directory.path())/data/adjutant.db")
      let tokens = try await TokenService.open(
        database: database, directory: directory.path() + "/data", issuer: .adjutant)
      let token = try await tokens.issue(for: .user(Self.manager)).text.reveal()
      try await body(discord, Program(base: base, client: discord.client, token: token))
      await database.close()
      #expect(try await bot.stop() == 0)
    }
  }

  @Test func theSwitchOverHTTPTakesTheCommandsAway() async throws {
    try await withProgram { discord, program in
      let path = "api/v1/servers/\(TestDiscord.guild)/settings"
      try await eventually("the tracker's commands are offered") {
        try await discord.commands().contains("leaderboard")
      }
      let off = try await program.send(.patch, path, ["features": ["killTracker": false]])
      #expect(off.status == 200 && off.json["data"]?["features"]?["killTracker"] == false)
      try await eventually("they are gone") { try await !discord.commands().contains("leaderboard") }
      #expect(try await discord.commands().contains("plugins"))
      // What `/plugins` does shows here.
      _ = try await discord.type("/plugins enable plugin:killtracker")
      #expect(try await discord.commands().contains("leaderboard"))
      let on = try await program.send(.get, path)
      #expect(on.json["data"]?["features"]?["killTracker"] == true)
    }
  }

  @Test func aServerIsAsDiscordShowsIt() async throws {
    try await withProgram { discord, program in
      try await eventually("the server is known") {
        try await program.send(.get, "api/v1/servers").json["data"]?.array?.isEmpty == false
      }
      let server = try await program.send(.get, "api/servers/\(TestDiscord.guild)")
      #expect(server.status == 200 && server.json["isActive"] == true)
      let members = server.json["members"]?.array ?? []
      let owner = members.first { $0["isOwner"] == true }
      #expect(owner?["user"]?["id"] == .string(TestDiscord.owner) && owner?["permissions"] == ["read", "write"])
      let channels = server.json["channels"]?.array ?? []
      #expect(
        channels.contains { $0["type"] == "text" } && channels.contains { $0["id"] == .string(TestDiscord.channel) })
      let list = try await program.send(.get, "api/v1/servers")
      let data = list.json["data"]?[0]
      #expect(data?["name"] == server.json["name"] && data?["ownerId"] == .string(TestDiscord.owner))
      #expect(try await program.send(.get, "api/v1/servers/900000000000000099").status == 404)
      let status = try await program.send(.get, "api/v1/bot/status")
      #expect(status.json["data"]?["isOnline"] == true && status.json["data"]?["serverCount"] == 1)
    }
  }
}
