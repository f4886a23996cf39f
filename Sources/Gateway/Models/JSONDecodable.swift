import Platform

/// A type read straight from a parsed document, without Codable: the way of everything that arrives over the gateway.
///
/// Members are found in any order, but fastest in the one in which they stand in the document: Discord mostly writes them
/// in descending alphabetical order, and so the types of frequent events read them.
public protocol JSONDecodable {
  /// - Throws: ``DecodingFailure`` if a member that must be there is missing or has another type.
  init(json: JSONView) throws
}

/// Why a payload from Discord could not be read, and where in it.
public struct DecodingFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// Member names and element numbers from the outside in.
  public var path: [String]
  public let reason: String

  public init(path: [String] = [], reason: String) {
    self.path = path
    self.reason = reason
  }

  public var description: String { "\(path.isEmpty ? "payload" : path.joined(separator: ".")): \(reason)" }

  func inside(_ name: String) -> DecodingFailure {
    DecodingFailure(path: [name] + path, reason: reason)
  }
}

// What is always inlined here is the name alone, so that nothing of it has to be computed when an event comes.
extension JSONView {
  /// The member of that name.
  /// - Throws: ``DecodingFailure`` if it is missing, null, or not of the type.
  @inline(__always)
  public func decode<Value: JSONDecodable>(_ name: StaticString, as type: Value.Type = Value.self) throws -> Value {
    try decode(Name(name))
  }

  /// The member of that name; nil if it is missing or null.
  @inline(__always)
  public func decodeIfPresent<Value: JSONDecodable>(
    _ name: StaticString, as type: Value.Type = Value.self
  ) throws -> Value? {
    try decodeIfPresent(Name(name))
  }

  /// The array of that name; empty if it is missing or null.
  @inline(__always)
  public func decodeList<Value: JSONDecodable>(_ name: StaticString, of type: Value.Type = Value.self) throws
    -> [Value]
  {
    try decodeList(Name(name))
  }

  @inline(never)
  private func decode<Value: JSONDecodable>(_ name: Name) throws -> Value {
    guard let member = member(name) else {
      throw DecodingFailure(path: [name.string], reason: kind == .object ? "missing" : "not inside an object")
    }
    do {
      return try Value(json: member)
    } catch let failure as DecodingFailure {
      throw failure.inside(name.string)
    }
  }

  @inline(never)
  private func decodeIfPresent<Value: JSONDecodable>(_ name: Name) throws -> Value? {
    guard let member = member(name) else { return nil }
    do {
      return try Value(json: member)
    } catch let failure as DecodingFailure {
      throw failure.inside(name.string)
    }
  }

  @inline(never)
  private func decodeList<Value: JSONDecodable>(_ name: Name) throws -> [Value] {
    guard let member = member(name) else { return [] }
    do {
      return try member.decodeElements()
    } catch let failure as DecodingFailure {
      throw failure.inside(name.string)
    }
  }

  /// The elements of this array that `isWanted`.
  public func decodeElements<Value: JSONDecodable>(
    of type: Value.Type = Value.self, where isWanted: (JSONView) -> Bool = { _ in true }
  ) throws -> [Value] {
    guard kind == .array else { throw DecodingFailure(reason: "not an array") }
    var values: [Value] = []
    if count > 0 { values.reserveCapacity(min(count, 1 << 16)) }
    for element in elements where isWanted(element) {
      do {
        let value = try Value(json: element)
        values.append(consume value)
      } catch let failure as DecodingFailure {
        throw failure.inside(String(values.count))
      }
    }
    return values
  }

  /// The object of that name whose member names are ids; empty if it is missing or null.
  func decodeTable<Value: JSONDecodable>(_ name: StaticString) throws -> [Snowflake: Value] {
    guard let member = self[name] else { return [:] }
    guard member.kind == .object else { throw DecodingFailure(path: ["\(name)"], reason: "not an object") }
    var table: [Snowflake: Value] = [:]
    for (key, value) in member.members {
      let text = key.string
      guard let id = Snowflake(text) else {
        throw DecodingFailure(path: ["\(name)", text], reason: "the name is not an id")
      }
      do {
        table[id] = try Value(json: value)
      } catch let failure as DecodingFailure {
        throw failure.inside(text).inside("\(name)")
      }
    }
    return table
  }

  /// Names in several languages, by Discord's locale; empty if there are none.
  func decodeLocalizations(_ name: StaticString) -> [String: String] {
    guard let member = self[name] else { return [:] }
    var table: [String: String] = [:]
    for (key, value) in member.members { table[key.string] = value.string }
    return table
  }

  /// A flag that Discord leaves out when it is false.
  @inline(__always)
  func flag(_ name: StaticString) -> Bool { self[name]?.bool ?? false }
}

extension String: JSONDecodable {
  public init(json: JSONView) throws {
    guard let value = json.string else { throw DecodingFailure(reason: "not a string") }
    self = value
  }
}

extension Bool: JSONDecodable {
  public init(json: JSONView) throws {
    guard let value = json.bool else { throw DecodingFailure(reason: "not a boolean") }
    self = value
  }
}

extension Int: JSONDecodable {
  public init(json: JSONView) throws {
    guard let value = json.int else { throw DecodingFailure(reason: "not a whole number") }
    self = value
  }
}

extension Double: JSONDecodable {
  public init(json: JSONView) throws {
    guard let value = json.double else { throw DecodingFailure(reason: "not a number") }
    self = value
  }
}

extension JSON: JSONDecodable {
  public init(json: JSONView) throws { self = json.json }
}

/// An enumeration that Discord may extend at any time: values unknown to this code are kept, never refused.
public protocol OpenEnumeration: RawRepresentable, Hashable, Sendable, Codable, JSONDecodable where RawValue == Int {
  init(rawValue: Int)
  /// Whether Discord's documents had the value when this was written; others are told of once and kept.
  static func isDocumented(_ value: Int) -> Bool
}

extension OpenEnumeration {
  public init(json: JSONView) throws {
    let value = try Int(json: json)
    if !Self.isDocumented(value) { (json.context as? FaultReporter)?.report(.unknownValue, "\(Self.self) \(value)") }
    self.init(rawValue: value)
  }
}
