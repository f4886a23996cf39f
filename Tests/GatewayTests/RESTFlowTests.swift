import Platform
import Sandbox
import Testing

@testable import Gateway

/// The real REST client against the sandbox's faults, over real sockets.
@Suite(.timeLimit(.minutes(2))) struct RESTFlowTests {
  private static let channel: Snowflake = 900_000_000_000_000_011

  private static func texts(_ rig: SandboxRig) async throws -> [String] {
    let all = try await rig.control(.get, "/messages?channel=\(channel)").array ?? []
    return all.compactMap { $0["content"]?.string }
  }

  private static func send(_ text: String, _ rest: RESTClient) async throws {
    _ = try await rest.createMessage(MessageBody(content: text), in: channel)
  }

  @Test(arguments: ["user", "global", "shared"])
  func a429IsWaitedOutWhateverItsScope(scope: String) async throws {
    let rig = try await SandboxRig()
    let rest = rig.rest()
    try await rig.control(
      .post, "/faults/rest", ["status": 429, "scope": .string(scope), "retryAfter": 60, "count": 2])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...4 { group.addTask { try await Self.send("\(number)", rest) } }
      try await group.waitForAll()
    }
    #expect(try await Self.texts(rig).sorted() == ["1", "2", "3", "4"])
    #expect(rig.metrics.render().contains("discord_rest_rate_limits_total{scope=\"\(scope)\"} 2"))
    await rig.end()
  }

  @Test func aBurstOfServerErrorsIsRiddenOutOrToldAsItIs() async throws {
    let rig = try await SandboxRig()
    let rest = rig.rest()
    try await rig.control(.post, "/faults/rest", ["status": 503, "count": 2])
    try await Self.send("after the burst", rest)
    try await rig.control(.post, "/faults/rest", ["status": 500, "count": 100, "path": "/users/@me"])
    let error = await #expect(throws: DiscordError.self) { _ = try await rest.currentUser() }
    guard case .refused(let refusal) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(refusal.status == 500)
    try await rig.control(.delete, "/faults")
    #expect(try await rest.currentUser().isBot)
    #expect(try await Self.texts(rig) == ["after the burst"])
    await rig.end()
  }

  @Test func aMessageWhoseConnectionIsCutIsSentOnce() async throws {
    let rig = try await SandboxRig()
    let rest = rig.rest()
    try await rig.control(.post, "/faults/rest", ["cut": true, "count": 2, "method": "POST"])
    try await Self.send("once", rest)
    #expect(try await Self.texts(rig) == ["once"])
    await rig.end()
  }

  @Test func aMessageThatArrivedThoughItsAnswerDidNotIsSentOnce() async throws {
    let rig = try await SandboxRig()
    let rest = rig.rest(timeouts: .init(connect: .seconds(10), total: .seconds(3), idle: .seconds(15)))
    // The sandbox posts the message and keeps the answer to itself.
    try await rig.control(.post, "/faults/rest", ["delay": 60_000, "method": "POST", "path": "/channels"])
    try await Self.send("once", rest)
    #expect(try await rig.requests("/channels").count >= 2)
    #expect(try await Self.texts(rig) == ["once"])
    await rig.end()
  }

  @Test func aPostWithoutANonceIsNotRepeated() async throws {
    let rig = try await SandboxRig()
    let rest = rig.rest()
    try await rig.control(.post, "/faults/rest", ["cut": true, "method": "POST"])
    let route = try Route(.post, "/channels/\(channel: Self.channel)/messages").with(["content": "x"])
    let error = await #expect(throws: DiscordError.self) { try await rest.send(route) }
    guard case .network(_, _, requestMayHaveBeenSent: true) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try await Self.texts(rig) == [])
    // Its bucket goes on.
    try await rest.send(route)
    #expect(try await Self.texts(rig) == ["x"])
    await rig.end()
  }

  @Test func faultsLeaveNoBucketStuck() async throws {
    let rig = try await SandboxRig()
    let rest = rig.rest(timeouts: .init(connect: .seconds(10), total: .seconds(30), idle: .seconds(15)))
    let faults: [JSON] = [
      ["status": 429, "scope": "user", "retryAfter": 40], ["status": 503], ["cut": true], ["delay": 30],
      ["status": 429, "scope": "global", "retryAfter": 30], ["status": 502], ["cut": true],
      ["status": 429, "scope": "shared", "retryAfter": 20], ["status": 400], ["status": 404],
    ]
    for fault in faults { try await rig.control(.post, "/faults/rest", fault) }
    let outcomes = await withTaskGroup(of: Bool.self) { group in
      for number in 1...12 {
        group.addTask {
          do {
            try await Self.send("\(number)", rest)
            return true
          } catch let error as DiscordError {
            if case .refused(let refusal) = error {
              #expect([400, 404].contains(refusal.status))
            } else {
              Issue.record(error)
            }
            return false
          } catch {
            Issue.record(error)
            return false
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.filter { !$0 }.count == 2, "the 400 and the 404 are answers")
    try await Self.send("last", rest)
    #expect(try await Self.texts(rig).count == 11)
    await rig.end()
  }

  @Test func anInteractionDoesNotWaitForALimitLongerThanItLives() async throws {
    let rig = try await SandboxRig()
    let rest = rig.rest()
    try await rig.control(
      .post, "/faults/rest", ["status": 429, "scope": "user", "retryAfter": 20_000, "path": "/interactions"])
    let error = await #expect(throws: DiscordError.self) {
      try await rest.respond(to: 1, token: Secret("t"), with: .message(MessageBody(content: "late")))
    }
    guard case .rateLimited(_, let retryAfter) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(retryAfter > .seconds(15))
    #expect(try await rig.requests("/interactions").count == 1)
    await rig.end()
  }
}
