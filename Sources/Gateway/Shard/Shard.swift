import Platform
import Synchronization

/// One connection to the gateway: drives a ``ShardMachine`` with sockets, timers and the pipeline.
///
/// It lives on an event loop, so that no handler's work can delay a heartbeat.
actor Shard {
  struct Configuration: Sendable {
    var id: ShardID
    var url: String
    var token: Secret<String>
    var intents: Intents
    var compression: GatewayCompression
    var presence: Presence
    var recommendedShards: Int?
    /// Whether the session is kept for the next process. Not while another set of shards is still at work.
    var keepsSession = true
    /// How often the session is saved while it goes on.
    var saveInterval: Duration = .seconds(5)
    /// Handled events after which it is saved without waiting for that: what a restart after a crash sees again is
    /// bounded by both.
    var saveStep: Int64 = 2_000
    var policy = ReconnectPolicy()
  }

  private static let maximumPending = 128

  nonisolated let id: ShardID
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private nonisolated let shared: Mutex<ShardStatus>
  nonisolated var status: ShardStatus { shared.withLock { $0 } }

  private let configuration: Configuration
  private let connector: any GatewayConnector
  private let gate: IdentifyGate
  private let sessions: any SessionStore
  private let log: Log
  private let onState: @Sendable (GatewayState) -> Void
  private let reconnects: Counter

  private var machine: ShardMachine
  private let pipeline: GatewayPipeline
  private var socket: (any GatewaySocket)?
  /// Tells the events of the present connection from those of earlier ones.
  private var connection = 0
  private var openSockets = 0
  /// Why the gateway could not be reached the last time.
  private var lastFailure: String?
  private var timers: [ShardMachine.TimerKind: EventLoop.Timer] = [:]
  private var limiter = SendLimiter()
  private var pending: [[UInt8]] = []
  private var pendingTimer: EventLoop.Timer?
  private var presence: Presence
  /// The presence was changed and the session has not been told.
  private var owesPresence = false
  private var keepsSession: Bool
  private var saveTimer: EventLoop.Timer?
  private var lastSaved: GatewaySession?
  /// The sequence at the last time that a save was begun.
  private var savedAt: Int64 = 0
  private var isSaveQueued = false
  /// Saves happen one after the other: an older one must not overtake.
  private var saving: Task<Void, Never>?
  private var identifyTask: Task<Void, Never>?
  private var beatSentAt: ContinuousClock.Instant?
  private var isFlushScheduled = false
  /// Whether it was ready before in this process.
  private var hasServed = false
  private var stopWaiters: [CheckedContinuation<Void, Never>] = []

  init(
    configuration: Configuration, session: GatewaySession?, loop: EventLoop, connector: any GatewayConnector,
    gate: IdentifyGate, sessions: any SessionStore, dispatcher: EventDispatcher, cache: GuildCache?,
    random: any RandomSource, log: Log, metrics: Metrics, onState: @escaping @Sendable (GatewayState) -> Void
  ) {
    self.configuration = configuration
    self.loop = loop
    self.connector = connector
    self.gate = gate
    self.sessions = sessions
    self.onState = onState
    id = configuration.id
    shared = Mutex(ShardStatus(shard: configuration.id))
    presence = configuration.presence
    keepsSession = configuration.keepsSession
    let log = log.labelled("shard-\(configuration.id.id)")
    self.log = log
    machine = ShardMachine(
      settings: ShardMachine.Settings(
        shard: configuration.id, url: configuration.url, intents: configuration.intents,
        recommendedShards: configuration.recommendedShards, policy: configuration.policy),
      session: session, random: random)
    pipeline = GatewayPipeline(
      shard: configuration.id, compression: configuration.compression, dispatcher: dispatcher, cache: cache, log: log,
      metrics: metrics)
    if let session = machine.session { pipeline.continueSession(session) }
    lastSaved = session
    let label = String(configuration.id.id)
    reconnects = metrics.counter(
      "gateway_reconnects_total", help: "Connections lost or given up", labels: ["shard"])(label)
  }

  // MARK: Face

  func start() {
    perform(machine.handle(.start))
    scheduleSave()
  }

  /// Closes the connection and returns when it is gone. Handlers may still be busy.
  func stop(keepingSession: Bool) async {
    perform(machine.handle(.stop(keepingSession: keepingSession)))
    saveTimer?.cancel()
    pendingTimer?.cancel()
    pending = []
    pipeline.flush()
    guard openSockets > 0 else { return }
    await withCheckedContinuation { stopWaiters.append($0) }
  }

  /// Whether all events received so far are handled.
  var isIdle: Bool { pipeline.tracker.isIdle }

  /// Saves how far this shard's events are handled.
  func save() async {
    await store { shard in
      guard shard.keepsSession, var session = shard.machine.session else { return nil }
      session.sequence = shard.pipeline.tracker.handledSequence
      return session == shard.lastSaved ? nil : .some(session)
    }.value
  }

  /// Returns when everything that was to be saved is.
  func settle() async { await saving?.value }

  /// From now on the session is kept for the next process.
  func keepSession() async {
    keepsSession = true
    await save()
  }

  /// What the two sets of a takeover dispatch; nil lets everything pass.
  func setFilter(_ filter: (any EventFilter)?) { pipeline.filter = filter }

  /// Shown from now on, and told to every later session. Of several changes that wait only the last is sent.
  func setPresence(_ presence: Presence) {
    self.presence = presence
    owesPresence = true
    sendPending()
  }

  /// Sends once the connection is ready and the limit allows.
  /// - Throws: ``GatewaySendError``
  func send(_ command: GatewayCommand) throws {
    let payload = encode(command)
    guard payload.count <= GatewayProtocol.maximumPayloadSize else {
      throw GatewaySendError.tooLarge(what: command.name, bytes: payload.count)
    }
    guard pending.count < Self.maximumPending else { throw GatewaySendError.tooMany }
    guard machine.state != .stopped, machine.state != .failed else { throw GatewaySendError.stopped }
    pending.append(payload)
    sendPending()
  }

  // MARK: Actions

  private func perform(_ actions: [ShardMachine.Action]) {
    showState()
    for action in actions {
      switch action {
      case .connect(let url): connect(to: url)
      case .send(let command): sendNow(command)
      case .close(let code):
        socket?.close(code)
        dropConnection()
      case .startTimer(let kind, let duration): startTimer(kind, duration)
      case .cancelTimer(let kind): timers.removeValue(forKey: kind)?.cancel()
      case .requestIdentifySlot: requestIdentifySlot()
      case .withdrawIdentifyRequest:
        identifyTask?.cancel()
        identifyTask = nil
      case .returnIdentifySlot:
        let (gate, id) = (gate, id)
        Task { await gate.giveBack(id) }
      case .identifyProved:
        let (gate, id) = (gate, id)
        Task { await gate.proved(id) }
      case .ready(let resumed): becameReady(resumed: resumed)
      case .sessionLost: store { _ in .some(nil) }
      case .failed(let error):
        dropConnection()
        log.error("\(error.message)", ["code": .of(error.code), "shard": .of(id)])
        onState(.failed(error))
      case .note(let note): report(note)
      }
    }
  }

  private func report(_ note: ShardMachine.Note) {
    switch note {
    case .disconnected(let reason, let code, let retryAfter, let resumes):
      reconnects.increment()
      shared.withLock { status in
        status.disconnections += 1
        status.lastDisconnection = ShardStatus.Disconnection(code: code, reason: reason, at: .now)
      }
      log.info(
        "disconnected",
        [
          "reason": .string(reason), "code": .string(code.map(\.description) ?? "none"),
          "retryAfter": .milliseconds(retryAfter), "resumes": .boolean(resumes),
        ])
      onState(.disconnected(id, reason: reason, retryAfter: retryAfter))
    case .unexpected(let what): pipeline.faults.report(.unexpected, what)
    case .unknownOpcode(let opcode): pipeline.faults.report(.unknownOpcode, String(opcode))
    }
  }

  private func connect(to url: String) {
    dropConnection()
    pipeline.startConnection()
    connection += 1
    openSockets += 1
    let number = connection
    socket = connector.connect(to: address(url), on: loop) { [self] event in
      // On the loop by the connector's contract, which is this actor's executor.
      switch event {
      case .connected: assumeIsolated { $0.connected(number) }
      case .message(let payload):
        let borrowed = BorrowedBytes(payload)
        assumeIsolated { $0.received(borrowed.buffer, number) }
      case .closed(let code, let reason, let fault): assumeIsolated { $0.closed(code, reason, fault, number) }
      }
    }
  }

  /// The version, encoding and compression are the same for every connection of a session.
  private func address(_ url: String) -> String {
    var base = Substring(url)
    if let query = base.firstIndex(of: "?") { base = base[..<query] }
    let slash = base.hasSuffix("/") || base.dropFirst(6).contains("/") ? "" : "/"
    let compression =
      configuration.compression == .none ? "" : "&compress=\(configuration.compression.rawValue)"
    return "\(base)\(slash)?v=\(GatewayProtocol.apiVersion)&encoding=json\(compression)"
  }

  private func dropConnection() {
    connection += 1
    socket = nil
    beatSentAt = nil
  }

  private func showState() {
    let state = ShardStatus.State(machine.state)
    let hasSession = machine.session != nil
    shared.withLock { status in
      status.state = state
      if !hasSession { status.sessionSince = nil }
    }
  }

  private func startTimer(_ kind: ShardMachine.TimerKind, _ duration: Duration) {
    timers[kind]?.cancel()
    timers[kind] = loop.schedule(after: duration) { [weak self] in
      self?.assumeIsolated { $0.fired(kind) }
    }
  }

  private func fired(_ kind: ShardMachine.TimerKind) {
    timers[kind] = nil
    perform(machine.handle(.timer(kind)))
  }

  private func requestIdentifySlot() {
    identifyTask?.cancel()
    let (gate, id, purpose) = (gate, id, hasServed ? IdentifyPurpose.recovery : .start)
    identifyTask = Task { [weak self] in
      // Cancelled: the machine has withdrawn its request.
      guard (try? await gate.acquire(id, for: purpose)) != nil else { return }
      await self?.identifySlotGranted()
    }
  }

  private func identifySlotGranted() { perform(machine.handle(.identifySlotGranted)) }

  private func becameReady(resumed: Bool) {
    hasServed = true
    shared.withLock { status in
      status.state = .ready
      if !resumed || status.sessionSince == nil { status.sessionSince = .now }
    }
    log.notice(resumed ? "resumed" : "ready", ["shard": .of(id)])
    onState(.ready(id, resumed: resumed))
    sendPending()
    Task { await save() }
  }

  /// Writes what `choose` says when its turn has come; nil: nothing. Writes follow each other in the order in which they
  /// were asked for: a session that was given up must not come back because its last save took longer.
  @discardableResult
  private func store(_ choose: @escaping @Sendable (isolated Shard) -> GatewaySession??) -> Task<Void, Never> {
    let (earlier, id, sessions, log) = (saving, id, sessions, log)
    let task = Task {
      await earlier?.value
      guard let session = choose(self) else { return }
      do {
        try await sessions.save(session, shard: id)
        lastSaved = session
      } catch {
        log.warning("cannot \(session == nil ? "forget" : "save") the session", ["error": .error(error)])
      }
    }
    saving = task
    return task
  }

  private func scheduleSave() {
    saveTimer = loop.schedule(after: configuration.saveInterval) { [weak self] in
      self?.assumeIsolated { shard in
        guard shard.machine.state != .stopped else { return }
        shard.saveSoon()
        shard.scheduleSave()
      }
    }
  }

  private func saveSoon() {
    guard keepsSession, !isSaveQueued else { return }
    isSaveQueued = true
    savedAt = machine.session?.sequence ?? 0
    Task {
      await save()
      isSaveQueued = false
    }
  }

  // MARK: Socket

  private func connected(_ number: Int) {
    guard number == connection else { return }
    lastFailure = nil
    perform(machine.handle(.connected))
  }

  private func received(_ payload: UnsafeBufferPointer<UInt8>, _ number: Int) {
    guard number == connection else { return }
    do {
      let frame: GatewayFrame?
      if let filter = pipeline.filter {
        frame = try filter.inTurn {
          defer { pipeline.flush() }
          return try takeIn(payload)
        }
      } else {
        frame = try takeIn(payload)
        scheduleFlush()
      }
      if let frame { handle(frame) }
    } catch {
      pipeline.faults.report(GatewayFault(error), "\(error)")
      perform(machine.handle(.unreadable))
    }
  }

  private func takeIn(_ payload: UnsafeBufferPointer<UInt8>) throws -> GatewayFrame? {
    try pipeline.receive(payload, acceptsReady: { machine.acceptsReady }) { try machine.admit(sequence: $0) }
  }

  private func handle(_ frame: GatewayFrame) {
    switch frame {
    case .heartbeatACK:
      if let sentAt = beatSentAt {
        beatSentAt = nil
        let latency = sentAt.duration(to: .now)
        shared.withLock { $0.latency = latency }
      }
    case .hello(let interval) where interval > .zero: limiter.reset(heartbeatInterval: interval)
    default: break
    }
    perform(machine.handle(.frame(frame)))
  }

  /// Once per turn of the loop: handlers get what one burst of the socket brought as a batch.
  private func scheduleFlush() {
    guard !isFlushScheduled else { return }
    isFlushScheduled = true
    loop.execute { [weak self] in
      self?.assumeIsolated { shard in
        shard.isFlushScheduled = false
        shard.pipeline.flush()
        let received = shard.machine.session?.sequence ?? 0
        if received - shard.savedAt >= shard.configuration.saveStep || received < shard.savedAt { shard.saveSoon() }
      }
    }
  }

  private func closed(_ code: GatewayCloseCode?, _ reason: String, _ fault: GatewayFault?, _ number: Int) {
    openSockets -= 1
    if openSockets == 0 {
      for waiter in stopWaiters { waiter.resume() }
      stopWaiters = []
    }
    guard number == connection else { return }
    if let fault { pipeline.faults.report(fault, reason) }
    if machine.state == .connecting, code == nil, fault == nil, reason != lastFailure {
      // Once, however often it is tried again.
      lastFailure = reason
      log.warning("the gateway cannot be reached", ["reason": .string(reason)])
    }
    log.debug("connection closed", ["code": .string(code.map(\.description) ?? "none"), "reason": .string(reason)])
    dropConnection()
    perform(machine.handle(.closed(code)))
  }

  // MARK: Sending

  /// Heartbeats and the handshake: they never wait.
  private func sendNow(_ command: GatewayCommand) {
    if case .heartbeat = command { beatSentAt = .now }
    if case .identify = command { owesPresence = false }
    limiter.recordUrgent(at: .now)
    socket?.send(encode(command))
  }

  private func sendPending() {
    while machine.state == .ready, owesPresence || !pending.isEmpty {
      if let later = limiter.admit(at: .now) {
        pendingTimer?.cancel()
        pendingTimer = loop.schedule(at: later) { [weak self] in self?.assumeIsolated { $0.sendPending() } }
        return
      }
      if owesPresence {
        owesPresence = false
        socket?.send(encode(.updatePresence(presence)))
      } else {
        socket?.send(pending.removeFirst())
      }
    }
  }

  private func encode(_ command: GatewayCommand) -> [UInt8] {
    command.payload(
      in: GatewayCommand.Surroundings(
        token: configuration.token, intents: configuration.intents, shard: id, presence: presence))
  }
}
