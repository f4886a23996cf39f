import Platform

extension GameLogEvent {
  /// The event as one object, for JSON Lines: `event`, `timestamp`, `line`, and what belongs to its kind. `killer`,
  /// `victim`, `weapon` and `location` of a kill stand as the log has them; `…Name` is what people call them. Ids are
  /// text; what the log does not tell is left out.
  public var json: JSON {
    var object: JSON.Object = [
      "event": .string(name), "timestamp": .string(timestamp.iso8601),
    ]
    switch what {
    case .kill(let kill): kill.write(to: &object)
    case .vehicleDestruction(let loss): loss.write(to: &object)
    case .death(let death):
      object["victim"] = death.victim.map { .string($0) }
      object["source"] = .string(death.source.rawValue)
      object["confidence"] = .double(death.confidence)
      object.name("vehicle", death.vehicle, GameNames.vehicle)
      object.name("location", death.place, GameNames.place)
      object["collidedWith"] = death.collidedWith.map { .string($0) }
      object["mode"] = .string(death.mode.place.rawValue)
    case .incapacitation(let fall):
      object["player"] = fall.player.map { .string($0) }
      if !fall.causes.isEmpty { object["causes"] = .array(fall.causes.map { .string($0) }) }
    case .respawn: break
    case .session(let session): session.write(to: &object)
    case .sessionEnd(let end):
      object["began"] = .string(end.began.iso8601)
      object["playedSeconds"] = .integer(end.played.components.seconds)
      object["reason"] = .string(end.reason)
    case .player(let player):
      object["player"] = .string(player.handle)
      object["playerId"] = player.id.map { .string(String($0)) }
    case .mode(let mode):
      object["mode"] = .string(mode.place.rawValue)
      object["rules"] = mode.rules.map { .string($0) }
    case .ownVehicle(let vehicle): object.name("vehicle", vehicle, GameNames.vehicle)
    }
    object["line"] = .integer(Int64(line))
    return .object(object)
  }

  /// The kind of event, as JSON Lines name it.
  public var name: String {
    switch what {
    case .kill: "kill"
    case .vehicleDestruction: "vehicleDestruction"
    case .death: "death"
    case .incapacitation: "incapacitation"
    case .respawn: "respawn"
    case .session: "session"
    case .sessionEnd: "sessionEnd"
    case .player: "player"
    case .mode: "mode"
    case .ownVehicle(let vehicle): vehicle == nil ? "vehicleLeft" : "vehicleBoarded"
    }
  }
}

extension LoggedKill {
  fileprivate func write(to object: inout JSON.Object) {
    object["killer"] = .string(killer.name)
    object["victim"] = .string(victim.name)
    object["weapon"] = .string(weapon)
    object["location"] = .string(zone)
    object["kind"] = .string(kind.rawValue)
    object["confidence"] = .double(confidence)
    object["damageType"] = .string(damageType)
    object["killerName"] = .string(GameNames.actor(killer))
    object["victimName"] = .string(GameNames.actor(victim))
    object["weaponName"] = weaponName.map { .string($0) }
    object["locationName"] = .string(placeName)
    object["killerId"] = .string(String(killer.id))
    object["victimId"] = .string(String(victim.id))
    object.name("victimVehicle", victimVehicle, GameNames.vehicle)
    object.name("killerVehicle", killerVehicle, GameNames.vehicle)
    object["creditedTo"] = creditedTo.map { .string($0) }
    object["mode"] = .string(mode.place.rawValue)
  }

  /// What it was done with, for people; nil where the log does not tell.
  public var weaponName: String? {
    // With a suicide the log names the victim as its own weapon.
    weapon == victim.name || weapon == killer.name ? nil : GameNames.weapon(weapon, class: weaponClass)
  }

  /// Where it was, for people: the place where the vehicle was lost, if known, else the zone.
  public var placeName: String { GameNames.place(place ?? zone) }
}

extension LoggedVehicleDestruction {
  fileprivate func write(to object: inout JSON.Object) {
    object["vehicle"] = .string(vehicle.name)
    object["vehicleName"] = .string(GameNames.vehicle(vehicle.name))
    object["killer"] = .string(causedBy.name)
    object["killerName"] = .string(GameNames.actor(causedBy))
    object["driver"] = .string(driver.name)
    object["location"] = .string(zone)
    object["locationName"] = .string(GameNames.place(zone))
    object["cause"] = .string(cause)
    object["fromLevel"] = .integer(Int64(from))
    object["toLevel"] = .integer(Int64(to))
    object["destroyed"] = .boolean(to >= 2)
    object["own"] = .boolean(isOwn)
    object["vehicleId"] = .string(String(vehicle.id))
    object["killerId"] = .string(String(causedBy.id))
    object["mode"] = .string(mode.place.rawValue)
  }
}

extension LoggedSession {
  fileprivate func write(to object: inout JSON.Object) {
    object["build"] = build.number.map { .integer(Int64($0)) }
    object["version"] = build.version.map { .string("\($0)") }
    object["fileVersion"] = build.fileVersion.map { .string($0) }
    object["environment"] = build.environment.map { .string($0) }
    object["session"] = id.map { .string($0) }
    object["kills"] = .string(capabilities.kills.rawValue)
    object["summary"] = .string(capabilities.summary)
  }
}

extension JSON.Object {
  /// A name of the log, and beside it what people say.
  fileprivate mutating func name(_ key: String, _ value: String?, _ readable: (String) -> String) {
    guard let value else { return }
    self[key] = .string(value)
    self[key + "Name"] = .string(readable(value))
  }
}
