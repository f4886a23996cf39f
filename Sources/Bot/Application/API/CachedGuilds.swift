import Core
import Gateway
import HTTPAPI

/// The guilds that the bot is in, as its cache has them; none before the bot is connected.
struct CachedGuilds: GuildDirectory {
  let cache: @Sendable () -> GuildCache?

  func guilds(ownedBy user: UserID) -> [GuildSummary] {
    (cache()?.guilds(ownedBy: Snowflake(rawValue: user.rawValue)) ?? []).map { guild in
      GuildSummary(
        id: GuildID(guild.id), name: guild.name,
        iconURL: guild.icon.map { hash in
          // Discord Reference, "CDN Endpoints"; animated ones begin with `a_`.
          "https://cdn.discordapp.com/icons/\(guild.id)/\(hash).\(hash.hasPrefix("a_") ? "gif" : "png")"
        })
    }.sorted { ($0.name, $0.id.rawValue) < ($1.name, $1.id.rawValue) }
  }
}
