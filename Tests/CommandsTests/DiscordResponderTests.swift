import Gateway
import Platform
import Synchronization
import Testing

@testable import Commands

/// Answers and registration through the real REST client, with a script in place of the network.
struct DiscordResponderTests {
  private final class Network: RESTTransport {
    struct Exchange: Sendable {
      var method: String
      var url: String
      var body: JSON?
    }
    private let seen = Mutex<[Exchange]>([])
    private let answer: @Sendable () throws -> RESTResponse

    init(_ answer: @escaping @Sendable () throws -> RESTResponse) { self.answer = answer }

    var exchanges: [Exchange] { seen.withLock { $0 } }

    func send(_ request: RESTRequest) async throws -> RESTResponse {
      let body = try request.body.flatMap { $0.isEmpty ? nil : try JSON(parsing: $0) }
      seen.withLock { $0.append(Exchange(method: request.method.rawValue, url: request.url, body: body)) }
      return try answer()
    }
  }

  private static func client(_ network: Network) -> RESTClient {
    var configuration = RESTClient.Configuration(baseURL: "http://discord.test/api/v10", token: Secret("t"))
    configuration.maximumRetries = 0
    return RESTClient(configuration: configuration, transport: network, log: .silent, metrics: Metrics())
  }

  private static let message = """
    {"id": "55", "channel_id": "3", "author": {"id": "2", "username": "bot"}, "content": "",
     "timestamp": "2024-01-01T00:00:00.000000+00:00", "type": 0}
    """

  private static func handle() throws -> InteractionHandle { InteractionHandle(try Sent.command("ping")) }

  @Test func eachCallGoesWhereDiscordExpectsIt() async throws {
    let network = Network { RESTResponse(status: 200, body: Array(Self.message.utf8)) }
    let responder = DiscordResponder(client: Self.client(network))
    let handle = try Self.handle()
    try await responder.respond(to: handle, with: .deferredMessage(isEphemeral: true))
    try await responder.edit(.original, of: handle, to: MessageBody(content: "a"))
    try await responder.edit(.message(55), of: handle, to: MessageBody(content: "b"))
    try await responder.delete(.original, of: handle)
    try await responder.delete(.message(55), of: handle)
    #expect(try await responder.followUp(handle, with: MessageBody(content: "c")) == 55)
    #expect(
      network.exchanges.map { "\($0.method) \($0.url.dropFirst("http://discord.test/api/v10".count))" } == [
        "POST /interactions/1/secret-token/callback",
        "PATCH /webhooks/2/secret-token/messages/@original",
        "PATCH /webhooks/2/secret-token/messages/55",
        "DELETE /webhooks/2/secret-token/messages/@original",
        "DELETE /webhooks/2/secret-token/messages/55",
        "POST /webhooks/2/secret-token?wait=true",
      ])
    #expect(network.exchanges.first?.body == ["type": 5, "data": ["flags": 64]])
    #expect(network.exchanges.last?.body == ["content": "c"])
  }

  private static let refusals: [(status: Int, code: Int, failure: ReplyFailure)] = [
    (404, 10_062, .gone("m")), (404, 10_015, .gone("m")), (401, 50_027, .gone("m")), (404, 0, .gone("m")),
    (404, 10_008, .messageGone), (400, 40_060, .alreadyAnswered),
    (400, 50_035, .rejected("POST /interactions/{}/{}/callback: 400, code 50035: m")),
  ]

  @Test(arguments: refusals)
  func aRefusalIsToldByItsCode(status: Int, code: Int, failure: ReplyFailure) async throws {
    let network = Network {
      RESTResponse(status: status, body: Array(#"{"code": \#(code), "message": "m"}"#.utf8))
    }
    let handle = try Self.handle()
    let error = await #expect(throws: ReplyFailure.self) {
      try await DiscordResponder(client: Self.client(network)).respond(to: handle, with: .pong)
    }
    switch (error, failure) {
    case (.rejected(let text), .rejected): #expect(text.contains("\(code)") && text.contains("m"))
    default: #expect(error == failure)
    }
  }

  @Test(arguments: [true, false])
  func aLostConnectionIsUncertainOnlyIfSomethingLeft(mayHaveBeenSent: Bool) async throws {
    let network = Network { throw RESTTransportError("cut", requestMayHaveBeenSent: mayHaveBeenSent) }
    let handle = try Self.handle()
    let error = await #expect(throws: ReplyFailure.self) {
      try await DiscordResponder(client: Self.client(network)).respond(to: handle, with: .pong)
    }
    switch error {
    case .uncertain: #expect(mayHaveBeenSent)
    case .rejected: #expect(!mayHaveBeenSent)
    default: #expect(Bool(false), "\(String(describing: error))")
    }
  }

  @Test func commandsAreReadWithTheirLocalizationsAndWrittenAsAWhole() async throws {
    let network = Network {
      RESTResponse(
        status: 200,
        body: Array(
          """
          [{"id": "1", "application_id": "2", "version": "3", "default_member_permissions": "32", "type": 1,
            "name": "pay", "description": "Send coins", "name_localizations": {"de": "zahle"}}]
          """.utf8))
    }
    let store = DiscordCommandStore(client: Self.client(network), application: 2)
    let held = try await store.commands(in: .global)
    #expect(held.map(\.nameLocalizations) == [["de": "zahle"]])
    #expect(held.map(\.defaultMemberPermissions) == [.manageGuild])
    try await store.overwrite([ApplicationCommandDefinition(name: "pay", description: "d")], in: .guild(9))
    #expect(
      network.exchanges.map { "\($0.method) \($0.url.dropFirst("http://discord.test/api/v10".count))" } == [
        "GET /applications/2/commands?with_localizations=true", "PUT /applications/2/guilds/9/commands",
      ])
    #expect(network.exchanges.last?.body == [["type": 1, "name": "pay", "description": "d"]])
  }
}
