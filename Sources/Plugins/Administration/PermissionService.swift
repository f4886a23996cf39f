import Commands
import Core
import Platform

/// What a guild allows or forbids single members, beyond what Discord's roles say: the rules, whoever asks.
public struct PermissionService: Sendable {
  public enum Decision: String, Sendable, CaseIterable {
    case grant, deny
    /// The roles decide again.
    case reset
  }

  public enum Failure: Error, Equatable {
    case unknownCommand
    /// For those who run the bot alone: no guild decides over it.
    case ownerOnly
    /// Who decides may not use it either. Names what it is.
    case beyondOwn(String)
    case cannotDenyAdministrator
    case tooMany(limit: Int)
  }

  /// Exceptions for one member of one guild.
  public static let limit = 100

  private let permissions: Core.Permissions
  private let access: CommandAccess

  public init(permissions: Core.Permissions, access: CommandAccess) {
    self.permissions = permissions
    self.access = access
  }

  /// Stores the decision with a line in the audit log.
  /// - Parameter name: A command, one with its subcommands, or a group of them: `plugins`, `plugins enable`.
  /// - Parameter mayUse: Whether who decides may use a command themselves: nobody gives, takes or gives back more than
  ///   they have.
  /// - Returns: whether anything changed.
  /// - Throws: ``Failure``, or what the database throws.
  public func decide(
    _ decision: Decision, _ name: String, for user: UserID, isAdministrator: Bool, in guild: GuildID,
    by manager: UserID,
    catalog: CommandCatalog, mayUse: (CommandLeaf) -> Bool
  ) async throws -> Bool {
    let leaves = catalog.leaves.map(\.leaf).filter { $0.action.permissionNames.contains(name) }
    let stored = try await permissions.all(for: user, in: guild)
    // An exception for a command that is gone can still be taken back.
    let isLeftover = leaves.isEmpty && decision == .reset && stored.contains { $0.permission == name }
    if leaves.isEmpty, !isLeftover { throw Failure.unknownCommand }
    if leaves.contains(where: \.action.isOwnerOnly) { throw Failure.ownerOnly }
    if let beyond = leaves.first(where: { !mayUse($0) }) { throw Failure.beyondOwn(beyond.name) }
    if decision == .deny, isAdministrator || access.isOwner(.init(rawValue: user.rawValue)) {
      throw Failure.cannotDenyAdministrator
    }
    let known = stored.first { $0.permission == name }?.allowed
    let wanted: Bool? =
      switch decision {
      case .grant: true
      case .deny: false
      case .reset: nil
      }
    guard known != wanted else { return false }
    let entry = AuditEntry(
      userID: manager, guildID: guild, action: "permission_changed", category: "admin_action",
      details: [
        "permission": .string(name), "user": .string(user.description), "decision": .string(decision.rawValue),
      ])
    guard let wanted else { return try await permissions.clear(name, for: user, in: guild, audit: entry) }
    if known == nil, stored.count >= Self.limit { throw Failure.tooMany(limit: Self.limit) }
    try await permissions.set(name, allowed: wanted, for: user, in: guild, by: manager, audit: entry)
    return true
  }

  public func list(for user: UserID, in guild: GuildID) async throws -> [PermissionGrant] {
    try await permissions.all(for: user, in: guild)
  }
}
