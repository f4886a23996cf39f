import Platform
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2))) struct HeartbeatTests {
  /// Heartbeats need none of the threads that handlers run on: here all of those are taken until five have come.
  @Test func heartbeatsGoOnWhileHandlersBurnEveryThread() async throws {
    let server = try HostileServer(.none)
    // More than one, for a machine so busy that a connection looks dead in between.
    server.prepare(Array(repeating: .hello(#"{"op":10,"d":{"heartbeat_interval":100}}"#), count: 50))
    try await server.start()
    let bot =
      #"{"url":"\#(server.url)","shards":1,"session_start_limit":{"total":9,"remaining":9,"reset_after":1,"max_concurrency":1}}"#
    let states = Inbox<String>()
    let client = GatewayClient(
      configuration: GatewayClient.Configuration(token: Secret("abc"), intents: [.guilds], compression: .none),
      rest: RESTClient(
        configuration: RESTClient.Configuration(token: Secret("abc")),
        transport: ScriptedTransport([.response(200, [:], bot)]), log: .silent, metrics: Metrics()),
      connector: WebSocketConnector(), log: .silent, metrics: Metrics(),
      onState: { if case .ready = $0 { states.put(["ready"]) } })
    try await client.start()
    _ = await states.wait(for: 1)
    let enough = server.heartbeatCount + 5
    let limit = ContinuousClock.now.advanced(by: .seconds(60))
    await withTaskGroup(of: Void.self) { group in
      // More than there are threads, and none of them ever waits.
      for _ in 0..<16 {
        group.addTask {
          var value: UInt64 = 1
          while server.heartbeatCount < enough, ContinuousClock.now < limit {
            for _ in 0..<10_000 { value = value &* 6_364_136_223_846_793_005 &+ 1 }
          }
          #expect(value != 0)
        }
      }
    }
    #expect(server.heartbeatCount >= enough)
    await client.stop(saving: false)
    await server.stop()
  }
}
