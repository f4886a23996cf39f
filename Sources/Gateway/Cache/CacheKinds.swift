/// What of the guilds is kept in memory.
public struct CacheKinds: OptionSet, Sendable, Hashable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// Names, counts, and the bot's own member. Every other kind needs it.
  public static let guilds = CacheKinds(rawValue: 1 << 0)
  /// With threads that are not archived.
  public static let channels = CacheKinds(rawValue: 1 << 1)
  public static let roles = CacheKinds(rawValue: 1 << 2)
  /// Whom Discord tells of: all of them only with the intent GUILD_MEMBERS, and in large guilds once they were asked for.
  public static let members = CacheKinds(rawValue: 1 << 3)
  public static let voiceStates = CacheKinds(rawValue: 1 << 4)
  /// Status alone, no activities. Needs the intent GUILD_PRESENCES.
  public static let presences = CacheKinds(rawValue: 1 << 5)

  /// What checks of permissions and names need. The rest grows with the number of people.
  public static let standard: CacheKinds = [.guilds, .channels, .roles]

  /// By the names that the configuration uses.
  public static let names: [(name: String, kind: CacheKinds)] = [
    ("guilds", .guilds), ("channels", .channels), ("roles", .roles), ("members", .members),
    ("voiceStates", .voiceStates), ("presences", .presences),
  ]

  public init?(name: String) {
    guard let kind = Self.names.first(where: { $0.name == name })?.kind else { return nil }
    self = kind
  }
}
