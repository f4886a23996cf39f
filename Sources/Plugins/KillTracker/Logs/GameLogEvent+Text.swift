import Platform

extension GameLogEvent {
  /// The event as a line for people: time, kind, what happened.
  public var text: String {
    let time = timestamp.iso8601.prefix(19).split(separator: "T").joined(separator: " ")
    let label = self.label
    return "\(time)  \(label)\(String(repeating: " ", count: max(1, 12 - label.count)))\(sentence)"
  }

  private var label: String {
    if case .kill(let kill) = what { return kill.kind.rawValue }
    return switch what {
    case .kill, .death: "death"
    case .vehicleDestruction: "vehicle"
    case .incapacitation: "down"
    case .respawn: "respawn"
    case .session, .sessionEnd: "session"
    case .player: "player"
    case .mode: "mode"
    case .ownVehicle: "ship"
    }
  }

  private var sentence: String {
    switch what {
    case .kill(let kill):
      let victim = GameNames.actor(kill.victim)
      let place = " at \(kill.placeName)"
      let what = kill.weaponName.map { " with \($0)" } ?? " by \(kill.damageType)"
      if kill.kind == .suicide {
        return "\(victim) died by their own hand (\(kill.damageType))\(place)"
          + (kill.creditedTo.map { ", forced by \($0)" } ?? "")
      }
      if kill.kind == .environment { return "\(victim) died (\(kill.damageType))\(place)" }
      return "\(GameNames.actor(kill.killer)) killed \(victim)\(what)\(place)"
    case .vehicleDestruction(let loss):
      return "\(GameNames.actor(loss.causedBy)) \(loss.to >= 2 ? "destroyed" : "disabled") "
        + "\(loss.isOwn ? "your " : "")\(GameNames.vehicle(loss.vehicle.name)) at \(GameNames.place(loss.zone)) (\(loss.cause))"
    case .death(let death):
      let who = death.victim ?? "The player"
      let how =
        switch death.source {
        case .rescue: "was rescued"
        case .corpseItems, .corpse: "left a corpse"
        case .collision: "collided" + (death.collidedWith.map { " with \($0)" } ?? "")
        case .vehicleLoss: "died in a destroyed vehicle"
        }
      let vehicle = death.vehicle.map { " in \(GameNames.vehicle($0))" } ?? ""
      return "\(who) \(how)\(vehicle)\(death.place.map { " at \(GameNames.place($0))" } ?? "")"
        + " (sure to \(Int((death.confidence * 100).rounded())) %)"
    case .incapacitation(let fall):
      let causes = fall.causes.isEmpty ? "" : " (\(fall.causes.joined(separator: ", ")))"
      return "\(fall.player ?? "The player") was incapacitated\(causes)"
    case .respawn: return "The player is back"
    case .session(let session):
      let version = session.build.version.map { "Game \($0)" } ?? "Game of unknown version"
      let number = session.build.number.map { " (build \($0))" } ?? ""
      return "\(version)\(number). \(session.capabilities.summary)"
    case .sessionEnd(let end):
      let minutes = end.played.components.seconds / 60
      return "Ended (\(end.reason)), \(minutes / 60)h \(minutes % 60)m played"
    case .player(let player): return "This is the log of \(player.handle)"
    case .mode(let mode):
      return switch mode.place {
      case .universe: "Persistent universe"
      case .arenaCommander: "Arena Commander (\(mode.rules ?? ""))"
      case .menu: "Menu"
      case .unknown: "Unknown"
      }
    case .ownVehicle(let vehicle):
      return vehicle.map { "Took the controls of \(GameNames.vehicle($0))" } ?? "Left the controls"
    }
  }
}
