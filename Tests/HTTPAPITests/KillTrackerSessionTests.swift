import Core
import Platform
import Testing

@testable import HTTPAPI

/// The Kill Tracker's WebSocket without a socket.
struct KillTrackerSessionTests {
  private let start = HubMoment(.now, Timestamp(seconds: 1_700_000_000))
  private static let me = UserID(rawValue: 7)
  private static let guild = GuildID(rawValue: 9)
  private static let auth = Array(#"{"type":"auth","token":"abc"}"#.utf8)

  private func after(_ seconds: Double) -> HubMoment {
    HubMoment(start.instant.advanced(by: .seconds(seconds)), start.timestamp + .seconds(seconds))
  }

  private static func event(_ audience: HubAudience = .everybody) -> KillTrackerEvent {
    KillTrackerEvent(.killCreated, data: ["kill": ["id": "1"]], audience: audience)
  }

  /// A session that knows who listens.
  private func known(_ viewer: HubViewer = HubViewer(user: me)) -> KillTrackerSession {
    var session = KillTrackerSession(at: start)
    #expect(session.handle(.text(Self.auth), at: start) == [.ask(Secret("abc"))])
    #expect(session.handle(.answer(.viewer(viewer)), at: start) == [])
    return session
  }

  private func code(_ actions: [HubAction<Secret<String>>]) -> Int? {
    guard actions.count == 1, case .close(let close) = actions[0] else { return nil }
    return Int(close.code.rawValue)
  }

  @Test func theMessageIsThatOfTheDocument() throws {
    let event = KillTrackerEvent(
      .killCreated,
      data: ["kill": ["id": "kill_id", "killer": "killer_name", "victim": "victim_name", "weapon": "Laser Cannon"]],
      audience: .everybody)
    let text =
      #"{"type":"kill.created","data":{"kill":{"id":"kill_id","killer":"killer_name","victim":"victim_name","#
      + #""weapon":"Laser Cannon"}}}"#
    #expect(event.frame == .text(text))
    #expect(
      KillTrackerEvent.Name.allCases.map(\.rawValue) == [
        "kill.created", "kill.updated", "kill.deleted", "user.joined", "user.left", "server.updated",
        "bot.status_changed",
      ])
  }

  @Test func authenticationComesWithinTenSecondsOrTheConnectionCloses() {
    var session = KillTrackerSession(at: start)
    #expect(session.handle(.opened, at: start) == [])
    #expect(session.deadline == after(10).instant)
    #expect(session.handle(.timeUp, at: after(9.9)) == [])
    #expect(code(session.handle(.timeUp, at: after(10))) == 4408)
    #expect(session.deadline == nil)
    #expect(session.handle(.text(Self.auth), at: after(10)) == [])
  }

  @Test func aCheckThatTakesTooLongCountsAsNoAuthentication() {
    var session = KillTrackerSession(at: start)
    _ = session.handle(.text(Self.auth), at: after(9))
    #expect(session.deadline == after(10).instant)
    #expect(code(session.handle(.timeUp, at: after(10))) == 4408)
    #expect(session.handle(.answer(.viewer(HubViewer(user: Self.me))), at: after(11)) == [])
    #expect(session.viewer == nil)
  }

  @Test(arguments: [
    ("", 4400), ("[]", 4400), ("{", 4400), (#"{"type":7}"#, 4400), (#"{"token":"abc"}"#, 4400),
    (#"{"type":"subscribe"}"#, 4401), (#"{"type":"auth"}"#, 4401), (#"{"type":"auth","token":7}"#, 4401),
    (#"{"type":"auth","token":""}"#, 4401), (#"{"type":"auth","token":"a b"}"#, 4401),
    (#"{"type":"auth","token":"\u0000"}"#, 4401),
    (#"{"type":"auth","token":""# + String(repeating: "a", count: 8_193) + "\"}", 4401),
  ])
  func whatIsNoAuthenticationCloses(_ text: String, _ expected: Int) {
    var session = KillTrackerSession(at: start)
    #expect(code(session.handle(.text(Array(text.utf8)), at: start)) == expected)
  }

  @Test func binaryMessagesClose() {
    var session = known()
    #expect(code(session.handle(.binary, at: start)) == 1003)
  }

  @Test(arguments: [
    (KillTrackerSession.Answer.refused, 4401), (.forbidden("no"), 4403), (.unavailable, 1013),
    (.viewer(HubViewer(user: me, expiresAt: Timestamp(seconds: 1_700_000_000))), 4401),
  ])
  func aTokenThatIsNotTakenCloses(_ answer: KillTrackerSession.Answer, _ expected: Int) {
    var session = KillTrackerSession(at: start)
    _ = session.handle(.text(Self.auth), at: start)
    #expect(code(session.handle(.answer(answer), at: start)) == expected)
    #expect(session.take(Self.event()) == .ignore)
  }

  @Test func nothingIsSeenBeforeAuthentication() {
    var session = KillTrackerSession(at: start)
    #expect(session.take(Self.event()) == .ignore)
    #expect(session.handle(.text(Self.auth), at: start) == [.ask(Secret("abc"))])
    #expect(session.handle(.answer(.viewer(HubViewer(user: Self.me))), at: start) == [])
    #expect(session.take(Self.event()) == .send)
  }

  @Test func whatHappensWhileTheTokenIsCheckedIsNotLost() {
    var session = KillTrackerSession(at: start)
    _ = session.handle(.text(Self.auth), at: start)
    let mine = Self.event(HubAudience(users: [Self.me]))
    #expect(session.take(mine) == .ignore)
    #expect(session.take(Self.event(HubAudience(users: [UserID(rawValue: 8)]))) == .ignore)
    #expect(session.handle(.answer(.viewer(HubViewer(user: Self.me))), at: start) == [.send(mine.frame)])
  }

  @Test func onlyTheLatestOfTooManyAreKeptMeanwhile() {
    var session = KillTrackerSession(at: start)
    _ = session.handle(.text(Self.auth), at: start)
    for number in 0..<100 {
      _ = session.take(KillTrackerEvent(.killCreated, data: .integer(Int64(number)), audience: .everybody))
    }
    let actions = session.handle(.answer(.viewer(HubViewer(user: Self.me))), at: start)
    #expect(actions.count == KillTrackerSession.heldEvents)
    #expect(actions.last == .send(.text(#"{"type":"kill.created","data":99}"#)))
  }

  @Test(arguments: [
    (HubAudience.everybody, HubViewer(user: nil), true),
    (HubAudience(users: [me]), HubViewer(user: me), true),
    (HubAudience(users: [me]), HubViewer(user: UserID(rawValue: 8)), false),
    (HubAudience(users: [me]), HubViewer(user: nil), false),
    (HubAudience(users: [me]), HubViewer(user: UserID(rawValue: 8), isAdmin: true), true),
    (HubAudience(guild: guild), HubViewer(user: me, managedGuilds: [guild]), true),
    (HubAudience(guild: guild), HubViewer(user: me, managedGuilds: [GuildID(rawValue: 10)]), false),
    (HubAudience(), HubViewer(user: me, managedGuilds: [guild]), false),
  ])
  func eventsGoToThoseWhomTheyConcern(_ audience: HubAudience, _ viewer: HubViewer, _ sees: Bool) {
    var session = known(viewer)
    #expect(session.take(Self.event(audience)) == (sees ? .send : .ignore))
  }

  @Test func theEndOfATokenCloses() {
    var session = known(HubViewer(user: Self.me, expiresAt: start.timestamp + .seconds(20)))
    #expect(session.deadline == after(20).instant)
    #expect(session.handle(.timeUp, at: after(19.9)) == [])
    #expect(code(session.handle(.timeUp, at: after(20))) == 4401)
  }

  @Test func aTokenIsCheckedAgainAndClosesWhenItIsRevoked() {
    var session = known()
    #expect(session.deadline == after(30).instant)
    #expect(session.handle(.timeUp, at: after(30)) == [.ask(Secret("abc"))])
    // Not twice while the first check is under way.
    _ = session.handle(.control, at: after(59))
    #expect(session.handle(.timeUp, at: after(60)) == [.ping])
    #expect(session.handle(.answer(.viewer(HubViewer(user: Self.me))), at: after(61)) == [])
    #expect(session.handle(.timeUp, at: after(91)) == [.ask(Secret("abc"))])
    #expect(code(session.handle(.answer(.refused), at: after(91))) == 4401)
  }

  @Test func aTokenThatCannotBeCheckedIsBelievedForFiveMinutes() {
    var session = known()
    var moment = after(30)
    for second in stride(from: 30.0, to: 300, by: 30) {
      moment = after(second)
      _ = session.handle(.control, at: moment)
      #expect(session.handle(.timeUp, at: moment).contains(.ask(Secret("abc"))))
      #expect(session.handle(.answer(.unavailable), at: moment) == [])
    }
    _ = session.handle(.control, at: after(300))
    _ = session.handle(.timeUp, at: after(300))
    #expect(code(session.handle(.answer(.unavailable), at: after(300))) == 1013)
  }

  @Test func anotherTokenTakesThePlaceOfTheFirst() {
    var session = known(HubViewer(user: Self.me, expiresAt: start.timestamp + .seconds(20)))
    let second = Array(#"{"type":"auth","token":"def"}"#.utf8)
    #expect(session.handle(.text(second), at: after(5)) == [.ask(Secret("def"))])
    // The first counts until the second is known.
    #expect(session.viewer?.user == Self.me)
    #expect(session.handle(.answer(.viewer(HubViewer(user: UserID(rawValue: 8)))), at: after(6)) == [])
    #expect(session.viewer?.user == UserID(rawValue: 8))
    #expect(session.handle(.timeUp, at: after(20)) == [])
    #expect(session.handle(.timeUp, at: after(36)) == [.ask(Secret("def"))])
  }

  @Test func aNewTokenReplacesACheckOfTheOldOneButNotOfAnotherNewOne() {
    var session = known()
    #expect(session.handle(.timeUp, at: after(30)) == [.ask(Secret("abc"))])
    let second = Array(#"{"type":"auth","token":"def"}"#.utf8)
    #expect(session.handle(.text(second), at: after(30)) == [.ask(Secret("def"))])
    #expect(code(session.handle(.text(Self.auth), at: after(30))) == 4400)
  }

  @Test func aNewTokenThatIsWorthlessOrCannotBeCheckedCloses() {
    for (answer, expected) in [(KillTrackerSession.Answer.refused, 4401), (.unavailable, 1013)] {
      var session = known()
      _ = session.handle(.text(Array(#"{"type":"auth","token":"def"}"#.utf8)), at: start)
      #expect(code(session.handle(.answer(answer), at: start)) == expected)
    }
  }

  @Test func otherMessagesAreIgnoredButCounted() {
    var session = known()
    for _ in 1..<KillTrackerSession.messageLimit {
      #expect(session.handle(.text(Array(#"{"type":"x"}"#.utf8)), at: start) == [])
    }
    #expect(code(session.handle(.text(Array(#"{"type":"x"}"#.utf8)), at: after(9.9))) == 4429)
    var patient = known()
    for second in 0..<100 {
      #expect(patient.handle(.text(Array(#"{"type":"x"}"#.utf8)), at: after(Double(second))) == [])
    }
  }

  @Test func aSilentClientIsPingedAndThenClosed() {
    var session = known()
    #expect(session.handle(.timeUp, at: after(45)) == [.ask(Secret("abc")), .ping])
    _ = session.handle(.answer(.viewer(HubViewer(user: Self.me))), at: after(45))
    _ = session.handle(.control, at: after(46))
    #expect(session.handle(.timeUp, at: after(165)).contains(.ping))
    #expect(code(session.handle(.timeUp, at: after(166))) == 4408)
  }

  /// Nothing that a driver could be told to do is without an end: each call at the deadline moves the deadline.
  @Test func theDeadlineAlwaysMovesOn() {
    var session = known(HubViewer(user: Self.me, expiresAt: start.timestamp + .seconds(1_000)))
    var steps = 0
    while let deadline = session.deadline, steps < 1_000 {
      let moment = HubMoment(deadline, start.timestamp + start.instant.duration(to: deadline))
      let actions = session.handle(.timeUp, at: moment)
      #expect(session.deadline.map { $0 > deadline } ?? true)
      _ = session.handle(.control, at: moment)
      if actions.contains(.ask(Secret("abc"))) {
        _ = session.handle(
          .answer(.viewer(HubViewer(user: Self.me, expiresAt: start.timestamp + .seconds(1_000)))), at: moment)
      }
      steps += 1
    }
    #expect(steps > 10 && steps < 1_000)
  }
}
