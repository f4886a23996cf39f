import Core
import Gateway
import HTTPAPI

/// The guilds as the gateway's cache has them; none while there is no cache.
struct CachedGuilds: GuildDirectory {
  let cache: @Sendable () -> GuildCache?

  func guilds(ownedBy user: UserID) -> [GuildSummary] {
    (cache()?.outlines(ownedBy: Snowflake(rawValue: user.rawValue)) ?? []).map(Self.summary)
      .sorted { ($0.name, $0.id.rawValue) < ($1.name, $1.id.rawValue) }
  }

  func guild(_ id: GuildID) -> GuildSummary? {
    cache()?.outline(of: Snowflake(rawValue: id.rawValue)).map(Self.summary)
  }

  private static func summary(_ guild: GuildOutline) -> GuildSummary {
    GuildSummary(
      id: GuildID(guild.id), name: guild.name,
      // Discord Reference, "CDN Endpoints"; animated ones begin with `a_`.
      iconURL: guild.icon.map { hash in
        "https://cdn.discordapp.com/icons/\(guild.id)/\(hash).\(hash.hasPrefix("a_") ? "gif" : "png")"
      })
  }
}
