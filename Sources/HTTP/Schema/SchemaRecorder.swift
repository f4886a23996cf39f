import Platform

extension Schema {
  /// The schema of a type, found by letting it read itself from a decoder that writes down what it asks for.
  ///
  /// Enumerations must be `CaseIterable`, and types that read one value and refuse an example of ours must be
  /// ``SchemaDescribing``; a type that cannot be described stops the program when its route is made.
  public static func of<Value: Decodable>(_ type: Value.Type, unknownFields: UnknownFields = .ignored) -> Schema {
    do {
      return try SchemaRecording().record(type).schema.settingUnknownFields(unknownFields)
    } catch {
      preconditionFailure("\(type) has no schema: make it SchemaDescribing, or CaseIterable (\(error))")
    }
  }

  /// The schema of whatever can be described; nil for a type that only writes itself.
  static func ifKnown(_ type: Any.Type) -> Schema? {
    if let describing = type as? any SchemaDescribing.Type { return describing.schema }
    guard let decodable = type as? any Decodable.Type else { return nil }
    return of(decodable)
  }

  fileprivate var sample: JSON {
    if let example = example ?? fallback { return example }
    return switch kind {
    case .anything: .null
    case .boolean: false
    case .integer(let range): .integer(range.contains(0) ? 0 : range.lowerBound)
    case .number(let range): .double(range.contains(0) ? 0 : range.lowerBound)
    case .text(let text): .string(text.values.first ?? "")
    case .list: []
    case .map, .object, .enclosing: [:]
    }
  }
}

/// A type that is met again inside itself, where it cannot be left out.
private struct EndlessType: Error {}

/// Types whose schema follows from that of what they hold.
private protocol SchemaContainer {
  static func record(_ recording: SchemaRecording) throws -> (schema: Schema, value: Any)
}

extension Optional: SchemaContainer where Wrapped: Decodable {
  fileprivate static func record(_ recording: SchemaRecording) throws -> (schema: Schema, value: Any) {
    var schema = try recording.record(Wrapped.self).schema
    schema.isNullable = true
    return (schema, Self.none as Any)
  }
}

extension Patched: SchemaContainer where Value: Decodable {
  fileprivate static func record(_ recording: SchemaRecording) throws -> (schema: Schema, value: Any) {
    var schema = try recording.record(Value.self).schema
    schema.isNullable = true
    return (schema, Self.null)
  }
}

extension Array: SchemaContainer where Element: Decodable {
  fileprivate static func record(_ recording: SchemaRecording) throws -> (schema: Schema, value: Any) {
    (.list(of: try recording.record(Element.self).schema), Self())
  }
}

extension Set: SchemaContainer where Element: Decodable {
  fileprivate static func record(_ recording: SchemaRecording) throws -> (schema: Schema, value: Any) {
    (.list(of: try recording.record(Element.self).schema), Self())
  }
}

extension Dictionary: SchemaContainer where Key == String, Value: Decodable {
  fileprivate static func record(_ recording: SchemaRecording) throws -> (schema: Schema, value: Any) {
    (Schema(.map(try recording.record(Value.self).schema)), Self())
  }
}

private final class SchemaRecording {
  /// The types that are being recorded, outermost first.
  private var enclosing: [ObjectIdentifier] = []
  fileprivate var text = ""

  /// What a type that reads one string is given, until it takes one.
  private static let texts = [
    "", "1", "00000000-0000-4000-8000-000000000000", "2024-01-01T00:00:00.000Z", "2024-01-01", "https://example.com/",
    "a@example.com",
  ]

  /// - Returns: also a value, or nil where the type stands inside itself.
  func record<Value: Decodable>(_ type: Value.Type) throws -> (schema: Schema, value: Value?) {
    if let describing = type as? any SchemaDescribing.Type {
      let schema = describing.schema
      return (schema, try Value(from: JSONTreeDecoder(schema.sample)))
    }
    if let schema = Self.basic(type) { return (schema, try Value(from: JSONTreeDecoder(schema.sample))) }
    if let container = type as? any SchemaContainer.Type {
      let (schema, value) = try container.record(self)
      return (schema, value as? Value)
    }
    if let cases = type as? any (CaseIterable & RawRepresentable).Type, let schema = Self.cases(cases) {
      return (schema, try Value(from: JSONTreeDecoder(schema.sample)))
    }
    let id = ObjectIdentifier(type)
    if enclosing.contains(id) { return (Schema(.enclosing(Self.name(of: type))), nil) }
    enclosing.append(id)
    defer { enclosing.removeLast() }
    var failure: any Error = EndlessType()
    for text in Self.texts {
      let recorder = SchemaRecorder(recording: self, text: text)
      do {
        let value = try Value(from: recorder)
        return (finished(recorder.node.schema, type), value)
      } catch let error as EndlessType {
        throw error
      } catch {
        failure = error
      }
    }
    throw failure
  }

  private func finished(_ schema: Schema, _ type: Any.Type) -> Schema {
    guard case .object(var object) = schema.kind else { return schema }
    object.name = Self.name(of: type)
    if let ruled = type as? any SchemaRuled.Type {
      object.summary = ruled.schemaSummary
      ruled.schemaRules.add(to: &object)
    }
    var schema = schema
    schema.kind = .object(object)
    return schema
  }

  /// `Page<Item>` is `PageOfItem`.
  private static func name(of type: Any.Type) -> String {
    String(describing: type).split { !$0.isLetter && !$0.isNumber && $0 != "_" }.joined(separator: "Of")
  }

  private static func basic(_ type: Any.Type) -> Schema? {
    switch type {
    case is String.Type: .text()
    case is Bool.Type: .boolean
    case let number as any FixedWidthInteger.Type: integer(number)
    case is any BinaryFloatingPoint.Type: .number()
    default: nil
    }
  }

  private static func integer<Number: FixedWidthInteger>(_ type: Number.Type) -> Schema {
    .integer(Int64(clamping: Number.min)...Int64(clamping: Number.max))
  }

  private static func cases<Cases: CaseIterable & RawRepresentable>(_ type: Cases.Type) -> Schema? {
    let values = type.allCases.map(\.rawValue)
    if let texts = values as? [String] { return .text(values: texts) }
    if let numbers = values as? [Int], let least = numbers.min(), let most = numbers.max() {
      return .integer(Int64(least)...Int64(most), example: .integer(Int64(least)))
    }
    return nil
  }
}

/// What one decoder was asked for.
private final class RecordedNode {
  var single: Schema?
  var isNullable = false
  var element: Schema?
  var fields: [(name: String, make: () -> Schema, isRequired: Bool)] = []
  var isObject = false
  var isList = false

  var schema: Schema {
    var schema: Schema
    if isObject {
      schema = .object("", fields.map { Schema.Field($0.name, $0.make(), isRequired: $0.isRequired) })
    } else if isList {
      schema = .list(of: element ?? .anything)
    } else {
      schema = single ?? .anything
    }
    schema.isNullable = schema.isNullable || isNullable
    return schema
  }

  func add(_ name: String, isRequired: Bool, _ make: @escaping () -> Schema) {
    // A field that is asked for twice may be left out if one of the two allows it.
    if let index = fields.firstIndex(where: { $0.name == name }) {
      fields[index] = (name, make, isRequired && fields[index].isRequired)
    } else {
      fields.append((name, make, isRequired))
    }
  }
}

private struct SchemaRecorder: Decoder {
  let recording: SchemaRecording
  /// The answer to a question for a string.
  let text: String
  let node = RecordedNode()
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    node.isObject = true
    return KeyedDecodingContainer(RecordedFields(recorder: self))
  }

  func unkeyedContainer() -> any UnkeyedDecodingContainer {
    node.isList = true
    return RecordedElements(recorder: self)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { RecordedValue(recorder: self) }

  func value<Value: Decodable>(_ type: Value.Type) throws -> (schema: Schema, value: Value) {
    if type is String.Type, let text = text as? Value { return (.text(), text) }
    let (schema, value) = try recording.record(type)
    guard let value else { throw EndlessType() }
    return (schema, value)
  }
}

private struct RecordedValue: SingleValueDecodingContainer {
  let recorder: SchemaRecorder
  var codingPath: [any CodingKey] { [] }

  func decodeNil() -> Bool {
    recorder.node.isNullable = true
    return false
  }

  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let (schema, value) = try recorder.value(type)
    recorder.node.single = schema
    return value
  }
}

private struct RecordedElements: UnkeyedDecodingContainer {
  let recorder: SchemaRecorder
  var codingPath: [any CodingKey] { [] }
  var count: Int? { nil }
  var currentIndex = 0
  /// One element says what all are.
  var isAtEnd: Bool { currentIndex > 0 }

  mutating func decodeNil() -> Bool { false }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    currentIndex += 1
    let (schema, value) = try recorder.value(type)
    recorder.node.element = schema
    return value
  }

  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
    try superDecoder().container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try superDecoder().unkeyedContainer()
  }
  mutating func superDecoder() throws -> any Decoder {
    currentIndex += 1
    return SchemaRecorder(recording: recorder.recording, text: recorder.text)
  }
}

private struct RecordedFields<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let recorder: SchemaRecorder
  private let probed = Probed()
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { [] }

  private final class Probed { var names: Set<String> = [] }

  init(recorder: SchemaRecorder) { self.recorder = recorder }

  func contains(_ key: Key) -> Bool { true }

  func decodeNil(forKey key: Key) -> Bool {
    probed.names.insert(key.stringValue)
    return false
  }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    let (schema, value) = try recorder.value(type)
    add(key, schema, isOptional: probed.names.contains(key.stringValue))
    return value
  }

  func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
    let (schema, value) = try recorder.recording.record(type)
    add(key, schema, isOptional: true)
    return value
  }

  private func add(_ key: Key, _ schema: Schema, isOptional: Bool) {
    var schema = schema
    if isOptional { schema.isNullable = true }
    recorder.node.add(key.stringValue, isRequired: !isOptional) { schema }
  }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
    -> KeyedDecodingContainer<Nested>
  {
    try superDecoder(forKey: key).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try superDecoder(forKey: key).unkeyedContainer()
  }
  func superDecoder() -> any Decoder { recorder }
  func superDecoder(forKey key: Key) -> any Decoder {
    let nested = SchemaRecorder(recording: recorder.recording, text: recorder.text)
    recorder.node.add(key.stringValue, isRequired: true) {
      var schema = nested.node.schema
      if case .object(var object) = schema.kind {
        object.name = key.stringValue
        schema.kind = .object(object)
      }
      return schema
    }
    return nested
  }
}
