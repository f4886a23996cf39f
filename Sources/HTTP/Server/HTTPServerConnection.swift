import Platform

/// Drives one ``HTTPConnectionMachine`` over its socket. It lives on an event loop; handlers run elsewhere.
actor HTTPServerConnection: TCPConnectionHandler {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  let context: HTTPServerContext
  let tcp: TCPConnection
  private var machine: HTTPConnectionMachine
  /// The exchange that is going on.
  private var exchange: Exchange?
  private var bodyIsPaused = false
  private var readsFromSocket = true
  private var closesWhenWritten = false
  private var isClosed = false
  private var isDraining = false
  private var timer: EventLoop.Timer?
  private var stallTimer: EventLoop.Timer?
  private var hasProgressed = false
  private var writers: [CheckedContinuation<Void, any Error>] = []
  /// Set once the connection has become a WebSocket.
  var socket: WebSocketSession?

  private struct Exchange {
    let request: HTTPRequest
    let plan: Router.Plan
    let began: ContinuousClock.Instant
    var task: Task<Void, Never>?
  }

  init(_ tcp: TCPConnection, context: HTTPServerContext) {
    loop = tcp.loop
    self.tcp = tcp
    self.context = context
    machine = HTTPConnectionMachine(
      limits: context.configuration.limits, serverName: context.configuration.serverName, now: context.time.now)
  }

  func start() throws {
    try tcp.start(self)
    update()
  }

  // MARK: What the socket says

  nonisolated func received(_ input: BorrowedBytes) {
    assumeIsolated { connection in
      if connection.socket != nil { return connection.receiveFrames(input.bytes) }
      connection.perform(connection.machine.receive(input.bytes, now: connection.context.time.now))
    }
  }

  nonisolated func receivedEnd() {
    assumeIsolated { connection in
      if connection.socket != nil { return connection.transportEnded() }
      connection.perform(connection.machine.endInput(now: connection.context.time.now))
    }
  }

  nonisolated func wrote(_ count: Int) {
    assumeIsolated { $0.hasWritten(count) }
  }

  nonisolated func closed(_ error: SystemError?) {
    assumeIsolated { $0.end() }
  }

  private func hasWritten(_ count: Int) {
    hasProgressed = true
    socket?.connection.sent(count)
    if tcp.pendingBytes <= context.configuration.responseBuffer / 2 {
      let writers = writers
      self.writers = []
      for writer in writers { writer.resume() }
    }
    guard tcp.pendingBytes == 0 else { return }
    if closesWhenWritten { return tcp.close() }
    if socket == nil {
      machine.written(now: context.time.now)
      armTimer()
    }
  }

  private func end() {
    guard !isClosed else { return }
    isClosed = true
    timer?.cancel()
    stallTimer?.cancel()
    // What a WebSocket's peer sent before it left is still to be handled, undisturbed.
    if socket?.connection.hasReader != true { exchange?.task?.cancel() }
    exchange?.request.body.fail(HTTPConnectionLost())
    exchange = nil
    for writer in writers { writer.resume(throwing: HTTPConnectionLost()) }
    writers = []
    if socket != nil { transportEnded() }
    context.remove(self)
  }

  // MARK: What the machine says

  private func perform(_ actions: [HTTPConnectionMachine.Action]) {
    for action in actions { perform(action) }
    update()
  }

  private func perform(_ action: HTTPConnectionMachine.Action) {
    switch action {
    case .request(let head): begin(head)
    case .body(let piece):
      if let exchange, exchange.request.body.append(piece) { bodyIsPaused = true }
    case .bodyEnd: exchange?.request.body.finish()
    case .bodyFailed(let error): exchange?.request.body.fail(error)
    case .peerEnded: exchange?.task?.cancel()
    case .reject(let error):
      context.log.debug("malformed request", ["peer": .of(tcp.remoteAddress), "error": .error(error)])
      answer(context.router.errors.response(for: error, to: nil), method: nil, route: nil, after: .zero)
    case .send(let bytes): write(bytes)
    case .upgraded: break  // `upgrade(…)` takes it
    case .finishWriting:
      tcp.finishWriting()
      if tcp.pendingBytes == 0 { machine.written(now: context.time.now) }
    case .closeWhenWritten: closeAfterWriting()
    case .close: tcp.abort()
    }
  }

  private func begin(_ head: HTTPRequestHead) {
    let plan = context.router.plan(head.method, head.path)
    let length: Int? =
      switch head.framing {
      case .none: 0
      case .length(let length): length
      case .chunked: nil
      }
    let body =
      length == 0
      ? HTTPRequestBody.empty
      : HTTPRequestBody(expectedLength: length, highWater: context.configuration.bodyBuffer) { [weak self] demand in
        guard let self else { return }
        self.loop.execute { self.assumeIsolated { $0.meet(demand) } }
      }
    let began = context.time.now
    var request: HTTPRequest
    do throws(HTTPError) {
      request = try HTTPRequest(
        method: head.method, path: head.path, rawQuery: head.rawQuery, headers: head.headers,
        remoteAddress: tcp.remoteAddress, localAddress: tcp.localAddress, body: body, bodyLimit: plan.bodyLimit)
    } catch {
      perform(machine.accept(bodyLimit: plan.bodyLimit, now: began))
      return answer(plan.errors.response(for: error, to: nil), method: head.method, route: plan.pattern, after: .zero)
    }
    request.parameters = plan.parameters
    bodyIsPaused = false
    exchange = Exchange(request: request, plan: plan, began: began)
    // Where there is no route, that is the answer, however large the body is: it is not read.
    let actions = machine.accept(bodyLimit: plan.pattern == nil ? .max : plan.bodyLimit, now: began)
    if case .bodyFailed(let error) = actions.first {
      // Known from the head alone: answered before a byte of the body is read, and without the handler.
      return answer(plan.errors.response(for: error, to: request))
    }
    // Detached: an inherited context would run the handler on the event loop.
    exchange?.task = Task.detached { [request] in await self.serve(request, plan) }
    perform(actions)
  }

  private func meet(_ demand: HTTPRequestBody.Demand) {
    switch demand {
    case .begin: perform(machine.requestBody(now: context.time.now))
    case .resume:
      bodyIsPaused = false
      update()
    }
  }

  /// Puts the timer and the reading in line with the machine.
  private func update() {
    guard !isClosed else { return }
    if socket == nil {
      setReading(machine.wantsInput && !bodyIsPaused)
      armTimer()
    }
  }

  func setReading(_ wanted: Bool) {
    guard wanted != readsFromSocket else { return }
    readsFromSocket = wanted
    if wanted { tcp.resumeReading() } else { tcp.pauseReading() }
  }

  /// Deadlines mostly move away: the timer that is set stays, and looks again when it fires.
  private func armTimer() {
    guard let deadline = machine.deadline, timer.map({ $0.deadline > deadline }) ?? true else { return }
    timer?.cancel()
    timer = loop.schedule(after: context.time.now.duration(to: deadline)) { [weak self] in
      guard let self else { return }
      self.assumeIsolated { connection in
        connection.timer = nil
        guard !connection.isClosed, connection.socket == nil else { return }
        connection.perform(connection.machine.timeOut(now: connection.context.time.now))
      }
    }
  }

  func closeAfterWriting() {
    if tcp.pendingBytes == 0 { tcp.close() } else { closesWhenWritten = true }
  }

  func write(_ bytes: [UInt8]) {
    tcp.write(bytes)
    watchForStall()
  }

  /// Cuts the connection if the peer takes nothing for too long.
  private func watchForStall() {
    guard stallTimer == nil, tcp.pendingBytes > 0 else { return }
    hasProgressed = false
    stallTimer = loop.schedule(after: context.configuration.writeTimeout) { [weak self] in
      guard let self else { return }
      self.assumeIsolated { connection in
        connection.stallTimer = nil
        guard connection.tcp.pendingBytes > 0 else { return }
        if connection.hasProgressed { connection.watchForStall() } else { connection.tcp.abort() }
      }
    }
  }

  // MARK: Answers

  /// Runs on the cooperative pool.
  private nonisolated func serve(_ request: HTTPRequest, _ plan: Router.Plan) async {
    do {
      switch plan.target {
      case .handler(let handler): await send(try await handler(request), to: request, plan)
      case .webSocket(let route):
        let (key, subprotocol) = try Self.admission(request, route)
        if let refusal = try await route.admit(request) { return await send(refusal, to: request, plan) }
        await run(route, request, key: key, subprotocol: subprotocol)
      }
    } catch is CancellationError where Task.isCancelled {
      await abandon()
    } catch is HTTPConnectionLost {
      await abandon()
    } catch let error as HTTPError {
      await send(plan.errors.response(for: error, to: request), to: request, plan)
    } catch {
      await send(failure(error, request, plan), to: request, plan)
    }
  }

  /// The answer to an error that is nobody's business but the log's: the two share an id.
  private nonisolated func failure(_ error: any Error, _ request: HTTPRequest, _ plan: Router.Plan) -> HTTPResponse {
    let id = String(SystemRandom().next(), radix: 36)
    context.log.error(
      "request failed",
      [
        "errorId": .string(id), "method": .of(request.method), "route": .string(plan.pattern ?? ""),
        "error": .error(error),
      ])
    return plan.errors.response(
      for: HTTPError(.internalServerError, kind: .internalError, "internal error \(id)"), to: request)
  }

  private nonisolated func send(_ response: HTTPResponse, to request: HTTPRequest, _ plan: Router.Plan) async {
    guard case .stream(let length, let produce) = response.body else { return await answer(response) }
    guard await begin(response, length: length) else { return }
    do {
      try await produce(HTTPBodyWriter { piece in try await self.writeContent(piece) })
      await finish()
    } catch {
      if !(error is HTTPConnectionLost), !(error is CancellationError) {
        context.log.error(
          "an answer broke off", ["route": .string(plan.pattern ?? ""), "error": .error(error)])
      }
      await abandon()
    }
  }

  private func answer(_ response: HTTPResponse) {
    guard let exchange else { return }
    answer(
      response, method: exchange.request.method, route: exchange.plan.pattern,
      after: exchange.began.duration(to: context.time.now))
  }

  private func answer(_ response: HTTPResponse, method: HTTPMethod?, route: String?, after: Duration) {
    guard !isClosed else { return }
    var bytes: [UInt8] = []
    if case .bytes(let content) = response.body { bytes = content }
    context.measures.answered(method, route: route, status: response.status, after: after)
    exchange = nil
    bodyIsPaused = false
    noticeDrain()
    perform(
      machine.respond(
        response.status, response.headers, length: bytes.count, content: bytes, date: context.date,
        now: context.time.now))
  }

  /// - Returns: whether there is content to send.
  private func begin(_ response: HTTPResponse, length: Int?) -> Bool {
    guard let exchange, !isClosed else { return false }
    context.measures.answered(
      exchange.request.method, route: exchange.plan.pattern, status: response.status,
      after: exchange.began.duration(to: context.time.now))
    noticeDrain()
    perform(
      machine.respond(
        response.status, response.headers, length: length, content: nil, date: context.date, now: context.time.now))
    if machine.sendsContent { return true }
    finish()
    return false
  }

  private func writeContent(_ piece: [UInt8]) async throws {
    guard !isClosed, exchange != nil else { throw HTTPConnectionLost() }
    perform(machine.write(piece))
    guard tcp.pendingBytes > context.configuration.responseBuffer else { return }
    try await withCheckedThrowingContinuation { continuation in writers.append(continuation) }
  }

  private func finish() {
    guard !isClosed, exchange != nil else { return }
    exchange = nil
    bodyIsPaused = false
    perform(machine.finish(now: context.time.now))
  }

  private func abandon() {
    guard !isClosed, exchange != nil else { return }
    exchange = nil
    perform(machine.fail())
  }

  // MARK: WebSocket

  private static func admission(_ request: HTTPRequest, _ route: WebSocketRoute) throws -> (String, String?) {
    // HEAD is led to GET's route, but opens nothing.
    guard request.method == .get else { throw WebSocketHandshake.upgradeRequired }
    do throws(WebSocketHandshake.Refusal) {
      let (key, offered) = try WebSocketHandshake.validate(request: request.headers)
      return (key, route.options.subprotocols.first { offered.contains($0) })
    } catch {
      var answer = WebSocketHandshake.upgradeRequired
      answer.status = HTTPStatus(rawValue: error.status)
      answer.message = error.message
      throw answer
    }
  }

  private nonisolated func run(
    _ route: WebSocketRoute, _ request: HTTPRequest, key: String, subprotocol: String?
  ) async {
    guard let socket = await upgrade(route, request, key: key, subprotocol: subprotocol) else { return }
    do {
      try await route.handler(request, socket)
      socket.close(.normal)
    } catch {
      if !(error is CancellationError), error as? WebSocketSendError != .closed {
        context.log.error(
          "WebSocket handler failed", ["path": .string(request.path.raw), "error": .error(error)])
      }
      socket.close(.internalError)
    }
  }

  private func upgrade(
    _ route: WebSocketRoute, _ request: HTTPRequest, key: String, subprotocol: String?
  ) -> WebSocketServerConnection? {
    guard let exchange, !isClosed else { return nil }
    var headers: HTTPHeaders = ["Upgrade": "websocket", "Sec-WebSocket-Accept": WebSocketHandshake.accept(for: key)]
    headers["Sec-WebSocket-Protocol"] = subprotocol
    let actions = machine.upgrade(headers, date: context.date)
    guard case .upgraded(let leftover) = actions.last else {
      perform(actions)
      return nil
    }
    context.measures.answered(
      request.method, route: exchange.plan.pattern, status: .switchingProtocols,
      after: exchange.began.duration(to: context.time.now))
    timer?.cancel()
    timer = nil
    let session = WebSocketSession(options: route.options, remoteAddress: tcp.remoteAddress, subprotocol: subprotocol) {
      [weak self] in
      guard let self else { return }
      self.loop.execute { self.assumeIsolated { $0.performCommands() } }
    }
    socket = session
    for case .send(let bytes) in actions {
      session.connection.willSend(bytes.count)
      write(bytes)
    }
    setReading(true)
    if isDraining { session.connection.close(.goingAway) }
    // Frames that came together with the opening request.
    leftover.withUnsafeBytes { receiveFrames($0) }
    return session.connection
  }

  // MARK: The end of the server

  /// The server tells its connections one after the other that it ends; a response that begins meanwhile says so too.
  private func noticeDrain() {
    if context.isDraining { perform(machine.drain(now: context.time.now)) }
  }

  func drain() {
    isDraining = true
    if let socket {
      socket.connection.close(.goingAway)
    } else {
      perform(machine.drain(now: context.time.now))
    }
  }

  func cut() { tcp.abort() }
}
