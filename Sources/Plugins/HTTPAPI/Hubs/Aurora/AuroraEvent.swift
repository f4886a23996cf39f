import HTTP
import Platform

/// One message of Aurora's WebSocket: `{"type": "NEW_EVENT", "data": {…}}`.
public struct AuroraEvent: HubEvent {
  public enum Name: String, Sendable, CaseIterable {
    /// The same as `GET /api/stats`.
    case statsUpdate = "STATS_UPDATE"
    /// One of the recent events of those statistics.
    case newEvent = "NEW_EVENT"
  }

  public let name: Name
  public let frame: WebSocketFrame

  public init(_ name: Name, data: JSON) {
    self.name = name
    let message: JSON = ["type": .string(name.rawValue), "data": data]
    frame = .text(message.serialized())
  }
}
