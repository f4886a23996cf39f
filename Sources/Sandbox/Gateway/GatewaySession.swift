import Platform

/// Why the gateway closes a connection. Source: Discord "Opcodes and Status Codes", Gateway Close Event Codes.
struct GatewayCloseCode: Equatable, Sendable {
  let code: UInt16
  let reason: String

  static let unknownError = GatewayCloseCode(code: 4000, reason: "Unknown error.")
  static let unknownOpcode = GatewayCloseCode(code: 4001, reason: "Unknown opcode.")
  static let decodeError = GatewayCloseCode(code: 4002, reason: "Error while decoding payload.")
  static let notAuthenticated = GatewayCloseCode(code: 4003, reason: "Not authenticated.")
  static let authenticationFailed = GatewayCloseCode(code: 4004, reason: "Authentication failed.")
  static let alreadyAuthenticated = GatewayCloseCode(code: 4005, reason: "Already authenticated.")
  static let invalidSequence = GatewayCloseCode(code: 4007, reason: "Invalid seq.")
  static let rateLimited = GatewayCloseCode(code: 4008, reason: "You are being rate limited.")
  static let sessionTimedOut = GatewayCloseCode(code: 4009, reason: "Session timed out.")
  static let invalidShard = GatewayCloseCode(code: 4010, reason: "Invalid shard.")
  static let shardingRequired = GatewayCloseCode(code: 4011, reason: "Sharding required.")
  static let invalidVersion = GatewayCloseCode(code: 4012, reason: "Invalid API version.")
  static let invalidIntents = GatewayCloseCode(code: 4013, reason: "Invalid intent(s).")
  static let disallowedIntents = GatewayCloseCode(code: 4014, reason: "Disallowed intent(s).")
}

/// One shard of one application, from IDENTIFY until it can no longer be resumed. Outlives its connections.
struct GatewaySession: Sendable {
  struct Shard: Hashable, Sendable {
    let id: Int
    let count: Int

    /// `(guild_id >> 22) % num_shards == shard_id`.
    func covers(guild: Snowflake) -> Bool { Int((guild.value >> 22) % UInt64(count)) == id }
  }

  let id: String
  let token: String
  let applicationID: Snowflake
  let intents: Intents
  let shard: Shard
  let largeThreshold: Int
  let bufferLimit: Int
  private(set) var sequence: Int64 = 0
  /// The newest dispatches, whole payloads, oldest first.
  private var buffer: [(sequence: Int64, payload: JSON)] = []
  /// Up to here nothing is kept any more.
  private var forgotten: Int64 = 0

  init(
    id: String, token: String, applicationID: Snowflake, intents: Intents, shard: Shard, largeThreshold: Int,
    bufferLimit: Int
  ) {
    self.id = id
    self.token = token
    self.applicationID = applicationID
    self.intents = intents
    self.shard = shard
    self.largeThreshold = largeThreshold
    self.bufferLimit = bufferLimit
  }

  func covers(guild: Snowflake) -> Bool { shard.covers(guild: guild) }

  /// Numbers an event, keeps it for a resume, and returns the payload to send.
  mutating func dispatch(_ name: String, _ data: JSON) -> JSON {
    sequence += 1
    let payload: JSON = ["t": .string(name), "s": .integer(sequence), "op": 0, "d": data]
    buffer.append((sequence, payload))
    if buffer.count > bufferLimit { forgotten = buffer.removeFirst().sequence }
    return payload
  }

  /// Leaves numbers out.
  mutating func skip(_ count: Int64) { sequence += count }

  /// The newest dispatches, oldest first.
  func newest(_ count: Int) -> [JSON] { buffer.suffix(count).map(\.payload) }

  enum Replay: Equatable {
    case payloads([JSON])
    /// The client claims to have seen what was never sent: 4007.
    case invalidSequence
    /// What is missing is no longer kept: op 9.
    case tooOld
  }

  func replay(after seen: Int64) -> Replay {
    guard seen >= 0, seen <= sequence else { return .invalidSequence }
    guard seen >= forgotten else { return .tooOld }
    return .payloads(buffer.filter { $0.sequence > seen }.map(\.payload))
  }
}
