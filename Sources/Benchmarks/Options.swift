/// Options of a benchmark, as `--name value`.
struct Options {
  private var values: [String: String] = [:]

  init(_ arguments: ArraySlice<String>, allowed: Set<String>) throws {
    var rest = arguments
    while let name = rest.popFirst() {
      guard name.hasPrefix("--"), allowed.contains(String(name.dropFirst(2))) else {
        throw BenchmarkError(
          "there is no option \(name); there are \(allowed.sorted().map { "--\($0)" }.joined(separator: ", "))")
      }
      guard let value = rest.popFirst() else { throw BenchmarkError("\(name) needs a value") }
      values[String(name.dropFirst(2))] = value
    }
  }

  func string(_ name: String) throws -> String {
    guard let value = values[name] else { throw BenchmarkError("--\(name) is missing") }
    return value
  }

  func string(_ name: String, default fallback: String) -> String { values[name] ?? fallback }

  func number(_ name: String, default fallback: Int) throws -> Int {
    guard let text = values[name] else { return fallback }
    guard let value = Int(text), value > 0 else { throw BenchmarkError("--\(name) takes a number above 0") }
    return value
  }
}
