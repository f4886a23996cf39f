import Platform
import Testing

@testable import Gateway

private final class Desk {
  var requests = MemberRequests()
  var now = ContinuousClock.Instant.now
  private var last = 0

  func ask(
    _ query: MemberQuery = .all, guild: Snowflake = 1, within limit: Duration = .seconds(60), maximum: Int = 10_000
  ) -> (nonce: String, actions: [MemberRequests.Action]) {
    last += 1
    let request = MemberRequests.Request(
      nonce: "n\(last)", guild: guild, query: query, deadline: now.advanced(by: limit), limit: maximum)
    return ("n\(last)", requests.begin(request, at: now))
  }

  func chunk(
    _ nonce: String?, _ index: Int, of count: Int, guild: Snowflake = 1, members: Int = 1, notFound: [Snowflake] = []
  ) -> [MemberRequests.Action] {
    let user = User(id: Snowflake(rawValue: UInt64(max(0, index))), username: "u")
    return requests.received(
      GuildMembersChunk(
        guildID: guild, members: Array(repeating: Member(user: user), count: members), index: index, count: count,
        notFound: notFound, nonce: nonce))
  }

  func refuse(_ nonce: String?, guild: Snowflake? = 1, for duration: Duration) -> [MemberRequests.Action] {
    requests.rateLimited(
      GatewayRateLimited(opcode: 8, retryAfter: duration, guildID: guild, nonce: nonce), at: now)
  }

  func tick(after duration: Duration) -> [MemberRequests.Action] {
    now = now.advanced(by: duration)
    return requests.tick(at: now)
  }
}

@Suite struct MemberRequestTests {
  @Test func chunksAreCollectedInAnyOrder() {
    let desk = Desk()
    let (nonce, actions) = desk.ask()
    #expect(actions == [.send(nonce: nonce)])
    #expect(desk.chunk(nonce, 2, of: 3, notFound: [9]).isEmpty)
    #expect(desk.chunk(nonce, 0, of: 3, notFound: [9]).isEmpty)
    // The same one twice counts once.
    #expect(desk.chunk(nonce, 0, of: 3).isEmpty)
    guard case .finish(nonce, let list)? = desk.chunk(nonce, 1, of: 3).first else {
      Issue.record("not finished")
      return
    }
    #expect(list.members.compactMap(\.user?.id.rawValue).sorted() == [0, 1, 2])
    #expect(list.notFound == [9])
    #expect(desk.requests.isEmpty)
    #expect(desk.requests.nextTick == nil)
  }

  @Test func answersToOthersAreNone() {
    let desk = Desk()
    let (nonce, _) = desk.ask()
    #expect(desk.chunk(nil, 0, of: 1).isEmpty)
    #expect(desk.chunk("other", 0, of: 1).isEmpty)
    #expect(desk.chunk(nonce, 0, of: 1, guild: 2).isEmpty)
    #expect(desk.chunk(nonce, 1, of: 1).isEmpty)
    #expect(desk.chunk(nonce, -1, of: 1).isEmpty)
    #expect(desk.chunk(nonce, 0, of: 0).isEmpty)
    #expect(desk.chunk(nonce, 0, of: 1).count == 1)
  }

  @Test func aRequestEndsAtItsTimeLimit() {
    let desk = Desk()
    let (nonce, _) = desk.ask(within: .seconds(10))
    _ = desk.chunk(nonce, 0, of: 3)
    #expect(desk.tick(after: .seconds(9)).isEmpty)
    #expect(desk.tick(after: .seconds(1)) == [.fail(nonce: nonce, .timedOut(received: 1, of: 3))])
    #expect(desk.chunk(nonce, 1, of: 3).isEmpty)
  }

  @Test func aRefusedRequestIsSentAgainWhenDiscordTakesIt() {
    let desk = Desk()
    let (nonce, _) = desk.ask()
    #expect(desk.refuse(nonce, for: .seconds(20)).isEmpty)
    #expect(desk.requests.nextTick == desk.now.advanced(by: .seconds(20)))
    #expect(desk.tick(after: .seconds(19)).isEmpty)
    #expect(desk.tick(after: .seconds(1)) == [.send(nonce: nonce)])
    // The next request for all members of that guild does not even ask; others do.
    _ = desk.refuse(nonce, for: .seconds(20))
    #expect(desk.ask().actions.isEmpty)
    #expect(desk.ask(guild: 2).actions.count == 1)
    #expect(desk.ask(.users([5])).actions.count == 1)
  }

  @Test func aRefusalBeyondTheTimeLimitIsToldAtOnce() {
    let desk = Desk()
    let (nonce, _) = desk.ask(within: .seconds(10))
    #expect(
      desk.refuse(nonce, for: .seconds(20)) == [.fail(nonce: nonce, .rateLimited(retryAfter: .seconds(20)))])
    let (next, actions) = desk.ask(within: .seconds(10))
    #expect(actions == [.fail(nonce: next, .rateLimited(retryAfter: .seconds(20)))])
    #expect(desk.requests.isEmpty)
  }

  @Test func aRefusalWithoutANonceMeetsWhatIsUnanswered() {
    let desk = Desk()
    let (first, _) = desk.ask()
    let (other, _) = desk.ask(guild: 2)
    #expect(desk.refuse(nil, for: .seconds(5)).isEmpty)
    #expect(desk.tick(after: .seconds(5)) == [.send(nonce: first)])
    #expect(desk.chunk(other, 0, of: 1, guild: 2).count == 1)
    // Of another opcode: not ours.
    #expect(
      desk.requests.rateLimited(
        GatewayRateLimited(opcode: 31, retryAfter: .seconds(1), guildID: 1, nonce: first), at: desk.now
      ).isEmpty)
    #expect(desk.tick(after: .seconds(5)).isEmpty)
  }

  @Test func aLostSessionIsAskedAgainFromTheBeginning() {
    let desk = Desk()
    let (nonce, _) = desk.ask()
    let (other, _) = desk.ask(guild: 2)
    _ = desk.chunk(nonce, 0, of: 2)
    #expect(desk.requests.lost(at: desk.now) { $0 == 1 } == [.send(nonce: nonce)])
    #expect(desk.chunk(nonce, 1, of: 2).isEmpty)
    #expect(desk.chunk(nonce, 0, of: 2).count == 1)
    #expect(desk.chunk(other, 0, of: 1, guild: 2).count == 1)
  }

  @Test func moreMembersThanTheCallerTakesAreRefused() {
    let desk = Desk()
    let (nonce, _) = desk.ask(maximum: 1_500)
    #expect(desk.chunk(nonce, 0, of: 9, members: 1_000).isEmpty)
    #expect(desk.chunk(nonce, 1, of: 9, members: 1_000) == [.fail(nonce: nonce, .tooManyMembers(limit: 1_500))])
  }

  @Test func tooManyRequestsAreRefused() {
    let desk = Desk()
    for _ in 0..<MemberRequests.maximumRequests { _ = desk.ask(.users([1])) }
    let (nonce, actions) = desk.ask(.users([1]))
    #expect(actions == [.fail(nonce: nonce, .tooManyRequests)])
  }

  @Test(arguments: [
    (MemberQuery.all, #"{"guild_id":"1","nonce":"n","query":"","limit":0}"#),
    (.prefix("né", limit: 500), #"{"guild_id":"1","nonce":"n","query":"né","limit":100}"#),
    (.prefix("", limit: 0), #"{"guild_id":"1","nonce":"n","query":"","limit":1}"#),
    (.users([7, 8]), #"{"guild_id":"1","nonce":"n","user_ids":["7","8"]}"#),
  ])
  func aQueryIsWrittenAsDiscordWantsIt(query: MemberQuery, text: String) throws {
    #expect(query.json(guild: 1, nonce: "n") == (try JSON(parsing: text)))
  }
}

@Suite(.timeLimit(.minutes(1))) struct MemberRequesterTests {
  @Test func aRefusedRequestIsRepeatedByItself() async throws {
    let time = ManualTime()
    let requester = MemberRequester(time: time, random: ConstantRandom(value: 1))
    let sent = Inbox<String>()
    await requester.setSend { command, _ in
      if case .requestGuildMembers(_, _, let nonce) = command { sent.put([nonce]) }
    }
    let answer = Task { try await requester.members(of: 1, .all, limit: .seconds(60), maximum: 10) }
    let nonce = await sent.wait(for: 1)[0]
    #expect(nonce.utf8.count <= 32)
    await requester.rateLimited([
      GatewayRateLimited(opcode: 8, retryAfter: .seconds(30), guildID: 1, nonce: nonce)
    ])
    time.advance(by: .seconds(30))
    #expect(await sent.wait(for: 2) == [nonce, nonce])
    let member = Member(user: User(id: 5, username: "u"))
    await requester.received([GuildMembersChunk(guildID: 1, members: [member], index: 0, count: 1, nonce: nonce)])
    #expect(try await answer.value.members == [member])
  }

  @Test func aRequestThatNobodyAnswersEnds() async throws {
    let time = ManualTime()
    let requester = MemberRequester(time: time, random: ConstantRandom(value: 1))
    let sent = Inbox<Int>()
    await requester.setSend { _, _ in sent.put([1]) }
    let answer = Task { try await requester.members(of: 1, .users([1]), limit: .seconds(60), maximum: 10) }
    _ = await sent.wait(for: 1)
    await time.waitForSleepers()
    time.advance(by: .seconds(60))
    await #expect(throws: MemberRequestError.timedOut(received: 0, of: nil)) { try await answer.value }
  }

  @Test func whoWaitsHearsOfTheEnd() async throws {
    let requester = MemberRequester(time: ManualTime(), random: ConstantRandom(value: 1))
    let sent = Inbox<Int>()
    await requester.setSend { _, _ in sent.put([1]) }
    let answer = Task { try await requester.members(of: 1, .users([1]), limit: .seconds(60), maximum: 10) }
    _ = await sent.wait(for: 1)
    await requester.stop()
    await #expect(throws: GatewaySendError.stopped) { try await answer.value }
    await #expect(throws: GatewaySendError.stopped) {
      try await requester.members(of: 1, .users([1]), limit: .seconds(60), maximum: 10)
    }
  }

  @Test func whatCannotBeSentIsTold() async throws {
    let requester = MemberRequester(time: ManualTime(), random: ConstantRandom(value: 1))
    await requester.setSend { _, _ in throw GatewaySendError.noShard }
    await #expect(throws: GatewaySendError.noShard) {
      try await requester.members(of: 1, .all, limit: .seconds(60), maximum: 10)
    }
  }
}
