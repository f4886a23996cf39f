import Foundation
import Testing

/// The alert rules, the dashboard and the guide name only measurements that the program makes.
struct MonitoringFilesTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// All string literals of the sources that could name a measurement.
  private static func declaredNames() throws -> Set<String> {
    let sources = root.appending(path: "Sources")
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var names: Set<String> = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(of: /"([a-z][a-z0-9_]*_[a-z0-9_]+)"/) { names.insert(String(match.1)) }
    }
    return names
  }

  /// What stands where PromQL has the name of a measurement: in front of a selector, or behind an opening parenthesis.
  private static func namesInQueries(_ text: String) -> Set<String> {
    let prefixes = [
      "adjutant_", "gateway_", "discord_rest_", "http_server_", "http_client_", "pegasus_bot_", "process_",
      "websocket_hub_", "webhook_",
    ]
    let words = text.matches(of: /[a-z][a-z0-9_]+/).map { String($0.0) }
    return Set(words.filter { word in prefixes.contains { word.hasPrefix($0) } })
  }

  /// Prometheus makes these of one histogram.
  private static func family(_ name: String) -> String {
    for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
      return String(name.dropLast(suffix.count))
    }
    return name
  }

  @Test(arguments: ["docs/monitoring/alerts.yml", "docs/monitoring/grafana-dashboard.json", "docs/operations.md"])
  func everyNameIsOneThatTheProgramMakes(path: String) throws {
    let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    let declared = try Self.declaredNames()
    let used = Self.namesInQueries(text)
    #expect(used.count > 10)
    for name in used.sorted() where name != "process_" {
      #expect(declared.contains(name) || declared.contains(Self.family(name)), "\(name) in \(path)")
    }
  }

  @Test func theGuideExplainsEveryAlert() throws {
    let alerts = try String(
      contentsOf: Self.root.appending(path: "docs/monitoring/alerts.yml"), encoding: .utf8)
    let guide = try String(contentsOf: Self.root.appending(path: "docs/operations.md"), encoding: .utf8)
    let names = alerts.matches(of: /- alert: (\w+)/).map { String($0.1) }
    #expect(names.count > 10)
    for name in names { #expect(guide.contains(name), "\(name)") }
  }
}
