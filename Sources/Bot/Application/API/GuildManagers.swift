import Core
import Gateway
import HTTPAPI
import Platform
import Synchronization

/// Tells who manages a guild and who is a member of it, from the gateway's cache as far as that goes, and else by asking
/// Discord.
///
/// What Discord said of a member is remembered for ``memory``: a page that sends ten requests asks once.
final class GuildManagers: GuildAuthority {
  static let memory = Duration.seconds(5)
  /// Answers kept at once.
  static let capacity = 2_000

  private struct Question: Hashable {
    let user: UserID
    let guild: GuildID
  }

  /// What a user is in a guild.
  private enum Standing {
    case stranger, member, manager
  }

  private let rest: RESTClient
  private let cache: @Sendable () -> GuildCache?
  private let time: any TimeSource
  private let known = Mutex<[Question: (answer: Standing, at: ContinuousClock.Instant)]>([:])

  /// - Parameter cache: nil while there is none.
  init(rest: RESTClient, time: any TimeSource, cache: @escaping @Sendable () -> GuildCache?) {
    self.rest = rest
    self.time = time
    self.cache = cache
  }

  /// Asks again from now on.
  func forget() { known.withLock { $0 = [:] } }

  /// False where the bot is not in the guild, or the user is not.
  /// - Throws: ``DiscordError`` if Discord cannot be asked.
  func isManager(_ user: UserID, of guild: GuildID) async throws -> Bool {
    try await standing(of: user, in: guild) == .manager
  }

  /// The same for members, managers included.
  func isMember(_ user: UserID, of guild: GuildID) async throws -> Bool {
    try await standing(of: user, in: guild) != .stranger
  }

  private func standing(of user: UserID, in guild: GuildID) async throws -> Standing {
    let question = Question(user: user, guild: guild)
    let now = time.now
    if let known = known.withLock({ $0[question] }), now - known.at < Self.memory { return known.answer }
    let answer = try await ask(Snowflake(rawValue: user.rawValue), Snowflake(rawValue: guild.rawValue))
    known.withLock { known in
      if known.count >= Self.capacity { known = known.filter { now - $0.value.at < Self.memory } }
      if known.count >= Self.capacity { known = [:] }
      known[question] = (answer, now)
    }
    return answer
  }

  private func ask(_ user: Snowflake, _ guild: Snowflake) async throws -> Standing {
    do {
      let cache = cache()
      let cached = cache?.guild(guild)
      let place = if let cached { cached } else { try await rest.guild(guild) }
      if place.ownerID == user { return .manager }
      let member =
        if let known = cache?.member(user, in: guild) { known } else { try await rest.member(user, of: guild) }
      let hasRoles = cached == nil || cache?.kinds.contains(.roles) == true
      let roles = hasRoles ? place.roles : try await rest.roles(of: guild)
      return Self.manages(member, roles, guild) ? .manager : .member
    } catch DiscordError.refused(let refusal) where refusal.status == 404 || refusal.status == 403 {
      return .stranger
    }
  }

  /// Whether the member's roles together hold MANAGE_GUILD or ADMINISTRATOR.
  static func manages(_ member: Gateway.Member, _ roles: [Role], _ guild: Snowflake) -> Bool {
    // The role with the guild's own id is everybody's.
    roles.filter { $0.id == guild || member.roles.contains($0.id) }
      .reduce(into: Gateway.Permissions()) { $0.formUnion($1.permissions) }
      .allows(.manageGuild)
  }
}
