import Platform
import Synchronization

/// What one part of the program keeps about users: its share in what a user can take along and have deleted.
///
/// Whoever keeps such data joins with a type of this kind; the list is the application's.
public protocol PersonalDataKeeper: Sendable {
  /// Names it in the exported object, and never changes.
  var name: String { get }
  /// How much there is, in words for people, as `12 kills`; empty if there is nothing.
  func summary(of user: UserID) async throws -> [String]
  /// Writes one JSON value in UTF-8, in pieces split anywhere: what is in memory does not grow with it.
  /// - Throws: what `write` throws, which ends it.
  func export(of user: UserID, write: ([UInt8]) async throws -> Void) async throws
  /// Deletes it, or takes the user out of what is also other people's. Twice is as good as once; what takes longer than a
  /// transaction may be done by jobs behind it.
  /// - Returns: what was deleted, in words for people.
  func erase(_ user: UserID) async throws -> [String]
}

/// All that the program keeps about users, whoever keeps it.
public final class PersonalData: Sendable {
  private let keepers = Mutex<[any PersonalDataKeeper]>([])

  public init() {}

  /// At the start of the program.
  public func add(_ keeper: any PersonalDataKeeper) { keepers.withLock { $0.append(keeper) } }

  /// In words for people; empty if there is nothing.
  public func summary(of user: UserID) async throws -> [String] {
    var summary: [String] = []
    for keeper in keepers.withLock({ $0 }) { summary += try await keeper.summary(of: user) }
    return summary
  }

  /// Writes one JSON object with a member for each keeper.
  /// - Throws: what `write` throws, which ends it.
  public func export(of user: UserID, at now: Timestamp, write: ([UInt8]) async throws -> Void) async throws {
    try await write(Array("{\"exportedAt\":\"\(now.iso8601)\"".utf8))
    for keeper in keepers.withLock({ $0 }) {
      try await write(Array(",\"\(keeper.name)\":".utf8))
      try await keeper.export(of: user, write: write)
    }
    try await write(Array("}\n".utf8))
  }

  /// One keeper after the other, those who joined last first: they stand on the others, and let programs write there. One
  /// that fails ends it, and what was done before stays done.
  public func erase(_ user: UserID) async throws -> [String] {
    var erased: [String] = []
    for keeper in keepers.withLock({ $0 }).reversed() { erased = try await keeper.erase(user) + erased }
    return erased
  }
}
