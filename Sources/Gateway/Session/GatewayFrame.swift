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

  /// One pass over the four members, of which the first of its name counts. Whoever reads `d` then reads it in place.
  init(json: JSONView) throws {
    var opcode: JSONView?
    var sequence: JSONView?
    var name: JSONView?
    var data: JSONView?
    for (key, value) in json.members {
      if key.equals("op") {
        opcode = opcode ?? value
      } else if key.equals("s") {
        sequence = sequence ?? value
      } else if key.equals("t") {
        name = name ?? value
      } else if key.equals("d") {
        data = data ?? value
      }
    }
    try self.init(
      opcode: opcode?.int, sequence: sequence?.int64, name: name?.utf8.map(JSONView.Key.init(utf8:)), data: data)
  }

  private init(opcode: Int?, sequence: Int64?, name: JSONView.Key?, data: JSONView?) throws {
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

/// What stands before `d` in a dispatch, read without parsing the message.
///
/// Discord writes `t`, `s`, `op` and `d` last. A message that has anything else before its `d` is not read this way, so
/// nothing depends on the order but time.
struct GatewayPreamble {
  let name: UnsafeBufferPointer<UInt8>
  let sequence: Int64

  /// Nil unless `text` begins as a dispatch with its members in front of `d`, and ends as an object.
  ///
  /// `d` itself is not looked at: of an event that nobody wants it may be anything, even no JSON.
  init?(scanning text: UnsafeBufferPointer<UInt8>) {
    var scanner = Scanner(text: text)
    guard text.last == UInt8(ascii: "}"), scanner.skip(UInt8(ascii: "{")) else { return nil }
    var name: UnsafeBufferPointer<UInt8>?
    var sequence: Int64?
    var isDispatch = false
    while true {
      guard let key = scanner.string(), scanner.skip(UInt8(ascii: ":")) else { return nil }
      let member = JSONView.Key(utf8: key)
      if member.equals("t"), name == nil {
        name = scanner.string()
        guard name != nil else { return nil }
      } else if member.equals("s"), sequence == nil {
        sequence = scanner.number()
        guard sequence != nil else { return nil }
      } else if member.equals("op"), !isDispatch {
        guard scanner.number() == Int64(GatewayEnvelope.dispatchOpcode) else { return nil }
        isDispatch = true
      } else {
        guard member.equals("d"), isDispatch, let name, let sequence else { return nil }
        self.name = name
        self.sequence = sequence
        return
      }
      guard scanner.skip(UInt8(ascii: ",")) else { return nil }
    }
  }

  /// Reads the simplest JSON, and says nil to everything else.
  private struct Scanner {
    let text: UnsafeBufferPointer<UInt8>
    var place = 0

    /// Passes over a byte, and blanks before it.
    mutating func skip(_ byte: UInt8) -> Bool {
      while place < text.count {
        let found = text[place]
        place += 1
        if found == byte { return true }
        guard found == UInt8(ascii: " ") || found == UInt8(ascii: "\n") else { return false }
      }
      return false
    }

    /// A string of printable ASCII without escapes.
    mutating func string() -> UnsafeBufferPointer<UInt8>? {
      guard skip(UInt8(ascii: "\"")) else { return nil }
      let start = place
      while place < text.count {
        let byte = text[place]
        place += 1
        if byte == UInt8(ascii: "\"") { return UnsafeBufferPointer(rebasing: text[start..<place - 1]) }
        guard (0x20..<0x7F).contains(byte), byte != UInt8(ascii: "\\") else { return nil }
      }
      return nil
    }

    /// A whole number of up to 18 digits.
    mutating func number() -> Int64? {
      while place < text.count, text[place] == UInt8(ascii: " ") { place += 1 }
      let start = place
      var value: Int64 = 0
      while place < text.count, place - start < 18, text[place] &- UInt8(ascii: "0") <= 9 {
        value = value * 10 + Int64(text[place] - UInt8(ascii: "0"))
        place += 1
      }
      guard place > start, place == start + 1 || text[start] != UInt8(ascii: "0") else { return nil }
      return value
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
  case requestGuildMembers(guild: Snowflake, query: MemberQuery, nonce: String)
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
