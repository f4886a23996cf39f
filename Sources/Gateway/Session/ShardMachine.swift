import Platform

/// The life of one shard as a value: what happens goes in, what is to be done comes out. It does no I/O and reads no
/// clock.
///
/// After ``Action/close(_:)`` the connection is forgotten: nothing of it may be fed any more, not even its end.
/// See `developers/events/gateway`, "Connection Lifecycle".
public struct ShardMachine: Sendable {
  public enum Input: Sendable {
    case start
    /// The WebSocket is open.
    case connected
    case frame(GatewayFrame)
    /// A message that cannot be unpacked or parsed; the connection cannot be trusted any further.
    case unreadable
    /// The connection could not be made, broke (no code), or was closed by the other side.
    case closed(GatewayCloseCode?)
    case timer(TimerKind)
    case identifySlotGranted
    case stop(keepingSession: Bool)
  }

  public enum Action: Sendable, Equatable {
    /// Open a WebSocket; the query (version, encoding, compression) is yet to be added.
    case connect(url: String)
    case send(GatewayCommand)
    case close(GatewayCloseCode)
    /// Replaces a running timer of that kind.
    case startTimer(TimerKind, Duration)
    case cancelTimer(TimerKind)
    case requestIdentifySlot
    /// The slot asked for is not needed any more.
    case withdrawIdentifyRequest
    /// A slot came that is not needed any more.
    case returnIdentifySlot
    /// A session began or was taken up; from now on events are dispatched.
    case ready(resumed: Bool)
    /// The session that an identify began has lasted.
    case identifyProved
    /// There is nothing to resume any more; what is stored is to be forgotten.
    case sessionLost
    case failed(GatewayFatalError)
    case note(Note)
  }

  public enum TimerKind: Hashable, Sendable, CaseIterable {
    /// Limits: a connection, HELLO, READY or RESUMED must come in time.
    case connect, hello, ready
    case heartbeat
    case reconnect
    /// The connection has lasted long enough to count as good.
    case stable
  }

  /// What an operator may want to know.
  public enum Note: Sendable, Equatable {
    case disconnected(reason: String, code: GatewayCloseCode?, retryAfter: Duration, resumes: Bool)
    /// Frames that the protocol does not foresee here.
    case unexpected(String)
    case unknownOpcode(Int)
  }

  public struct Settings: Sendable {
    public var shard: ShardID
    /// The address that `/gateway/bot` named.
    public var url: String
    public var intents: Intents
    public var recommendedShards: Int?
    public var connectLimit: Duration = .seconds(20)
    public var helloLimit: Duration = .seconds(20)
    /// Long, because during an outage Discord keeps a connection waiting for its session.
    public var readyLimit: Duration = .seconds(120)
    public var stableAfter: Duration = .seconds(60)
    /// Intervals outside are refused: nobody could keep to them, or a dead connection would stay unnoticed.
    public var heartbeatIntervals: ClosedRange<Duration> = .milliseconds(100) ... .seconds(600)

    public var policy: ReconnectPolicy

    public init(
      shard: ShardID, url: String, intents: Intents, recommendedShards: Int? = nil,
      policy: ReconnectPolicy = ReconnectPolicy()
    ) {
      self.policy = policy
      self.shard = shard
      self.url = url
      self.intents = intents
      self.recommendedShards = recommendedShards
    }
  }

  public enum State: Sendable, Equatable {
    case idle
    case connecting
    case awaitingHello
    case awaitingIdentifySlot
    case identifying
    case resuming
    case ready
    case awaitingReconnect
    case stopped
    case failed
  }

  /// Discord counts one by one; this allows for numbers that it might one day leave out.
  private static let maximumSequenceStep: Int64 = 1_000_000

  public private(set) var state = State.idle
  /// With the last sequence received on it.
  public private(set) var session: GatewaySession?
  /// The last sequence received on this connection's session; null before the first event.
  private var sequence: Int64?

  private let settings: Settings
  private let random: any RandomSource

  private var interval = Duration.zero
  private var awaitsACK = false
  private var heardSinceBeat = false
  private var heardSinceReadyTimer = false
  /// Connections since the last stable one.
  private var failures = 0
  /// Identifies sent since the last stable connection: each costs one of the day's budget.
  private var identifies = 0
  /// RESUMEs in a row that ended before RESUMED and without having brought an event.
  private var failedResumes = 0
  private var replayedOnThisConnection = false
  private var avoidsResumeURL = false

  /// - Parameter session: from the last run; dropped if it belongs to another number of shards.
  public init(settings: Settings, session: GatewaySession?, random: any RandomSource = SystemRandom()) {
    self.settings = settings
    self.random = random
    if let session, session.shardCount == settings.shard.count {
      self.session = session
      sequence = session.sequence
    }
  }

  /// Every event passes here before it is dispatched. This is apart from ``handle(_:)`` because it happens thousands of
  /// times a second and asks for nothing.
  /// - Returns: false for an event that is not to be dispatched: it was received before, or there is no session.
  /// - Throws: ``DecodingFailure`` for a number out of all proportion, which would make every later event look old.
  public mutating func admit(sequence number: Int64) throws -> Bool {
    heardSinceBeat = true
    guard state == .ready || state == .resuming else { return false }
    heardSinceReadyTimer = true
    let last = max(0, sequence ?? 0)
    guard number - last <= Self.maximumSequenceStep else {
      throw DecodingFailure(path: ["s"], reason: "jumps from \(last) to \(number)")
    }
    if let sequence, number <= sequence { return false }
    replayedOnThisConnection = true
    sequence = number
    session?.sequence = number
    return true
  }

  /// Whether a READY may come now; any other is not to be dispatched.
  public var acceptsReady: Bool { state == .identifying }

  public mutating func handle(_ input: Input) -> [Action] {
    if state == .stopped || state == .failed {
      if case .identifySlotGranted = input { return [.returnIdentifySlot] }
      return []
    }
    switch input {
    case .start: return state == .idle ? connect() : []
    case .connected:
      guard state == .connecting else { return [] }
      state = .awaitingHello
      return [.cancelTimer(.connect), .startTimer(.hello, settings.helloLimit)]
    case .frame(let frame):
      heardSinceBeat = true
      return handle(frame)
    case .unreadable: return reconnect("unreadable message", closing: true)
    case .closed(let code): return closed(code)
    case .timer(let kind): return fired(kind)
    case .identifySlotGranted:
      guard state == .awaitingIdentifySlot else { return [.returnIdentifySlot] }
      state = .identifying
      identifies += 1
      return [.send(.identify), .startTimer(.ready, settings.readyLimit)]
    case .stop(let keepingSession): return stop(keepingSession: keepingSession)
    }
  }

  // MARK: Connecting

  private mutating func connect() -> [Action] {
    state = .connecting
    let url = session.flatMap { avoidsResumeURL ? nil : $0.resumeURL } ?? settings.url
    return [.connect(url: url), .startTimer(.connect, settings.connectLimit)]
  }

  /// Gives up the present connection and arranges for the next one.
  /// - Parameter closing: whether the connection still stands and is ours to close.
  private mutating func reconnect(
    _ reason: String, code: GatewayCloseCode? = nil, closing: Bool, atLeast minimum: Duration = .zero
  ) -> [Action] {
    let hadSession = session != nil
    var actions: [Action] = []
    switch state {
    case .connecting, .awaitingHello:
      // The host that the session names may be gone while the session lives on.
      if session != nil { avoidsResumeURL.toggle() }
    case .awaitingIdentifySlot: actions.append(.withdrawIdentifyRequest)
    case .resuming:
      // One that was broken off in the middle of its replay was accepted, and the rest is still to be had.
      failedResumes = replayedOnThisConnection ? 0 : failedResumes + 1
      if failedResumes >= 2 { forgetSession() }
    default: break
    }
    if code?.consequence == .identify { forgetSession() }
    if hadSession, session == nil { actions.append(.sessionLost) }
    if closing { actions.append(.close(.keepSession)) }
    actions += runningTimers.map(Action.cancelTimer)

    // The first attempt to resume goes out at once: the events are waiting.
    var delay = minimum
    if failures > 0 || session == nil {
      delay = max(delay, settings.policy.reconnect.delay(failures: max(failures, 1), random: random))
    }
    if session == nil, identifies > 1 {
      delay = max(delay, settings.policy.identify.delay(failures: identifies - 1, random: random))
    }
    failures += 1
    actions.append(
      .note(.disconnected(reason: reason, code: code, retryAfter: delay, resumes: session != nil)))
    if delay == .zero { return actions + connect() }
    state = .awaitingReconnect
    return actions + [.startTimer(.reconnect, delay)]
  }

  private mutating func forgetSession() {
    session = nil
    sequence = nil
    failedResumes = 0
    avoidsResumeURL = false
  }

  private var runningTimers: [TimerKind] {
    switch state {
    case .idle, .stopped, .failed: []
    case .connecting: [.connect]
    case .awaitingHello: [.hello]
    case .awaitingIdentifySlot: [.heartbeat]
    case .identifying, .resuming: [.heartbeat, .ready]
    case .ready: [.heartbeat, .stable]
    case .awaitingReconnect: [.reconnect]
    }
  }

  private mutating func closed(_ code: GatewayCloseCode?) -> [Action] {
    guard state != .idle, state != .awaitingReconnect else { return [] }
    if let code, code.consequence == .fatal {
      var actions = runningTimers.map(Action.cancelTimer)
      if state == .awaitingIdentifySlot { actions.append(.withdrawIdentifyRequest) }
      if session != nil { actions.append(.sessionLost) }
      forgetSession()
      state = .failed
      return actions + [
        .failed(
          GatewayFatalError(
            code: code, shard: settings.shard, intents: settings.intents,
            recommendedShards: settings.recommendedShards))
      ]
    }
    let reason = state == .connecting ? "could not connect" : code == nil ? "connection lost" : "closed by Discord"
    return reconnect(reason, code: code, closing: false)
  }

  private mutating func stop(keepingSession: Bool) -> [Action] {
    var actions = runningTimers.map(Action.cancelTimer)
    if state == .awaitingIdentifySlot { actions.append(.withdrawIdentifyRequest) }
    if !keepingSession, session != nil {
      forgetSession()
      actions.append(.sessionLost)
    }
    if state != .idle, state != .awaitingReconnect {
      actions.append(.close(keepingSession ? .keepSession : .endSession))
    }
    state = .stopped
    return actions
  }

  // MARK: Frames

  private mutating func handle(_ frame: GatewayFrame) -> [Action] {
    guard state != .idle, state != .connecting, state != .awaitingReconnect else {
      return [.note(.unexpected("a frame without a connection"))]
    }
    switch frame {
    case .hello(let interval): return hello(interval)
    case .heartbeat:
      // Besides the regular ones: the next of those may be due before this one's ACK can have come.
      return state == .awaitingHello ? [] : [.send(.heartbeat(sequence))]
    case .heartbeatACK:
      awaitsACK = false
      return []
    case .reconnect: return reconnect("asked to reconnect", closing: true)
    case .invalidSession(let isResumable): return invalidSession(isResumable: isResumable)
    case .ready(let sessionID, let resumeURL, let number):
      guard acceptsReady else { return [.note(.unexpected("READY in state \(state)"))] }
      guard number <= Self.maximumSequenceStep else {
        return [.note(.unexpected("an absurd sequence in READY"))] + reconnect("absurd sequence", closing: true)
      }
      sequence = number
      session = GatewaySession(
        id: sessionID, sequence: number, resumeURL: resumeURL ?? settings.url, shardCount: settings.shard.count)
      return becameReady(resumed: false)
    case .resumed:
      guard state == .resuming else { return [.note(.unexpected("RESUMED in state \(state)"))] }
      return becameReady(resumed: true)
    case .unknown(let opcode): return [.note(.unknownOpcode(opcode))]
    }
  }

  private mutating func hello(_ interval: Duration) -> [Action] {
    guard state == .awaitingHello else { return [.note(.unexpected("a second HELLO"))] }
    guard settings.heartbeatIntervals.contains(interval) else {
      return [.note(.unexpected("an absurd heartbeat interval"))]
        + reconnect("absurd heartbeat interval \(interval)", closing: true)
    }
    self.interval = interval
    awaitsACK = false
    var actions: [Action] = [
      .cancelTimer(.hello), .startTimer(.heartbeat, random.duration(upTo: interval)),
    ]
    if let session {
      state = .resuming
      heardSinceReadyTimer = false
      replayedOnThisConnection = false
      actions += [.send(.resume(session)), .startTimer(.ready, settings.readyLimit)]
    } else {
      state = .awaitingIdentifySlot
      actions.append(.requestIdentifySlot)
    }
    return actions
  }

  private mutating func beat() -> [Action] {
    awaitsACK = true
    heardSinceBeat = false
    return [.send(.heartbeat(sequence))]
  }

  private mutating func invalidSession(isResumable: Bool) -> [Action] {
    let range = settings.policy.invalidSession
    let pause = range.lowerBound + random.duration(upTo: range.upperBound - range.lowerBound)
    if isResumable { return reconnect("invalid session, resumable", closing: true, atLeast: pause) }
    let hadSession = session != nil
    forgetSession()
    return (hadSession ? [.sessionLost] : []) + reconnect("invalid session", closing: true, atLeast: pause)
  }

  private mutating func becameReady(resumed: Bool) -> [Action] {
    state = .ready
    failedResumes = 0
    avoidsResumeURL = false
    return [.cancelTimer(.ready), .startTimer(.stable, settings.stableAfter), .ready(resumed: resumed)]
  }

  // MARK: Timers

  private mutating func fired(_ kind: TimerKind) -> [Action] {
    switch (kind, state) {
    case (.connect, .connecting): return reconnect("no connection in time", closing: true)
    case (.hello, .awaitingHello): return reconnect("no HELLO in time", closing: true)
    case (.ready, .resuming) where heardSinceReadyTimer:
      // A long replay is under way.
      heardSinceReadyTimer = false
      return [.startTimer(.ready, settings.readyLimit)]
    case (.ready, .identifying), (.ready, .resuming): return reconnect("no READY in time", closing: true)
    case (.heartbeat, .awaitingIdentifySlot), (.heartbeat, .identifying), (.heartbeat, .resuming),
      (.heartbeat, .ready):
      // Any frame proves that the connection lives; an ACK may wait behind a large one.
      if awaitsACK, !heardSinceBeat { return reconnect("heartbeat not acknowledged", closing: true) }
      return beat() + [.startTimer(.heartbeat, interval)]
    case (.reconnect, .awaitingReconnect): return connect()
    case (.stable, .ready):
      failures = 0
      defer { identifies = 0 }
      return identifies > 0 ? [.identifyProved] : []
    default: return []  // fired while it was being cancelled
    }
  }
}
