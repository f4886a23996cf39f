import FoundationEssentials
import Platform

/// Everything that is wrong with a configuration; the process ends with exit code 78.
struct ConfigurationErrors: Error, CustomStringConvertible {
  var problems: [ConfigurationProblem]

  /// One line for each problem.
  var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Where the configuration comes from: a file, with the environment on top.
struct ConfigurationFile: Sendable {
  /// Nil: the default `config.json`, which need not exist.
  var path: String?

  static let defaultPath = "config.json"

  /// - Throws: ``ConfigurationErrors``.
  func load(environment: [String: String], plugins: [String]) throws -> Configuration {
    try Configuration.read(try document(), environment: environment, plugins: plugins)
  }

  private func document() throws -> JSON {
    let path = path ?? Self.defaultPath
    if self.path == nil, !FileManager.default.fileExists(atPath: path) { return .object([:]) }
    let bytes: Data
    do {
      bytes = try Data(contentsOf: URL(filePath: path))
    } catch {
      let exists = FileManager.default.fileExists(atPath: path)
      throw ConfigurationErrors(problems: [
        ConfigurationProblem(path: path, reason: exists ? "the file cannot be read" : "there is no such file")
      ])
    }
    do {
      return try JSON(parsing: bytes)
    } catch let error as JSONError {
      let place = JSONSyntax.firstError(in: Array(bytes)).map { " (line \($0.line), column \($0.column))" } ?? ""
      throw ConfigurationErrors(problems: [
        ConfigurationProblem(path: path, reason: "is not JSON: \(error)\(place)")
      ])
    }
  }
}
