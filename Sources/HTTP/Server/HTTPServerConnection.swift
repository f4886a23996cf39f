import Platform

/// Drives one ``HTTPConnectionMachine`` over its socket. It lives on an event loop; handlers run elsewhere.
actor HTTPServerConnection: TCPConnectionHandler {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  let context: HTTPServerContext
  let tcp: TCPConnection
  /// For handlers that run here.
  private let runner: EventLoop.TaskRunner
  nonisolated let peer: IPAddress
  private var machine: HTTPConnectionMachine
  private var idState: UInt64
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
    let plan: CompiledRouter.Plan
    let began: ContinuousClock.Instant
    var task: Task<Void, Never>?
    /// Of an answer that is made piece by piece.
    var status: HTTPStatus?
    var bytes = 0
  }

  init(_ tcp: TCPConnection, context: HTTPServerContext) {
    loop = tcp.loop
    self.tcp = tcp
    runner = EventLoop.TaskRunner(tcp.loop)
    peer = IPAddress(tcp.remoteAddress.host) ?? HTTPClientIdentity.nobody
    self.context = context
    idState = context.random.next()
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
      connection.context.measures.received.increment(by: input.bytes.count)
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
    context.measures.sent.increment(by: count)
    socket?.consumer.sent(count)
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
    if socket?.consumer.hasReader != true { exchange?.task?.cancel() }
    exchange?.request.body.fail(HTTPConnectionLost())
    if let exchange, exchange.status != nil { record(exchange, isBroken: true) }
    exchange = nil
    for writer in writers { writer.resume(throwing: HTTPConnectionLost()) }
    writers = []
    if socket != nil {
      transportEnded()
      // A listener holds on to its channel.
      if case .listener = socket?.consumer { socket = nil }
    }
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
      refuse(error)
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
    var request = makeRequest(head, plan, body)
    bodyIsPaused = false
    // Where there is no route, that is the answer, however large the body is: it is not read.
    let actions = machine.accept(bodyLimit: plan.route == nil ? .max : plan.bodyLimit, now: began)
    // Known from the head alone: answered before a byte of the body is read, and without the handler.
    if case .bodyFailed(let error) = actions.first { request.rejection = request.rejection ?? error }
    exchange = Exchange(request: request, plan: plan, began: began)
    // Detached: an inherited context would run every handler on the event loop.
    exchange?.task =
      plan.route?.notes.isImmediate == true
      ? Task.detached(executorPreference: runner) { [request] in await self.serve(request, plan) }
      : Task.detached { [request] in await self.serve(request, plan) }
    perform(actions)
  }

  private func makeRequest(_ head: HTTPRequestHead, _ plan: CompiledRouter.Plan, _ body: HTTPRequestBody) -> HTTPRequest
  {
    var rejection: HTTPError?
    var client: HTTPClientIdentity
    do throws(HTTPError) {
      client = try context.configuration.trustedProxies.identity(peer: peer, headers: head.headers)
    } catch {
      rejection = error
      client = HTTPClientIdentity(peer: peer, headers: head.headers)
    }
    var id: String?
    if client.isForwarded { id = head.headers["X-Request-Id"].flatMap { RequestID.isWellFormed($0) ? $0 : nil } }
    var request = HTTPRequest(
      head, remoteAddress: tcp.remoteAddress, localAddress: tcp.localAddress, body: body, bodyLimit: plan.bodyLimit,
      id: id ?? makeID(), client: client)
    request.parameters = plan.parameters
    request.route = plan.route
    request.onFailure = context.onFailure
    if let raw = head.rawQuery {
      do throws(HTTPError) {
        request.query = try HTTPQuery(raw.utf8)
      } catch {
        rejection = rejection ?? error
      }
    }
    request.rejection = rejection
    return request
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

  func write(_ pieces: [[UInt8]]) {
    tcp.write(pieces)
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
  private nonisolated func serve(_ request: HTTPRequest, _ plan: CompiledRouter.Plan) async {
    do {
      switch plan.target {
      case .handler(let handler): await send(try await handler(request), to: request)
      case .webSocket(let route):
        var request = request
        var opening: Opening?
        do throws(HTTPError) {
          opening = try Self.opening(request, route)
        } catch {
          request.rejection = request.rejection ?? error
        }
        let acceptance = WebSocketAcceptance()
        request[WebSocketAcceptance.self] = acceptance
        if let refusal = try await route.admit(request) { return await send(refusal, to: request) }
        guard let opening else { return await abandon() }
        switch route.service {
        case .task(let handler): await run(handler, route, acceptance.request ?? request, opening)
        case .listener:
          guard let make = acceptance.take() else { return await abandon() }
          await listen(route, request, opening, make)
        }
      }
    } catch {
      // Every other error has become an answer: nobody waits for one to these.
      await abandon()
    }
  }

  private nonisolated func send(_ response: HTTPResponse, to request: HTTPRequest) async {
    guard case .stream(let length, let produce) = response.body else {
      // On the loop already, there is nothing to wait for.
      if answerHere(response) { return }
      return await answer(response)
    }
    guard await begin(response, length: length) else { return }
    do {
      try await produce(HTTPBodyWriter { piece in try await self.writeContent(piece) })
      await finish()
    } catch {
      if !(error is HTTPConnectionLost), !(error is CancellationError) {
        context.log.error(
          "an answer broke off",
          [
            "errorId": .string(request.id), "route": .string(request.route?.pattern.description ?? ""),
            "error": .error(error),
          ])
      }
      await abandon()
    }
  }

  /// - Returns: false if the caller is not on the loop.
  private nonisolated func answerHere(_ response: HTTPResponse) -> Bool {
    guard loop.isCurrent else { return false }
    assumeIsolated { $0.answer(response) }
    return true
  }

  /// What came is no request.
  private func refuse(_ error: HTTPError) {
    guard !isClosed else { return }
    let id = makeID()
    var response = context.refusal(error)
    response.headers.add("X-Request-Id", id)
    let content = response.content
    context.measures.answered(nil, route: nil, status: response.status, after: .zero)
    context.accessLog?.write(
      AccessLog.Entry(
        id: id, client: peer, method: nil, route: nil, path: nil, status: response.status, bytes: content.count,
        duration: .zero))
    exchange = nil
    bodyIsPaused = false
    send(response, content)
  }

  private func answer(_ response: HTTPResponse) {
    guard var exchange, !isClosed else { return }
    var response = response
    response.headers.add("X-Request-Id", exchange.request.id)
    exchange.status = response.status
    let content = response.content
    exchange.bytes = content.count
    measure(exchange, response.status)
    record(exchange)
    self.exchange = nil
    bodyIsPaused = false
    send(response, content)
  }

  private func send(_ response: HTTPResponse, _ content: [UInt8]) {
    noticeDrain()
    perform(
      machine.respond(
        response.status, response.headers, length: content.count, content: content, date: context.date,
        now: context.time.now))
  }

  /// - Returns: whether there is content to send.
  private func begin(_ response: HTTPResponse, length: Int?) -> Bool {
    guard let exchange, !isClosed else { return false }
    var response = response
    response.headers.add("X-Request-Id", exchange.request.id)
    self.exchange?.status = response.status
    measure(exchange, response.status)
    noticeDrain()
    perform(
      machine.respond(
        response.status, response.headers, length: length, content: nil, date: context.date, now: context.time.now))
    if machine.sendsContent { return true }
    finish()
    return false
  }

  /// SplitMix64 over a beginning of the connection's own: asking the system for chance costs a call each time.
  private func makeID() -> String {
    idState &+= 0x9E37_79B9_7F4A_7C15
    var value = (idState ^ (idState >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return RequestID.make(value ^ (value >> 31))
  }

  private func measure(_ exchange: Exchange, _ status: HTTPStatus) {
    context.measures.answered(
      exchange.request.method, route: exchange.request.route, status: status,
      after: exchange.began.duration(to: context.time.now))
  }

  private func record(_ exchange: Exchange, isBroken: Bool = false) {
    guard let accessLog = context.accessLog, let status = exchange.status else { return }
    let request = exchange.request
    accessLog.write(
      AccessLog.Entry(
        id: request.id, client: request.client.address, method: request.method, route: request.route?.pattern,
        path: request.route == nil ? request.path.raw : nil, status: status, bytes: exchange.bytes,
        duration: exchange.began.duration(to: context.time.now), isBroken: isBroken))
  }

  private func writeContent(_ piece: [UInt8]) async throws {
    guard !isClosed, exchange != nil else { throw HTTPConnectionLost() }
    exchange?.bytes += piece.count
    perform(machine.write(piece))
    guard tcp.pendingBytes > context.configuration.responseBuffer else { return }
    try await withCheckedThrowingContinuation { continuation in writers.append(continuation) }
  }

  private func finish() {
    guard !isClosed, let exchange else { return }
    record(exchange)
    self.exchange = nil
    bodyIsPaused = false
    perform(machine.finish(now: context.time.now))
  }

  private func abandon() {
    guard !isClosed, let exchange else { return }
    record(exchange, isBroken: true)
    self.exchange = nil
    perform(machine.fail())
  }

  // MARK: WebSocket

  /// What an opening request asks for.
  private typealias Opening = (key: String, subprotocol: String?)

  private static func opening(_ request: HTTPRequest, _ route: WebSocketRoute) throws(HTTPError) -> Opening {
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
    _ handler: WebSocketRoute.Handler, _ route: WebSocketRoute, _ request: HTTPRequest, _ opening: Opening
  ) async {
    guard let socket = await upgrade(route, request, opening) else { return }
    do {
      try await handler(request, socket)
      socket.close(.normal)
    } catch {
      if !(error is CancellationError), error as? WebSocketSendError != .closed {
        context.log.error(
          "WebSocket handler failed",
          [
            "errorId": .string(request.id), "route": .string(request.route?.pattern.description ?? ""),
            "error": .error(error),
          ])
      }
      socket.close(.internalError)
    }
  }

  private func upgrade(
    _ route: WebSocketRoute, _ request: HTTPRequest, _ opening: Opening
  ) -> WebSocketServerConnection? {
    guard let leftover = switchProtocols(request, opening) else { return nil }
    let (consumer, connection) = WebSocketConsumer.task(
      options: route.options, remoteAddress: tcp.remoteAddress, subprotocol: opening.subprotocol
    ) { [weak self] in
      guard let self else { return }
      self.loop.execute { self.assumeIsolated { $0.performCommands() } }
    }
    begin(WebSocketSession(options: route.options, consumer: consumer), leftover)
    return connection
  }

  /// The exchange and its task are over with this: nothing is left but the socket.
  private func listen(
    _ route: WebSocketRoute, _ request: HTTPRequest, _ opening: Opening, _ make: WebSocketRoute.MakeListener
  ) {
    guard let leftover = switchProtocols(request, opening) else { return }
    exchange = nil
    let listener = make(WebSocketChannel(connection: self))
    begin(WebSocketSession(options: route.options, consumer: .listener(listener)), leftover)
  }

  /// - Returns: the head of the answer, and the bytes that came behind the opening request; nil if it is too late.
  private func switchProtocols(_ request: HTTPRequest, _ opening: Opening) -> (head: [UInt8], rest: [UInt8])? {
    guard let exchange, !isClosed else { return nil }
    var headers: HTTPHeaders = [
      "Upgrade": "websocket", "Sec-WebSocket-Accept": WebSocketHandshake.accept(for: opening.key),
    ]
    headers["Sec-WebSocket-Protocol"] = opening.subprotocol
    headers.add("X-Request-Id", request.id)
    let actions = machine.upgrade(headers, date: context.date)
    guard actions.count == 2, case .send(let head) = actions[0], case .upgraded(let leftover) = actions[1] else {
      perform(actions)
      return nil
    }
    measure(exchange, .switchingProtocols)
    timer?.cancel()
    timer = nil
    return (head, leftover)
  }

  private func begin(_ session: WebSocketSession, _ opened: (head: [UInt8], rest: [UInt8])) {
    socket = session
    session.consumer.willSend(opened.head.count)
    write(opened.head)
    setReading(true)
    if isDraining { goAway() }
    if case .listener(let listener) = session.consumer { listener.opened() }
    // Frames that came together with the opening request.
    opened.rest.withUnsafeBytes { receiveFrames($0) }
  }

  // MARK: The end of the server

  /// The server tells its connections one after the other that it ends; a response that begins meanwhile says so too.
  private func noticeDrain() {
    if context.isDraining { perform(machine.drain(now: context.time.now)) }
  }

  func drain() {
    isDraining = true
    if socket != nil {
      goAway()
    } else {
      perform(machine.drain(now: context.time.now))
    }
  }

  func cut() { tcp.abort() }
}
