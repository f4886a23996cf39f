/// Options of a benchmark, as `--name value`, and flags as `--name`.
struct Options {
  private var values: [String: String] = [:]

  init(_ arguments: ArraySlice<String>, allowed: Set<String>, flags: Set<String> = []) throws {
    var rest = arguments
    while let name = rest.popFirst() {
      if name.hasPrefix("--"), flags.contains(String(name.dropFirst(2))) {
        values[String(name.dropFirst(2))] = ""
        continue
      }
      guard name.hasPrefix("--"), allowed.contains(String(name.dropFirst(2))) else {
        let names = allowed.union(flags).sorted().map { "--\($0)" }.joined(separator: ", ")
        throw BenchmarkError("there is no option \(name); there are \(names)")
      }
      guard let value = rest.popFirst() else { throw BenchmarkError("\(name) needs a value") }
      values[String(name.dropFirst(2))] = value
    }
  }

  func string(_ name: String) throws -> String {
    guard let value = values[name] else { throw BenchmarkError("--\(name) is missing") }
    return value
  }

  func optional(_ name: String) -> String? { values[name] }

  func flag(_ name: String) -> Bool { values[name] != nil }

  func string(_ name: String, default fallback: String) -> String { values[name] ?? fallback }

  func number(_ name: String, default fallback: Int) throws -> Int {
    guard let text = values[name] else { return fallback }
    guard let value = Int(text), value > 0 else { throw BenchmarkError("--\(name) takes a number above 0") }
    return value
  }
}
