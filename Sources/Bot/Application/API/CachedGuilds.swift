import Core
import Gateway
import HTTPAPI
import Platform

/// The guilds as the gateway's cache has them; none while there is no cache. Where it ends, Discord is asked, but never
/// for more than ``askLimit`` guilds at once.
struct CachedGuilds: GuildDirectory {
  /// The most guilds that Discord is asked about for one answer.
  static let askLimit = 25
  /// So many questions at the same time.
  private static let asksAtOnce = 5

  let cache: @Sendable () -> GuildCache?
  /// Whether the bot is in that guild; nil while it is not known which guilds there are.
  var isPresent: @Sendable (GuildID) -> Bool? = { _ in nil }
  /// Nil: only the cache tells who is a member.
  var authority: (any GuildAuthority)?
  var rest: RESTClient?

  func guilds(ownedBy user: UserID) -> [GuildSummary] {
    Self.sorted((cache()?.outlines(ownedBy: Snowflake(user)) ?? []).map(Self.summary))
  }

  func guild(_ id: GuildID) -> GuildSummary? { cache()?.outline(of: Snowflake(id)).map(Self.summary) }

  func name(of id: GuildID) -> String? { cache()?.outline(of: Snowflake(id))?.name }

  func mayExist(_ id: GuildID) -> Bool { guild(id) != nil || isPresent(id) ?? true }

  func all(limit: Int) -> [GuildSummary] {
    let cache = cache()
    return Array(
      Self.sorted((cache?.guildIDs ?? []).compactMap { cache?.outline(of: $0).map(Self.summary) }).prefix(limit))
  }

  func guilds(of user: UserID, likely: [GuildID], limit: Int) async throws -> [GuildSummary] {
    guard let cache = cache() else { return [] }
    var found = Set(cache.outlines(ownedBy: Snowflake(user)).map(\.id))
    if cache.kinds.contains(.members) {
      found.formUnion(cache.guildIDs.filter { cache.member(Snowflake(user), in: $0) != nil })
    }
    // Of few guilds all are looked at; of many, those where the user has been.
    let all = cache.guildIDs.sorted { $0.rawValue < $1.rawValue }
    let present = Set(all)
    let first = likely.map { Snowflake($0) }.filter { present.contains($0) && !found.contains($0) }
    let rest = all.count > Self.askLimit ? [] : all.filter { !found.contains($0) && !first.contains($0) }
    found.formUnion(try await memberships(of: user, in: Array((first + rest).prefix(Self.askLimit))))
    return Array(Self.sorted(found.compactMap { cache.outline(of: $0).map(Self.summary) }).prefix(limit))
  }

  private func memberships(of user: UserID, in guilds: [Snowflake]) async throws -> [Snowflake] {
    guard let authority else { return [] }
    var found: [Snowflake] = []
    for start in stride(from: 0, to: guilds.count, by: Self.asksAtOnce) {
      let batch = guilds[start..<min(start + Self.asksAtOnce, guilds.count)]
      found += try await withThrowingTaskGroup(of: Snowflake?.self) { group in
        for guild in batch {
          group.addTask { try await authority.isMember(user, of: GuildID(guild)) ? guild : nil }
        }
        return try await group.reduce(into: []) { list, guild in if let guild { list.append(guild) } }
      }
    }
    return found
  }

  // MARK: Members and channels

  /// Those who are cached; else a page of Discord's list, which only bots with the intent GUILD_MEMBERS may read; else
  /// the owner alone.
  func members(of id: GuildID, limit: Int) async throws -> [GuildMemberSummary] {
    let (cache, guildID) = (cache(), Snowflake(id))
    guard let guild = cache?.guild(guildID) else { return [] }
    var members = cache?.kinds.contains(.members) == true ? cache?.members(in: guildID) ?? [] : []
    if members.count <= 1, let listed = try await listed(guildID, limit) { members = listed }
    members = Array(members.filter { $0.user != nil }.prefix(limit))
    if !members.contains(where: { $0.user?.id == guild.ownerID }), let owner = try await member(guild.ownerID, guildID)
    {
      members = [owner] + members.prefix(limit - 1)
    }
    return members.compactMap { member in
      guard let user = member.user else { return nil }
      return GuildMemberSummary(
        id: UserID(user.id), username: user.username, avatarURL: user.avatar.map { Self.avatarURL(user.id, $0) },
        isManager: user.id == guild.ownerID || GuildManagers.manages(member, guild.roles, guildID))
    }.sorted { $0.id.rawValue < $1.id.rawValue }
  }

  private func listed(_ guild: Snowflake, _ limit: Int) async throws -> [Gateway.Member]? {
    do { return try await rest?.members(of: guild, limit: limit) } catch DiscordError.refused { return nil }
  }

  private func member(_ user: Snowflake, _ guild: Snowflake) async throws -> Gateway.Member? {
    if let known = cache()?.member(user, in: guild) { return known }
    do { return try await rest?.member(user, of: guild) } catch DiscordError.refused { return nil }
  }

  func channels(of id: GuildID) -> [GuildChannelSummary] {
    guard let guild = cache()?.guild(Snowflake(id)) else { return [] }
    let everyone = guild.roles.first { $0.id == guild.id }?.permissions ?? .viewChannel
    return guild.channels.sorted { ($0.position ?? 0, $0.id.rawValue) < ($1.position ?? 0, $1.id.rawValue) }
      .map { channel in
        GuildChannelSummary(
          id: "\(channel.id)", name: channel.name ?? "\(channel.id)", type: Self.name(of: channel.type),
          isOpen: Self.isOpen(channel, everyone, guild.id))
      }
  }

  /// Whether every member sees it (Discord Topics, "Permission Overwrites").
  private static func isOpen(_ channel: Channel, _ everyone: Gateway.Permissions, _ guild: Snowflake) -> Bool {
    if everyone.contains(.administrator) { return true }
    let overwrite = channel.permissionOverwrites.first { $0.kind == .role && $0.id == guild }
    let denied = everyone.subtracting(overwrite?.deny ?? [])
    return denied.union(overwrite?.allow ?? []).contains(.viewChannel)
  }

  private static func name(of type: ChannelType) -> String {
    switch type {
    case .guildText: "text"
    case .guildVoice: "voice"
    case .guildCategory: "category"
    case .guildAnnouncement: "announcement"
    case .guildStageVoice: "stage"
    case .guildDirectory: "directory"
    case .guildForum: "forum"
    case .guildMedia: "media"
    default: "unknown"
    }
  }

  // MARK: Words

  private static func sorted(_ guilds: [GuildSummary]) -> [GuildSummary] {
    guilds.sorted { ($0.name, $0.id.rawValue) < ($1.name, $1.id.rawValue) }
  }

  private static func summary(_ guild: GuildOutline) -> GuildSummary {
    GuildSummary(
      id: GuildID(guild.id), name: guild.name,
      // Discord Reference, "CDN Endpoints"; animated ones begin with `a_`.
      iconURL: guild.icon.map { hash in
        "https://cdn.discordapp.com/icons/\(guild.id)/\(hash).\(hash.hasPrefix("a_") ? "gif" : "png")"
      }, owner: UserID(guild.ownerID), memberCount: guild.memberCount)
  }

  private static func avatarURL(_ user: Snowflake, _ hash: String) -> String {
    "https://cdn.discordapp.com/avatars/\(user)/\(hash).\(hash.hasPrefix("a_") ? "gif" : "png")"
  }
}
