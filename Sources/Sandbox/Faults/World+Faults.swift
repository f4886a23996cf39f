import HTTP
import Platform

/// The faults that a script orders. What each does is described in `docs/sandbox.md`.
extension World {
  /// `{"action", …}` for the connections of one `application` and `shard`, or for all.
  func orderGatewayFault(_ body: JSON) throws(ControlError) -> JSON {
    let order = try GatewayOrder(body)
    let application = Snowflake(body["application"])
    let shard = body["shard"]?.integer
    var count: Int64 = 0
    for (handle, connection) in connections.sorted(by: { $0.key < $1.key }) {
      let session = connection.machine.session
      if let application, session?.applicationID != application { continue }
      if let shard, session.map({ Int64($0.shard.id) }) != shard { continue }
      switch order {
      case .protocolFault(let fault): feed(.fault(fault), to: handle)
      case .wireFault(let fault): connection.output.yield(.wire(fault))
      }
      count += 1
    }
    return ["connections": .integer(count)]
  }

  /// `{"count"?, "status"?, "delay"?, "reconnect"?, "hello"?, "interval"?, "text"?}` for coming connections.
  func orderConnectFault(_ body: JSON) throws(ControlError) -> JSON {
    var fault = ConnectFault()
    fault.count = Int(try body.number("count", 1...100_000, default: 1))
    if body["status"] != nil { fault.status = Int(try body.number("status", 400...599, default: 503)) }
    fault.delay = .milliseconds(try body.number("delay", 0...600_000, default: 0))
    fault.reconnects = body["reconnect"]?.bool ?? false
    if let interval = body["interval"] { fault.hello = .interval(interval) }
    if let text = body["text"]?.string { fault.hello = .text(text) }
    switch body["hello"]?.string {
    case nil: break
    case "none": fault.hello = .nothing
    case "cut": fault.hello = .cut
    case "empty": fault.hello = .interval(nil)
    default: throw .bad("hello must be none, cut or empty")
    }
    guard connectFaults.count < 1_000 else { throw .conflict("too many faults are on order") }
    connectFaults.append(fault)
    return ["faults": .integer(Int64(connectFaults.count))]
  }

  /// `{"status"?, "count"?, "delay"?, "retryAfter"?, "scope"?, "path"?, "method"?, "cut"?, "clock"?, "headers"?,
  /// "text"?}`; times in milliseconds.
  func orderRESTFault(_ body: JSON) throws(ControlError) -> JSON {
    var fault = RESTFault(count: Int(try body.number("count", 1...100_000, default: 1)))
    if body["status"] != nil { fault.status = Int(try body.number("status", 400...599, default: 500)) }
    fault.delay = .milliseconds(try body.number("delay", 0...600_000, default: 0))
    fault.retryAfter = .milliseconds(try body.number("retryAfter", 0...600_000, default: 1_000))
    if body["clock"] != nil {
      fault.clock = .milliseconds(try body.number("clock", -4_000_000_000_000...4_000_000_000_000, default: 0))
    }
    if let scope = body["scope"] {
      guard let text = scope.string, ["user", "global", "shared"].contains(text) else {
        throw .bad("scope must be user, global or shared")
      }
      fault.scope = text
    }
    switch body["cut"] {
    case nil, false: break
    case true: fault.cut = .head
    case .some(let cut):
      guard let place = cut.string.flatMap({ RESTFault.Cut(rawValue: $0) }) else {
        throw .bad("cut must be before, head, after, body or true")
      }
      fault.cut = place
    }
    for (name, value) in body["headers"]?.object ?? [:] {
      let isName = !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
      let isValue = value.isNull || value.string?.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } == true
      guard isName, isValue else { throw .bad("headers must be names with texts, or null to take one away") }
      fault.headers.append((name, value.string))
    }
    fault.text = body["text"]?.string
    if let method = body["method"]?.string { fault.method = HTTPMethod(rawValue: method.uppercased()) }
    fault.pathPrefix = body["path"]?.string ?? ""
    guard faults.count < 1_000 else { throw .conflict("too many faults are on order") }
    faults.append(fault)
    return ["faults": .integer(Int64(faults.count))]
  }

  func clearFaults() {
    faults = []
    connectFaults = []
  }
}

/// A fault of a gateway connection: of what it says, or of how that reaches the wire.
enum GatewayOrder: Equatable, Sendable {
  case protocolFault(GatewayConnection.Fault)
  case wireFault(WireFault)

  static let actions = [
    "drop", "reconnect", "invalidate", "close", "silence", "heartbeat", "repeat", "skip", "cut", "pieces", "join",
    "delay",
    "corrupt", "say", "write",
  ]

  init(_ body: JSON) throws(ControlError) {
    switch body["action"]?.string {
    case "drop": self = .protocolFault(.drop)
    case "reconnect": self = .protocolFault(.reconnect)
    case "invalidate": self = .protocolFault(.invalidateSession(resumable: body["resumable"]?.bool ?? false))
    case "close":
      guard let code = body["code"]?.integer, code == 1000 || code == 1001 || (3000...4999).contains(code) else {
        throw .bad("code must be 1000, 1001 or 3000 to 4999")
      }
      let reason = body["reason"]?.string ?? "Sandbox fault."
      self = .protocolFault(.close(GatewayCloseCode(code: UInt16(code), reason: reason)))
    case "silence": self = .protocolFault(.silenceHeartbeats(body["on"]?.bool ?? true))
    case "heartbeat": self = .protocolFault(.requestHeartbeat)
    case "repeat": self = .protocolFault(.repeatEvents(Int(try body.number("count", 1...1_000, default: 1))))
    case "skip": self = .protocolFault(.skipSequence(try body.number("count", 1...100_000, default: 1)))
    case "cut": self = .wireFault(.cut(at: Int(try body.number("at", 0...100_000_000, default: 0))))
    case "pieces":
      self = .wireFault(
        .pieces(
          size: Int(try body.number("size", 0...100_000_000, default: 1)),
          pause: .milliseconds(try body.number("pause", 0...600_000, default: 0))))
    case "join": self = .wireFault(.join(count: Int(try body.number("count", 0...1_000, default: 2))))
    case "delay": self = .wireFault(.delay(.milliseconds(try body.number("delay", 0...600_000, default: 0))))
    case "corrupt": self = .wireFault(.corrupt(count: Int(try body.number("count", 0...1_000, default: 1))))
    case "say":
      guard let text = body["text"]?.string else { throw .bad("text is needed") }
      self = .wireFault(.say(text))
    case "write":
      guard let bytes = body["hex"]?.string.flatMap(Self.bytes) else { throw .bad("hex must be pairs of digits") }
      self = .wireFault(.write(bytes))
    default: throw .bad("action must be one of \(Self.actions.joined(separator: ", "))")
    }
  }

  private static func bytes(_ hex: String) -> [UInt8]? {
    let digits = hex.utf8.map { UInt8(String(UnicodeScalar($0)), radix: 16) }
    guard digits.count.isMultiple(of: 2), !digits.contains(nil) else { return nil }
    let values = digits.compactMap { $0 }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }
}

extension JSON {
  /// - Throws: if there is a value and it is no whole number within the range.
  fileprivate func number(
    _ name: String, _ range: ClosedRange<Int64>, default fallback: Int64
  ) throws(ControlError) -> Int64 {
    guard let value = self[name] else { return fallback }
    guard let number = value.integer, range.contains(number) else {
      throw .bad("\(name) must be \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
