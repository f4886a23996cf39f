import Platform

/// Prints schemas as JSON Schema, objects with a name once, under `components`.
struct SchemaComponents {
  private(set) var schemas = JSON.Object()
  private var known: [String: Schema.Object] = [:]
  /// The names of the objects around the place that is being printed, innermost last: of the type, and of the component.
  private var enclosing: [(type: String, component: String)] = []

  /// How often an object's name is made different before its fields are printed in place.
  private static let maximumVersions = 100

  mutating func json(_ schema: Schema) -> JSON {
    var result: JSON
    switch schema.kind {
    case .anything: result = [:]
    case .boolean: result = ["type": "boolean"]
    case .integer(let range):
      result = ["type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)]
      if range.lowerBound == .min || range.upperBound == .max { result["format"] = "int64" }
    case .number(let range):
      result = ["type": "number"]
      if range.lowerBound > Schema.allNumbers.lowerBound { result["minimum"] = .double(range.lowerBound) }
      if range.upperBound < Schema.allNumbers.upperBound { result["maximum"] = .double(range.upperBound) }
    case .text(let text): result = Self.json(text)
    case .list(let element, let count):
      result = ["type": "array", "items": json(element)]
      if count.lowerBound > 0 { result["minItems"] = .integer(Int64(count.lowerBound)) }
      if count.upperBound < .max { result["maxItems"] = .integer(Int64(count.upperBound)) }
    case .map(let element): result = ["type": "object", "additionalProperties": json(element)]
    case .object(let object): result = reference(to: object)
    case .enclosing(let name):
      let component = enclosing.last { $0.type == name }?.component ?? name
      result = ["$ref": .string("#/components/schemas/\(component)")]
    }
    if schema.isNullable, schema.kind != .anything { result = Self.nullable(result) }
    result["description"] = schema.summary.map(JSON.string) ?? result["description"]
    result["default"] = schema.fallback
    if let example = schema.example { result["examples"] = [example] }
    return result
  }

  private static func json(_ text: Schema.Text) -> JSON {
    var result: JSON = ["type": "string"]
    if !text.values.isEmpty {
      result["enum"] = .array(text.values.map(JSON.string))
      return result
    }
    if text.length.lowerBound > 0 { result["minLength"] = .integer(Int64(text.length.lowerBound)) }
    if text.length.upperBound < .max { result["maxLength"] = .integer(Int64(text.length.upperBound)) }
    if let pattern = text.pattern { result["pattern"] = .string(pattern.anchored) }
    result["format"] = text.format.map(JSON.string)
    return result
  }

  private static func nullable(_ schema: JSON) -> JSON {
    guard let type = schema["type"], schema["$ref"] == nil else { return ["anyOf": [schema, ["type": "null"]]] }
    var result = schema
    result["type"] = [type, "null"]
    if let values = schema["enum"]?.array { result["enum"] = .array(values + [.null]) }
    return result
  }

  private mutating func reference(to object: Schema.Object) -> JSON {
    guard !object.name.isEmpty else { return print(object) }
    var name = object.name
    // Types of different rooms may share a name.
    for version in 2...Self.maximumVersions where known[name].map({ $0 != object }) ?? false {
      name = "\(object.name)\(version)"
    }
    if let other = known[name], other != object { return print(object) }
    let reference: JSON = ["$ref": .string("#/components/schemas/\(name)")]
    guard known[name] == nil else { return reference }
    known[name] = object
    schemas[name] = [:]  // keeps its place before those inside of it
    enclosing.append((object.name, name))
    defer { enclosing.removeLast() }
    schemas[name] = print(object)
    return reference
  }

  private mutating func print(_ object: Schema.Object) -> JSON {
    var properties = JSON.Object()
    for field in object.fields { properties[field.name] = json(field.schema) }
    var result: JSON = ["type": "object", "properties": .object(properties)]
    result["description"] = object.summary.map(JSON.string)
    let required = object.fields.filter(\.isRequired).map { JSON.string($0.name) }
    if !required.isEmpty { result["required"] = .array(required) }
    if object.unknownFields == .refused { result["additionalProperties"] = false }
    return result
  }
}
