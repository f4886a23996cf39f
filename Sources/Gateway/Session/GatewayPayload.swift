import Platform

extension GatewayCommand {
  /// What a command needs to know of its connection.
  struct Surroundings {
    let token: Secret<String>
    let intents: Intents
    let shard: ShardID
    let presence: Presence
  }

  /// The message as it is sent. See `developers/events/gateway-events`, "Send Events".
  func payload(in surroundings: Surroundings) -> [UInt8] {
    let (opcode, data): (Int64, JSON) =
      switch self {
      case .heartbeat(let sequence): (1, sequence.map { .integer($0) } ?? .null)
      case .identify:
        (
          2,
          [
            "token": .string(surroundings.token.reveal()), "intents": .integer(Int64(surroundings.intents.rawValue)),
            "properties": ["os": "linux", "browser": "adjutant", "device": "adjutant"],
            "shard": [.integer(Int64(surroundings.shard.id)), .integer(Int64(surroundings.shard.count))],
            "presence": surroundings.presence.json,
          ]
        )
      case .resume(let session):
        (
          6,
          [
            "token": .string(surroundings.token.reveal()), "session_id": .string(session.id),
            "seq": .integer(session.sequence),
          ]
        )
      case .updatePresence(let presence): (3, presence.json)
      case .requestGuildMembers(let guild, let query, let nonce): (8, query.json(guild: guild, nonce: nonce))
      }
    let payload: JSON = ["op": .integer(opcode), "d": data]
    return payload.serializedBytes()
  }

  /// Of a command that is the same on every connection, in bytes.
  var size: Int {
    payload(in: Surroundings(token: Secret(""), intents: [], shard: ShardID(0, of: 1), presence: Presence())).count
  }

  /// For messages to people.
  var name: String {
    switch self {
    case .heartbeat: "a heartbeat"
    case .identify: "an identify"
    case .resume: "a resume"
    case .updatePresence: "the presence"
    case .requestGuildMembers: "a request for members"
    }
  }
}

/// Why a command to the gateway was not taken.
public enum GatewaySendError: Error, Sendable, Equatable, CustomStringConvertible {
  /// - Parameter what: "the presence", "a request for members".
  case tooLarge(what: String, bytes: Int)
  case tooMany
  case stopped
  /// No shard of this process carries the guild.
  case noShard

  public var description: String {
    switch self {
    case .tooLarge(let what, let bytes):
      "\(what) would take \(bytes) bytes; the gateway takes at most \(GatewayProtocol.maximumPayloadSize)"
    case .tooMany: "too many payloads wait to be sent"
    case .stopped: "the shard is stopped"
    case .noShard: "no shard of this process carries the guild"
    }
  }
}
