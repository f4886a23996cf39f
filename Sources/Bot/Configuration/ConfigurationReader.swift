import FoundationEssentials
import Platform

/// One thing that is wrong with the configuration, in the operator's terms.
struct ConfigurationProblem: Error, Equatable, CustomStringConvertible {
  /// `plugins.httpapi.rateLimits`, or the environment variable or file that it came from.
  var path: String
  var reason: String

  var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}

/// Reads typed values out of a JSON document, with the environment on top, and finds what nobody asked for.
///
/// Every key is asked for exactly once; ``finish()`` then reports each key of the document that was never asked for, so
/// a misspelt key cannot be ignored silently. Problems are collected rather than thrown: one start shows all of them.
struct ConfigurationReader {
  private let root: JSON
  private let environment: [String: String]
  private var known: Set<String> = []
  private var knownVariables: Set<String> = []
  private(set) var problems: [ConfigurationProblem] = []

  /// - Parameters:
  ///   - root: the whole document; anything but an object is a problem.
  ///   - environment: `ADJUTANT_` and the path in capitals joined by `_` overrides the document.
  init(root: JSON, environment: [String: String]) {
    self.root = root
    self.environment = environment
    if root.object == nil {
      problems.append(ConfigurationProblem(path: "", reason: "expected an object, found \(root.kindInWords)"))
    }
  }

  static func variable(for path: String) -> String {
    "ADJUTANT_" + path.split(separator: ".").map { $0.uppercased() }.joined(separator: "_")
  }

  mutating func report(_ path: String, _ reason: String) {
    problems.append(ConfigurationProblem(path: path, reason: reason))
  }

  // MARK: Values

  mutating func string(
    _ path: String, default fallback: String, check: (String) -> String? = { _ in nil }
  ) -> String {
    optionalString(path, default: fallback, check: check) ?? fallback
  }

  /// As ``string(_:default:check:)``, where null means that nothing was chosen.
  mutating func optionalString(
    _ path: String, default fallback: String? = nil, check: (String) -> String? = { _ in nil }
  ) -> String? {
    read(path, default: fallback) { value in
      switch value {
      case .null: return .success(fallback)
      case .string(let text):
        if let reason = check(text) { return .failure(reason) }
        return .success(text)
      default: return .wrongType("a string", value)
      }
    }
  }

  /// As ``string(_:default:check:)``, where leaving it out is a problem. The result is empty where there is one.
  mutating func requiredString(_ path: String, check: (String) -> String?) -> String {
    let before = problems.count
    let text = optionalString(path, check: check)
    if text == nil, problems.count == before { report(path, "is missing") }
    return text ?? ""
  }

  mutating func boolean(_ path: String, default fallback: Bool) -> Bool {
    read(path, default: fallback) { value in
      switch value {
      case .boolean(let flag): .success(flag)
      case .string("true"): .success(true)
      case .string("false"): .success(false)
      default: .wrongType("true or false", value)
      }
    }
  }

  /// A whole number; nil where nothing, or null, is chosen.
  mutating func optionalInteger(_ path: String, in range: ClosedRange<Int>) -> Int? {
    read(path, default: nil) { value in
      let number: Int64
      switch value {
      case .null: return .success(nil)
      case .integer(let found): number = found
      case .string(let text):
        guard let found = Int64(text) else { return .wrongType("a number", value) }
        number = found
      default: return .wrongType("a number", value)
      }
      guard let number = Int(exactly: number), range.contains(number) else {
        return .failure("must be a number from \(range.lowerBound) to \(range.upperBound)")
      }
      return .success(number)
    }
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ path: String, default fallback: Choice
  ) -> Choice where Choice.RawValue == String {
    read(path, default: fallback) { value in
      guard case .string(let text) = value else { return .wrongType("a string", value) }
      if let choice = Choice(rawValue: text) { return .success(choice) }
      let all = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      return .failure("expected one of \(all), found \"\(text)\"")
    }
  }

  /// A list of strings; in the environment they are separated by commas.
  mutating func strings(
    _ path: String, default fallback: [String] = [], check: (String) -> String? = { _ in nil }
  ) -> [String] {
    read(path, default: fallback) { value in
      var texts: [String] = []
      switch value {
      case .array(let elements):
        for element in elements {
          guard case .string(let text) = element else { return .wrongType("a list of strings", element, inside: true) }
          texts.append(text)
        }
      case .string(let list):
        texts = list.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
      default: return .wrongType("a list of strings", value)
      }
      for text in texts {
        if let reason = check(text) { return .failure(reason) }
      }
      return .success(texts)
    }
  }

  /// A secret: a string, or `{ "file": "/run/secrets/token" }` whose content is taken without surrounding white space.
  /// In the environment the variable holds the secret, the same name with `_FILE` a file's path; `alias` is a further
  /// variable with the same meaning.
  mutating func secret(_ path: String, alias: String? = nil) -> Secret<String>? {
    known.insert(path)
    known.insert("\(path).file")
    for name in [Self.variable(for: path), alias].compactMap({ $0 }) {
      knownVariables.insert(name)
      knownVariables.insert("\(name)_FILE")
      if let value = environment[name], !value.isEmpty { return Secret(value) }
      if let file = environment["\(name)_FILE"], !file.isEmpty { return secret(fromFile: file, named: "\(name)_FILE") }
    }
    switch value(at: path) {
    case nil, .null?: return nil
    case .string(let text)?: return text.isEmpty ? nil : Secret(text)
    case .object(let object)?:
      guard let file = object["file"]?.string else {
        report(path, "expected a string or { \"file\": \"…\" }")
        return nil
      }
      return secret(fromFile: file, named: "\(path).file")
    case let other?:
      report(path, "expected a string or { \"file\": \"…\" }, found \(other.kindInWords)")
      return nil
    }
  }

  private mutating func secret(fromFile file: String, named name: String) -> Secret<String>? {
    do {
      let text = try String(contentsOfFile: file, encoding: .utf8).trimmed
      if !text.isEmpty { return Secret(text) }
      report(name, "the file \(file) is empty")
    } catch {
      report(name, "the file \(file) cannot be read")
    }
    return nil
  }

  /// A value with a shape of its own. `decode` returns nil and a reason where the value does not fit.
  mutating func custom<Value>(
    _ path: String, default fallback: Value, decode: (JSON) -> Decoded<Value>
  ) -> Value {
    read(path, default: fallback, decode: decode)
  }

  /// The names inside an object, for maps whose keys the operator chooses.
  mutating func names(in path: String) -> [String] {
    known.insert(path)
    switch value(at: path) {
    case nil: return []
    case .object(let object)?: return object.keys
    case let other?:
      report(path, "expected an object, found \(other.kindInWords)")
      return []
    }
  }

  enum Decoded<Value> {
    case success(Value)
    case failure(String)

    static func wrongType(_ expected: String, _ found: JSON, inside: Bool = false) -> Decoded {
      .failure("expected \(expected), found \(found.kindInWords)\(inside ? " in it" : "")")
    }
  }

  private mutating func read<Value>(
    _ path: String, default fallback: Value, decode: (JSON) -> Decoded<Value>
  ) -> Value {
    known.insert(path)
    let name = Self.variable(for: path)
    knownVariables.insert(name)
    let value: JSON
    let source: String
    if let text = environment[name] {
      source = name
      // Lists, objects, null and booleans may be written as JSON; anything else is the text itself.
      let isJSON = text.first == "[" || text.first == "{" || text == "null" || text == "true" || text == "false"
      value = isJSON ? (try? JSON(parsing: text)) ?? .string(text) : .string(text)
    } else if let found = self.value(at: path) {
      source = path
      value = found
    } else {
      return fallback
    }
    switch decode(value) {
    case .success(let result):
      return result
    case .failure(let reason):
      report(source, reason)
      return fallback
    }
  }

  private func value(at path: String) -> JSON? {
    var value = root
    for part in path.split(separator: ".") {
      guard let next = value[String(part)] else { return nil }
      value = next
    }
    return value
  }

  // MARK: What nobody asked for

  /// Reports every key of the document, and every `ADJUTANT_` variable, that was never asked for. Those that begin with
  /// `ADJUTANT_TEST_` belong to the tests.
  mutating func finish() {
    if case .object(let object) = root { checkKeys(of: object, at: "") }
    for name in environment.keys.sorted()
    where name.hasPrefix("ADJUTANT_") && !name.hasPrefix("ADJUTANT_TEST_") && !knownVariables.contains(name) {
      report(name, "no setting has this name" + Self.suggestion(for: name, among: knownVariables))
    }
  }

  private mutating func checkKeys(of object: JSON.Object, at prefix: String) {
    for (key, value) in object {
      let path = prefix.isEmpty ? key : "\(prefix).\(key)"
      if known.contains(path) {
        // A known object is taken whole unless some of its members are settings of their own.
        if case .object(let inner) = value, known.contains(where: { $0.hasPrefix(path + ".") }) {
          checkKeys(of: inner, at: path)
        }
      } else if known.contains(where: { $0.hasPrefix(path + ".") }) {
        if case .object(let inner) = value {
          checkKeys(of: inner, at: path)
        } else {
          report(path, "expected an object, found \(value.kindInWords)")
        }
      } else {
        let siblings = known.filter { $0.hasPrefix(prefix.isEmpty ? "" : prefix + ".") }
          .compactMap {
            $0.dropFirst(prefix.isEmpty ? 0 : prefix.count + 1).split(separator: ".").first.map(String.init)
          }
        report(path, "unknown key" + Self.suggestion(for: key, among: Set(siblings)))
      }
    }
  }

  private static func suggestion(for name: String, among candidates: Set<String>) -> String {
    let close = candidates.map { ($0, distance(name.lowercased(), $0.lowercased())) }
      .filter { $0.1 <= max(2, name.count / 4) }
      .min { ($0.1, $0.0) < ($1.1, $1.0) }
    return close.map { " (did you mean \"\($0.0)\"?)" } ?? ""
  }

  /// Levenshtein's distance.
  private static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in right.enumerated() {
        let above = row[j + 1]
        row[j + 1] = a == b ? diagonal : 1 + min(diagonal, above, row[j])
        diagonal = above
      }
    }
    return row[right.count]
  }
}

extension JSON {
  fileprivate var kindInWords: String {
    switch self {
    case .null: "null"
    case .boolean(let flag): flag ? "true" : "false"
    case .integer, .double: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
