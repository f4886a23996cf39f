import Platform
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2))) struct GatewaySocketTests {
  @Test(arguments: [UInt16?.none, 4000])
  func aShardLivesThroughARealSocket(code: UInt16?) async throws {
    let rig = try await HostileRig(.zlibStream, splitsMessages: true)
    _ = await rig.server.tell { messageEvent($0) }
    #expect(await rig.messages.wait(for: 1).map(\.sequence) == [2])
    if let code { rig.server.close(code) } else { rig.server.cut() }
    #expect(await rig.states.wait(for: 3) == ["ready", "disconnected", "resumed"])
    _ = await rig.server.tell { messageEvent($0) }
    #expect(await rig.messages.wait(for: 2).map(\.sequence) == [2, 4])
    #expect(
      rig.server.paths.items == [
        "/?v=10&encoding=json&compress=zlib-stream", "/resume?v=10&encoding=json&compress=zlib-stream",
      ])
    // The heart beats and is answered.
    try await eventually { rig.client.latency != nil }
    await rig.client.stop(saving: true)
    #expect(await rig.server.closes.wait(for: 1).last?.code == WebSocketCloseCode(rawValue: 4900))
    #expect(await rig.sessions.load(shard: ShardID(0, of: 1))?.sequence == 4)
    await rig.server.stop()
  }

  @Test(arguments: [GatewayCompression.none, .zlibStream])
  func aConnectionMayEndBehindAnyByteOfAFrame(compression: GatewayCompression) async throws {
    let rig = try await HostileRig(compression, isQuick: true)
    var (place, size) = (0, 0)
    repeat {
      size = await rig.server.tell(cutAt: place) { messageEvent($0) }
      place += 1
      #expect(await rig.states.wait(for: 1 + 2 * place).suffix(2) == ["disconnected", "resumed"])
      #expect(await rig.messages.wait(for: place).count == place)
    } while place <= size
    #expect(place > 15)
    // Each came once: as a whole, or with the resume that followed.
    let numbers = rig.messages.items.map(\.sequence)
    #expect(numbers == numbers.sorted())
    #expect(Set(numbers).count == place)
    #expect(rig.server.received.items.count { $0["op"] == 2 } == 1)
    await rig.end()
  }

  @Test func aHostWithoutAnAddressIsTriedAgainAndSaidOnce() async throws {
    let states = Inbox<String>()
    let sink = MemoryLogSink(level: .info)
    let client = HostileRig.client(
      url: "wss://\(String(repeating: "x", count: 64)).invalid", .none, isQuick: true, states: states,
      log: Log(label: "", sink: sink), metrics: Metrics())
    try await client.start()
    #expect(await states.wait(for: 5) == Array(repeating: "disconnected", count: 5))
    await client.stop(saving: false)
    let warnings = sink.records.filter { $0.message == "the gateway cannot be reached" }
    #expect(warnings.count == 1)
    #expect(warnings.first?.fields.contains { "\($0.value)".contains("resolve") } == true)
  }
}
