import FoundationEssentials

/// Writes Encodable values as compact JSON text, straight into bytes.
///
/// The text means what Foundation's `JSONEncoder` with `withoutEscapingSlashes` writes, several times as fast: members
/// stand in the order in which they were encoded, `Data` is Base64, `URL` a string, `Decimal` a number. A type that
/// encodes one key twice gets it twice.
public struct JSONTextEncoder: Sendable {
  public init() {}

  /// - Throws: `EncodingError` for numbers that JSON cannot write (not finite), and what the value throws.
  public func encode(_ value: some Encodable) throws -> [UInt8] {
    let fragment = JSONFragment(path: [])
    try fragment.write(value)
    return fragment.finished()
  }
}

/// A piece of text that grows. Values nest by calls and share one; a container that outlives the call that made it has
/// one of its own, which is put in its place at the end.
final class JSONFragment {
  enum Level {
    /// Nothing was encoded yet.
    case none
    case object, array, single
  }

  private(set) var bytes: [UInt8] = []
  /// The keys that lead to the value that is being encoded.
  var path: [any CodingKey]
  /// What the value that is being encoded has become.
  var level = Level.none
  var isFirst = true
  private var inserted: [(place: Int, fragment: JSONFragment)] = []

  init(path: [any CodingKey]) { self.path = path }

  func finished() -> [UInt8] {
    guard !inserted.isEmpty else { return bytes }
    var result: [UInt8] = []
    var last = 0
    for (place, fragment) in inserted {
      result += bytes[last..<place]
      result += fragment.closed()
      last = place
    }
    return result + bytes[last...]
  }

  /// With the end of what is open: containers that were made by themselves are never told their end.
  private func closed() -> [UInt8] {
    switch level {
    case .object: finished() + [UInt8(ascii: "}")]
    case .array: finished() + [UInt8(ascii: "]")]
    case .single: finished()
    case .none: Array("{}".utf8)
    }
  }

  /// A place for a container that is filled later.
  func insert(_ key: any CodingKey) -> JSONFragment {
    let fragment = JSONFragment(path: path + [key])
    inserted.append((bytes.count, fragment))
    return fragment
  }

  // MARK: Structure

  func open(_ wanted: Level) {
    guard level == .none else { return precondition(level == wanted, "a value is encoded as two different things") }
    level = wanted
    isFirst = true
    bytes.append(wanted == .object ? UInt8(ascii: "{") : UInt8(ascii: "["))
  }

  func separate() {
    if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
  }

  func name(_ text: String) {
    separate()
    write(text)
    bytes.append(UInt8(ascii: ":"))
  }

  func write<Value: Encodable>(_ value: Value, key: (any CodingKey)? = nil) throws {
    if try writeSpecial(value) { return }
    let outer = (level, isFirst)
    level = .none
    if let key { path.append(key) }
    try value.encode(to: JSONFragmentEncoder(fragment: self))
    if key != nil { path.removeLast() }
    switch level {
    case .object: bytes.append(UInt8(ascii: "}"))
    case .array: bytes.append(UInt8(ascii: "]"))
    case .single: break
    case .none: bytes += "{}".utf8
    }
    (level, isFirst) = outer
  }

  /// Types that JSON has a form for which their own `encode(to:)` does not give.
  private func writeSpecial<Value: Encodable>(_ value: Value) throws -> Bool {
    if Value.self == Data.self, let data = value as? Data {
      write(data.base64EncodedString())
    } else if Value.self == URL.self, let url = value as? URL {
      write(url.absoluteString)
    } else if Value.self == Decimal.self, let decimal = value as? Decimal {
      guard decimal.isFinite else { throw notFinite(decimal) }
      bytes += decimal.description.utf8
    } else {
      return false
    }
    return true
  }

  /// Leaves nothing of what fails, in case the caller goes on without it.
  func attempt(_ body: () throws -> Void) throws {
    let before = (bytes: bytes.count, level: level, isFirst: isFirst, path: path.count, inserted: inserted.count)
    do {
      try body()
    } catch {
      bytes.removeSubrange(before.bytes...)
      path.removeSubrange(before.path...)
      inserted.removeSubrange(before.inserted...)
      (level, isFirst) = (before.level, before.isFirst)
      throw error
    }
  }

  // MARK: Scalars

  func writeNull() { bytes += "null".utf8 }

  func write(_ value: Bool) { bytes += (value ? "true" : "false").utf8 }

  func write(_ value: some FixedWidthInteger) {
    guard let small = Int(exactly: value) else {
      bytes += String(value).utf8
      return
    }
    var rest = small.magnitude
    if small < 0 { bytes.append(UInt8(ascii: "-")) }
    if rest < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(rest)) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var place = 20
      while rest > 0 {
        place -= 1
        digits[place] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      }
      bytes.append(contentsOf: digits[place...])
    }
  }

  func write(_ value: some BinaryFloatingPoint & CustomStringConvertible & Encodable) throws {
    guard value.isFinite else { throw notFinite(value) }
    let text = value.description
    bytes += text.hasSuffix(".0") ? text.utf8.dropLast(2) : text.utf8[...]
  }

  private func notFinite(_ value: Any) -> EncodingError {
    .invalidValue(value, .init(codingPath: path, debugDescription: "JSON has no number for it"))
  }

  func write(_ text: String) {
    var text = text
    bytes.append(UInt8(ascii: "\""))
    text.withUTF8 { source in
      var start = 0
      for place in 0..<source.count {
        let byte = source[place]
        guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
        bytes.append(contentsOf: source[start..<place])
        start = place + 1
        escape(byte)
      }
      bytes.append(contentsOf: source[start...])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private func escape(_ byte: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0C: bytes.append(UInt8(ascii: "f"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0x00...0x1F:
      bytes += byte < 0x10 ? "u000".utf8 : "u001".utf8
      let digit = byte & 0x0F
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    default: bytes.append(byte)
    }
  }
}
