import Platform
import Synchronization

/// The guilds of all shards of this process as the gateway tells of them. Any thread may ask.
///
/// It holds what its ``CacheKinds`` name, in types of its own that take little room, and grows with what Discord tells
/// of these and with nothing else. An answer is a copy and does not follow.
public final class GuildCache: Sendable {
  struct State {
    var botID: Snowflake?
    var guilds: [Snowflake: CachedGuild] = [:]
    var unavailable: Set<Snowflake> = []
    /// Texts that many guilds share.
    var features = Interner()
  }
  let state = Mutex(State())
  public let kinds: CacheKinds

  /// - Parameter kinds: any of them brings ``CacheKinds/guilds`` along.
  public init(_ kinds: CacheKinds = .standard) { self.kinds = kinds.union(.guilds) }

  // MARK: Guilds

  /// The guild with its roles and channels as far as they are kept, and with the bot as its only member in
  /// ``Guild/members``; nil if it is unknown or down.
  public func guild(_ id: Snowflake) -> Guild? { read(id)?.guild }

  /// The guild without roles, channels and members; nil if it is unknown or down.
  public func outline(of id: Snowflake) -> GuildOutline? { read(id).map(GuildOutline.init) }

  /// Those that the user owns, in no order.
  public func outlines(ownedBy user: Snowflake) -> [GuildOutline] {
    state.withLock { $0.guilds.values.filter { $0.ownerID == user }.map(GuildOutline.init) }
  }

  public var guildIDs: [Snowflake] { state.withLock { Array($0.guilds.keys) } }

  /// Guilds that are up.
  public var guildCount: Int { state.withLock { $0.guilds.count } }

  /// Whether Discord has told of the guild but cannot show it now.
  public func isUnavailable(_ guild: Snowflake) -> Bool { state.withLock { $0.unavailable.contains(guild) } }

  /// Members over all guilds, cached or not; whoever is in two counts twice.
  public var memberCount: Int { state.withLock { $0.guilds.values.reduce(0) { $0 + ($1.memberCount ?? 0) } } }

  /// Channels over all guilds, as far as they are kept; threads are none.
  public var channelCount: Int { state.withLock { $0.guilds.values.reduce(0) { $0 + $1.channels.elements.count } } }

  /// The bot's own account.
  public var botID: Snowflake? { state.withLock { $0.botID } }

  // MARK: In a guild

  public func role(_ role: Snowflake, in guild: Snowflake) -> Role? { read(guild)?.roles[role]?.role }

  /// A channel, or a thread that is not archived.
  public func channel(_ channel: Snowflake, in guild: Snowflake) -> Channel? {
    guard let cached = read(guild) else { return nil }
    return (cached.channels[channel] ?? cached.threads[channel])?.channel(in: guild)
  }

  /// A member who is cached; the bot itself always is.
  public func member(_ user: Snowflake, in guild: Snowflake) -> Member? {
    guard let cached = read(guild) else { return nil }
    return cached.members[user] ?? (cached.ownMember?.user?.id == user ? cached.ownMember : nil)
  }

  /// The members who are cached, in the order of their ids.
  public func members(in guild: Snowflake) -> [Member] { read(guild)?.members.all ?? [] }

  /// How many members are cached.
  public func cachedMemberCount(in guild: Snowflake) -> Int { read(guild)?.members.count ?? 0 }

  public func voiceState(of user: Snowflake, in guild: Snowflake) -> VoiceState? { read(guild)?.voiceStates[user] }

  /// Everybody who is in a voice channel.
  public func voiceStates(in guild: Snowflake) -> [VoiceState] { read(guild)?.voiceStates.elements ?? [] }

  /// Nil for those who are offline, or of whom nothing is known.
  public func status(of user: Snowflake, in guild: Snowflake) -> OnlineStatus? { read(guild)?.presences[user]?.status }

  /// A copy shares its memory until the next change, so nobody waits for a long answer.
  private func read(_ guild: Snowflake) -> CachedGuild? { state.withLock { $0.guilds[guild] } }
}

/// Gives equal texts one memory. What comes after the thousandth is not shared.
struct Interner {
  private var known: Set<String> = []

  mutating func shared(_ text: String) -> String {
    // Short ones have no memory of their own.
    guard text.utf8.count > 15 else { return text }
    if let place = known.firstIndex(of: text) { return known[place] }
    if known.count < 1_000 { known.insert(text) }
    return text
  }
}
