import Gateway
import Platform

/// To whom and to what the custom id of a component belongs. Used elsewhere it does nothing.
public struct ComponentBinding: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The user for whom it was made.
  public static let user = ComponentBinding(rawValue: 1)
  /// The server (or, made in a direct message, no server).
  public static let guild = ComponentBinding(rawValue: 2)
  /// The message, which must exist when the id is made: for components that are edited into it.
  public static let message = ComponentBinding(rawValue: 4)
}

/// What a custom id says, once it is known to be ours.
///
/// On the wire: `format and flags (1)`, `handler (4)`, `state version (1)`, the bound ids (8 each), the time of expiry (4,
/// seconds since 2020), the state, and the first ``tagLength`` bytes of HMAC-SHA256 over all of it; in base64url. With 100
/// characters that leaves 59 bytes to state, bindings and expiry.
struct ComponentToken: Equatable, Sendable {
  static let maximumLength = 100
  /// 80 bits: a guess costs an interaction each.
  static let tagLength = 10
  private static let format: UInt8 = 1 << 5
  private static let expires: UInt8 = 8
  private static let epoch: Int64 = 1_577_836_800
  private static let purpose = Array("adjutant component 1\0".utf8)

  var handler: UInt32
  var version: UInt8 = 1
  var user: Snowflake?
  /// 0 stands for a direct message.
  var guild: Snowflake?
  var message: Snowflake?
  var expiry: Timestamp?
  var state: [UInt8] = []

  /// How a handler's name stands in a custom id.
  static func identifier(ofHandler name: String) throws -> UInt32 {
    try Crypto.sha256("component handler \(name)".utf8).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The custom id; longer than ``maximumLength`` if the state is too large.
  func sealed(with key: [UInt8]) throws -> String {
    var flags: UInt8 = 0
    if user != nil { flags |= ComponentBinding.user.rawValue }
    if guild != nil { flags |= ComponentBinding.guild.rawValue }
    if message != nil { flags |= ComponentBinding.message.rawValue }
    if expiry != nil { flags |= Self.expires }
    var bytes = [Self.format | flags]
    bytes += handler.bigEndianBytes
    bytes.append(version)
    for id in [user, guild, message].compactMap({ $0 }) { bytes += id.rawValue.bigEndianBytes }
    if let expiry {
      bytes += UInt32(clamping: expiry.milliseconds / 1_000 - Self.epoch).bigEndianBytes
    }
    bytes += state
    return Base64.encode(bytes + (try Self.tag(of: bytes, key)), .url)
  }

  private static func tag(of bytes: [UInt8], _ key: [UInt8]) throws -> ArraySlice<UInt8> {
    try Crypto.hmacSHA256(purpose + bytes, key: key).prefix(tagLength)
  }

  /// Nil for everything that ``sealed(with:)`` did not make with this key.
  init?(_ customID: String, key: [UInt8]) throws {
    guard customID.utf8.count <= Self.maximumLength, let bytes = Base64.decode(customID, .url),
      bytes.count >= 6 + Self.tagLength
    else { return nil }
    let body = Array(bytes.dropLast(Self.tagLength))
    guard Crypto.isEqualInConstantTime(bytes.suffix(Self.tagLength), try Self.tag(of: body, key)) else { return nil }
    // From here on the bytes are our own, perhaps of another version of this program.
    let flags = body[0] & 0x1F
    guard body[0] & 0xE0 == Self.format, flags & 0x10 == 0 else { return nil }
    handler = UInt32(truncatingIfNeeded: UInt64(bigEndian: body[1..<5]))
    version = body[5]
    var rest = body[6...]
    func take(_ count: Int) -> UInt64? {
      guard rest.count >= count else { return nil }
      defer { rest = rest.dropFirst(count) }
      return UInt64(bigEndian: rest.prefix(count))
    }
    for (flag, path) in [
      (ComponentBinding.user, \ComponentToken.user), (.guild, \.guild), (.message, \.message),
    ] where flags & flag.rawValue != 0 {
      guard let id = take(8) else { return nil }
      self[keyPath: path] = Snowflake(rawValue: id)
    }
    if flags & Self.expires != 0 {
      guard let seconds = take(4) else { return nil }
      expiry = Timestamp(seconds: Int64(seconds) + Self.epoch)
    }
    state = Array(rest)
  }

  init(handler: UInt32, version: UInt8, state: [UInt8]) {
    self.handler = handler
    self.version = version
    self.state = state
  }
}

extension FixedWidthInteger where Self: UnsignedInteger {
  fileprivate var bigEndianBytes: [UInt8] {
    stride(from: Self.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self >> Self($0)) }
  }
}

extension UInt64 {
  fileprivate init(bigEndian bytes: some Sequence<UInt8>) { self = bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
