import Platform
import Testing

@testable import Gateway

private let session = GatewaySession(id: "s", sequence: 7, resumeURL: "wss://resume", shardCount: 1)

private func machine(session: GatewaySession? = nil, shard: ShardID = ShardID(0, of: 1)) -> DrivenMachine {
  DrivenMachine(
    ShardMachine(
      settings: ShardMachine.Settings(
        shard: shard, url: "wss://normal", intents: [.guilds, .messageContent], recommendedShards: 4),
      session: session, random: SeededRandom(seed: 1)))
}

/// Holds the machine by reference, so that a test can feed it inside an expectation.
private final class DrivenMachine {
  private var machine: ShardMachine

  init(_ machine: ShardMachine) { self.machine = machine }

  var state: ShardMachine.State { machine.state }
  var session: GatewaySession? { machine.session }

  func admit(sequence: Int64) -> Bool { (try? machine.admit(sequence: sequence)) ?? false }

  /// Feeds an input and passes over notes.
  func feed(_ input: ShardMachine.Input) -> [ShardMachine.Action] {
    machine.handle(input).filter { if case .note = $0 { false } else { true } }
  }

  func hello(_ interval: Duration = .seconds(40)) -> [ShardMachine.Action] {
    _ = feed(.connected)
    return feed(.frame(.hello(heartbeatInterval: interval)))
  }

  func becomeReady() {
    _ = feed(.start)
    _ = hello()
    if session != nil {
      _ = feed(.frame(.resumed))
    } else {
      _ = feed(.identifySlotGranted)
      _ = feed(.frame(.ready(sessionID: "s", resumeURL: "wss://resume", sequence: 1)))
    }
  }

  /// What the machine does on the next connection, once it gets there.
  func nextConnection(after actions: [ShardMachine.Action]) -> (url: String?, greets: [ShardMachine.Action]) {
    var actions = actions
    if state == .awaitingReconnect { actions = feed(.timer(.reconnect)) }
    var url: String?
    for case .connect(let target) in actions { url = target }
    return (url, hello())
  }
}

extension [ShardMachine.Action] {
  fileprivate func timer(_ kind: ShardMachine.TimerKind) -> Duration? {
    for case .startTimer(kind, let duration) in self { return duration }
    return nil
  }
  fileprivate var fatal: GatewayFatalError? {
    for case .failed(let error) in self { return error }
    return nil
  }
}

@Suite struct ShardMachineCloseTests {
  enum Outcome { case resume, identify, fatal }

  /// The table of the close codes; nil is a connection that broke.
  static let table: [(UInt16?, Outcome)] = [
    (nil, .resume), (1000, .resume), (1001, .resume), (1006, .resume), (3000, .resume), (4999, .resume),
    (4000, .resume), (4001, .identify), (4002, .resume), (4003, .identify), (4004, .fatal), (4005, .identify),
    (4006, .resume), (4007, .identify), (4008, .resume), (4009, .identify), (4010, .fatal), (4011, .fatal),
    (4012, .fatal), (4013, .fatal), (4014, .fatal),
  ]

  @Test(arguments: table)
  func aCloseWithASessionFollowsTheTable(code: UInt16?, outcome: Outcome) throws {
    let shard = machine()
    shard.becomeReady()
    let actions = shard.feed(.closed(code.map(GatewayCloseCode.init)))
    switch outcome {
    case .fatal:
      #expect(actions.fatal?.code.rawValue == code)
      #expect(shard.state == .failed)
      #expect(actions.contains(.sessionLost))
      #expect(shard.feed(.timer(.reconnect)).isEmpty)
    case .resume:
      #expect(!actions.contains(.sessionLost))
      // The first attempt does not wait.
      #expect(actions.contains(.connect(url: "wss://resume")))
      let (_, greets) = shard.nextConnection(after: actions)
      #expect(
        greets.contains(
          .send(.resume(GatewaySession(id: "s", sequence: 1, resumeURL: "wss://resume", shardCount: 1)))))
    case .identify:
      #expect(actions.contains(.sessionLost))
      #expect(actions.timer(.reconnect) != nil)
      let (url, greets) = shard.nextConnection(after: actions)
      #expect(url == "wss://normal")
      #expect(greets.contains(.requestIdentifySlot))
    }
    #expect(!actions.contains { if case .close = $0 { true } else { false } }, "the connection is closed already")
  }

  @Test(arguments: table)
  func aCloseWithoutASessionIdentifiesUnlessFatal(code: UInt16?, outcome: Outcome) throws {
    let shard = machine()
    _ = shard.feed(.start)
    _ = shard.hello()
    _ = shard.feed(.identifySlotGranted)
    let actions = shard.feed(.closed(code.map(GatewayCloseCode.init)))
    #expect(!actions.contains(.sessionLost))
    if outcome == .fatal {
      #expect(actions.fatal != nil)
      #expect(shard.state == .failed)
      return
    }
    let wait = try #require(actions.timer(.reconnect))
    #expect(wait > .zero)
    let (url, greets) = shard.nextConnection(after: actions)
    #expect(url == "wss://normal")
    #expect(greets.contains(.requestIdentifySlot))
  }

  @Test(arguments: [
    (4004, "DISCORD_TOKEN"), (4010, "discord.shards"), (4011, "total of 4"), (4012, "version 10"), (4013, "GUILDS"),
    (4014, "MESSAGE_CONTENT are not enabled"),
  ])
  func aFatalCloseNamesTheRemedy(code: UInt16, text: String) throws {
    let shard = machine()
    shard.becomeReady()
    let error = try #require(shard.feed(.closed(GatewayCloseCode(rawValue: code))).fatal)
    #expect(error.message.contains(text))
    #expect(!(code == 4014 && error.message.contains("GUILDS")), "only privileged intents need enabling")
  }
}

@Suite struct ShardMachineTests {
  @Test func aNewSessionIdentifiesAfterASlotIsGranted() {
    let shard = machine()
    #expect(shard.feed(.start).first == .connect(url: "wss://normal"))
    let greets = shard.hello(.seconds(40))
    #expect(greets.contains(.requestIdentifySlot))
    // Jittered: somewhere in the interval.
    let first = greets.timer(.heartbeat)
    #expect(first != nil && first! > .zero && first! < .seconds(40))
    #expect(shard.feed(.identifySlotGranted).first == .send(.identify))
    let ready = shard.feed(.frame(.ready(sessionID: "n", resumeURL: nil, sequence: 1)))
    #expect(ready.contains(.ready(resumed: false)))
    #expect(shard.session == GatewaySession(id: "n", sequence: 1, resumeURL: "wss://normal", shardCount: 1))
  }

  @Test func aStoredSessionIsResumedUnlessTheShardCountChanged() {
    let shard = machine(session: session)
    #expect(shard.feed(.start).first == .connect(url: "wss://resume"))
    #expect(shard.hello().contains(.send(.resume(session))))
    let other = machine(session: session, shard: ShardID(0, of: 2))
    #expect(other.feed(.start).first == .connect(url: "wss://normal"))
  }

  @Test func everyEventMovesTheSequenceAndNoneCountsTwice() {
    let shard = machine(session: session)
    _ = shard.feed(.start)
    _ = shard.hello()
    #expect(shard.admit(sequence: 7) == false)
    #expect(shard.admit(sequence: 8))
    #expect(shard.admit(sequence: 8) == false)
    #expect(shard.session?.sequence == 8)
    _ = shard.feed(.frame(.resumed))
    #expect(shard.feed(.timer(.heartbeat)).first == .send(.heartbeat(8)))
  }

  @Test func aHeartbeatRequestIsAnsweredAtOnce() {
    let shard = machine()
    shard.becomeReady()
    #expect(shard.feed(.frame(.heartbeat)) == [.send(.heartbeat(1))])
  }

  @Test func aRequestedHeartbeatIsNoReasonToJudgeTheConnection() {
    let shard = machine()
    shard.becomeReady()
    _ = shard.feed(.timer(.heartbeat))
    _ = shard.feed(.frame(.heartbeatACK))
    _ = shard.feed(.frame(.heartbeat))
    // The regular beat is due before the answer to the requested one can have come.
    #expect(shard.feed(.timer(.heartbeat)) == [.send(.heartbeat(1)), .startTimer(.heartbeat, .seconds(40))])
    // Nor does a request excuse the regular beat for more than one interval.
    #expect(shard.feed(.timer(.heartbeat)).contains(.close(.keepSession)))
  }

  @Test func aConnectionWithoutACKAndFramesIsGivenUp() {
    let shard = machine()
    shard.becomeReady()
    #expect(shard.feed(.timer(.heartbeat)) == [.send(.heartbeat(1)), .startTimer(.heartbeat, .seconds(40))])
    let actions = shard.feed(.timer(.heartbeat))
    #expect(actions.contains(.close(.keepSession)))
    #expect(actions.contains(.connect(url: "wss://resume")))
    // The new connection starts without the old one's debt.
    _ = shard.hello()
    #expect(shard.feed(.timer(.heartbeat)).contains(.send(.heartbeat(1))))
  }

  @Test func anACKOrAnyOtherFrameKeepsTheConnection() {
    let shard = machine()
    shard.becomeReady()
    _ = shard.feed(.timer(.heartbeat))
    _ = shard.feed(.frame(.heartbeatACK))
    #expect(shard.feed(.timer(.heartbeat)).first == .send(.heartbeat(1)))
    #expect(shard.admit(sequence: 2))
    #expect(shard.feed(.timer(.heartbeat)).first == .send(.heartbeat(2)))
    #expect(shard.feed(.timer(.heartbeat)).contains(.close(.keepSession)))
  }

  @Test func aReconnectRequestKeepsTheSessionEvenBeforeHello() {
    let shard = machine()
    shard.becomeReady()
    let actions = shard.feed(.frame(.reconnect))
    #expect(actions.contains(.close(.keepSession)))
    #expect(actions.contains(.connect(url: "wss://resume")))

    let early = machine(session: session)
    _ = early.feed(.start)
    _ = early.feed(.connected)
    #expect(early.feed(.frame(.reconnect)).contains(.close(.keepSession)))
    #expect(early.session == session)
  }

  @Test func anInvalidSessionIdentifiesAfterOneToFiveSeconds() throws {
    let shard = machine(session: session)
    _ = shard.feed(.start)
    _ = shard.hello()
    let actions = shard.feed(.frame(.invalidSession(isResumable: false)))
    #expect(actions.contains(.sessionLost))
    #expect(actions.contains(.close(.keepSession)))
    let wait = try #require(actions.timer(.reconnect))
    #expect((Duration.seconds(1)...Duration.seconds(5)).contains(wait))
    let (url, greets) = shard.nextConnection(after: actions)
    #expect(url == "wss://normal")
    #expect(greets.contains(.requestIdentifySlot))
  }

  @Test func aResumableInvalidSessionIsResumedOnceMore() {
    let shard = machine(session: session)
    _ = shard.feed(.start)
    _ = shard.hello()
    var actions = shard.feed(.frame(.invalidSession(isResumable: true)))
    #expect(actions.timer(.reconnect).map { $0 >= .seconds(1) && $0 <= .seconds(5) } == true)
    #expect(shard.nextConnection(after: actions).greets.contains(.send(.resume(session))))
    // Twice is enough.
    actions = shard.feed(.frame(.invalidSession(isResumable: true)))
    #expect(actions.contains(.sessionLost))
    #expect(shard.nextConnection(after: actions).greets.contains(.requestIdentifySlot))
  }

  @Test func twoResumesThatBreakOffLeadToAnIdentify() {
    let shard = machine(session: session)
    _ = shard.feed(.start)
    _ = shard.hello()
    var actions = shard.feed(.closed(nil))
    #expect(shard.nextConnection(after: actions).greets.contains(.send(.resume(session))))
    actions = shard.feed(.closed(nil))
    #expect(actions.contains(.sessionLost))
    #expect(shard.nextConnection(after: actions).url == nil || shard.session == nil)
  }

  @Test func aReplayThatBreaksOffIsTakenUpAgainAsOftenAsItBringsSomething() {
    let shard = machine(session: session)
    _ = shard.feed(.start)
    _ = shard.hello()
    for number in Int64(8)...20 {
      #expect(shard.admit(sequence: number))
      let actions = shard.feed(.closed(nil))
      #expect(!actions.contains(.sessionLost))
      let resumed = GatewaySession(id: "s", sequence: number, resumeURL: "wss://resume", shardCount: 1)
      #expect(shard.nextConnection(after: actions).greets.contains(.send(.resume(resumed))))
    }
    // What was seen before is no progress.
    #expect(!shard.admit(sequence: 20))
    _ = shard.nextConnection(after: shard.feed(.closed(nil)))
    #expect(shard.feed(.closed(nil)).contains(.sessionLost))
  }

  @Test func aRefusedResumeCountsAgainAfterASuccessfulOne() {
    let shard = machine(session: session)
    _ = shard.feed(.start)
    _ = shard.hello()
    _ = shard.nextConnection(after: shard.feed(.closed(nil)))
    _ = shard.feed(.frame(.resumed))
    let actions = shard.feed(.closed(nil))
    _ = shard.nextConnection(after: actions)
    #expect(!shard.feed(.closed(nil)).contains(.sessionLost))
  }

  @Test func aDeadResumeHostIsReplacedByTheNormalOneWithoutLosingTheSession() {
    let shard = machine(session: session)
    _ = shard.feed(.start)
    let actions = shard.feed(.closed(nil))
    let (url, greets) = shard.nextConnection(after: actions)
    #expect(url == "wss://normal")
    #expect(greets.contains(.send(.resume(session))))
  }

  @Test(arguments: [ShardMachine.TimerKind.connect, .hello, .ready])
  func everyStepHasALimit(kind: ShardMachine.TimerKind) {
    let shard = machine(session: session)
    var actions = shard.feed(.start)
    if kind != .connect { actions = shard.feed(.connected) }
    if kind == .ready { actions = shard.feed(.frame(.hello(heartbeatInterval: .seconds(40)))) }
    #expect(actions.timer(kind) != nil)
    actions = shard.feed(.timer(kind))
    #expect(actions.contains(.close(.keepSession)))
    #expect(shard.session == session)
  }

  @Test func aLongReplayIsNotCutOff() {
    let shard = machine(session: session)
    _ = shard.feed(.start)
    _ = shard.hello()
    #expect(shard.admit(sequence: 8))
    #expect(shard.feed(.timer(.ready)).timer(.ready) != nil)
    #expect(shard.feed(.timer(.ready)).contains(.close(.keepSession)))
  }

  @Test(arguments: [Duration.zero, .milliseconds(-1), .milliseconds(99), .seconds(601), .milliseconds(1e12)])
  func anAbsurdHeartbeatIntervalIsRefused(interval: Duration) {
    let shard = machine()
    _ = shard.feed(.start)
    #expect(shard.hello(interval).contains(.close(.keepSession)))
  }

  @Test func failuresWaitLongerAndLongerUpToABound() throws {
    let shard = machine()
    var actions = shard.feed(.start)
    var waits: [Duration] = []
    for _ in 0..<12 {
      actions = shard.feed(.closed(nil))
      waits.append(try #require(actions.timer(.reconnect)))
      _ = shard.feed(.timer(.reconnect))
    }
    #expect(waits[0] <= .seconds(1))
    #expect(waits[11] >= .seconds(30) && waits[11] <= .seconds(60))
  }

  @Test func identifiesThatComeToNothingAreSpacedOutToSpareTheDaysBudget() throws {
    let shard = machine()
    _ = shard.feed(.start)
    var total = Duration.zero
    for _ in 0..<20 {
      _ = shard.hello()
      _ = shard.feed(.identifySlotGranted)
      let actions = shard.feed(.closed(nil))
      total += try #require(actions.timer(.reconnect))
      _ = shard.feed(.timer(.reconnect))
    }
    #expect(total > .seconds(3_600))
  }

  @Test func aStableConnectionForgetsOldFailures() {
    let shard = machine(session: session)
    _ = shard.feed(.start)
    _ = shard.feed(.closed(nil))
    _ = shard.feed(.timer(.reconnect))
    _ = shard.hello()
    #expect(shard.feed(.frame(.resumed)).timer(.stable) != nil)
    _ = shard.feed(.timer(.stable))
    #expect(shard.feed(.closed(nil)).contains(.connect(url: "wss://resume")))
  }

  @Test func aSessionThatLastedClearsItsIdentify() {
    let shard = machine()
    shard.becomeReady()
    #expect(shard.feed(.timer(.stable)) == [.identifyProved])
    // A resume costs no identify and so clears none.
    _ = shard.nextConnection(after: shard.feed(.closed(nil)))
    _ = shard.feed(.frame(.resumed))
    #expect(shard.feed(.timer(.stable)).isEmpty)
  }

  @Test func theSessionsHostIsTriedAgainWhenTheNormalOneIsDeadToo() {
    let shard = machine(session: session)
    #expect(shard.feed(.start).contains(.connect(url: "wss://resume")))
    var urls: [String] = []
    for _ in 0..<4 {
      var actions = shard.feed(.closed(nil))
      if shard.state == .awaitingReconnect { actions = shard.feed(.timer(.reconnect)) }
      for case .connect(let url) in actions { urls.append(url) }
    }
    #expect(urls == ["wss://normal", "wss://resume", "wss://normal", "wss://resume"])
    #expect(shard.session == session)
  }

  @Test func aSuccessfulResumeGoesBackToTheSessionsHost() {
    let shard = machine(session: session)
    _ = shard.feed(.start)
    _ = shard.nextConnection(after: shard.feed(.closed(nil)))
    _ = shard.feed(.frame(.resumed))
    #expect(shard.nextConnection(after: shard.feed(.closed(nil))).url == "wss://resume")
  }

  @Test func theInvalidSessionOfAnIdentifyWaitsBeforeTheNext() throws {
    let shard = machine()
    _ = shard.feed(.start)
    _ = shard.hello()
    _ = shard.feed(.identifySlotGranted)
    for _ in 0..<3 {
      let actions = shard.feed(.frame(.invalidSession(isResumable: false)))
      #expect(!actions.contains(.sessionLost))
      #expect(try #require(actions.timer(.reconnect)) >= .seconds(1))
      #expect(shard.nextConnection(after: actions).greets.contains(.requestIdentifySlot))
      _ = shard.feed(.identifySlotGranted)
    }
  }

  @Test func heartbeatsGoOnWhileASlotIsAwaited() {
    let shard = machine()
    _ = shard.feed(.start)
    _ = shard.hello()
    #expect(shard.feed(.timer(.heartbeat)) == [.send(.heartbeat(nil)), .startTimer(.heartbeat, .seconds(40))])
    let given = shard.feed(.timer(.heartbeat))
    #expect(given.contains(.close(.keepSession)))
    #expect(given.contains(.withdrawIdentifyRequest))
  }

  /// What may come in the wrong state changes nothing but a note.
  @Test(arguments: [
    GatewayFrame.hello(heartbeatInterval: .seconds(1)), .ready(sessionID: "x", resumeURL: nil, sequence: 99), .resumed,
    .unknown(opcode: 77), .heartbeatACK,
  ])
  func aFrameOutOfPlaceChangesNothing(frame: GatewayFrame) {
    let shard = machine()
    shard.becomeReady()
    let before = shard.session
    #expect(shard.feed(.frame(frame)).isEmpty)
    #expect(shard.state == .ready)
    #expect(shard.session == before)
  }

  @Test func timersThatFireLateChangeNothing() {
    for kind in ShardMachine.TimerKind.allCases where kind != .heartbeat {
      let shard = machine()
      shard.becomeReady()
      _ = shard.feed(.timer(kind))
      #expect(shard.state == .ready)
    }
    let waiting = machine()
    _ = waiting.feed(.start)
    _ = waiting.feed(.closed(nil))
    #expect(waiting.state == .awaitingReconnect)
    #expect(waiting.feed(.timer(.heartbeat)).isEmpty)
    #expect(waiting.feed(.closed(nil)).isEmpty, "the end of an old connection says nothing of the next")
  }

  @Test func noEventIsAdmittedWithoutASession() {
    let shard = machine()
    #expect(!shard.admit(sequence: 1))
    _ = shard.feed(.start)
    _ = shard.hello()
    #expect(!shard.admit(sequence: 1))
    _ = shard.feed(.identifySlotGranted)
    #expect(!shard.admit(sequence: 1), "READY comes first")
  }

  @Test func aSlotThatComesTooLateIsGivenBack() {
    let shard = machine()
    _ = shard.feed(.start)
    _ = shard.hello()
    #expect(shard.feed(.closed(nil)).contains(.withdrawIdentifyRequest))
    #expect(shard.feed(.identifySlotGranted) == [.returnIdentifySlot])
    _ = shard.feed(.stop(keepingSession: true))
    #expect(shard.feed(.identifySlotGranted) == [.returnIdentifySlot])
  }

  @Test func stoppingKeepsOrEndsTheSessionAsAsked() {
    let keeping = machine()
    keeping.becomeReady()
    let kept = keeping.feed(.stop(keepingSession: true))
    #expect(kept.contains(.close(.keepSession)))
    #expect(kept.contains(.cancelTimer(.heartbeat)))
    #expect(keeping.session != nil)
    #expect(keeping.feed(.closed(nil)).isEmpty)

    let ending = machine()
    ending.becomeReady()
    let ended = ending.feed(.stop(keepingSession: false))
    #expect(ended.contains(.close(.endSession)))
    #expect(ended.contains(.sessionLost))
  }

  @Test func noCloseButTheLastEndsTheSession() {
    // Everything that makes the machine close by itself.
    let inputs: [ShardMachine.Input] = [
      .unreadable, .frame(.reconnect), .frame(.invalidSession(isResumable: false)),
      .frame(.invalidSession(isResumable: true)), .stop(keepingSession: true),
    ]
    for input in inputs {
      let shard = machine()
      shard.becomeReady()
      for case .close(let code) in shard.feed(input) { #expect(code.rawValue != 1000 && code.rawValue != 1001) }
    }
  }
}
