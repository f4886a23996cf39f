import Commands
import Core

/// Vehicles that fit what is typed; what is chosen is the class.
struct VehicleSuggestions: AutocompleteProvider {
  func suggest(for typed: String, in context: AutocompleteContext<TrackerServices>) async throws -> [Suggestion<String>]
  { VehicleDirectory.shared.index.suggestions(for: typed) }
}

struct WeaponSuggestions: AutocompleteProvider {
  func suggest(for typed: String, in context: AutocompleteContext<TrackerServices>) async throws -> [Suggestion<String>]
  { WeaponDirectory.index.suggestions(for: typed) }
}

struct PlaceSuggestions: AutocompleteProvider {
  func suggest(for typed: String, in context: AutocompleteContext<TrackerServices>) async throws -> [Suggestion<String>]
  { PlaceDirectory.shared.index.suggestions(for: typed) }
}

/// Whom the user met of late, by the names of their latest kills; read by one index.
struct VictimSuggestions: AutocompleteProvider {
  func suggest(for typed: String, in context: AutocompleteContext<TrackerServices>) async throws -> [Suggestion<String>]
  {
    let user = UserID(context.user.id.rawValue)
    guard let player = try await context.services.kills.player("\(user)") else { return [] }
    let met = try await context.services.kills.list(
      KillFilter(player: player), limit: Kills.pageLimit, for: KillViewer(user: user)
    ).kills.flatMap { [$0.victim, $0.killer] }.filter { (party: KillParty) in
      party.playerID != nil && party.playerID != player
    }
    return NameIndex(names: met.map { TrackerWords.bare($0.name) }).suggestions(for: typed)
  }
}

/// The user's own latest kills, by id; read by one index.
struct OwnKillSuggestions: AutocompleteProvider {
  static let limit = 25

  func suggest(for typed: String, in context: AutocompleteContext<TrackerServices>) async throws -> [Suggestion<String>]
  {
    let viewer = KillViewer(user: UserID(context.user.id.rawValue))
    let kills = context.services.kills
    guard let player = try await kills.player("\(context.user.id)") else { return [] }
    let own = try await kills.list(KillFilter(player: player), limit: Kills.pageLimit, for: viewer).kills
    let wanted = typed.lowercased()
    return own.map { kill in
      let victim = TrackerWords.bare(kill.victim.name, limit: 30)
      let killer = TrackerWords.bare(kill.killer.name, limit: 30)
      return Suggestion("\(kill.id): \(killer), \(victim)", value: "\(kill.id)")
    }.filter { wanted.isEmpty || $0.name.lowercased().contains(wanted) }.prefix(Self.limit).map { $0 }
  }
}

extension NameIndex {
  /// As many as Discord shows.
  fileprivate func suggestions(for typed: String) -> [Suggestion<String>] {
    matches(typed, limit: 25).map { Suggestion($0.title, value: $0.value) }
  }
}
