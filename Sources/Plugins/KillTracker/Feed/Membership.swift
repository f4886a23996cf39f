import Core
import Platform
import Synchronization

/// Who belongs to which server, as far as the tracker has met them: whoever uses one of its commands there.
public final class Membership: Sendable {
  /// Meetings that are remembered, so that not each writes to the database.
  static let capacity = 10_000
  static let memory = Duration.seconds(3_600)

  private struct Place: Hashable {
    let user: UserID
    let guild: GuildID
  }

  private let members: Members
  private let time: any TimeSource
  private let known = Mutex<[Place: ContinuousClock.Instant]>([:])

  init(members: Members, time: any TimeSource) {
    self.members = members
    self.time = time
  }

  func met(_ user: UserID, in guild: GuildID) async throws {
    let place = Place(user: user, guild: guild)
    let now = time.now
    if let at = known.withLock({ $0[place] }), now - at < Self.memory { return }
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
