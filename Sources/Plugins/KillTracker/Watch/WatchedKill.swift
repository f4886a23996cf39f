import Platform

/// A kill or a death of the player whose log it is, as a watch sends it.
struct WatchedKill: Sendable, Equatable {
  /// By which the server knows it again, however often it comes.
  let key: String
  /// The body of `POST /api/kills`.
  let body: JSON
  /// For people.
  let text: String

  /// - Parameters:
  ///   - player: whose log it is.
  ///   - serverID: the Discord server that it is for.
  /// - Returns: nil for what is no kill or death of theirs.
  init?(_ event: GameLogEvent, of player: LoggedPlayer, serverID: String?) throws {
    var body: JSON.Object
    switch event.what {
    case .kill(let kill):
      guard kill.involves(player) else { return nil }
      body = Self.body(of: KillReport(kill, at: event.timestamp), kill, player)
    case .death(let death):
      guard death.victim.map({ $0.lowercased() == player.handle.lowercased() }) ?? true else { return nil }
      body = Self.body(of: death, player)
    default: return nil
    }
    body["timestamp"] = .string(event.timestamp.iso8601)
    body["source"] = .string(KillSource.log.rawValue)
    body["serverId"] = serverID.map { .string($0) }
    self.body = .object(body)
    text = event.text
    // All that the log tells of it: two kills of one moment and pair differ somewhere.
    key = "log-" + Hex.encode(try Crypto.sha256(event.json.withoutLine.utf8).prefix(20))
  }

  private static func body(of report: KillReport, _ kill: LoggedKill, _ player: LoggedPlayer) -> JSON.Object {
    let isVictim = kill.victim.isPlayer(player)
    var body: JSON.Object = ["confidence": .double(report.confidence), "location": .string(kill.placeName)]
    body["weapon"] = report.weapon.map { .string($0) }
    // The one named here is who speaks, or who did it to them: the server holds it against the key's player.
    switch kill.kind {
    case .suicide, .environment:
      body["killerId"] = .string(player.handle)
      body[kill.kind == .suicide ? "isSuicide" : "isEnvironmental"] = true
    case .npc, .turret:
      body["killerId"] = .string(kill.killer.name)
      body["victimId"] = .string(player.handle)
      body["isPvP"] = false
    case .pvp, .pve:
      body["killerId"] = .string(isVictim ? kill.killer.name : player.handle)
      body["victimId"] = .string(isVictim ? player.handle : kill.victim.name)
      body["isPvP"] = .boolean(kill.kind == .pvp)
    }
    var details = report.details?.object ?? [:]
    details["kind"] = .string(kill.kind.rawValue)
    body["rawData"] = .object(details)
    return body
  }

  private static func body(of death: LoggedDeath, _ player: LoggedPlayer) -> JSON.Object {
    var details: JSON.Object = ["signal": .string(death.source.rawValue)]
    details["vehicle"] = death.vehicle.map { .string(GameNames.vehicle($0)) }
    details["collidedWith"] = death.collidedWith.map { .string($0) }
    var body: JSON.Object = [
      "killerId": .string(player.handle), "isEnvironmental": true, "confidence": .double(death.confidence),
      "rawData": .object(details),
    ]
    body["location"] = death.place.map { .string(GameNames.place($0)) }
    return body
  }
}

extension LoggedKill {
  fileprivate func involves(_ player: LoggedPlayer) -> Bool { killer.isPlayer(player) || victim.isPlayer(player) }
}

extension GameActor {
  fileprivate func isPlayer(_ player: LoggedPlayer) -> Bool { name.lowercased() == player.handle.lowercased() }
}

extension JSON {
  /// A line's number differs between a log and the same log joined with others.
  fileprivate var withoutLine: String {
    guard var object else { return serialized() }
    object["line"] = nil
    return JSON.object(object).serialized()
  }
}
