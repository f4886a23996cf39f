import Core
import Platform
import Storage

/// Tells the rest of the program of kills, in the transaction that changes them.
///
/// A domain event `kill.created`, `kill.updated` or `kill.deleted` carries the whole kill; what a document prints of it,
/// and for whom a private player's name is left out (`killerIsPrivate`, `victimIsPrivate`), is the surface's.
public struct KillEvents: Sendable {
  public enum Happening: String, Sendable {
    case created = "kill.created"
    case updated = "kill.updated"
    case deleted = "kill.deleted"
  }

  /// What happened to one kill.
  public struct Event: Sendable, Equatable {
    public var name: String
    public var guild: GuildID?
    /// The accounts that are concerned.
    public var users: [UserID]
    public var data: JSON
  }

  let store: @Sendable ([Event], Transaction) throws -> Void

  /// - Parameter store: appends domain events; throws to undo the change.
  public init(store: @escaping @Sendable ([Event], Transaction) throws -> Void) { self.store = store }

  /// A kill as everybody concerned may see it, and who of them is private.
  struct Subject: Sendable {
    var kill: Kill
    var killerIsPrivate: Bool
    var victimIsPrivate: Bool
  }

  func append(_ happening: Happening, _ subjects: [Subject], in transaction: Transaction) throws {
    try store(
      subjects.map { subject in
        let kill = subject.kill
        return Event(
          name: happening.rawValue, guild: kill.guildID, users: [kill.killer.user, kill.victim.user].compactMap { $0 },
          data: Self.data(
            kill, killerIsPrivate: subject.killerIsPrivate, victimIsPrivate: subject.victimIsPrivate))
      }, transaction)
  }

  /// The same for a kill that is read as it is stored now.
  func append(_ happening: Happening, _ id: KillID, in transaction: Transaction) throws {
    let subject = try transaction.queryOne(
      "SELECT \(Kill.columns) FROM kills k \(Kill.joins) WHERE k.id = $1", id
    ) { row in
      Subject(
        kill: try Kill(row, for: KillViewer(user: nil, isAdmin: true)),
        killerIsPrivate: try row.value("killer_privacy", as: Privacy?.self) == .private,
        victimIsPrivate: try row.value("victim_privacy", as: Privacy?.self) == .private)
    }
    if let subject { try append(happening, [subject], in: transaction) }
  }

  private static func data(_ kill: Kill, killerIsPrivate: Bool, victimIsPrivate: Bool) -> JSON {
    var object: JSON.Object = [
      "id": .string("\(kill.id)"), "killer": .string(kill.killer.name), "victim": .string(kill.victim.name),
      "serverId": .string(kill.serverID), "kind": .string(kill.kind.rawValue),
      "timestamp": .string(kill.occurredAt.iso8601), "source": .string(kill.source.rawValue),
      "confidence": .double(kill.confidence), "killerIsPrivate": .boolean(killerIsPrivate),
      "victimIsPrivate": .boolean(victimIsPrivate),
    ]
    object["weapon"] = kill.weapon.map { .string($0) }
    object["location"] = kill.location.map { .string($0) }
    object["killerUserId"] = kill.killer.user.map { .string("\($0)") }
    object["victimUserId"] = kill.victim.user.map { .string("\($0)") }
    return .object(object)
  }
}
