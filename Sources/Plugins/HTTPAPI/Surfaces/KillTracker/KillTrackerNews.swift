import Core
import KillTracker
import Platform

/// What the WebSocket says of a domain event, and to whom.
enum KillTrackerNews {
  /// - Returns: nothing for events that the document does not know.
  static func events(from event: DomainEvent) -> [KillTrackerEvent] {
    guard let name = KillTrackerEvent.Name(rawValue: event.name) else { return [] }
    switch name {
    case .killCreated, .killUpdated, .killDeleted: return kill(name, event)
    case .userJoined, .userLeft:
      return [KillTrackerEvent(name, data: ["user": event.data], audience: HubAudience(guild: event.guildID))]
    case .serverUpdated:
      return [KillTrackerEvent(name, data: ["server": event.data], audience: HubAudience(guild: event.guildID))]
    case .botStatusChanged: return [KillTrackerEvent(name, data: ["bot": event.data], audience: .everybody)]
    }
  }

  /// Who took part knows who was there; everybody else is not told the names of players who keep them private.
  private static func kill(_ name: KillTrackerEvent.Name, _ event: DomainEvent) -> [KillTrackerEvent] {
    let involved = Set(event.subjects.compactMap(\.user))
    let hidesKiller = event.data["killerIsPrivate"]?.bool ?? false
    let hidesVictim = event.data["victimIsPrivate"]?.bool ?? false
    guard hidesKiller || hidesVictim else {
      return [KillTrackerEvent(name, data: data(event), audience: .everybody)]
    }
    return [
      KillTrackerEvent(name, data: data(event), audience: HubAudience(users: involved)),
      KillTrackerEvent(
        name, data: data(event, hidesKiller: hidesKiller, hidesVictim: hidesVictim),
        audience: HubAudience(isPublic: true, except: involved)),
    ]
  }

  private static func data(_ event: DomainEvent, hidesKiller: Bool = false, hidesVictim: Bool = false) -> JSON {
    let kill: JSON = [
      "id": event.data["id"] ?? .null, "killer": hidesKiller ? hidden : event.data["killer"] ?? .null,
      "victim": hidesVictim ? hidden : event.data["victim"] ?? .null, "serverId": event.data["serverId"] ?? .null,
      "weapon": event.data["weapon"] ?? .null, "location": event.data["location"] ?? .null,
      "timestamp": event.data["timestamp"] ?? .null,
    ]
    return ["kill": kill]
  }

  private static let hidden = JSON.string(KillParty.hidden.name)
}
