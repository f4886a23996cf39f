import Core
import KillTracker
import Platform

/// What the WebSocket says of a domain event, and to whom.
enum KillTrackerNews {
  /// - Parameter isPrivate: whether a server keeps its kills to its members.
  /// - Returns: nothing for events that the document does not know.
  static func events(
    from event: DomainEvent, isPrivate: (GuildID) -> Bool = { _ in false }
  ) -> [KillTrackerEvent] {
    guard let name = KillTrackerEvent.Name(rawValue: event.name) else { return [] }
    switch name {
    case .killCreated, .killUpdated, .killDeleted: return kill(name, event, KillNews(event, isPrivate: isPrivate))
    case .userJoined, .userLeft:
      return [KillTrackerEvent(name, data: ["user": event.data], audience: HubAudience(guild: event.guildID))]
    case .serverUpdated:
      return [KillTrackerEvent(name, data: ["server": event.data], audience: HubAudience(guild: event.guildID))]
    case .botStatusChanged: return [KillTrackerEvent(name, data: ["bot": event.data], audience: .everybody)]
    }
  }

  private static func kill(
    _ name: KillTrackerEvent.Name, _ event: DomainEvent, _ news: KillNews
  ) -> [KillTrackerEvent] {
    if news.isPublic { return [KillTrackerEvent(name, data: data(event), audience: .everybody)] }
    let involved = HubAudience(users: news.involved)
    let hidden = news.hiddenSides(from: nil)
    // Of a private server's members a listener's session knows the managers alone.
    let others =
      news.privateServer.map { HubAudience(guild: $0, except: news.involved) }
      ?? HubAudience(isPublic: true, except: news.involved)
    return [
      KillTrackerEvent(name, data: data(event), audience: involved),
      KillTrackerEvent(name, data: data(event, hiding: hidden), audience: others),
    ]
  }

  /// The kill as v1 prints it, which webhooks share.
  static func data(_ event: DomainEvent, hiding hidden: Set<KillNews.Side> = []) -> JSON {
    let kill: JSON = [
      "id": event.data["id"] ?? .null, "killer": name(of: .killer, event, hidden),
      "victim": name(of: .victim, event, hidden), "serverId": event.data["serverId"] ?? .null,
      "weapon": event.data["weapon"] ?? .null, "location": event.data["location"] ?? .null,
      "timestamp": event.data["timestamp"] ?? .null,
    ]
    return ["kill": kill]
  }

  static func name(of side: KillNews.Side, _ event: DomainEvent, _ hidden: Set<KillNews.Side>) -> JSON {
    hidden.contains(side) ? .string(KillParty.hidden.name) : event.data[side.rawValue] ?? .null
  }
}
