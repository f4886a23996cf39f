import Commands
import Core
import Foundation
import Platform
import Storage
import Testing

/// The plugin of docs/plugins.md, with everything that plugins can do, through real sockets.
struct GuideFlowTests {
  private static let bot = InProcessBot(
    plugins: { [HangarPlugin(database: $0)] }, pluginNames: ["hangar"], intents: "GUILDS GUILD_MEMBERS")

  /// Acts as a user and waits for the answer.
  private func act(_ discord: TestDiscord, _ path: String, _ body: JSON) async throws -> JSON {
    var body = body
    if body["user"] == nil { body["user"] = .string(TestDiscord.owner) }
    body["wait"] = 30_000
    return try await discord.control(.post, path, body)
  }

  private func click(
    _ discord: TestDiscord, _ component: JSON?, of message: JSON?, values: [String]? = nil,
    as user: String = TestDiscord.owner
  ) async throws -> JSON {
    var body: JSON = [
      "user": .string(user), "message": message?["id"] ?? .null, "customID": component?["custom_id"] ?? .null,
    ]
    if let values { body["values"] = .array(values.map { .string($0) }) }
    return try await act(discord, "components", body)
  }

  /// The parts of a ship's card.
  private struct Card {
    let message: JSON
    var parts: [JSON] { message["components"]?[0]?["components"]?.array ?? [] }
    var title: String? { parts.first?["components"]?[0]?["content"]?.string }
    var note: String? { parts.first?["components"]?[1]?["content"]?.string }
    var edit: JSON? { parts.first?["accessory"] }
    var select: JSON? { parts.dropFirst(2).first?["components"]?[0] }
    var scrap: JSON? { parts.dropFirst(3).first?["components"]?[0] }
    var state: String? {
      select?["options"]?.array?.first { $0["default"] == true }?["value"]?.string
    }
  }

  @Test func everythingAPluginCanDoWorks() async throws {
    try await withTestDiscord { discord, directory in
      var card = Card(message: .null)
      try await Self.bot.run(on: discord, in: directory) { shared in
        try await shared.switches.set(
          "hangar", enabled: true, in: GuildID(900_000_000_000_000_001), by: UserID(1))
        _ = try await discord.type("/plugins enable plugin:hangar")
        try await eventually("/hangar is offered") { try await discord.commands().contains("hangar") }

        // Autocomplete, a command, its card.
        let choices = try await act(
          discord, "commands",
          [
            "command": "hangar add", "options": ["ship": "c"], "focused": "ship",
            "channel": .string(TestDiscord.channel),
          ])
        #expect(choices["choices"]?.array?.map { $0["name"]?.string } == ["Carrack", "Cutlass"])
        card = Card(message: try await discord.type("/hangar add ship:Carrack state:Repair"))
        #expect(card.title == "## Carrack")
        #expect(card.note == "-# no note")
        #expect(card.state == "repair")

        // A select changes its message, for its owner alone.
        let other = try await click(
          discord, card.select, of: card.message, values: ["flying"], as: TestDiscord.member)
        #expect(other["messages"]?[0]?["embeds"]?[0]?["description"] == "This is not for you.")
        card = Card(
          message: try await click(discord, card.select, of: card.message, values: ["flying"])["source"] ?? .null)
        #expect(card.state == "flying")

        // A button opens a dialog, the dialog changes the message.
        let opened = try await click(discord, card.edit, of: card.message)
        #expect(opened["modal"]?["title"] == "About this ship")
        let sent = try await act(
          discord, "modals",
          [
            "interaction": opened["id"] ?? .null,
            "fields": ["note": "Large", "pilots": [.string(TestDiscord.member)], "is_insured": true],
          ])
        card = Card(message: sent["source"] ?? .null)
        #expect(card.note == "Large\nPilots: marcus\nInsured")

        // Context menus.
        let shown = try await act(
          discord, "commands",
          [
            "command": "Show hangar", "target": .string(TestDiscord.owner), "channel": .string(TestDiscord.channel),
            "user": .string(TestDiscord.member),
          ])
        #expect(shown["messages"]?[0]?["content"] == "**Carrack** Flying")
        let message = try await discord.control(
          .post, "messages",
          ["user": .string(TestDiscord.member), "channel": .string(TestDiscord.channel), "content": "Gladius"])
        let added = try await act(
          discord, "commands",
          [
            "command": "Add this ship", "target": message["id"] ?? .null, "channel": .string(TestDiscord.channel),
            "user": .string(TestDiscord.member),
          ])
        #expect(added["messages"]?[0]?["content"] == "**Gladius** is in your hangar.")

        // An event: who leaves takes their ships along.
        _ = try await discord.control(.post, "leave", ["user": .string(TestDiscord.member)])
        try await eventually("the ship is gone") {
          try await shared.database.read {
            try $0.query("SELECT name FROM hangar_ships") { try $0.value("name", as: String.self) }
          }
            == ["Carrack"]
        }
      }

      // The restart: buttons from before it work, once where they work once, and Discord is not asked for commands.
      let before = try await discord.requests().filter { $0.contains("/commands") }
      try await Self.bot.run(on: discord, in: directory) { shared in
        card = Card(
          message: try await click(discord, card.select, of: card.message, values: ["ready"])["source"] ?? .null)
        #expect(card.state == "ready")
        let scrapped = try await click(discord, card.scrap, of: card.message)
        #expect(scrapped["source"]?["components"]?[0]?["content"] == "~~Carrack~~ is scrap.")
        #expect(try await discord.requests().filter { $0.contains("/commands") } == before)
        let actions = try await shared.auditLog.recent().map(\.entry.action)
        #expect(actions.contains("component_used"))
      }
    }
  }

  @Test func theGuidesCodeIsTheTestsCode() throws {
    let tests = URL(filePath: #filePath).deletingLastPathComponent()
    let source = try String(contentsOf: tests.appending(path: "HangarPlugin.swift"), encoding: .utf8)
    let guide = try String(
      contentsOf: tests.deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/plugins.md"),
      encoding: .utf8)
    let parts = source.components(separatedBy: "// guide: ").dropFirst().compactMap { part -> (String, String)? in
      let lines = part.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
      guard lines.count == 2, lines[0] != "end" else { return nil }
      return (String(lines[0]), lines[1].trimmingCharacters(in: .whitespacesAndNewlines))
    }
    #expect(parts.count == 6)
    for (name, code) in parts { #expect(guide.contains("```swift\n\(code)\n```"), "the part “\(name)”") }
  }
}
