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

  // Unchecked: each access is one statement of a method here, and only one thread encodes.
  @exclusivity(unchecked) private(set) var bytes: [UInt8] = []
  /// The keys that lead to the value that is being encoded.
  @exclusivity(unchecked) var path: [any CodingKey]
  /// What the value that is being encoded has become.
  @exclusivity(unchecked) var level = Level.none
  @exclusivity(unchecked) var isFirst = true
  @exclusivity(unchecked) private var inserted: [(place: Int, fragment: JSONFragment)] = []

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

  /// An element of a list: those that are written by hand are.
  func writeElement<Value: Encodable>(_ value: Value, at place: Int) throws {
    guard let value = value as? any JSONWritable else { return try write(value, key: JSONPlaceKey(intValue: place)) }
    var writer = JSONWriter(bytes)
    bytes = []
    writer.object(value)
    bytes = writer.bytes
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

  func writeNull() { bytes.append(contentsOf: "null".utf8) }

  func write(_ value: Bool) { JSONText.append(value, to: &bytes) }

  func write(_ value: some FixedWidthInteger) {
    if let small = Int64(exactly: value) {
      JSONText.append(small, to: &bytes)
    } else {
      bytes.append(contentsOf: String(value).utf8)
    }
  }

  func write(_ value: Double) throws {
    guard value.isFinite else { throw notFinite(value) }
    JSONText.append(value, keepingPoint: false, to: &bytes)
  }

  func write(_ value: Float) throws {
    guard value.isFinite else { throw notFinite(value) }
    JSONText.appendNumber(value.description, keepingPoint: false, to: &bytes)
  }

  private func notFinite(_ value: Any) -> EncodingError {
    .invalidValue(value, .init(codingPath: path, debugDescription: "JSON has no number for it"))
  }

  func write(_ text: String) { JSONText.append(text, .all, to: &bytes) }
}
