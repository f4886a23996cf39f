import Platform

/// The server's side of one gateway connection: what comes in, what goes out, no I/O.
///
/// Source: Discord "Gateway" and "Gateway Events". The world answers ``Action/authenticate(_:)`` and
/// ``Action/resume(sessionID:token:sequence:)`` with one of the `identify…` and `resume…` inputs.
struct GatewayConnection: Sendable {
  struct Identify: Equatable, Sendable {
    let token: String
    let intents: Intents
    let shard: GatewaySession.Shard
    let largeThreshold: Int
  }

  enum Input: Sendable {
    /// - Parameter fault: what a script ordered for this connection; only `reconnects` and `hello` count here.
    case opened(version: Int, encoding: String, fault: ConnectFault = ConnectFault())
    /// JSON, in a text or a binary frame.
    case payload([UInt8])
    case identifyAccepted(GatewaySession, ready: JSON)
    case identifyRefused(GatewayCloseCode)
    /// The session start window is not open yet, or the session is gone: op 9.
    case invalidSession(resumable: Bool)
    case resumeAccepted(GatewaySession, after: Int64)
    case event(name: String, data: JSON)
    case fault(Fault)
    case tick
  }

  enum Fault: Equatable, Sendable {
    case reconnect
    case invalidateSession(resumable: Bool)
    case close(GatewayCloseCode)
    case drop
    case silenceHeartbeats(Bool)
    case requestHeartbeat
    /// The newest dispatches once more, with the numbers they have.
    case repeatEvents(Int)
    /// Numbers that no dispatch gets.
    case skipSequence(Int64)
  }

  enum Action: Equatable, Sendable {
    case send(JSON)
    case close(GatewayCloseCode, keepsSession: Bool)
    /// Cut the connection without a closing frame.
    case drop
    /// A message that is not of this machine's making.
    case say(String)
    case authenticate(Identify)
    case resume(sessionID: String, token: String, sequence: Int64)
    case requestMembers(JSON)
    case updateVoiceState(JSON)
    case requestSoundboard(JSON)
  }

  static let payloadLimit = 4_096
  static let sendLimit = 120
  static let sendWindow = Duration.seconds(60)

  let heartbeatInterval: Duration
  private(set) var session: GatewaySession?
  /// The sequence in the last heartbeat.
  private(set) var acknowledged: Int64?
  /// As IDENTIFY or op 3 gave it last.
  private(set) var presence = JSON.null
  private(set) var isClosed = false
  /// When the client counts as dead unless it beats before.
  private(set) var deadline: ContinuousClock.Instant
  private var isSilent = false
  private var isWaiting = false
  private var sends: [ContinuousClock.Instant] = []

  init(heartbeatInterval: Duration, now: ContinuousClock.Instant) {
    self.heartbeatInterval = heartbeatInterval
    deadline = now.advanced(by: heartbeatInterval * 1.5)
  }

  mutating func handle(_ input: Input, at now: ContinuousClock.Instant) -> [Action] {
    guard !isClosed else { return [] }
    switch input {
    case .opened(let version, let encoding, let fault):
      guard version == 9 || version == 10 else { return close(.invalidVersion) }
      guard encoding == "json" else { return close(.decodeError) }
      return (fault.reconnects ? suffer(.reconnect) : []) + hello(fault.hello)
    case .payload(let bytes): return receive(bytes, at: now)
    case .identifyAccepted(var accepted, let ready):
      let payload = accepted.dispatch("READY", ready)
      session = accepted
      isWaiting = false
      return [.send(payload)]
    case .identifyRefused(let code): return close(code)
    case .invalidSession(let resumable):
      isWaiting = false
      return [.send(["t": .null, "s": .null, "op": 9, "d": .boolean(resumable)])]
    case .resumeAccepted(var resumed, let seen):
      isWaiting = false
      switch resumed.replay(after: seen) {
      case .invalidSequence: return close(.invalidSequence)
      case .tooOld: return [.send(["t": .null, "s": .null, "op": 9, "d": false])]
      case .payloads(let payloads):
        let done = resumed.dispatch("RESUMED", ["_trace": ["sandbox"]])
        session = resumed
        return (payloads + [done]).map(Action.send)
      }
    case .event(let name, let data):
      guard let payload = session?.dispatch(name, data) else { return [] }
      return [.send(payload)]
    case .fault(let fault): return suffer(fault)
    case .tick: return now >= deadline ? close(.sessionTimedOut) : []
    }
  }

  private mutating func hello(_ hello: ConnectFault.Hello) -> [Action] {
    var data: JSON = ["_trace": []]
    switch hello {
    case .proper: data["heartbeat_interval"] = .integer(Int64(heartbeatInterval.inMilliseconds))
    case .interval(let interval): data["heartbeat_interval"] = interval
    case .text(let text): return [.say(text)]
    case .nothing: return []
    case .cut: return suffer(.drop)
    }
    return [.send(["t": .null, "s": .null, "op": 10, "d": data])]
  }

  private mutating func suffer(_ fault: Fault) -> [Action] {
    switch fault {
    case .reconnect: return [.send(["t": .null, "s": .null, "op": 7, "d": .null])]
    case .invalidateSession(let resumable):
      if !resumable { session = nil }
      return [.send(["t": .null, "s": .null, "op": 9, "d": .boolean(resumable)])]
    case .close(let code): return close(code)
    case .drop:
      isClosed = true
      return [.drop]
    case .silenceHeartbeats(let silent):
      isSilent = silent
      return []
    case .requestHeartbeat: return [.send(["t": .null, "s": .null, "op": 1, "d": .null])]
    case .repeatEvents(let count): return (session?.newest(count) ?? []).map(Action.send)
    case .skipSequence(let count):
      session?.skip(count)
      return []
    }
  }

  /// After these the session cannot be resumed.
  /// Source: the documents leave it open; discord-api-docs pull request 7172 tried each code.
  private static let endingCodes: Set<UInt16> = [4001, 4003, 4004, 4005, 4007, 4009, 4010, 4011, 4012, 4013, 4014]

  private mutating func close(_ code: GatewayCloseCode) -> [Action] {
    isClosed = true
    return [.close(code, keepsSession: !Self.endingCodes.contains(code.code))]
  }

  // MARK: - What the client sends

  private mutating func receive(_ bytes: [UInt8], at now: ContinuousClock.Instant) -> [Action] {
    sends.removeAll { $0.advanced(by: Self.sendWindow) <= now }
    sends.append(now)
    if sends.count > Self.sendLimit { return close(.rateLimited) }
    guard bytes.count <= Self.payloadLimit, let payload = try? JSON(parsing: bytes), let opcode = payload["op"]?.integer
    else { return close(.decodeError) }
    let data = payload["d"] ?? .null
    switch opcode {
    case 1:
      guard data.isNull || data.integer != nil else { return close(.decodeError) }
      deadline = now.advanced(by: heartbeatInterval * 1.5)
      acknowledged = data.integer
      return isSilent ? [] : [.send(["t": .null, "s": .null, "op": 11, "d": .null])]
    case 2: return identify(data)
    case 6: return resume(data)
    case 3, 4, 8, 31, 43:
      guard session != nil else { return close(.notAuthenticated) }
      guard data.object != nil else { return close(.decodeError) }
      switch opcode {
      case 3:
        guard data["status"]?.string != nil else { return close(.decodeError) }
        presence = data
        return []
      case 4: return [.updateVoiceState(data)]
      case 8: return [.requestMembers(data)]
      case 31: return [.requestSoundboard(data)]
      default: return []
      }
    default: return close(.unknownOpcode)
    }
  }

  private mutating func identify(_ data: JSON) -> [Action] {
    guard session == nil, !isWaiting else { return close(.alreadyAuthenticated) }
    guard data.object != nil, data["properties"]?.object != nil else { return close(.decodeError) }
    guard let token = data["token"]?.string, BotToken.isWellFormed(token) else { return close(.authenticationFailed) }
    guard let bits = data["intents"]?.integer.flatMap({ UInt64(exactly: $0) }),
      Intents.known.contains(Intents(rawValue: bits))
    else { return close(.invalidIntents) }
    var shard = GatewaySession.Shard(id: 0, count: 1)
    if let pair = data["shard"], !pair.isNull {
      guard pair.array?.count == 2, let id = pair[0]?.integer, let count = pair[1]?.integer, count >= 1,
        count <= 65_536,
        (0..<count).contains(id)
      else { return close(.invalidShard) }
      shard = GatewaySession.Shard(id: Int(id), count: Int(count))
    }
    let threshold = data["large_threshold"]?.integer ?? 50
    guard (50...250).contains(threshold) else { return close(.decodeError) }
    isWaiting = true
    presence = data["presence"] ?? .null
    return [
      .authenticate(
        Identify(
          token: BotToken.bare(token), intents: Intents(rawValue: bits), shard: shard, largeThreshold: Int(threshold)))
    ]
  }

  private mutating func resume(_ data: JSON) -> [Action] {
    guard session == nil, !isWaiting else { return close(.alreadyAuthenticated) }
    guard let token = data["token"]?.string, let id = data["session_id"]?.string, let sequence = data["seq"]?.integer
    else { return close(.decodeError) }
    guard BotToken.isWellFormed(token) else { return close(.authenticationFailed) }
    isWaiting = true
    return [.resume(sessionID: id, token: BotToken.bare(token), sequence: sequence)]
  }
}
