import Core

/// Who may hear what of a kill that an event tells of: the one rule for sockets, webhooks and whatever else passes
/// events on.
///
/// Who took part, and admins, know everything. Others are not told who a private player is, and nothing at all of a
/// private server's kills unless they are members.
public struct KillNews: Sendable, Equatable {
  public enum Side: String, Sendable, Hashable, CaseIterable { case killer, victim }

  /// Who took part.
  public let involved: Set<UserID>
  /// The accounts of both sides, where there are any.
  public let users: [Side: UserID]
  /// The sides that keep private who they are.
  public let privateSides: Set<Side>
  /// The server, if it keeps its kills to its members.
  public let privateServer: GuildID?

  /// - Parameter isPrivate: whether that server is private: ``ServerSettings/isPrivate(_:)``.
  public init(_ event: DomainEvent, isPrivate: (GuildID) -> Bool) {
    involved = Set(event.subjects.compactMap(\.user))
    users = Side.allCases.reduce(into: [:]) { users, side in
      users[side] = event.data["\(side.rawValue)UserId"]?.string.flatMap { UserID($0) }
    }
    privateSides = Set(Side.allCases.filter { event.data["\($0.rawValue)IsPrivate"]?.bool == true })
    privateServer = event.guildID.flatMap { isPrivate($0) ? $0 : nil }
  }

  /// Whether there is only one version, for everybody.
  public var isPublic: Bool { privateSides.isEmpty && privateServer == nil }

  /// Whose names are left out for that user.
  public func hiddenSides(from user: UserID?) -> Set<Side> {
    user.map(involved.contains) == true ? [] : privateSides
  }

  /// Whether anything may be told to that user.
  /// - Parameter belongs: whether the user is a member of the server; asked only where it is private.
  public func isTold(to user: UserID?, belongs: (UserID, GuildID) async throws -> Bool) async rethrows -> Bool {
    guard let privateServer else { return true }
    guard let user else { return false }
    if involved.contains(user) { return true }
    return try await belongs(user, privateServer)
  }
}
