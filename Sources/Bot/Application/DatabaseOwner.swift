import Core
import Platform

/// Which kind of Discord a database belongs to. What the sandbox hands out must never be valid for real, so neither
/// side touches the other's database.
enum DatabaseOwner: String {
  case discord, sandbox

  private static let name = "database.owner"

  /// Takes a fresh database, or finds that it is ours already.
  /// - Throws: ``ConfigurationErrors`` if it belongs to the other one.
  static func claim(_ state: KeyedState, for owner: DatabaseOwner) async throws {
    let stored = try await state.update(name) { $0 ?? .string(owner.rawValue) }
    guard stored?.string != owner.rawValue else { return }
    let reason =
      switch owner {
      case .sandbox: "this database belongs to a bot at Discord; the sandbox does not touch it"
      case .discord: "this database was used by the sandbox; choose a fresh one for Discord"
      }
    throw ConfigurationErrors(problems: [ConfigurationProblem(path: "database.url", reason: reason)])
  }
}
