/// What a kill counts as.
public enum KillKind: String, Sendable, Hashable, CaseIterable, Codable {
  /// A player killed another player.
  case pvp
  /// A player killed somebody of the game.
  case pve
  /// Somebody of the game killed a player.
  case npc
  case suicide
  /// Nobody is known to have done it: a fall, radiation, a wreck.
  case environment
  /// A ship or turret without a known person at it killed a player.
  case turret
}

/// The rules by which a kill line becomes a ``KillKind``.
enum KillClassifier {
  struct Reading: Equatable {
    var kind: KillKind
    /// From 0 to 1.
    var confidence: Double
    /// With a suicide that somebody else brought about: who.
    var creditedTo: String?
  }

  /// Nil if no player has a part in it.
  static func classify(victim: GameActor, killer: GameActor, damageType: String) -> Reading? {
    let (victimKind, victimConfidence) = victim.identification
    let (killerKind, killerConfidence) = killer.identification
    let isByPlayer = killerKind == .player
    guard victimKind == .player || isByPlayer else { return nil }

    // Ids tell more than names, which can have been edited in a log.
    let sameID = victim.id != 0 && victim.id == killer.id
    if sameID || victim.name == killer.name {
      return Reading(kind: .suicide, confidence: sameID && victim.name == killer.name ? 0.99 : 0.5)
    }
    if damageType == "Suicide", victimKind == .player {
      return Reading(kind: .suicide, confidence: 0.9, creditedTo: isByPlayer ? killer.name : nil)
    }
    switch (victimKind, killerKind) {
    case (.player, .unknown), (.player, .hazard): return Reading(kind: .environment, confidence: 0.9)
    case (.player, .npc): return Reading(kind: .npc, confidence: killerConfidence)
    case (.player, .turret): return Reading(kind: .turret, confidence: 0.9)
    case (.player, .player): return Reading(kind: .pvp, confidence: min(victimConfidence, killerConfidence))
    default: return Reading(kind: .pve, confidence: victimConfidence)
    }
  }
}
