import Platform

/// A type of a body or query whose fields have rules beyond their Swift types.
///
/// ```swift
/// struct NewItem: Codable, Sendable, SchemaRuled {
///   var name: String
///   var price: Int64
///   var limit: Int
///   static let schemaRules: SchemaRules = [
///     "name": .text("Shown in the shop", length: 1...100, example: "Health Potion"),
///     "price": .integer("In coins", in: 0...1_000_000),
///     "limit": .integer(in: 1...100, default: 50),
///   ]
/// }
/// ```
public protocol SchemaRuled {
  /// By the names on the wire. A name that is no field, or a rule that does not fit its type, stops the program when the
  /// route is made.
  static var schemaRules: SchemaRules { get }
  /// What the object is, in a sentence.
  static var schemaSummary: String? { get }
}

extension SchemaRuled {
  public static var schemaSummary: String? { nil }
}

public struct SchemaRules: Sendable, ExpressibleByDictionaryLiteral {
  let rules: [(name: String, rule: SchemaRule)]
  public init(dictionaryLiteral elements: (String, SchemaRule)...) { rules = elements.map { ($0.0, $0.1) } }
}

/// What one field must be, beyond its type.
public struct SchemaRule: Sendable {
  private let apply: @Sendable (inout Schema) -> Bool
  private let summary: String?
  private let example: JSON?
  private let fallback: JSON?

  private init(
    _ summary: String?, example: JSON?, fallback: JSON?, _ apply: @escaping @Sendable (inout Schema) -> Bool
  ) {
    self.apply = apply
    self.summary = summary
    self.example = example
    self.fallback = fallback
  }

  /// - Parameter fallback: makes the field optional for the caller.
  public static func about(_ summary: String, example: JSON? = nil, default fallback: JSON? = nil) -> SchemaRule {
    SchemaRule(summary, example: example, fallback: fallback) { _ in true }
  }

  public static func text(
    _ summary: String? = nil, length: ClosedRange<Int>? = nil, pattern: TextPattern? = nil, values: [String] = [],
    format: String? = nil, example: JSON? = nil, default fallback: JSON? = nil
  ) -> SchemaRule {
    SchemaRule(summary, example: example, fallback: fallback) { schema in
      guard case .text(var text) = schema.kind else { return false }
      if let length { text.length = length }
      if let pattern { text.pattern = pattern }
      if !values.isEmpty { text.values = values }
      if let format { text.format = format }
      schema.kind = .text(text)
      return true
    }
  }

  public static func integer(
    _ summary: String? = nil, in range: ClosedRange<Int>? = nil, example: JSON? = nil, default fallback: JSON? = nil
  ) -> SchemaRule {
    SchemaRule(summary, example: example, fallback: fallback) { schema in
      guard case .integer(let possible) = schema.kind else { return false }
      if let range {
        let wanted = Int64(range.lowerBound)...Int64(range.upperBound)
        schema.kind = .integer(wanted.clamped(to: possible))
      }
      return true
    }
  }

  public static func number(
    _ summary: String? = nil, in range: ClosedRange<Double>, example: JSON? = nil, default fallback: JSON? = nil
  ) -> SchemaRule {
    SchemaRule(summary, example: example, fallback: fallback) { schema in
      guard case .number = schema.kind else { return false }
      schema.kind = .number(range)
      return true
    }
  }

  /// - Parameter each: a rule for every element.
  public static func list(
    _ summary: String? = nil, count: ClosedRange<Int>? = nil, each rule: SchemaRule? = nil, example: JSON? = nil,
    default fallback: JSON? = nil
  ) -> SchemaRule {
    SchemaRule(summary, example: example, fallback: fallback) { schema in
      guard case .list(var element, let possible) = schema.kind else { return false }
      if let rule, !rule.add(to: &element) { return false }
      schema.kind = .list(element, count: count ?? possible)
      return true
    }
  }

  /// - Returns: false if the rule does not fit.
  func add(to schema: inout Schema) -> Bool {
    guard apply(&schema) else { return false }
    schema.summary = summary ?? schema.summary
    schema.example = example ?? schema.example
    schema.fallback = fallback ?? schema.fallback
    return true
  }
}

extension SchemaRules {
  func add(to object: inout Schema.Object) {
    for (name, rule) in rules {
      guard let index = object.fields.firstIndex(where: { $0.name == name }) else {
        preconditionFailure("\(object.name) has a rule for \(name), which is not one of its fields")
      }
      var field = object.fields[index]
      guard rule.add(to: &field.schema) else {
        preconditionFailure("the rule for \(object.name).\(name) does not fit its type")
      }
      if let fallback = field.schema.fallback {
        field.isRequired = false
        var checker = SchemaChecker()
        _ = checker.check(fallback, field.schema)
        precondition(checker.problems.isEmpty, "the default of \(object.name).\(name) breaks its own rule")
      }
      object.fields[index] = field
    }
  }
}
