import Core
import Platform
import Testing

@testable import HTTPAPI
@testable import KillTracker

/// What is written by hand is what the type itself would write.
struct KillAnswerWritingTests {
  private func kill(_ number: Int, _ text: String?, details: JSON?) -> Kill {
    let user = number % 3 == 0 ? UserID(UInt64(number + 1)) : nil
    return Kill(
      id: KillID(rawValue: Int64(number)),
      killer: number % 4 == 0
        ? .hidden
        : KillParty(
          playerID: 1, user: user, name: text ?? "", avatarURL: number % 2 == 0 ? text : nil, isHidden: false),
      victim: KillParty(playerID: nil, user: nil, name: "x\(text ?? "")", avatarURL: nil, isHidden: false),
      serverID: number % 5 == 0 ? Kill.defaultServer : "900000000000000001", weapon: text, location: nil,
      occurredAt: Timestamp(milliseconds: Int64(number) * 1_234_567), recordedAt: Timestamp(seconds: 0),
      updatedAt: Timestamp(seconds: 0), kind: KillKind.allCases[number % KillKind.allCases.count], confidence: 1,
      source: .api, isConfirmed: false, reporter: nil, details: details)
  }

  @Test func aKillOfAListIsTheKillAlone() throws {
    let texts: [String?] = [nil, "", "plain", "\"quoted\" \\ \n\t\u{8}\u{C}\u{1}", "ümläut 漢字 👩‍👧", "/"]
    let details: [JSON?] = [
      nil, [:], ["a": 2.0, "b": [1, -0.5, .null, true, "\u{8}"], "c\n": ["d": 1e30]], ["x": .null],
    ]
    var number = 0
    for text in texts {
      for detail in details {
        for _ in 0..<6 {
          number += 1
          let kill = kill(number, text, details: detail)
          try expectSame(NamedKillAnswer(kill))
          let names = ServerNames(of: [kill], NoGuilds(name: text))
          try expectSame(KillAnswer(kill, names))
          try expectSame(ServerAnswer(kill, names))
          try expectSame(PlayerAnswer(kill.killer))
        }
      }
    }
  }

  /// An element of a list is written by hand, a value alone by itself.
  private func expectSame(_ value: some JSONWritable) throws {
    let alone = try JSONTextEncoder().encode(value)
    #expect(try JSONTextEncoder().encode([value]) == Array("[".utf8) + alone + Array("]".utf8))
    #expect(
      try JSONTextEncoder().encode(["a": [value, value]])
        == Array("{\"a\":[".utf8) + alone + Array(",".utf8) + alone + Array("]}".utf8))
  }

  private struct NoGuilds: GuildDirectory {
    let name: String?
    func guild(_ id: GuildID) -> GuildSummary? { name.map { GuildSummary(id: id, name: $0) } }
    func guilds(ownedBy user: UserID) -> [GuildSummary] { [] }
    func mayExist(_ id: GuildID) -> Bool { false }
    func all(limit: Int) -> [GuildSummary] { [] }
    func guilds(of user: UserID, likely: [GuildID], limit: Int) async throws -> [GuildSummary] { [] }
    func members(of id: GuildID, limit: Int) async throws -> [GuildMemberSummary] { [] }
    func channels(of id: GuildID) -> [GuildChannelSummary] { [] }
  }
}
