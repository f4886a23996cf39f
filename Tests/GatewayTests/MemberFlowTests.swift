import Platform
import Sandbox
import Testing

@testable import Gateway

/// Commands to the gateway, over real sockets against the sandbox.
@Suite(.timeLimit(.minutes(2))) struct GatewayCommandFlowTests {
  private let guild = Snowflake(rawValue: 900_000_000_000_000_001)

  private func client(_ rig: SandboxRig, intents: Intents = [.guilds, .guildMembers]) async throws -> GatewayClient {
    let client = rig.client(intents: intents)
    try await client.start()
    _ = await rig.states.wait(for: 1)
    return client
  }

  @Test func allMembersComeInChunks() async throws {
    let rig = try await SandboxRig { $0.extraMembers = 2_345 }
    let client = try await client(rig)
    let list = try await client.members(of: guild, .all)
    #expect(Set(list.members.compactMap(\.user?.id)).count == 2_349)
    #expect(list.notFound.isEmpty)
    // Again within 30 seconds: Discord's refusal reaches the caller if its limit is shorter.
    await #expect {
      _ = try await client.members(of: guild, .all, limit: .seconds(20))
    } throws: { error in
      guard case .rateLimited(let retryAfter)? = error as? MemberRequestError else { return false }
      return retryAfter > .seconds(20) && retryAfter <= .seconds(30)
    }
    await rig.end(client)
  }

  @Test func membersAreFoundByNameAndByID() async throws {
    let rig = try await SandboxRig { $0.extraMembers = 250 }
    let client = try await client(rig, intents: [.guilds])
    let named = try await client.members(of: guild, .prefix("nad"))
    #expect(named.members.map(\.user?.id.rawValue) == [100_000_000_000_000_003])
    // More than a hundred are asked for in parts.
    let known = (0..<250).map { Snowflake(rawValue: 100_000_000_000_001_000 + UInt64($0)) }
    let list = try await client.members(of: guild, .users(known + [5, 6]))
    #expect(Set(list.members.compactMap(\.user?.id)) == Set(known))
    #expect(list.notFound == [5, 6])
    #expect(try await client.members(of: guild, .users([])) == MemberList())
    await #expect(throws: MemberRequestError.missingIntent) { try await client.members(of: guild, .all) }
    await #expect(throws: GatewaySendError.self) {
      try await client.members(of: guild, .prefix(String(repeating: "x", count: 5_000)))
    }
    await rig.end(client)
  }

  @Test func aCancelledRequestEndsAtOnce() async throws {
    let rig = try await SandboxRig()
    let client = try await client(rig)
    // No guild of this bot: Discord does not answer.
    let request = Task { try await client.members(of: 4_194_304, .users([1])) }
    await Task.yield()
    request.cancel()
    await #expect(throws: CancellationError.self) { try await request.value }
    await rig.end(client)
  }

  @Test func thePresenceIsShownAndKeptOverSessions() async throws {
    let rig = try await SandboxRig()
    let client = try await client(rig)
    func shown() async throws -> JSON? {
      try await rig.control(.get, "/sessions").array?.first { $0["connected"] == true }?["presence"]
    }
    #expect(try await shown()?["status"] == "online")
    try await client.setPresence(Presence(status: .idle, activity: "with fire"))
    try await eventually { try await shown()?["status"] == "idle" }
    #expect(try await shown()?["activities"]?[0]?["name"] == "with fire")
    let bytes = String(repeating: "é", count: 3_000)
    await #expect(throws: GatewaySendError.self) { try await client.setPresence(Presence(activity: bytes)) }
    // The next session begins with it.
    rig.time.advance(by: .seconds(6))
    try await rig.fault(["action": "invalidate", "resumable": false])
    _ = await rig.states.wait(for: 3)
    #expect(try await shown()?["status"] == "idle")
    await rig.end(client)
  }

  @Test func theStatusOfAShardTellsItsStory() async throws {
    let rig = try await SandboxRig()
    let client = try await client(rig)
    let first = try #require(client.shardStatus.first)
    #expect(first.state == .ready)
    #expect(first.lastDisconnection == nil)
    #expect(first.disconnections == 0)
    let since = try #require(first.sessionSince)
    try await rig.fault(["action": "close", "code": 4000])
    _ = await rig.states.wait(for: 3)
    let second = try #require(client.shardStatus.first)
    #expect(second.state == .ready)
    #expect(second.lastDisconnection?.code == .unknownError)
    #expect(second.disconnections == 1)
    #expect(second.sessionSince == since)
    rig.time.advance(by: .seconds(6))
    try await rig.fault(["action": "close", "code": 4009])
    _ = await rig.states.wait(for: 5)
    #expect(try #require(client.shardStatus.first?.sessionSince) > since)
    await rig.end(client)
    #expect(client.shardStatus.isEmpty)
  }
}
