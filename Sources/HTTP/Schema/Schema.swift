import Platform

/// What a JSON value must be: the part of JSON Schema (2020-12) that Swift types need.
///
/// One schema serves three ends: a body or query is checked against it before it is decoded, the API's description
/// prints it, and so the two never say different things. ``of(_:unknownFields:)`` makes it from a `Decodable` type.
public struct Schema: Sendable, Equatable {
  public indirect enum Kind: Sendable, Equatable {
    case anything
    case boolean
    case integer(ClosedRange<Int64>)
    case number(ClosedRange<Double>)
    case text(Text)
    case list(Schema, count: ClosedRange<Int>)
    /// An object whose names are free.
    case map(Schema)
    case object(Object)
    /// An object that stands around this place, by its name.
    case enclosing(String)
  }

  public struct Text: Sendable, Equatable {
    /// In Unicode scalars, as JSON Schema counts.
    public var length: ClosedRange<Int>
    public var pattern: TextPattern?
    /// If not empty, the only texts allowed.
    public var values: [String]
    /// For readers and generators; what is checked is the pattern.
    public var format: String?

    public init(
      length: ClosedRange<Int> = 0...Int.max, pattern: TextPattern? = nil, values: [String] = [],
      format: String? = nil
    ) {
      self.length = length
      self.pattern = pattern
      self.values = values
      self.format = format
    }
  }

  public struct Object: Sendable, Equatable {
    /// The name of the type, for the description.
    public var name: String
    public var summary: String?
    public var fields: [Field]
    public var unknownFields: UnknownFields

    public init(name: String, summary: String? = nil, fields: [Field], unknownFields: UnknownFields = .ignored) {
      self.name = name
      self.summary = summary
      self.fields = fields
      self.unknownFields = unknownFields
    }
  }

  public struct Field: Sendable, Equatable {
    public var name: String
    public var schema: Schema
    public var isRequired: Bool

    public init(_ name: String, _ schema: Schema, isRequired: Bool = true) {
      self.name = name
      self.schema = schema
      self.isRequired = isRequired
    }
  }

  public enum UnknownFields: Sendable, Equatable { case ignored, refused }

  public var kind: Kind
  public var isNullable = false
  public var summary: String?
  public var example: JSON?
  /// Stands in where the field is missing.
  public var fallback: JSON?

  public init(_ kind: Kind, summary: String? = nil, example: JSON? = nil) {
    self.kind = kind
    self.summary = summary
    self.example = example
  }

  public static let anything = Schema(.anything)
  public static let boolean = Schema(.boolean)

  public static func integer(_ range: ClosedRange<Int64> = .min ... .max, example: JSON? = nil) -> Schema {
    Schema(.integer(range), example: example)
  }

  public static func number(_ range: ClosedRange<Double> = Schema.allNumbers) -> Schema { Schema(.number(range)) }

  public static func text(
    length: ClosedRange<Int> = 0...Int.max, pattern: TextPattern? = nil, values: [String] = [],
    format: String? = nil, example: JSON? = nil
  ) -> Schema {
    Schema(.text(Text(length: length, pattern: pattern, values: values, format: format)), example: example)
  }

  public static func list(of element: Schema, count: ClosedRange<Int> = 0...Int.max) -> Schema {
    Schema(.list(element, count: count))
  }

  public static func object(_ name: String, _ fields: [Field], unknownFields: UnknownFields = .ignored) -> Schema {
    Schema(.object(Object(name: name, fields: fields, unknownFields: unknownFields)))
  }

  public static let allNumbers = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude

  /// The same with a rule for unknown fields, here and in all that is inside.
  func settingUnknownFields(_ rule: UnknownFields) -> Schema {
    var result = self
    switch kind {
    case .object(var object):
      object.unknownFields = rule
      for index in object.fields.indices {
        object.fields[index].schema = object.fields[index].schema.settingUnknownFields(rule)
      }
      result.kind = .object(object)
    case .list(let element, let count): result.kind = .list(element.settingUnknownFields(rule), count: count)
    case .map(let element): result.kind = .map(element.settingUnknownFields(rule))
    case .anything, .boolean, .integer, .number, .text, .enclosing: break
    }
    return result
  }

  /// In the words of an error message.
  var name: String {
    switch kind {
    case .anything: "a value"
    case .boolean: "true or false"
    case .integer: "a whole number"
    case .number: "a number"
    case .text: "a string"
    case .list: "an array"
    case .map, .object, .enclosing: "an object"
    }
  }
}

/// A type that says itself what its JSON looks like: an id, a date, anything that writes itself as one value.
///
/// Its schema needs an example that the type reads, unless it reads an empty string or zero.
public protocol SchemaDescribing {
  static var schema: Schema { get }
}

extension Timestamp: SchemaDescribing {
  public static var schema: Schema {
    .text(
      length: 20...40,
      pattern: #"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"#,
      format: "date-time", example: "2024-01-01T00:00:00.000Z")
  }
}

extension JSON: SchemaDescribing {
  public static var schema: Schema { .anything }
}
