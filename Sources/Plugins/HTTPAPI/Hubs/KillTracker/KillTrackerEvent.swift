import HTTP
import Platform

/// One message of the Kill Tracker's WebSocket: `{"type": "kill.created", "data": {…}}`.
public struct KillTrackerEvent: HubEvent {
  /// What the document lists.
  public enum Name: String, Sendable, CaseIterable {
    case killCreated = "kill.created"
    case killUpdated = "kill.updated"
    case killDeleted = "kill.deleted"
    case userJoined = "user.joined"
    case userLeft = "user.left"
    case serverUpdated = "server.updated"
    case botStatusChanged = "bot.status_changed"
  }

  public let name: Name
  public let audience: HubAudience
  public let frame: WebSocketFrame

  /// - Parameter data: as the document prints it for that name, for example `{"kill": {"id", "killer", "victim",
  ///   "weapon", "timestamp"}}`, where killer and victim are names.
  public init(_ name: Name, data: JSON, audience: HubAudience) {
    self.name = name
    self.audience = audience
    let message: JSON = ["type": .string(name.rawValue), "data": data]
    frame = .text(message.serialized())
  }
}
