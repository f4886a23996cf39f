import Core
import Platform
import Synchronization

/// Who belongs to which server, as far as the tracker has met them: whoever uses one of its commands there. Their names
/// are noted along, so that the first kill that somebody records has one.
public final class Membership: Sendable {
  /// Meetings that are remembered, so that not each writes to the database.
  static let capacity = 10_000
  static let memory = Duration.seconds(3_600)

  private struct Place: Hashable {
    let user: UserID
    let guild: GuildID
  }

  private let members: Members
  private let users: Users
  private let time: any TimeSource
  private let known = Mutex<[Place: ContinuousClock.Instant]>([:])

  init(members: Members, users: Users, time: any TimeSource) {
    self.members = members
    self.users = users
    self.time = time
  }

  /// - Parameter profile: what they are called and look like now; nil where that is not at hand.
  func met(
    _ user: UserID, in guild: GuildID, profile: (name: String, avatarURL: String?)? = nil
  ) async throws {
    let place = Place(user: user, guild: guild)
    let now = time.now
    if let at = known.withLock({ $0[place] }), now - at < Self.memory { return }
    if let profile { try await users.seen(user, globalName: profile.name, avatarURL: profile.avatarURL) }
    try await members.seen([user], in: guild)
    known.withLock { known in
      if known.count >= Self.capacity { known = [:] }
      known[place] = now
    }
  }

  /// They left: the next meeting is noted at once.
  func left(_ user: UserID, from guild: GuildID) async throws {
    known.withLock { _ = $0.removeValue(forKey: Place(user: user, guild: guild)) }
    try await members.left(user, from: guild)
  }
}
