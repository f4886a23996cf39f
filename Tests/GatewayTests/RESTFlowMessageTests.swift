import Platform
import Sandbox
import Testing

@testable import Gateway

/// A bot's REST client in the sandbox, over real sockets.
struct RESTFlow {
  static let guild: Snowflake = 900_000_000_000_000_001
  static let general: Snowflake = 900_000_000_000_000_011
  static let owner: Snowflake = 100_000_000_000_000_001
  static let marcus: Snowflake = 100_000_000_000_000_002
  static let nadia: Snowflake = 100_000_000_000_000_003
  static let memberRole: Snowflake = 900_000_000_000_000_022

  let rig: SandboxRig
  let rest: RESTClient

  static func run(_ body: (RESTFlow) async throws -> Void) async throws {
    let rig = try await SandboxRig()
    try await body(RESTFlow(rig: rig, rest: rig.rest()))
    try await rig.keepRequests()
    await rig.end()
  }

  /// What the last request carried as the audit log's reason.
  func lastReason() async throws -> String? {
    (try await rig.control(.get, "/requests").array ?? []).last?["auditReason"]?.string
  }

  func expect(_ code: DiscordErrorCode, _ call: () async throws -> Void) async {
    let error = await #expect(throws: DiscordError.self) { try await call() }
    #expect(error?.code == code, "\(String(describing: error))")
  }
}

@Suite(.timeLimit(.minutes(2))) struct RESTFlowMessageTests {
  private let thumb = ReactionEmoji.unicode("👍")

  @Test func messagesAreWrittenReadAndDeleted() async throws {
    try await RESTFlow.run { flow in
      let (rest, channel) = (flow.rest, RESTFlow.general)
      var ids: [Snowflake] = []
      for number in 1...5 {
        ids.append(try await rest.createMessage(MessageBody(content: "\(number)"), in: channel).id)
      }
      #expect(try await rest.messages(in: channel).map(\.content) == ["5", "4", "3", "2", "1"])
      #expect(try await rest.messages(in: channel, .before(ids[2]), limit: 1).map(\.content) == ["2"])
      #expect(try await rest.messages(in: channel, .after(ids[2]), limit: 1).map(\.content) == ["4"])
      #expect(try await rest.messages(in: channel, .around(ids[2]), limit: 3).map(\.content) == ["4", "3", "2"])
      #expect(try await rest.editMessage(ids[0], in: channel, to: MessageBody(content: "one")).content == "one")
      #expect(try await rest.message(ids[0], in: channel).editedTimestamp != nil)
      try await rest.startTyping(in: channel)
      try await rest.deleteMessage(ids[0], in: channel, reason: "größer")
      #expect(try await flow.lastReason() == "größer")
      await flow.expect(.unknownMessage) { _ = try await rest.message(ids[0], in: channel) }
      try await rest.deleteMessages([ids[1], ids[2]], in: channel, reason: "spam")
      #expect(try await rest.messages(in: channel).map(\.id) == [ids[4], ids[3]])
      let old = Snowflake(timestamp: Timestamp(seconds: 1_700_000_000))
      let error = await #expect(throws: DiscordError.self) {
        try await rest.deleteMessages([ids[3], old], in: channel)
      }
      #expect(error?.description.contains("messages[1]: must not be older than 14 days") == true)
      await flow.expect(.wrongChannelType) { _ = try await rest.crosspostMessage(ids[4], in: channel) }
      let news = try await rest.createChannel(ChannelBody(name: "news", type: .guildAnnouncement), in: RESTFlow.guild)
      let message = try await rest.createMessage(MessageBody(content: "news"), in: news.id)
      #expect(try await rest.crosspostMessage(message.id, in: news.id).flags.contains(.crossposted))
      await flow.expect(.alreadyCrossposted) { _ = try await rest.crosspostMessage(message.id, in: news.id) }
    }
  }

  @Test func filesArriveByteForByte() async throws {
    try await RESTFlow.run { flow in
      let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let content = FileContent.stream(length: bytes.count) { write in
        for start in stride(from: 0, to: bytes.count, by: 40_000) {
          try await write(Array(bytes[start..<min(start + 40_000, bytes.count)]))
        }
      }
      // The first attempts are refused and cut off: the bytes are made again.
      try await flow.rig.control(
        .post, "/faults/rest", ["status": 429, "scope": "user", "retryAfter": 10, "path": "/channels"])
      try await flow.rig.control(.post, "/faults/rest", ["cut": true, "path": "/channels"])
      let message = try await flow.rest.createMessage(
        MessageBody(
          content: "files",
          files: [
            FileUpload(name: "a.bin", contentType: "application/octet-stream", description: "bytes", content: content),
            FileUpload(name: "b.txt", contentType: "text/plain", bytes: Array("text".utf8)),
          ]), in: RESTFlow.general)
      #expect(message.attachments.map(\.filename) == ["a.bin", "b.txt"])
      #expect(message.attachments.map(\.size) == [bytes.count, 4])
      #expect(message.attachments.first?.description == "bytes")
      let url = try #require(message.attachments.first?.url)
      #expect(try await flow.rig.http.send(HTTPClientRequest(.get, url)).body == bytes)
      let kept = try await flow.rest.editMessage(
        message.id, in: RESTFlow.general, to: MessageBody(keptAttachments: [message.attachments[1].id]))
      #expect(kept.attachments.map(\.filename) == ["b.txt"])
    }
  }

  @Test func reactionsComeAndGo() async throws {
    try await RESTFlow.run { flow in
      let (rest, channel) = (flow.rest, RESTFlow.general)
      let message = try await rest.createMessage(MessageBody(content: "react"), in: channel).id
      try await rest.addReaction(thumb, to: message, in: channel)
      try await flow.rig.control(
        .post, "/reactions",
        ["user": .string(SandboxRig.user), "message": .string(message.description), "emoji": "👍"])
      #expect(try await rest.reactions(thumb, to: message, in: channel).count == 2)
      #expect(
        try await rest.reactions(thumb, to: message, in: channel, after: RESTFlow.marcus, limit: 5).map(\.isBot) == [
          true
        ])
      try await rest.removeReaction(thumb, from: message, in: channel)
      #expect(try await rest.reactions(thumb, to: message, in: channel).map(\.id) == [RESTFlow.marcus])
      try await rest.removeReaction(thumb, of: RESTFlow.marcus, from: message, in: channel)
      try await rest.addReaction(thumb, to: message, in: channel)
      try await rest.removeReactions(thumb, from: message, in: channel)
      try await rest.addReaction(.unicode("🎉"), to: message, in: channel)
      try await rest.removeReactions(from: message, in: channel)
      #expect(try await rest.reactions(.unicode("🎉"), to: message, in: channel).isEmpty)
      await flow.expect(.unknownEmoji) {
        try await rest.addReaction(.custom(123_456_789_012_345_678, name: "none"), to: message, in: channel)
      }
    }
  }

  @Test func pinsArePagedByTheirTime() async throws {
    try await RESTFlow.run { flow in
      let (rest, channel) = (flow.rest, RESTFlow.general)
      var ids: [Snowflake] = []
      for number in 1...3 {
        let id = try await rest.createMessage(MessageBody(content: "\(number)"), in: channel).id
        ids.append(id)
        try await rest.pinMessage(id, in: channel, reason: "important")
        flow.rig.time.advance(by: .seconds(60))
      }
      let first = try await rest.pins(in: channel, limit: 2)
      #expect(first.items.map(\.message.id) == [ids[2], ids[1]])
      #expect(first.items.allSatisfy { $0.message.isPinned })
      #expect(first.hasMore)
      let second = try await rest.pins(in: channel, before: first.items.last?.pinnedAt)
      #expect(second.items.map(\.message.id) == [ids[0]])
      #expect(!second.hasMore)
      try await rest.unpinMessage(ids[2], in: channel)
      #expect(try await rest.pins(in: channel).items.count == 2)
      #expect(try await rest.messages(in: channel, limit: 1).first?.type == MessageType(rawValue: 6))
    }
  }

  @Test func webhooksSendUnderTheirOwnName() async throws {
    try await RESTFlow.run { flow in
      let (rest, channel) = (flow.rest, RESTFlow.general)
      let hook = try await rest.createWebhook("Feed", in: channel, reason: "kills")
      let token = try #require(hook.token)
      #expect(try await rest.webhooks(in: channel).map(\.id) == [hook.id])
      #expect(try await rest.webhooks(of: RESTFlow.guild).map(\.name) == ["Feed"])
      #expect(try await rest.editWebhook(hook.id, to: WebhookBody(name: "Kill feed")).name == "Kill feed")
      #expect(try await rest.webhook(hook.id).channelID == channel)
      let sent = try await rest.executeWebhook(hook.id, token: token, MessageBody(content: "a"), username: "Someone")
      #expect(sent.author.username == "Someone")
      #expect(sent.webhookID == hook.id)
      try await rest.executeWebhookWithoutWaiting(hook.id, token: token, MessageBody(content: "b"))
      #expect(try await rest.webhookMessage(sent.id, of: hook.id, token: token).content == "a")
      let edited = try await rest.editWebhookMessage(sent.id, of: hook.id, token: token, to: MessageBody(content: "c"))
      #expect(edited.content == "c")
      let thread = try await rest.startThread(ThreadBody(name: "feed", type: .publicThread), in: channel)
      let inThread = try await rest.executeWebhook(
        hook.id, token: token, MessageBody(content: "d"), thread: thread.id)
      #expect(inThread.channelID == thread.id)
      try await rest.deleteWebhookMessage(sent.id, of: hook.id, token: token)
      await flow.expect(.unknownMessage) { _ = try await rest.message(sent.id, in: channel) }
      await flow.expect(.invalidWebhookToken) {
        _ = try await rest.executeWebhook(hook.id, token: Secret("wrong"), MessageBody(content: "x"))
      }
      // A webhook's wrong token says nothing of the bot's.
      try await rest.deleteWebhook(hook.id)
      await flow.expect(.unknownWebhook) { _ = try await rest.webhook(hook.id) }
    }
  }
}
