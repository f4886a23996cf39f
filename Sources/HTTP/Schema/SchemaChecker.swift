import Platform

/// Holds a value against a schema and collects everything that is wrong with it.
struct SchemaChecker {
  /// At most this many are reported; the first is enough to refuse.
  static let maximumProblems = 20

  private(set) var problems: [HTTPError.Field] = []
  private var enclosing: [Schema.Object] = []

  /// - Returns: the value with the defaults of missing fields; of no use if there are problems.
  mutating func check(_ value: JSON, _ schema: Schema, at path: String = "") -> JSON {
    guard problems.count < Self.maximumProblems else { return value }
    if value.isNull {
      if !schema.isNullable, schema.kind != .anything { report(path, "must not be null") }
      return value
    }
    switch (schema.kind, value) {
    case (.anything, _), (.boolean, .boolean): return value
    case (.integer(let range), _):
      guard let number = value.integer else {
        // Whole, but beyond 64 bits.
        if let number = value.double, number == number.rounded() {
          report(path, "must be \(Self.words(range))")
          return value
        }
        return mismatch(value, schema, path)
      }
      if !range.contains(number) { report(path, "must be \(Self.words(range))") }
      return .integer(number)
    case (.number(let range), _):
      guard let number = value.double else { return mismatch(value, schema, path) }
      if !range.contains(number) { report(path, "must be \(Self.words(range))") }
      return value
    case (.text(let rules), .string(let text)):
      check(text, rules, path)
      return value
    case (.list(let element, let count), .array(let elements)):
      guard count.contains(elements.count) else {
        report(path, "must have \(Self.words(count, "element"))")
        return value
      }
      return .array(elements.enumerated().map { check($1, element, at: "\(path)[\($0)]") })
    case (.map(let element), .object(let object)):
      return .object(JSON.Object(object.map { ($0.key, check($0.value, element, at: Self.join(path, $0.key))) }))
    case (.object(let expected), .object(let object)): return check(object, expected, path)
    case (.enclosing(let name), .object(let object)):
      guard let expected = enclosing.last(where: { $0.name == name }) else { return value }
      return check(object, expected, path)
    default: return mismatch(value, schema, path)
    }
  }

  private mutating func check(_ object: JSON.Object, _ expected: Schema.Object, _ path: String) -> JSON {
    enclosing.append(expected)
    defer { enclosing.removeLast() }
    var result = object
    for field in expected.fields {
      let place = Self.join(path, field.name)
      if let value = object[field.name] {
        result[field.name] = check(value, field.schema, at: place)
      } else if let fallback = field.schema.fallback {
        result[field.name] = fallback
      } else if field.isRequired {
        report(place, "is required")
      }
    }
    if expected.unknownFields == .refused {
      for name in object.keys where !expected.fields.contains(where: { $0.name == name }) {
        report(Self.join(path, String(name.prefix(100))), "is not a known field")
      }
    }
    return .object(result)
  }

  private mutating func check(_ text: String, _ rules: Schema.Text, _ path: String) {
    if !rules.values.isEmpty {
      if !rules.values.contains(text) { report(path, "must be one of: \(rules.values.joined(separator: ", "))") }
      return
    }
    let length = text.unicodeScalars.count
    guard rules.length.contains(length) else {
      return report(path, "must have \(Self.words(rules.length, "character"))")
    }
    if let pattern = rules.pattern, !pattern.matches(text) {
      report(path, rules.format.map { "must be a \($0)" } ?? "must match \(pattern)")
    }
  }

  private mutating func mismatch(_ value: JSON, _ schema: Schema, _ path: String) -> JSON {
    report(path, "must be \(schema.name)")
    return value
  }

  private mutating func report(_ path: String, _ message: String) {
    guard problems.count < Self.maximumProblems else { return }
    problems.append(HTTPError.Field(path: path, message: message))
  }

  private static func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  private static func words(_ range: ClosedRange<Int64>) -> String {
    switch (range.lowerBound, range.upperBound) {
    case (.min, let most): "at most \(most)"
    case (let least, .max): "at least \(least)"
    case (let least, let most): "from \(least) to \(most)"
    }
  }

  private static func words(_ range: ClosedRange<Double>) -> String {
    switch (range.lowerBound, range.upperBound) {
    case (Schema.allNumbers.lowerBound, let most): "at most \(most)"
    case (let least, Schema.allNumbers.upperBound): "at least \(least)"
    case (let least, let most): "from \(least) to \(most)"
    }
  }

  private static func words(_ range: ClosedRange<Int>, _ thing: String) -> String {
    switch (range.lowerBound, range.upperBound) {
    case (0, let most): "at most \(most) \(thing)\(most == 1 ? "" : "s")"
    case (let least, .max): "at least \(least) \(thing)\(least == 1 ? "" : "s")"
    case (let least, let most) where least == most: "\(least) \(thing)\(least == 1 ? "" : "s")"
    case (let least, let most): "\(least) to \(most) \(thing)s"
    }
  }
}

extension Schema {
  /// Checks a value and reads the type from it.
  /// - Throws: ``HTTPError`` 400 of that kind, naming every field that is wrong.
  func decode<Value: Decodable>(_ type: Value.Type, from value: JSON, kind: HTTPError.Kind) throws -> Value {
    var checker = SchemaChecker()
    let complete = checker.check(value, self)
    guard checker.problems.isEmpty else { throw HTTPError.invalid(kind, checker.problems) }
    do {
      return try Value(from: JSONTreeDecoder(complete))
    } catch let error as DecodingError {
      throw HTTPError.invalid(kind, [JSONBody.field(for: error)])
    }
  }
}
