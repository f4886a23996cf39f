import Platform

/// A message from Discord as far as the session needs it.
public enum GatewayFrame: Sendable, Equatable {
  case hello(heartbeatInterval: Duration)
  /// Discord wants a heartbeat now.
  case heartbeat
  case heartbeatACK
  case reconnect
  case invalidSession(isResumable: Bool)
  /// The dispatch READY: a new session.
  case ready(sessionID: String, resumeURL: String?, sequence: Int64)
  /// The dispatch RESUMED: everything missed has been sent again.
  case resumed
  case unknown(opcode: Int)
}

/// The frame around every message: `op`, and for a dispatch `s`, `t` and `d`.
///
/// Valid only as long as the document it is read from.
struct GatewayEnvelope {
  static let dispatchOpcode = 0

  let opcode: Int
  let sequence: Int64?
  let name: JSONView.Key?
  let data: JSONView?

  /// One pass over the four members. Whoever reads `d` then reads it in place.
  init(json: JSONView) throws {
    var opcode: Int?
    var sequence: Int64?
    var name: JSONView.Key?
    var data: JSONView?
    for (key, value) in json.members {
      if key.equals("op") {
        opcode = value.int
      } else if key.equals("s") {
        sequence = value.int64
      } else if key.equals("t") {
        name = value.utf8.map(JSONView.Key.init(utf8:))
      } else if key.equals("d") {
        data = value
      }
    }
    guard let opcode else { throw DecodingFailure(path: ["op"], reason: "not a whole number") }
    if opcode == Self.dispatchOpcode {
      guard let sequence, sequence >= 0 else { throw DecodingFailure(path: ["s"], reason: "not a whole number") }
      guard name != nil else { throw DecodingFailure(path: ["t"], reason: "not a string") }
    }
    self.opcode = opcode
    self.sequence = sequence
    self.name = name
    self.data = data
  }

  /// The message for the state machine; nil for a dispatch that does not concern the session.
  func frame() throws -> GatewayFrame? {
    switch opcode {
    case Self.dispatchOpcode:
      guard let name, let sequence else { return nil }
      if name.equals("READY") {
        guard let data else { throw DecodingFailure(path: ["d"], reason: "missing") }
        return .ready(
          sessionID: try data.decode("session_id"), resumeURL: try data.decodeIfPresent("resume_gateway_url"),
          sequence: sequence)
      }
      return name.equals("RESUMED") ? .resumed : nil
    case 1: return .heartbeat
    case 7: return .reconnect
    case 9: return .invalidSession(isResumable: data?.bool ?? false)
    case 10:
      guard let milliseconds = data?["heartbeat_interval"]?.double else {
        throw DecodingFailure(path: ["d", "heartbeat_interval"], reason: "not a number")
      }
      // Out of any range, but still a Duration: the machine refuses it.
      return .hello(heartbeatInterval: .milliseconds(min(max(milliseconds, -1), 1e12)))
    case 11: return .heartbeatACK
    default: return .unknown(opcode: opcode)
    }
  }
}

/// A message to Discord.
public enum GatewayCommand: Sendable, Equatable {
  case heartbeat(Int64?)
  /// With the token, intents, shard and presence of the connection.
  case identify
  case resume(GatewaySession)
  case updatePresence(Presence)
  /// The answer comes as GUILD_MEMBERS_CHUNK events carrying `nonce`.
  case requestGuildMembers(guild: Snowflake, users: [Snowflake], nonce: String?)
}

/// What the member list shows of the bot.
public struct Presence: Sendable, Equatable {
  public enum Status: String, Sendable {
    case online, idle, invisible
    case doNotDisturb = "dnd"
  }

  public var status: Status
  /// Shown as "Playing …".
  public var activity: String?

  public init(status: Status = .online, activity: String? = nil) {
    self.status = status
    self.activity = activity
  }

  var json: JSON {
    [
      "since": nil, "status": .string(status.rawValue), "afk": false,
      "activities": .array(activity.map { [["name": .string($0), "type": 0]] } ?? []),
    ]
  }
}
