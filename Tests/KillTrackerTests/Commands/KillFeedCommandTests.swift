import Core
import Gateway
import Platform
import StorageTestSupport
import Testing

@testable import KillTracker

/// `/killfeed`, and the feed in Discord's channels.
@Suite(.timeLimit(.minutes(2)))
struct KillFeedCommandTests {
  private let channel = Gateway.Channel(id: TrackerBench.channel, type: .guildText, name: "kills")
  private let guild = GuildID(900_000_000_000_000_001)

  @Test(arguments: TestEngine.available)
  func aFeedIsSetUpShownAndSwitchedOff(engine: TestEngine) async throws {
    try await withTracker(commands: engine) { bench in
      let none = try await bench.give("killfeed show", permissions: .manageGuild)
      #expect(none.text == "This server has no kill feed. `/killfeed setup` begins one.")
      let answer = try await bench.give(
        "killfeed setup",
        ["channel": .channel(channel), "pvp-only": .flag(true), "minimum-value": .number(1_000_000)],
        permissions: .manageGuild)
      #expect(answer.isEphemeral)
      #expect(answer.title == "The kill feed is on")
      let greeting = try #require(bench.network.exchanges.first)
      #expect(greeting.path == "POST /channels/\(TrackerBench.channel)/messages")
      #expect(greeting.body["allowed_mentions"]?["parse"] == [])
      let feed = try #require(try await bench.services.feeds.find(guild))
      #expect(feed.channel.rawValue == TrackerBench.channel.rawValue)
      #expect(feed.filter == KillFeed.Filter(membersOnly: true, pvpOnly: true, minimumValue: 1_000_000))
      #expect(feed.changedBy == ann)
      let shown = try await bench.give("killfeed show", permissions: .manageGuild)
      #expect(
        shown.text.contains(
          "In <#\(TrackerBench.channel)>: kills in which a member of this server has a part, PvP alone"))
      #expect(shown.text.contains("only ships lost of at least 1,000,000 aUEC"))

      #expect(try await bench.give("killfeed off", permissions: .manageGuild).text == "The kill feed is off.")
      #expect(try await bench.services.feeds.find(guild) == nil)
      #expect(
        try await bench.give("killfeed off", permissions: .manageGuild).text
          == "This server has no kill feed. `/killfeed setup` begins one.")
    }
  }

  @Test(arguments: [(403, 50_001), (403, 50_013), (404, 10_003)])
  func aChannelInWhichTheBotMayNotWriteIsNoFeed(status: Int, code: Int) async throws {
    try await withTracker { bench in
      bench.network.fail(status, code: code)
      let answer = try await bench.give(
        "killfeed setup", ["channel": .channel(channel)], permissions: .manageGuild)
      #expect(answer.isEphemeral)
      #expect(answer.text.hasPrefix("I cannot write in <#\(TrackerBench.channel)>."))
      #expect(try await bench.services.feeds.find(guild) == nil)
    }
  }

  @Test func whoDoesNotManageTheServerIsRefused() async throws {
    try await withTracker { bench in
      let answer = try await bench.give("killfeed setup", ["channel": .channel(channel)])
      #expect(answer.isEphemeral)
      #expect(bench.network.exchanges.isEmpty)
      #expect(try await bench.services.feeds.find(guild) == nil)
    }
  }

  // MARK: - At Discord

  private func outlet(_ network: FakeNetwork, _ time: ManualTime) -> DiscordFeedOutlet {
    var configuration = RESTClient.Configuration(baseURL: "http://discord.test/api/v10", token: Secret("t"))
    configuration.maximumRetries = 0
    return DiscordFeedOutlet(
      rest: RESTClient(configuration: configuration, transport: network, log: .silent, metrics: Metrics()),
      time: time, cache: { nil })
  }

  private func kill(_ kind: KillKind = .pvp) -> Kill {
    let party = KillParty(playerID: 1, user: ann, name: "@everyone", avatarURL: nil, isHidden: false)
    return Kill(
      id: KillID(rawValue: 3), killer: party, victim: party, serverID: guildA, weapon: "P4", location: "Aegis Gladius",
      occurredAt: Timestamp(seconds: 1_770_000_000), recordedAt: Timestamp(seconds: 0),
      updatedAt: Timestamp(seconds: 0),
      kind: kind, confidence: 1, source: .api, isConfirmed: true, reporter: ann, details: nil)
  }

  @Test func aMessageNotifiesNobodyAndIsSentOnce() async throws {
    let network = FakeNetwork()
    let item = FeedMessage.Item(kill: kill(), vehicle: "Aegis Gladius", vehiclePrice: 1_500_000)
    try await outlet(network, ManualTime()).post(
      FeedMessage(nonce: "kf1-2", items: [item], missed: 3), in: FeedChannelID(11))
    let exchange = try #require(network.exchanges.first)
    #expect(exchange.path == "POST /channels/11/messages")
    #expect(exchange.body["nonce"] == "kf1-2")
    #expect(exchange.body["enforce_nonce"] == true)
    #expect(exchange.body["allowed_mentions"]?["parse"] == [])
    #expect(exchange.body["content"]?.string?.hasPrefix("3 more kills were recorded") == true)
    let embed = try #require(exchange.body["embeds"]?[0])
    #expect(
      embed["description"]
        == "**@\u{200B}everyone** killed **@\u{200B}everyone**\nlost: Aegis Gladius (1,500,000 aUEC) · with: P4")
    #expect(embed["footer"]?["text"] == "kill_3 · PvP")
    #expect(embed["timestamp"]?.string?.hasPrefix("2026-02-02T02:40:00") == true)
  }

  @Test func aNumberAloneIsASentence() {
    let body = FeedWords.body(of: FeedMessage(nonce: "n", items: [], missed: 1))
    #expect(body.content == "1 kill was recorded that is too old, or came with too many, to be shown here.")
    #expect(body.embeds == nil)
  }

  @Test(arguments: [
    (404, 10_003, true), (403, 50_001, true), (403, 50_013, true), (403, 0, true), (400, 50_035, false),
  ])
  func refusalsAreToldApart(status: Int, code: Int, isClosed: Bool) async throws {
    let network = FakeNetwork()
    network.fail(status, code: code)
    do {
      try await outlet(network, ManualTime()).post(FeedMessage(nonce: "n", items: [], missed: 1), in: FeedChannelID(11))
      Issue.record("it was taken")
    } catch FeedOutletFailure.closed { #expect(isClosed) } catch FeedOutletFailure.refused { #expect(!isClosed) }
  }

  @Test func anOutageIsNoRefusal() async throws {
    let network = FakeNetwork()
    network.fail(503, code: 0)
    await #expect(throws: DiscordError.self) {
      try await outlet(network, ManualTime()).post(FeedMessage(nonce: "n", items: [], missed: 1), in: FeedChannelID(11))
    }
    await #expect(throws: DiscordError.self) {
      try await outlet(network, ManualTime()).isMember(ann, of: guild)
    }
  }

  @Test func discordsWordAboutAMemberHoldsForTenMinutes() async throws {
    let network = FakeNetwork()
    let time = ManualTime()
    let outlet = outlet(network, time)
    #expect(try await outlet.isMember(ann, of: guild))
    network.fail(404, code: 10_007)
    time.advance(by: .seconds(599))
    #expect(try await outlet.isMember(ann, of: guild))
    #expect(network.exchanges.map(\.path) == ["GET /guilds/\(guild)/members/\(ann)"])
    time.advance(by: .seconds(1))
    #expect(try await !outlet.isMember(ann, of: guild))
    #expect(try await outlet.isMember(bob, of: guild) == false)
  }
}
