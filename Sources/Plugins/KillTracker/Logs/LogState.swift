import Platform

/// What a log has told so far, as far as later lines are read by it.
struct LogState: Sendable {
  /// Signs of one death come within so many seconds of each other.
  static let deathMilliseconds: Int64 = 25_000
  /// How many kills and notices are remembered, so that a repeated one is told once.
  static let memory = 64

  private(set) var build = GameBuild()
  private(set) var player: LoggedPlayer?
  private var sessionID: String?
  private var mode = GameMode()
  private var ownVehicle: GameActor?
  /// When the log began; nil before its first line.
  private var began: Timestamp?
  private var playSince: Timestamp?
  private var played = Duration.zero
  private var sawPlay = false
  private var isSessionTold = false
  /// The game said goodbye; some lines still follow.
  private var hasQuit = false
  private var pending: PendingDeath?
  private var isDown: Timestamp?
  private var lastKill: [String: Timestamp] = [:]
  private var recentKills = Recent<KillKey>(limit: memory)
  private var recentNotices = Recent<UInt64>(limit: memory)
  /// Where vehicles were when they were destroyed.
  private var places = Recent<String>(limit: memory)
  private var placeOf: [String: String] = [:]

  private struct KillKey: Hashable {
    var time: Timestamp
    var victim: GameActor
    var killer: GameActor
  }

  private struct PendingDeath: Sendable {
    var death: LoggedDeath
    var time: Timestamp
    var line: Int
    var sources: Set<LoggedDeath.Source>
  }

  /// Whether any line can be news now, because time passes with it.
  var hasPendingDeath: Bool { pending != nil }

  // MARK: - Time

  /// Times can step back in logs that were edited or joined.
  private static func areClose(_ one: Timestamp, _ other: Timestamp) -> Bool {
    abs(one.milliseconds - other.milliseconds) <= deathMilliseconds
  }

  /// A line of that time was met: what waited for time to pass may be told.
  mutating func pass(to time: Timestamp, into events: inout [GameLogEvent]) {
    guard let pending, !Self.areClose(time, pending.time) else { return }
    tellDeath(into: &events)
  }

  private mutating func tellDeath(into events: inout [GameLogEvent]) {
    guard var pending else { return }
    self.pending = nil
    pending.death.confidence = min(
      0.95, pending.death.source.confidence + 0.05 * Double(pending.sources.count - 1))
    events.append(GameLogEvent(timestamp: pending.time, line: pending.line, what: .death(pending.death)))
  }

  /// The log ends, or another begins behind it.
  mutating func end(_ reason: String, at time: Timestamp?, into events: inout [GameLogEvent]) {
    tellSession(into: &events)
    tellDeath(into: &events)
    guard let began else { return }
    let ended = max(time ?? began, began)
    if let playSince, ended > playSince { played += ended - playSince }
    let end = LoggedSessionEnd(
      began: began, ended: ended, played: sawPlay ? played : ended - began, reason: hasQuit ? "quit" : reason)
    events.append(GameLogEvent(timestamp: ended, line: latestLine, what: .sessionEnd(end)))
    let line = latestLine
    self = LogState()
    latestLine = line
  }

  private var latestLine = 0

  /// Tells of the log itself, once its head is over.
  private mutating func tellSession(into events: inout [GameLogEvent]) {
    guard !isSessionTold, let began else { return }
    isSessionTold = true
    events.append(
      GameLogEvent(
        timestamp: began, line: sessionLine, what: .session(LoggedSession(build: build, id: sessionID))))
  }

  private var sessionLine = 1

  // MARK: - Lines

  mutating func take(
    _ line: LogLine, at time: Timestamp, line number: Int, latest: Timestamp?, into events: inout [GameLogEvent]
  ) {
    if case .backupName = line { startLog(latest: latest, into: &events) }
    if case .started = line, isSessionTold { startLog(latest: latest, into: &events) }
    if began == nil {
      began = time
      sessionLine = number
    }
    latestLine = number
    pass(to: time, into: &events)
    if takeHead(line) { return }
    tellSession(into: &events)
    takeEvent(line, at: time, line: number, into: &events)
  }

  private mutating func startLog(latest: Timestamp?, into events: inout [GameLogEvent]) {
    if began != nil { end("next log", at: latest, into: &events) }
  }

  /// Lines of the head, which come before anything happens.
  private mutating func takeHead(_ line: LogLine) -> Bool {
    switch line {
    case .backupName(let number): build.number = number ?? build.number
    case .started: break
    case .fileVersion(let version): build.fileVersion = version
    case .branch(let branch): build.branch = branch
    case .changelist(let number): build.number = number
    case .environment(let name): build.environment = name
    case .sessionID(let id): sessionID = id
    default: return false
    }
    return true
  }

  private mutating func takeEvent(
    _ line: LogLine, at time: Timestamp, line number: Int, into events: inout [GameLogEvent]
  ) {
    func tell(_ what: GameLogEvent.What) {
      events.append(GameLogEvent(timestamp: time, line: number, what: what))
    }
    switch line {
    case .login(let handle): if let told = meet(handle, nil, isCertain: true) { tell(.player(told)) }
    case .character(let name, let id): if let told = meet(name, id, isCertain: true) { tell(.player(told)) }
    case .whoPlays(let name, let id): if let told = meet(name, id, isCertain: false) { tell(.player(told)) }
    case .rules(let rules):
      guard rules != mode.rules, rules != "INVALID" else { return }
      mode = GameMode(rules: rules)
      ownVehicle = nil
      tell(.mode(mode))
    case .playBegan:
      sawPlay = true
      if playSince == nil { playSince = time }
    case .playEnded: endPlay(at: time)
    case .quit:
      endPlay(at: time)
      hasQuit = true
    case .control(let client, let vehicle, let control):
      take(control, of: vehicle, by: client).map { tell(.ownVehicle($0)) }
    case .jumpDrive(let vehicle, let zone):
      remember(place: zone, of: vehicle)
      if ownVehicle == nil, let told = board(GameActor(name: vehicle, id: 0)) { tell(.ownVehicle(told)) }
    case .vehicleSpawned(let vehicle, let owner):
      guard let id = player?.id, id == owner, let told = board(vehicle) else { return }
      tell(.ownVehicle(told))
    case .kill: takeKill(line, at: time, line: number, into: &events)
    case .vehicleDestruction(let vehicle, let zone, let driver, let from, let to, let killer, let cause):
      remember(place: zone, of: vehicle.name)
      if mode.ignoresOwnLosses, cause != "Combat" { return }
      tell(
        .vehicleDestruction(
          LoggedVehicleDestruction(
            vehicle: vehicle, zone: zone, driver: driver, from: from, to: to, causedBy: killer, cause: cause,
            mode: mode,
            isOwn: ownVehicle?.name == vehicle.name)))
      if ownVehicle?.name == vehicle.name, to >= 2 { ownVehicle = nil }
    case .incapacitated(let name, let causes):
      tell(.incapacitation(LoggedIncapacitation(player: name, causes: causes)))
    case .notice(let text, let id): takeNotice(text, id, at: time, line: number, into: &events)
    case .entered(let id):
      // Each streaming of the player's body writes this; it is news only after a death or a fall.
      guard id == player?.id, isDown != nil || pending != nil else { return }
      isDown = nil
      tellDeath(into: &events)
      tell(.respawn)
    case .deadState, .fatalCollision, .corpse, .corpseBody: takeSign(line, at: time, line: number, into: &events)
    case .modeChosen, .spawned: break
    case .backupName, .started, .fileVersion, .branch, .changelist, .environment, .sessionID: break
    }
  }

  private mutating func endPlay(at time: Timestamp) {
    if let playSince, time > playSince { played += time - playSince }
    playSince = nil
  }

  /// What is new about whose log this is; nil if nothing is.
  private mutating func meet(_ name: String, _ id: UInt64?, isCertain: Bool) -> LoggedPlayer? {
    guard ActorClassifier.isHandle(name), isCertain || player == nil || player?.handle == name else { return nil }
    var met = LoggedPlayer(handle: name, id: id)
    if player?.handle == name { met.id = id ?? player?.id }
    guard met != player else { return nil }
    player = met
    return met
  }

  // MARK: - Vehicles

  private mutating func remember(place: String, of vehicle: String) {
    guard !place.isEmpty else { return }
    if let forgotten = places.insert(vehicle) { placeOf[forgotten] = nil }
    placeOf[vehicle] = place
  }

  private mutating func board(_ vehicle: GameActor) -> String? {
    guard ownVehicle?.name != vehicle.name else { return nil }
    ownVehicle = vehicle
    return vehicle.name
  }

  /// The vehicle that the player is at the controls of from now on, `.some(nil)` if of none, nil if nothing changed.
  private mutating func take(_ control: LogLine.Control, of vehicle: GameActor, by client: UInt64) -> String?? {
    if player != nil, player?.id == nil { player?.id = client }
    switch control {
    case .requested: return nil
    case .granted: return board(vehicle).map { .some($0) }
    case .released:
      guard ownVehicle?.name == vehicle.name else { return nil }
      ownVehicle = nil
      return .some(nil)
    }
  }

  // MARK: - Kills and deaths

  private mutating func takeKill(
    _ line: LogLine, at time: Timestamp, line number: Int, into events: inout [GameLogEvent]
  ) {
    guard case .kill(let victim, let zone, let killer, let weapon, let weaponClass, let damageType) = line,
      recentKills.contains(KillKey(time: time, victim: victim, killer: killer)) == false
    else { return }
    _ = recentKills.insert(KillKey(time: time, victim: victim, killer: killer))
    if mode.ignoresOwnLosses, damageType == "Crash" || damageType == "SelfDestruct" { return }
    guard let reading = KillClassifier.classify(victim: victim, killer: killer, damageType: damageType) else { return }
    // The kill tells more than the signs around it.
    if let pending, pending.death.victim == nil || pending.death.victim == victim.name { self.pending = nil }
    lastKill = lastKill.filter { Self.areClose(time, $0.value) }
    if lastKill.count >= Self.memory { lastKill = [:] }  // times that step back
    lastKill[victim.name] = time
    let isOwnKill = killer.name == player?.handle
    let kill = LoggedKill(
      victim: victim, killer: killer, weapon: weapon, weaponClass: weaponClass, zone: zone, place: placeOf[zone],
      damageType: damageType, kind: reading.kind, confidence: reading.confidence, creditedTo: reading.creditedTo,
      mode: mode, killerVehicle: isOwnKill && reading.kind != .suicide ? ownVehicle?.name : nil)
    if victim.name == player?.handle { isDown = time }
    events.append(GameLogEvent(timestamp: time, line: number, what: .kill(kill)))
  }

  /// A sign that the player died, of which several belong to one death.
  private mutating func takeSign(
    _ line: LogLine, at time: Timestamp, line number: Int, into events: inout [GameLogEvent]
  ) {
    var death = LoggedDeath(victim: player?.handle, source: .corpseItems, confidence: 0, mode: mode)
    switch line {
    case .deadState(let actor, let vehicle, let place):
      guard case .player = actor.identification.kind else { return }
      death.victim = actor.name
      death.source = .vehicleLoss
      death.vehicle = vehicle.name
      death.place = place
    case .fatalCollision(let vehicle, let zone, let isPilot, let other):
      guard isPilot, !mode.ignoresOwnLosses else { return }
      death.source = .collision
      death.vehicle = vehicle
      death.place = zone
      death.collidedWith = other
    case .corpse(let name):
      // Others' corpses come several times each and without a killer: no count can be made of them.
      guard let player, player.handle == name else { return }
      death.source = .corpse
    case .corpseBody: death.source = .corpseItems
    case .notice: death.source = .rescue
    default: return
    }
    if let name = death.victim, let killed = lastKill[name], Self.areClose(time, killed) { return }
    if death.victim == nil, lastKill.values.contains(where: { Self.areClose(time, $0) }) { return }
    guard var known = pending, known.death.victim == death.victim || known.death.victim == nil || death.victim == nil
    else {
      tellDeath(into: &events)
      pending = PendingDeath(death: death, time: time, line: number, sources: [death.source])
      isDown = time
      return
    }
    known.sources.insert(death.source)
    let (better, other) = death.source > known.death.source ? (death, known.death) : (known.death, death)
    known.death = better
    known.death.victim = better.victim ?? other.victim
    known.death.vehicle = better.vehicle ?? other.vehicle
    known.death.place = better.place ?? other.place
    known.death.collidedWith = better.collidedWith ?? other.collidedWith
    pending = known
    isDown = time
  }

  private mutating func takeNotice(
    _ text: String, _ id: UInt64, at time: Timestamp, line number: Int, into events: inout [GameLogEvent]
  ) {
    let isDowned = text.hasPrefix("Incapacitated:")
    guard isDowned || text.hasPrefix("Standby, Local Emergency Services Are En Route"), !recentNotices.contains(id)
    else { return }
    _ = recentNotices.insert(id)
    if isDowned {
      isDown = time
      let fall = LoggedIncapacitation(player: player?.handle, causes: [])
      events.append(GameLogEvent(timestamp: time, line: number, what: .incapacitation(fall)))
    } else {
      takeSign(.notice(text: text, number: id), at: time, line: number, into: &events)
    }
  }
}

/// The latest few of something.
struct Recent<Element: Hashable & Sendable>: Sendable {
  let limit: Int
  private var order: [Element] = []
  private var known: Set<Element> = []
  private var oldest = 0

  init(limit: Int) { self.limit = limit }

  func contains(_ element: Element) -> Bool { known.contains(element) }

  /// - Returns: what was forgotten for it.
  mutating func insert(_ element: Element) -> Element? {
    guard known.insert(element).inserted else { return nil }
    guard order.count >= limit else {
      order.append(element)
      return nil
    }
    let forgotten = order[oldest]
    known.remove(forgotten)
    order[oldest] = element
    oldest = (oldest + 1) % limit
    return forgotten
  }
}
