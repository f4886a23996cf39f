/// One whole message, put together from its frames.
public enum WebSocketMessage: Sendable, Equatable {
  /// Valid UTF-8.
  case text([UInt8])
  case binary([UInt8])

  public static func text(_ string: String) -> WebSocketMessage { .text(Array(string.utf8)) }

  /// The text of a text message; nil for a binary one.
  public var string: String? {
    guard case .text(let bytes) = self else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  public var bytes: [UInt8] {
    switch self {
    case .text(let bytes), .binary(let bytes): bytes
    }
  }
}

/// Why a connection ends (RFC 6455 section 7.4). Codes unknown here are kept.
public struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let normal = WebSocketCloseCode(rawValue: 1000)
  public static let goingAway = WebSocketCloseCode(rawValue: 1001)
  public static let protocolError = WebSocketCloseCode(rawValue: 1002)
  public static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
  /// Never on the wire: the close frame had no code.
  public static let noCode = WebSocketCloseCode(rawValue: 1005)
  /// Never on the wire: the connection ended without a close frame.
  public static let abnormal = WebSocketCloseCode(rawValue: 1006)
  public static let invalidPayload = WebSocketCloseCode(rawValue: 1007)
  public static let policyViolation = WebSocketCloseCode(rawValue: 1008)
  public static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
  public static let internalError = WebSocketCloseCode(rawValue: 1011)
  public static let tryAgainLater = WebSocketCloseCode(rawValue: 1013)

  /// Whether a close frame may carry the code: 1000-1003, 1007-1014 and 3000-4999.
  public var mayBeSent: Bool {
    switch rawValue {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }

  public var description: String { String(rawValue) }
}

/// What a close frame says.
public struct WebSocketClose: Sendable, Equatable {
  /// ``WebSocketCloseCode/noCode`` if the frame was empty.
  public var code: WebSocketCloseCode
  public var reason: String

  public init(code: WebSocketCloseCode, reason: String = "") {
    self.code = code
    self.reason = reason
  }
}
