import Core
import Foundation
import Gateway
import HTTPAPI
import Platform
import Testing

@testable import Bot

/// What the HTTP API asks Discord, against the sandbox.
struct APIBackingTests {
  private static let guild = GuildID(900_000_000_000_000_001)
  private static let owner = UserID(100_000_000_000_000_001)
  private static let member = UserID(100_000_000_000_000_002)

  private func rest(_ discord: TestDiscord) -> RESTClient {
    RESTClient(
      configuration: .init(baseURL: discord.addresses.apiBase, token: Secret(TestDiscord.token)),
      transport: HTTPTransport(client: discord.client), log: .silent, metrics: Metrics())
  }

  @Test func whoManagesAGuild() async throws {
    try await withTestDiscord { discord, _ in
      let rest = rest(discord)
      let time = ManualTime()
      let managers = GuildManagers(rest: rest, time: time) { nil }
      #expect(try await managers.isManager(Self.owner, of: Self.guild))
      #expect(try await !managers.isManager(Self.member, of: Self.guild))
      // Not a member; a guild without this bot.
      #expect(try await !managers.isManager(UserID(100_000_000_000_000_099), of: Self.guild))
      #expect(try await !managers.isManager(Self.owner, of: GuildID(900_000_000_000_000_099)))

      let (guild, member) = (Snowflake(rawValue: Self.guild.rawValue), Snowflake(rawValue: Self.member.rawValue))
      let role = try await rest.createRole(RoleBody(name: "staff", permissions: .manageGuild), in: guild)
      try await rest.addRole(role.id, to: member, of: guild)
      // What was said stands for a moment, and not for longer.
      #expect(try await !managers.isManager(Self.member, of: Self.guild))
      time.advance(by: GuildManagers.memory)
      #expect(try await managers.isManager(Self.member, of: Self.guild))
      try await rest.removeRole(role.id, from: member, of: guild)
      managers.forget()
      #expect(try await !managers.isManager(Self.member, of: Self.guild))
    }
  }

  @Test func whoIsAMember() async throws {
    try await withTestDiscord { discord, _ in
      let managers = GuildManagers(rest: rest(discord), time: ManualTime()) { nil }
      for (user, guild, isMember) in [
        (Self.owner, Self.guild, true), (Self.member, Self.guild, true),
        (UserID(100_000_000_000_000_099), Self.guild, false), (Self.member, GuildID(900_000_000_000_000_099), false),
      ] {
        let found = try await managers.isMember(user, of: guild)
        #expect(found == isMember, "\(user) in \(guild)")
      }
    }
  }

  @Test func anErrorIsNoAnswer() async throws {
    try await withTestDiscord { discord, _ in
      let rest = RESTClient(
        configuration: .init(baseURL: "http://127.0.0.1:1/api/v10", token: Secret(TestDiscord.token)),
        transport: HTTPTransport(client: discord.client), log: .silent, metrics: Metrics())
      let managers = GuildManagers(rest: rest, time: SystemTime()) { nil }
      await #expect(throws: DiscordError.self) { try await managers.isManager(Self.owner, of: Self.guild) }
    }
  }

  @Test func aCodeTellsWhoAuthorized() async throws {
    try await withTestDiscord { discord, _ in
      let rest = rest(discord)
      let application = try await rest.currentApplication().id
      let redirect = "http://127.0.0.1:3001/auth/callback"
      let agreed = try await discord.control(
        .post, "oauth2/authorize",
        [
          "user": .string("\(Self.member)"), "application": .string("\(application)"),
          "redirectURI": .string(redirect), "scope": "identify",
        ])
      let code = Secret(try #require(agreed["code"]?.string))
      let oauth = DiscordAuthorization(rest: rest, client: application, secret: Secret("any"))
      let identity = try await oauth.identity(forCode: code, redirectURI: redirect)
      #expect(identity.id == Self.member && !identity.username.isEmpty)
      // Good once; and what was never given is good for nothing.
      for worthless in [code, Secret("nonsense")] {
        await #expect(throws: DiscordLogin.Refusal.code) {
          try await oauth.identity(forCode: worthless, redirectURI: redirect)
        }
      }
    }
  }

  @Test func whereToAuthorize() {
    #expect(
      DiscordAuthorization.authorizeURL(apiBase: "https://discord.com/api/v10")
        == "https://discord.com/oauth2/authorize")
    #expect(
      DiscordAuthorization.authorizeURL(apiBase: "http://127.0.0.1:3080/api/v10")
        == "http://127.0.0.1:3080/oauth2/authorize")
  }
}
