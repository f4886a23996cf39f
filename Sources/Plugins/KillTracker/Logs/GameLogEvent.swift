import Platform

/// Something that a log tells.
public struct GameLogEvent: Sendable, Equatable {
  public var timestamp: Timestamp
  /// Counted from 1, over all the bytes that the parser was given.
  public var line: Int
  public var what: What

  public init(timestamp: Timestamp, line: Int, what: What) {
    self.timestamp = timestamp
    self.line = line
    self.what = what
  }

  public enum What: Sendable, Equatable {
    case kill(LoggedKill)
    case vehicleDestruction(LoggedVehicleDestruction)
    case death(LoggedDeath)
    case incapacitation(LoggedIncapacitation)
    /// The player came back to life.
    case respawn
    /// A log began: told once its head was read, before anything else happens in it.
    case session(LoggedSession)
    case sessionEnd(LoggedSessionEnd)
    /// Whose log it is.
    case player(LoggedPlayer)
    case mode(GameMode)
    /// The player took or left the controls of a vehicle; nil: left.
    case ownVehicle(String?)
  }
}

public struct LoggedKill: Sendable, Equatable {
  public var victim: GameActor
  public var killer: GameActor
  /// As the log has it: an instance of a weapon, a missile rack, `unknown`, or the victim itself.
  public var weapon: String
  /// The class that the log names beside it: `unknown` for a ship's guns.
  public var weaponClass: String
  /// Where the victim was: the vehicle it sat in, otherwise a place.
  public var zone: String
  /// Where the vehicle was in which the victim died, if the log told.
  public var place: String?
  /// `Bullet`, `VehicleDestruction`, `Crash` …; builds add new ones.
  public var damageType: String
  public var kind: KillKind
  /// How sure ``kind`` is, from 0 to 1.
  public var confidence: Double
  /// With a suicide that somebody else brought about: who.
  public var creditedTo: String?
  public var mode: GameMode
  /// What the killer flew, where the log is the killer's own.
  public var killerVehicle: String?

  /// The vehicle in which the victim died, without its instance.
  public var victimVehicle: String? {
    let className = ClassName.withoutInstance(zone)
    return GameNames.isVehicle(className) ? className : nil
  }
}

public struct LoggedVehicleDestruction: Sendable, Equatable {
  public var vehicle: GameActor
  public var zone: String
  /// `unknown` since 4.0.
  public var driver: GameActor
  /// 0 intact, 1 disabled, 2 destroyed.
  public var from: Int
  public var to: Int
  public var causedBy: GameActor
  /// `Combat`, `Collision`, `SelfDestruct`, `GameRules`.
  public var cause: String
  public var mode: GameMode
  public var isOwn: Bool
}

/// A death of which the log tells no killer.
public struct LoggedDeath: Sendable, Equatable {
  /// What it is concluded from, the least telling first.
  public enum Source: String, Sendable, Comparable, CaseIterable {
    /// Rescue is on its way.
    case rescue
    /// What a corpse does not keep.
    case corpseItems
    case corpse
    /// One's vehicle ran into something.
    case collision
    /// Thrown out of a destroyed vehicle.
    case vehicleLoss

    /// How sure it is that somebody died, from 0 to 1.
    public var confidence: Double {
      switch self {
      case .rescue: 0.6
      case .corpseItems: 0.7
      case .corpse: 0.75
      case .collision: 0.8
      case .vehicleLoss: 0.9
      }
    }

    public static func < (left: Source, right: Source) -> Bool { left.confidence < right.confidence }
  }

  /// Nil where the log has not said whose it is.
  public var victim: String?
  public var source: Source
  /// Of the best source, and a little more for each further kind that agrees; at most 0.95.
  public var confidence: Double
  public var vehicle: String?
  public var place: String?
  /// With a collision: what was hit.
  public var collidedWith: String?
  public var mode: GameMode
}

public struct LoggedIncapacitation: Sendable, Equatable {
  public var player: String?
  /// `Bleed`, `SuffocationDamage` …; empty where the log gives none.
  public var causes: [String]
}

public struct LoggedSession: Sendable, Equatable {
  public var build: GameBuild
  /// The game's own id of it.
  public var id: String?
  public var capabilities: LogCapabilities { LogCapabilities(of: build) }
}

public struct LoggedSessionEnd: Sendable, Equatable {
  public var began: Timestamp
  public var ended: Timestamp
  /// Time in the universe or in matches, without menus where the log tells them apart.
  public var played: Duration
  /// `quit` if the game said goodbye, else `end of log` or `next log`.
  public var reason: String
}

public struct LoggedPlayer: Sendable, Equatable {
  public var handle: String
  public var id: UInt64?
}

/// What is being played, as the game's rules are called.
public struct GameMode: Sendable, Hashable {
  /// `SC_Default`, `SC_Frontend`, `EA_SquadronBattle` …; nil before the log says.
  public var rules: String?

  public init(rules: String? = nil) { self.rules = rules }

  public enum Place: String, Sendable { case universe, arenaCommander, menu, unknown }

  public var place: Place {
    guard let rules else { return .unknown }
    if rules == "SC_Frontend" { return .menu }
    return rules.hasPrefix("EA_") ? .arenaCommander : .universe
  }

  /// Where a crash or a self-destruction is part of the game and no loss.
  var ignoresOwnLosses: Bool { rules == "EA_FreeFlight" || rules == "EA_SquadronBattle" }
}
