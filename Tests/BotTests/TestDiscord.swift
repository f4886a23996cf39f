import Foundation
import Platform
import Sandbox
import Testing

/// A sandbox for one test, and its control API.
struct TestDiscord {
  static let guild = "900000000000000001"
  static let channel = "900000000000000011"
  static let owner = "100000000000000001"
  static let member = "100000000000000002"
  static let token = "ODAwMDAwMDAwMDAwMDAwMDAy.flow.test"

  let addresses: SandboxServer.Addresses
  let client: HTTPClient

  /// Settings with which the program joins it.
  func environment(_ more: [String: String] = [:]) -> [String: String] {
    [
      "DISCORD_TOKEN": Self.token, "ADJUTANT_DISCORD_APIBASE": addresses.apiBase, "ADJUTANT_LOG_LEVEL": "debug",
      "ADJUTANT_LOG_FORMAT": "json",
    ].merging(more) { $1 }
  }

  func control(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> JSON {
    let response = try await client.send(
      HTTPClientRequest(
        method, "\(addresses.playground)sandbox/\(path)",
        headers: body == nil ? [:] : ["Content-Type": "application/json"],
        body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none))
    guard (200..<300).contains(response.status) else {
      throw Refused(path: path, answer: String(decoding: response.body, as: UTF8.self))
    }
    return response.body.isEmpty ? .null : try JSON(parsing: response.body)
  }

  struct Refused: Error {
    let path: String
    let answer: String
  }

  /// Types a line such as `/pay amount:5` and waits for the bot's answer.
  func type(_ text: String, as user: String = Self.owner) async throws -> JSON {
    let interaction = try await control(
      .post, "commands",
      ["user": .string(user), "channel": .string(Self.channel), "text": .string(text), "wait": 60_000])
    return interaction["messages"]?[0] ?? interaction
  }

  /// Types `/ping` and waits until its answer shows what it measured: it answers first and then edits.
  func ping() async throws -> JSON {
    let interaction = try await control(
      .post, "commands", ["user": .string(Self.owner), "channel": .string(Self.channel), "text": "/ping"])
    let path = "interactions/\(interaction["id"]?.string ?? "")"
    var embed = JSON.null
    try await eventually("/ping is answered") {
      embed = try await control(.get, path)["messages"]?[0]?["embeds"]?[0] ?? .null
      return embed["title"] == "Pong"
    }
    return embed
  }

  /// The names of the commands that a user is offered in the channel.
  func commands(for user: String = Self.owner) async throws -> [String] {
    (try await control(.get, "commands?user=\(user)&channel=\(Self.channel)").array ?? [])
      .compactMap { $0["name"]?.string }
  }

  func connectedSessions() async throws -> [JSON] {
    (try await control(.get, "sessions").array ?? []).filter { $0["connected"] == true }
  }

  /// The requests that the bot sent, as `GET /gateway/bot`.
  func requests() async throws -> [String] {
    (try await control(.get, "requests").array ?? []).map {
      "\($0["method"]?.string ?? "") \($0["path"]?.string ?? "")"
    }
  }

  /// Adds what the bot sent to the file that `ADJUTANT_TEST_REQUEST_LOG` names, to be held against Discord's OpenAPI.
  fileprivate func keepRequests() async throws {
    guard let path = ProcessInfo.processInfo.environment["ADJUTANT_TEST_REQUEST_LOG"] else { return }
    let lines = (try await control(.get, "requests?responses=true").array ?? []).map { $0.serialized() + "\n" }.joined()
    // One write at the end of the file: tests run beside each other.
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let bytes = Array(lines.utf8)
    try #require(write(descriptor, bytes, bytes.count) == bytes.count)
  }
}

func withTestDiscord(
  _ options: SandboxOptions = SandboxOptions(), _ body: (TestDiscord, URL) async throws -> Void
) async throws {
  var options = options
  options.listen = "127.0.0.1:0"
  // Discord's three seconds are none of these tests' business.
  options.firstAnswerLimit = .seconds(60)
  let sandbox = try SandboxServer(options)
  let discord = TestDiscord(
    addresses: try await sandbox.start(), client: try HTTPClient(log: .silent, metrics: Metrics()))
  try await withTemporaryDirectory { directory in
    try await body(discord, directory)
    try await discord.keepRequests()
  }
  await discord.client.shutdown()
  await sandbox.stop()
}
