/// What one line of a log says, taken by itself.
enum LogLine: Equatable {
  case backupName(build: Int?)
  case started
  case fileVersion(String)
  case branch(String)
  case changelist(Int)
  case environment(String)
  case sessionID(String)
  case login(handle: String)
  case character(name: String, id: UInt64)
  /// Whoever plays, named beside something else.
  case whoPlays(name: String, id: UInt64?)
  case rules(String)
  /// Chosen in the lobby; not yet played.
  case modeChosen(String)
  case spawned
  /// The anti-cheat's session, which lasts as long as one is in a match or the universe.
  case playBegan
  case playEnded
  case quit(reason: String)
  case control(client: UInt64, vehicle: GameActor, Control)
  case jumpDrive(vehicle: String, zone: String)
  case vehicleSpawned(vehicle: GameActor, by: UInt64)
  case kill(victim: GameActor, zone: String, killer: GameActor, weapon: String, weaponClass: String, damageType: String)
  case vehicleDestruction(
    vehicle: GameActor, zone: String, driver: GameActor, from: Int, to: Int, by: GameActor, cause: String)
  case corpse(player: String)
  case incapacitated(player: String, causes: [String])
  case deadState(player: GameActor, vehicle: GameActor, place: String)
  case fatalCollision(vehicle: String, zone: String, isPilot: Bool, with: String?)
  case corpseBody
  /// A notice on the display; `number` tells repetitions of one from the next.
  case notice(text: String, number: UInt64)
  case entered(playerID: UInt64)

  enum Control { case requested, granted, released }

  /// Says what a line is whose time and severity were taken off; nil where it is none of ours, or not of the known form.
  static func read(_ line: ByteLine) -> LogLine? {
    var line = line
    guard line.starts(with: "<") else { return readUntagged(line) }
    if line.skip("<Actor Death> ") { return kill(&line) }
    if line.skip("<Vehicle Destruction> ") { return vehicleDestruction(&line) }
    if line.skip("<Vehicle Control Flow> ") { return control(&line) }
    if line.skip("<[ActorState] Dead> ") { return deadState(&line) }
    if line.skip("<[ActorState] Corpse> ") || line.skip("<Corpse> ") {
      guard line.skip(past: "Player '"), let player = line.text(upTo: "'") else { return nil }
      return .corpse(player: player)
    }
    if line.skip("<FatalCollision> ") { return fatalCollision(&line) }
    if line.skip("<SHUDEvent_OnNotification> ") { return notice(&line) }
    if line.skip("<Adding non kept item ") {
      return line.skip(past: "Item 'body_01_noMagicPocket_") ? .corpseBody : nil
    }
    if line.skip("<Recv Unbind Batch Add Player> ") {
      guard line.skip(past: "playerGEID="), let id = line.number() else { return nil }
      return .entered(playerID: id)
    }
    if line.skip("<Legacy login response> ") {
      guard line.skip(past: "User Login Success - Handle["), let handle = line.text(upTo: "]") else { return nil }
      return .login(handle: handle)
    }
    if line.skip("<AccountLoginCharacterStatus_Character> ") {
      guard line.skip(past: "geid "), let id = line.number(), line.skip(past: "- name "),
        let name = line.text(upTo: " -"), line.contains("STATE_CURRENT")
      else { return nil }
      return .character(name: name, id: id)
    }
    if line.skip("<AttachmentReceived> ") {
      guard line.skip(past: "Player["), let name = line.text(upTo: "]") else { return nil }
      return .whoPlays(name: name, id: nil)
    }
    if line.skip("<EndMission> ") {
      guard line.skip(past: "Player["), let name = line.text(upTo: "]"), line.skip(past: "PlayerId["),
        let id = line.number()
      else { return nil }
      return .whoPlays(name: name, id: id)
    }
    if line.skip("<Context Establisher Done> ") {
      guard line.skip(past: "gamerules=\""), let rules = line.text(upTo: "\"") else { return nil }
      return .rules(rules)
    }
    if line.skip("<[EALobby] EALobbySetGameModeId> ") {
      guard line.skip(past: " to "), let mode = line.text(upTo: "[") else { return nil }
      return .modeChosen(mode)
    }
    if line.skip("<Jump Drive State Changed> ") || line.skip("<Jump Drive Requesting State Change> ") {
      guard line.skip(past: "(adam: "), let vehicle = line.text(upTo: " in zone "), let zone = line.text(upTo: ")")
      else { return nil }
      return .jumpDrive(vehicle: vehicle, zone: zone)
    }
    if line.skip("<SystemQuit> ") {
      return .quit(reason: line.skip(past: "reason=") ? line.text(upTo: ",") ?? "" : "")
    }
    if line.skip("<CDisciplineServiceExternal::BeginSession>") { return .playBegan }
    if line.skip("<CDisciplineServiceExternal::EndSession>") { return .playEnded }
    if line.skip("<Channel Disconnected> ") {
      guard line.skip(past: "nickname=\""), let name = line.text(upTo: "\""), line.skip(past: "playerGEID="),
        let id = line.number()
      else { return nil }
      return .whoPlays(name: name, id: id)
    }
    return nil
  }

  // MARK: - Lines without a tag

  private static func readUntagged(_ line: ByteLine) -> LogLine? {
    var line = line
    if line.skip("BackupNameAttachment=") {
      return .backupName(build: line.skip(past: "Build(") ? line.number().flatMap { Int(exactly: $0) } : nil)
    }
    if line.skip("Log started on ") { return .started }
    if line.skip("FileVersion: ") { return .fileVersion(line.rest()) }
    if line.skip("Branch: ") { return .branch(line.rest()) }
    if line.skip("Changelist: ") { return line.number().flatMap { Int(exactly: $0) }.map { .changelist($0) } }
    if line.skip("@env_session:") { return quoted(&line).map { .environment($0) } }
    if line.skip("@session:") { return quoted(&line).map { .sessionID($0) } }
    if line.skip("Mode[") { return line.text(upTo: "]").map { .rules($0) } }
    if line.skip("Loading screen for ") {
      // The rules that it names are those of the menu that was left.
      guard let map = line.text(upTo: " : "), let rules = line.text(upTo: " closed after ") else { return nil }
      return .rules(map == "pu" ? "SC_Default" : rules)
    }
    if line.skip("[CSessionManager::OnClientSpawned]") { return .spawned }
    if line.skip("Logged an incap.! nickname: ") {
      guard let player = line.text(upTo: ", causes: ["), let causes = line.text(upTo: "]", limit: 2_000) else {
        return nil
      }
      // `Bleed (0.350000 damage), SuffocationDamage (…)`: the word before each bracket.
      let names = causes.split(separator: "(").compactMap { part in
        part.split(whereSeparator: { " ,)".contains($0) }).last.map(String.init)
      }
      return .incapacitated(player: player, causes: names.filter { $0 != "damage" })
    }
    if line.skip("[VEHICLE SPAWN] ") {
      guard line.skip(past: "OnVehicleSpawned "), let id = line.number(), line.skip(" ("),
        let name = line.text(upTo: ") by player "), let player = line.number()
      else { return nil }
      return .vehicleSpawned(vehicle: GameActor(name: name, id: id), by: player)
    }
    return nil
  }

  private static func quoted(_ line: inout ByteLine) -> String? {
    line.skip(past: "'") ? line.text(upTo: "'") : nil
  }

  // MARK: - Forms with several fields

  /// `NAME' [ID]`, up to the bracket; what follows is the caller's.
  private static func actor(_ line: inout ByteLine) -> GameActor? {
    guard let name = line.text(upTo: "' ["), let id = line.number(), line.skip("]") else { return nil }
    return GameActor(name: name, id: id)
  }

  /// Read up to the damage type: what follows changed with every version.
  private static func kill(_ line: inout ByteLine) -> LogLine? {
    guard line.skip(past: "CActor::Kill: '"), let victim = actor(&line), line.skip(" in zone '"),
      let zone = line.text(upTo: "' killed by '"), let killer = actor(&line), line.skip(" using '"),
      let weapon = line.text(upTo: "' [Class "), let weaponClass = line.text(upTo: "] with damage type '"),
      let damageType = line.text(upTo: "'")
    else { return nil }
    return .kill(
      victim: victim, zone: zone, killer: killer, weapon: weapon, weaponClass: weaponClass, damageType: damageType)
  }

  private static func vehicleDestruction(_ line: inout ByteLine) -> LogLine? {
    guard line.skip(past: "OnAdvanceDestroyLevel: Vehicle '"), let vehicle = actor(&line), line.skip(" in zone '"),
      let zone = line.text(upTo: "'"), line.skip(past: "driven by '"), let driver = actor(&line),
      line.skip(" advanced from destroy level "), let from = line.number(), line.skip(" to "), let to = line.number(),
      from <= 9, to <= 9, line.skip(" caused by '"), let killer = actor(&line), line.skip(" with '"),
      let cause = line.text(upTo: "'")
    else { return nil }
    return .vehicleDestruction(
      vehicle: vehicle, zone: zone, driver: driver, from: Int(from), to: Int(to), by: killer, cause: cause)
  }

  private static func control(_ line: inout ByteLine) -> LogLine? {
    guard line.skip(past: "Local client node ["), let client = line.number(), line.skip("] ") else { return nil }
    let control: Control
    if line.skip("requesting") {
      control = .requested
    } else if line.skip("granted") {
      control = .granted
    } else if line.skip("releasing") {
      control = .released
    } else {
      return nil
    }
    guard line.skip(" control token for '"), let vehicle = actor(&line) else { return nil }
    return .control(client: client, vehicle: vehicle, control)
  }

  private static func deadState(_ line: inout ByteLine) -> LogLine? {
    guard line.skip(past: "Actor '"), let player = actor(&line), line.skip(" ejected from zone '"),
      let vehicle = actor(&line), line.skip(" to zone '"), let place = line.text(upTo: "'")
    else { return nil }
    return .deadState(player: player, vehicle: vehicle, place: place)
  }

  private static func fatalCollision(_ line: inout ByteLine) -> LogLine? {
    guard line.skip(past: "occured for vehicle ") || line.skip(past: "occurred for vehicle "),
      let vehicle = line.text(upTo: " ["), line.skip(past: "Zone: "), let zone = line.text(upTo: ","),
      line.skip(past: "PlayerPilot: "), let pilot = line.number()
    else { return nil }
    var other: String?
    if line.skip(past: "after hitting entity: ") { other = line.text(upTo: " [") }
    return .fatalCollision(vehicle: vehicle, zone: zone, isPilot: pilot == 1, with: other == "UNKNOWN" ? nil : other)
  }

  private static func notice(_ line: inout ByteLine) -> LogLine? {
    guard line.skip("Added notification \""), let text = line.text(upTo: "\" [", limit: 2_000),
      let number = line.number()
    else { return nil }
    return .notice(text: text, number: number)
  }
}
