import Platform
import Testing

@testable import Bot

struct VersionTests {
  @Test func discordIsToldWhoAsks() {
    let token = Secret("ODAwMDAwMDAwMDAwMDAwMDAx.x.y")
    #expect(
      Version.userAgent(token: token, publicURL: nil)
        == "DiscordBot (https://discord.com/users/800000000000000001, \(Version.current))")
    #expect(
      Version.userAgent(token: token, publicURL: "https://bot.example.com")
        == "DiscordBot (https://bot.example.com, \(Version.current))")
    // Without padding, as Discord writes ids of other lengths; and what is no token at all.
    #expect(Version.userAgent(token: Secret("NQ.x.y"), publicURL: nil).contains("/users/5,"))
    #expect(Version.userAgent(token: Secret("secret"), publicURL: nil).hasPrefix("DiscordBot (https://discord.com, "))
  }
}
