import Core
import HTTP
import KillTracker
import Platform
import StorageTestSupport
import Synchronization
import Testing

@testable import HTTPAPI

/// An answer that was kept says what one that is made now would say.
@Suite(.timeLimit(.minutes(1))) struct KillListAnswerTests {
  typealias House = KillTrackerHouse
  private let org = "900000000000000001"

  /// Guilds whose names change.
  private final class Guilds: GuildDirectory {
    let names = Mutex<[GuildID: String]>([:])
    let asked = Mutex(0)

    func rename(_ id: GuildID, _ name: String?) { names.withLock { $0[id] = name } }
    func guild(_ id: GuildID) -> GuildSummary? {
      asked.withLock { $0 += 1 }
      return names.withLock { $0[id] }.map { GuildSummary(id: id, name: $0) }
    }
    func guilds(ownedBy user: UserID) -> [GuildSummary] { [] }
    func mayExist(_ id: GuildID) -> Bool { guild(id) != nil }
    func all(limit: Int) -> [GuildSummary] { [] }
    func guilds(of user: UserID, likely: [GuildID], limit: Int) async throws -> [GuildSummary] { [] }
    func members(of id: GuildID, limit: Int) async throws -> [GuildMemberSummary] { [] }
    func channels(of id: GuildID) -> [GuildChannelSummary] { [] }
  }

  private struct Document: Encodable { let servers: [ServerAnswer] }
  private struct OtherDocument: Encodable { let count: Int }

  private func post(_ house: House, _ token: String, _ victim: String, server: String? = nil) async throws {
    house.time.advance(by: .seconds(600))
    let body: JSON = ["victimId": .string(victim), "serverId": .string(server ?? org), "weapon": "Gun"]
    #expect(try await house.send(.post, "/api/v1/kills", token: token, body).status == 201)
  }

  @Test func theNameOfAServerIsThatOfToday() async throws {
    try await House.with { house in
      let token = try await house.token()
      for server in [org, "900000000000000002", "default-server"] {
        try await post(house, token, "Somebody", server: server)
      }
      let guilds = Guilds()
      let made = Mutex(0)
      func answer() async throws -> (servers: [String], content: KeptContent?) {
        let response = try KillListAnswer.response(try await house.kills.keptList(for: .anonymous), guilds) {
          page, names in
          made.withLock { $0 += 1 }
          return Document(servers: page.kills.map { ServerAnswer($0, names) })
        }
        guard case .kept(let content) = response.body else { return ([], nil) }
        return (response.json?["servers"]?.array?.compactMap { $0["name"]?.string } ?? [], content)
      }
      let (first, second) = (GuildID(900_000_000_000_000_001), GuildID(900_000_000_000_000_002))
      guilds.rename(first, "Org")
      let before = try await answer()
      #expect(before.servers == ["default-server", "900000000000000002", "Org"])
      let again = try await answer()
      #expect(again.content === before.content && made.withLock { $0 } == 1)
      guilds.rename(first, "Renamed")
      #expect(try await answer().servers == ["default-server", "900000000000000002", "Renamed"])
      guilds.rename(second, "Second")
      #expect(try await answer().servers == ["default-server", "Second", "Renamed"])
      guilds.rename(first, nil)
      #expect(try await answer().servers == ["default-server", "Second", org])
      #expect(made.withLock { $0 } == 4)
      // A guild that no kill of the page names does not matter.
      guilds.rename(GuildID(7), "Another")
      _ = try await answer()
      #expect(made.withLock { $0 } == 4)
      // The other document's answer of the same page is another.
      let other = try KillListAnswer.response(try await house.kills.keptList(for: .anonymous), guilds) { page, _ in
        OtherDocument(count: page.kills.count)
      }
      #expect(other.json == ["count": 3])
      #expect(try await answer().servers == ["default-server", "Second", org] && made.withLock { $0 } == 4)
    }
  }

  @Test(arguments: TestEngine.available) func aPrivatePlayerIsNamedToNobodyElse(engine: TestEngine) async throws {
    try await House.with(engine) { house in
      let (own, other) = (try await house.token(), try await house.token(House.other))
      let stranger = try await house.token(UserID(323_456_789_012_345_678))
      let admin = try await house.token(House.owner)
      try await post(house, own, "\(House.other)")
      func victims(_ path: String, _ name: String) async throws -> [String?] {
        var all: [String?] = []
        // Everybody twice: the second answer is from memory.
        for token in [own, other, stranger, admin, stranger, admin, other, own] {
          let answer = try await house.send(.get, path, token: token)
          let kill = (answer.json["data"]?["kills"] ?? answer.json["kills"])?[0]
          all.append(kill?["victim"]?["id"]?.string ?? kill?[name]?.string)
        }
        return all
      }
      let id = "\(House.other)"
      #expect(try await victims("/api/v1/kills", "") == Array(repeating: id, count: 8))
      #expect(try await victims("/api/kills/server/\(org)", "victimId") == Array(repeating: id, count: 8))
      try await house.kills.players.update(House.other, privacy: .private)
      #expect(try await victims("/api/v1/kills", "") == [id, id, "private", id, "private", id, id, id])
      let hidden = "Private player"
      #expect(try await victims("/api/kills/server/\(org)", "victimId") == [id, id, hidden, id, hidden, id, id, id])
      try await house.kills.players.update(House.other, privacy: .public)
      #expect(try await victims("/api/v1/kills", "") == Array(repeating: id, count: 8))
    }
  }

  @Test func aPageIsThatOfItsQuery() async throws {
    try await House.with { house in
      let token = try await house.token()
      for number in 1...5 { try await post(house, token, "Victim\(number)") }
      func list(_ query: String) async throws -> JSON {
        let path = "/api/v1/kills?\(query)"
        let first = try await house.send(.get, path, token: token)
        let second = try await house.send(.get, path, token: token)
        #expect(first.status == 200 && first.json == second.json)
        return first.json["data"] ?? .null
      }
      let first = try await list("limit=2")
      #expect(first["kills"]?.array?.compactMap { $0["victim"]?["id"]?.string } == ["Victim5", "Victim4"])
      #expect(first["pagination"] == ["page": 1, "limit": 2, "total": 5, "pages": 3])
      let second = try await list("limit=2&page=2")
      #expect(second["pagination"]?["page"] == 2)
      #expect(second["kills"]?.array?.compactMap { $0["victim"]?["id"]?.string } == ["Victim3", "Victim2"])
      #expect(try await list("weapon=Knife&limit=2")["pagination"]?["total"] == 0)
      // The same place by another way: the second page of two, and none of four from the start.
      #expect(try await list("limit=4&page=1")["pagination"]?["limit"] == 4)
      try await post(house, token, "Victim6")
      #expect(try await list("limit=2")["kills"]?[0]?["victim"]?["id"] == "Victim6")
      let id = try #require(try await list("limit=1")["kills"]?[0]?["id"]?.string)
      #expect(try await house.send(.delete, "/api/v1/kills/\(id)", token: token).status == 200)
      #expect(try await list("limit=2")["kills"]?[0]?["victim"]?["id"] == "Victim5")
    }
  }

  @Test func itIsPackedForWhoTakesIt() async throws {
    try await House.with { house in
      let token = try await house.token()
      for number in 1...5 { try await post(house, token, "Victim\(number)") }
      let plain = try await house.send(.get, "/api/v1/kills", token: token)
      var packed: [[UInt8]] = []
      for _ in 0..<2 {
        let response = try await house.router.respond(
          to: .sample(
            .get, "/api/v1/kills",
            ["Host": "127.0.0.1:3000", "Authorization": "Bearer \(token)", "Accept-Encoding": "gzip"]))
        #expect(response.headers["Content-Encoding"] == "gzip" && response.headers["Vary"] == "Accept-Encoding")
        packed.append(response.bytes)
      }
      #expect(packed[0] == packed[1])
      let text = try Deflate.decompress(packed[0], as: .gzip, limit: 1 << 20)
      #expect(try JSON(parsing: text) == plain.json && plain.headers["Content-Encoding"] == nil)
    }
  }

  @Test func whoseTokenEndedGetsNoKeptAnswer() async throws {
    try await House.with(limits: true) { house in
      let issued = try await house.authentication.tokens.issue(for: .user(House.user))
      let token = issued.text.reveal()
      var left: [String?] = []
      for _ in 0..<3 {
        let answer = try await house.send(.get, "/api/v1/kills", token: token)
        #expect(answer.status == 200)
        left.append(answer.headers["X-RateLimit-Remaining"])
      }
      #expect(left == ["99", "98", "97"])
      #expect(try await house.send(.get, "/api/v1/kills").status == 401)
      try await house.authentication.tokens.logOut(issued.claims)
      #expect(try await house.send(.get, "/api/v1/kills", token: token).status == 401)
      let next = try await house.token()
      for _ in 0..<97 { #expect(try await house.send(.get, "/api/v1/kills", token: next).status == 200) }
      let refused = try await house.send(.get, "/api/v1/kills", token: next)
      #expect(refused.status == 429 && refused.headers["Retry-After"] != nil)
    }
  }
}
