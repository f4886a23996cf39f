import Gateway
import Platform
import Synchronization
import Testing

@testable import Commands

struct InteractionEndpointTests {
  private struct Work: SlashCommand {
    static let name = "work", summary = "Does what the test says"
    func run(in context: CommandContext<Bench>) async throws -> Reply { try await context.services.run(context) }
  }

  /// Discord's side: signs what it sends.
  private struct Rig {
    let bench: RouterBench
    let endpoint: InteractionEndpoint
    let key: Ed25519.PrivateKey

    init(_ run: @escaping @Sendable (CommandContext<Bench>) async throws -> Reply = { _ in "done" }) throws {
      bench = try RouterBench([SamplePlugin.with([Work.self], services: Bench(run: run))])
      key = try Ed25519.PrivateKey()
      endpoint = try InteractionEndpoint(
        publicKey: Hex.encode(key.publicKeyBytes()), router: bench.router, responder: bench.responder, time: bench.time,
        metrics: bench.metrics, log: .silent)
    }

    func send(
      _ body: String, age: Int64 = 0, signing signed: String? = nil, mangle: (inout [UInt8]) -> Void = { _ in }
    ) async throws -> InteractionEndpoint.Response {
      let timestamp = String(bench.time.timestamp.milliseconds / 1_000 - age)
      var signature = try key.sign(Array((timestamp + (signed ?? body)).utf8))
      mangle(&signature)
      return await endpoint.handle(
        signature: Hex.encode(signature), timestamp: timestamp, body: Array(body.utf8))
    }
  }

  private static let ping = #"{"id": "9", "application_id": "2", "type": 1, "token": "t", "version": 1}"#

  private static func command(id: Int = 1) -> String {
    """
    {"id": "\(id)", "application_id": "2", "type": 2, "token": "t", "version": 1, "guild_id": "\(Sent.guild)",
     "member": {"user": \(Sent.user), "roles": [], "joined_at": "2024-01-01T00:00:00Z", "permissions": "0"},
     "channel_id": "3", "data": {"id": "4", "name": "work", "type": 1}}
    """
  }

  @Test func aPingIsAnswered() async throws {
    let rig = try Rig()
    for _ in 0..<2 {
      let response = try await rig.send(Self.ping)
      #expect(response.status == 200)
      #expect(try JSON(parsing: response.body) == ["type": 1])
    }
  }

  @Test(arguments: [(0, 200), (300, 200), (301, 401), (-300, 200), (-301, 401)])
  func theSignedTimeHasAWindow(age: Int64, status: Int) async throws {
    #expect(try await Rig().send(Self.ping, age: age).status == status)
  }

  @Test func whatIsNotSignedIsRefused() async throws {
    let rig = try Rig()
    #expect(try await rig.send(Self.ping, signing: Self.ping + " ").status == 401)
    #expect(try await rig.send(Self.ping, mangle: { $0[5] ^= 1 }).status == 401)
    #expect(try await rig.send(Self.ping, mangle: { $0.removeLast() }).status == 401)
    let now = String(rig.bench.time.timestamp.milliseconds / 1_000)
    let body = Array(Self.ping.utf8)
    let signature = Hex.encode(try rig.key.sign(Array((now + Self.ping).utf8)))
    for (signature, timestamp) in [
      (nil, now), (signature, nil), ("zz", now), ("", now), (signature, ""), (signature, "-5"), (signature, "1e9"),
      (signature, "99999999999999999999"), (signature, " " + now),
    ] as [(String?, String?)] {
      #expect(await rig.endpoint.handle(signature: signature, timestamp: timestamp, body: body).status == 401)
    }
    #expect(await rig.endpoint.handle(signature: signature, timestamp: now, body: body).status == 200)
    #expect(rig.bench.metrics.render().contains(#"adjutant_http_interactions_total{result="unsigned"} 12"#))
  }

  @Test func theFirstAnswerIsTheResponseAndTheRestGoesToDiscord() async throws {
    let rig = try Rig { context in
      try await context.followUp("more")
      return "done"
    }
    let response = try await rig.send(Self.command())
    #expect(response.status == 200)
    let json = try JSON(parsing: response.body)
    #expect(json["type"] == 4)
    #expect(json["data"]?["content"] == "done")
    await rig.bench.responder.waitForCalls(1)
    #expect(rig.bench.responder.calls == ["followUp more"])
  }

  @Test func aSlowCommandIsDeferredInTheResponse() async throws {
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let rig = try Rig { _ in
      for await _ in gate {}
      return "late"
    }
    async let response = rig.send(Self.command())
    await rig.bench.time.waitForSleepers(2)
    rig.bench.time.advance(by: .seconds(2))
    #expect(try JSON(parsing: try await response.body) == ["type": 5])
    open.finish()
    await rig.bench.responder.waitForCalls(1)
    #expect(rig.bench.responder.calls == ["edit late"])
  }

  @Test func filesGoToDiscordByThemselves() async throws {
    let rig = try Rig { _ in
      Reply("with file", files: [FileUpload(name: "a.txt", contentType: "text/plain", bytes: [1])])
    }
    #expect(try await rig.send(Self.command()) == InteractionEndpoint.Response(status: 202, body: []))
    await rig.bench.responder.waitForCalls(1)
    #expect(rig.bench.responder.calls == ["message with file"])
  }

  @Test func whatCannotBeReadIsToldSo() async throws {
    let rig = try Rig()
    for body in ["", "{", "[]", "{}", #"{"id": 5}"#] { #expect(try await rig.send(body).status == 400) }
  }

  @Test func theSameInteractionIsTakenOnce() async throws {
    let count = Mutex(0)
    let rig = try Rig { _ in
      count.withLock { $0 += 1 }
      return "done"
    }
    #expect(try await rig.send(Self.command()).status == 200)
    #expect(try await rig.send(Self.command()).status == 409)
    #expect(try await rig.send(Self.command(id: 2)).status == 200)
    #expect(count.withLock { $0 } == 2)
  }

  @Test func aKeyThatIsNoneIsRefused() throws {
    let rig = try Rig()
    for key in ["", "00", String(repeating: "z", count: 64)] {
      #expect(throws: CryptoError.invalidKey) {
        try InteractionEndpoint(
          publicKey: key, router: rig.bench.router, responder: rig.bench.responder, metrics: Metrics(), log: .silent)
      }
    }
  }
}
