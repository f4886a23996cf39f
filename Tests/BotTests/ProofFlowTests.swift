import Foundation
import HTTP
import Platform
import Synchronization
import Testing

@testable import Bot

/// Handles, logs, reports and one's own data, as people use them: the whole program, through real sockets.
struct ProofFlowTests {
  /// The game's site with one player's page.
  private final class Site: Sendable {
    let bio = Mutex("nothing yet")

    func serve(_ body: (String) async throws -> Void) async throws {
      var router = Router()
      router.on(.get, "/citizens/:handle") { [self] request in
        guard request.path.raw.lowercased() == "/citizens/some-one" else { return .text("no", status: .notFound) }
        let page = """
          <html><head><link rel="canonical" href="https://site.test/en/citizens/Some-One"></head><body>
          <div class="entry bio"><span class="label">Bio</span><div class="value">\(bio.withLock { $0 })</div></div>
          </body></html>
          """
        return HTTPResponse(bytes: Array(page.utf8), contentType: "text/html")
      }
      let server = HTTPServer(
        HTTPServerConfiguration(listen: try SocketAddress(parsing: "127.0.0.1:0")), router: router)
      let address = try await server.start()
      do { try await body("http://\(address)") } catch {
        await server.shutdown(grace: .zero)
        throw error
      }
      await server.shutdown(grace: .zero)
    }
  }

  private func embed(_ message: JSON) -> JSON { message["embeds"]?[0] ?? .null }

  private func press(
    _ label: String, of message: JSON, as user: String, on discord: TestDiscord
  ) async throws -> JSON {
    let buttons = (message["components"]?.array ?? []).flatMap { $0["components"]?.array ?? [] }
    let button = try #require(buttons.first { $0["label"]?.string == label }, "\(message.serialized())")
    let interaction = try await discord.control(
      .post, "components",
      [
        "user": .string(user), "message": message["id"] ?? .null, "customID": button["custom_id"] ?? .null,
        "wait": 60_000,
      ])
    // A message of its own, or the one with the button, which has changed.
    return interaction["messages"]?[0] ?? interaction["source"] ?? interaction
  }

  private func log(of handle: String) -> String {
    let kill =
      "[Notice] <Actor Death> CActor::Kill: 'Enemy-One' [207064464865] in zone 'OOC_Stanton_1_Hurston' killed by "
      + "'\(handle)' [201106509142] using 'behr_rifle_ballistic_01_2699085238600' [Class behr_rifle_ballistic_01] with "
      + "damage type 'Bullet' from direction x: 0, y: 0, z: 0 [Team_ActorTech][Actor]"
    return [
      "<2025-06-18T10:00:00.000Z> Log started on Wed Jun 18 2025",
      "<2025-06-18T10:00:00.000Z> Branch: sc-alpha-4.1.1",
      "<2025-06-18T10:00:01.000Z> [Notice] <Legacy login response> [CIG-net] User Login Success - Handle[\(handle)] "
        + "- Time[1]",
      "<2025-06-18T10:05:00.000Z> \(kill)",
      "<2025-06-18T11:30:00.000Z> [Notice] <SystemQuit> CSystem::Quit invoked with - cause=30016, reason=Quit, "
        + "exitCode=0", "",
    ].joined(separator: "\r\n")
  }

  @Test func aPlayerProvesUploadsReportsAndLeaves() async throws {
    let site = Site()
    try await site.serve { address in
      try await withTestDiscord { discord, directory in
        let bot = try RunningBot(
          environment: discord.environment(["ADJUTANT_PLUGINS_KILLTRACKER_RSIURL": address]), in: directory)
        try await eventually("the program is connected") { bot.hasBanner }
        try await eventually("commands are registered") { try await discord.commands().contains("logs") }

        let begun = try await discord.type("/link start handle:some-one")
        let text = embed(begun)["description"]?.string ?? ""
        let token = try #require(text.split(separator: "\n").first { $0.hasPrefix("ADJ-") }, "\(begun.serialized())")
        site.bio.withLock { $0 = "Pilot &amp; trader<br />\(token)" }
        let proved = try await press("Check", of: begun, as: TestDiscord.owner, on: discord)
        #expect(embed(proved)["title"] == "It is you", "\(proved.serialized())")

        for (recorded, time) in [("1 recorded", "1h 30m more"), ("0 recorded · 1 known already", "counted already")] {
          let interaction = try await discord.control(
            .post, "commands",
            [
              "user": .string(TestDiscord.owner), "channel": .string(TestDiscord.channel), "command": "logs upload",
              "options": ["file": ["filename": "Game.log", "text": .string(log(of: "Some-One"))]], "wait": 60_000,
            ])
          let read = embed(interaction["messages"]?[0] ?? .null)
          #expect(read["title"] == "Game.log is read", "\(interaction.serialized())")
          let fields = (read["fields"]?.array ?? []).compactMap { $0["value"]?.string }
          #expect(fields.contains(recorded) && fields.contains(time), "\(fields)")
          #expect(fields.contains { $0.hasPrefix("Kept for you as `") }, "\(fields)")
        }
        // The same log twice is kept once.
        let uploads = directory.appending(path: "data/uploads/\(TestDiscord.owner)").path()
        let kept = try FileManager.default.contentsOfDirectory(atPath: uploads)
        #expect(kept.count == 1)
        let listed = embed(try await discord.type("/logs list"))["description"]?.string ?? ""
        #expect(listed.hasPrefix("`\(kept[0])` · 1 KiB"), "\(listed)")
        #expect(
          try await discord.type("/logs list", as: TestDiscord.member)["content"]?.string?.hasPrefix("None") == true)
        let again = embed(try await discord.type("/logs again log:\(kept[0])"))
        #expect(again["title"]?.string?.hasSuffix("is read") == true, "\(again.serialized())")
        let stranger = try await discord.type("/logs again log:\(kept[0])", as: TestDiscord.member)
        #expect(embed(stranger)["description"] == "You have no such log. `/logs list` shows yours.")

        let report = try await discord.type(
          "/kill report victim:Evil_One weapon:P4-AR Rifle place:Daymar when:5m ago")
        #expect(embed(report)["title"] == "A kill is reported", "\(report.serialized())")
        let confirmed = try await press("Confirm", of: report, as: TestDiscord.member, on: discord)
        #expect(embed(confirmed)["title"] == "A reported kill is confirmed", "\(confirmed.serialized())")
        #expect(embed(try await discord.type("/stats"))["title"] != nil)

        let export = try await discord.type("/data export")
        #expect(export["attachments"]?[0]?["filename"]?.string == "killtracker-\(TestDiscord.owner).json")
        let asked = try await discord.type("/data delete")
        #expect(embed(asked)["description"]?.string?.contains("2 kills") == true, "\(asked.serialized())")
        let deleted = try await press("Delete", of: asked, as: TestDiscord.owner, on: discord)
        #expect(embed(deleted)["title"] == "Done")
        #expect(!FileManager.default.fileExists(atPath: uploads))
        #expect(try await discord.type("/data delete")["content"] == "The bot keeps nothing about you.")
        #expect(try await bot.stop() == 0)
      }
    }
  }
}
