/// The client's end of a WebSocket (RFC 6455) over libcurl's TCP and TLS, on an event loop.
///
/// Everything happens on the loop: all methods must be called there, and the handler is called there, never from inside
/// one of the methods. An actor that lives on the loop may use both freely. The client keeps itself alive until its
/// `closed` event; whoever lets go of it without ``abort()`` leaves it running, and a loop must not be shut down under
/// it. Pings are answered; no extension is offered.
public final class WebSocketClient: @unchecked Sendable {  // touched on the loop's thread only
  public typealias Handler = @Sendable (WebSocketClientEvent) -> Void

  public struct Configuration: Sendable {
    /// Added to the opening request.
    public var headers: HTTPHeaders
    public var userAgent: String
    public var limits: WebSocketDecoder.Limits
    /// From the start until the server has agreed.
    public var connectTimeout: Duration
    /// How long the server may take for its part of the closing.
    public var closeTimeout: Duration
    /// How many bytes may wait to be sent before the connection is given up.
    public var maximumBufferedBytes: Int
    /// A PEM file of certificates to trust instead of the system's.
    public var certificateAuthorityFile: String?
    /// Whether `https_proxy` and its kin count.
    public var usesProxyFromEnvironment: Bool

    public init(
      headers: HTTPHeaders = [:], userAgent: String = "Adjutant",
      limits: WebSocketDecoder.Limits = .init(messageSize: 16 << 20), connectTimeout: Duration = .seconds(15),
      closeTimeout: Duration = .seconds(3), maximumBufferedBytes: Int = 1 << 20,
      certificateAuthorityFile: String? = nil, usesProxyFromEnvironment: Bool = false
    ) {
      self.headers = headers
      self.userAgent = userAgent
      self.limits = limits
      self.connectTimeout = connectTimeout
      self.closeTimeout = closeTimeout
      self.maximumBufferedBytes = maximumBufferedBytes
      self.certificateAuthorityFile = certificateAuthorityFile
      self.usesProxyFromEnvironment = usesProxyFromEnvironment
    }
  }

  private enum Phase { case connecting, opening, open, over }

  private static let receiveSize = 32 << 10
  /// After so many reads in a row others on the loop have their turn.
  private static let readsPerTurn = 32
  private static let maximumHeadBytes = 32 << 10

  public let loop: EventLoop
  private let configuration: Configuration
  private let handler: Handler
  private let encoder = WebSocketEncoder(role: .client)
  private let key = WebSocketHandshake.key(from: SystemRandom())

  private var phase = Phase.connecting
  private var connection: CurlConnection?
  private var keptAlive: WebSocketClient?
  private var timer: EventLoop.Timer?
  private var closing = WebSocketConnectionState(role: .client)
  private var decoder: WebSocketDecoder
  private var lines = HTTPHeadLines()
  private var line: [UInt8] = []
  private var sentClose: WebSocketClose?
  private var violation: WebSocketProtocolError?
  private var endsAfterSending = false
  /// Being sent: stays in place until it is sent whole, because the TLS library may hold on to it.
  private var sending: [UInt8] = []
  private var sentCount = 0
  private var waiting: [UInt8] = []
  private var interest: IOInterest = .read
  /// Owned: freed in `deinit`.
  private let space = UnsafeMutableRawBufferPointer.allocate(byteCount: receiveSize, alignment: 16)

  private init(_ configuration: Configuration, loop: EventLoop, handler: @escaping Handler) {
    self.configuration = configuration
    self.loop = loop
    self.handler = handler
    decoder = WebSocketDecoder(role: .client, limits: configuration.limits)
  }

  deinit { space.deallocate() }

  // MARK: Face

  /// Starts to open a WebSocket. Whatever is wrong, also with the URL, comes as the `closed` event.
  /// - Parameter url: `ws` or `wss`, percent-encoded, without user name and password.
  public static func connect(
    to url: String, on loop: EventLoop, configuration: Configuration = .init(), handler: @escaping Handler
  ) -> WebSocketClient {
    loop.preconditionOnLoop()
    let client = WebSocketClient(configuration, loop: loop, handler: handler)
    client.keptAlive = client
    client.start(url)
    return client
  }

  /// How many bytes wait to be sent.
  public var bufferedBytes: Int { sending.count - sentCount + waiting.count }

  /// - Returns: false if the WebSocket is not open, and the message was dropped.
  @discardableResult
  public func send(text: String) -> Bool { send(.text, Array(text.utf8)) }

  /// - Parameter text: valid UTF-8.
  @discardableResult
  public func send(text: [UInt8]) -> Bool { send(.text, text) }

  @discardableResult
  public func send(binary: [UInt8]) -> Bool { send(.binary, binary) }

  private func send(_ opcode: WebSocketOpcode, _ payload: [UInt8]) -> Bool {
    loop.preconditionOnLoop()
    guard phase == .open, closing.isOpen else { return false }
    put(encoder.frame(opcode, payload))
    return phase == .open
  }

  /// Closes as the protocol wants it: the server answers, within ``Configuration/closeTimeout``. Messages that arrive
  /// until then still come. Before the WebSocket is open it has the effect of ``abort()``.
  /// - Parameter close: a code that ``WebSocketCloseCode/mayBeSent``.
  public func close(_ close: WebSocketClose) {
    loop.preconditionOnLoop()
    precondition(close.code.mayBeSent, "the close code \(close.code) must not be sent")
    guard phase == .open else { return abort() }
    if closing.isOpen { sentClose = close }
    perform(closing.close(close))
  }

  /// Cuts the connection without a word.
  public func abort() {
    loop.preconditionOnLoop()
    end(.aborted)
  }

  // MARK: Opening

  private func start(_ url: String) {
    do {
      let target = try WebSocketTarget(url)
      try checkHeaders()
      let connection = try CurlConnection(
        .init(
          url: target.curlURL, connectTimeout: configuration.connectTimeout,
          certificateAuthorityFile: configuration.certificateAuthorityFile,
          usesProxyFromEnvironment: configuration.usesProxyFromEnvironment),
        loop: loop)
      self.connection = connection
      timer = loop.schedule(after: configuration.connectTimeout) { [weak self] in
        self?.end(.failed(.connectTimeout))
      }
      connection.connect { [weak self] result in self?.hasConnected(result, target) }
    } catch {
      end(.failed(error as? WebSocketClientError ?? .failed("\(error)")))
    }
  }

  private func checkHeaders() throws {
    if let fault = Curl.fault(in: configuration.headers) { throw WebSocketClientError.invalidRequest(fault) }
    for (name, _) in configuration.headers {
      let name = name.lowercased()
      if ["host", "connection", "upgrade"].contains(name) || name.hasPrefix("sec-websocket-") {
        throw WebSocketClientError.invalidRequest("\(name) belongs to the handshake")
      }
    }
  }

  private func hasConnected(_ result: Result<Void, WebSocketClientError>, _ target: WebSocketTarget) {
    guard phase == .connecting else { return }
    if case .failure(let error) = result { return end(.failed(error)) }
    phase = .opening
    do {
      try connection?.watch(for: interest) { [weak self] readiness in self?.isReady(readiness) }
    } catch {
      return end(.failed(.failed("\(error)")))
    }
    var head = "GET \(target.path) HTTP/1.1\r\nHost: \(target.authority)\r\n"
    if configuration.headers["User-Agent"] == nil { head += "User-Agent: \(configuration.userAgent)\r\n" }
    head += "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    head += "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: \(WebSocketHandshake.version)\r\n"
    for (name, value) in configuration.headers { head += "\(name): \(value)\r\n" }
    put(Array((head + "\r\n").utf8))
  }

  /// Takes the lines of the head out of what came in.
  /// - Returns: what is left behind the head.
  private func readHead(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var rest = bytes
    while phase == .opening, !rest.isEmpty {
      guard let newline = rest.firstIndex(of: UInt8(ascii: "\n")) else {
        line += rest
        rest = UnsafeRawBufferPointer(rebasing: rest[rest.endIndex...])
        if lines.bytes + line.count > Self.maximumHeadBytes { end(.failed(.handshake("the head is too large"))) }
        break
      }
      line += rest[...newline]
      rest = UnsafeRawBufferPointer(rebasing: rest[(newline + 1)...])
      // Else nothing would be noticed before the time is up.
      if lines.bytes == 0, !line.starts(with: "HTTP/1.".utf8) {
        end(.failed(.handshake("the answer is not HTTP/1")))
        break
      }
      let head = line.withUnsafeBufferPointer { lines.add($0) }
      line.removeAll(keepingCapacity: true)
      if let head {
        hasAnswered(head)
      } else if lines.bytes > Self.maximumHeadBytes {
        end(.failed(.handshake("the head is too large")))
      }
    }
    return rest
  }

  private func hasAnswered(_ head: HTTPTransfer.Head) {
    do throws(WebSocketHandshake.ResponseError) {
      _ = try WebSocketHandshake.validate(responseStatus: head.status, headers: head.headers, key: key)
    } catch {
      if case .status(let status) = error { return end(.failed(.refused(status: status))) }
      return end(.failed(.handshake("\(error)")))
    }
    timer?.cancel()
    timer = nil
    phase = .open
    handler(.connected(head.headers))
  }

  // MARK: Reading

  private func isReady(_ readiness: IOReadiness) {
    if readiness.contains(.write) { flush() }
    // Always: TLS may have bytes for us, and a hangup shows as the end.
    read()
  }

  private func read() {
    for _ in 0..<Self.readsPerTurn {
      guard phase == .opening || phase == .open, let connection else { return }
      switch connection.receive(into: space) {
      case .bytes(let count): take(UnsafeRawBufferPointer(rebasing: space[..<count]))
      case .nothing: return
      case .end: return transportEnded("the server ended it")
      case .failed(let reason): return transportEnded(reason)
      }
    }
    // Bytes inside the TLS library do not wake the loop: come back by ourselves.
    loop.execute { self.read() }
  }

  private func take(_ bytes: UnsafeRawBufferPointer) {
    let rest = phase == .opening ? readHead(bytes) : bytes
    guard phase == .open, closing.receives, !rest.isEmpty else { return }
    do throws(WebSocketProtocolError) {
      // The handler may call us: nothing it can reach touches the decoder.
      try decoder.decode(rest) { event in self.take(event) }
    } catch {
      violation = error
      perform(closing.failed(error))
    }
  }

  private func take(_ event: WebSocketEvent) {
    guard phase == .open else { return }
    switch event {
    case .text(let bytes): handler(.message(.text, Self.typed(bytes)))
    case .binary(let bytes): handler(.message(.binary, Self.typed(bytes)))
    case .ping(let payload): if closing.isOpen { put(encoder.frame(.pong, payload)) }
    case .pong: break
    case .close(let close):
      // Another code than ours is no answer: the server closed by itself at the same time.
      if let sent = sentClose, close.code != sent.code, close.code != .noCode { sentClose = nil }
      perform(closing.received(close))
    }
  }

  private static func typed(_ bytes: UnsafeRawBufferPointer) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), count: bytes.count)
  }

  // MARK: Writing

  private func put(_ bytes: [UInt8]) {
    guard bufferedBytes + bytes.count <= configuration.maximumBufferedBytes else {
      return end(.failed(.sendBufferFull(limit: configuration.maximumBufferedBytes)))
    }
    if sending.isEmpty { sending = bytes } else { waiting += bytes }
    if interest == .read { flush() }
  }

  private func flush() {
    while let connection {
      if sentCount == sending.count {
        sending = waiting
        waiting = []
        sentCount = 0
      }
      guard !sending.isEmpty else { break }
      let result = sending.withUnsafeBytes { connection.send(UnsafeRawBufferPointer(rebasing: $0[sentCount...])) }
      switch result {
      case .bytes(let count): sentCount += count
      case .blocked: return setInterest([.read, .write])
      // Not told from here: what the server sent before, a close code perhaps, is still to be read.
      case .failed(let reason): return sendingFailed(reason)
      }
    }
    setInterest(.read)
    if endsAfterSending { transportEnded("closed") }
  }

  private func sendingFailed(_ reason: String) {
    sending = []
    waiting = []
    sentCount = 0
    loop.execute {
      self.read()
      self.transportEnded(reason)
    }
  }

  private func setInterest(_ wanted: IOInterest) {
    guard interest != wanted else { return }
    interest = wanted
    do {
      try connection?.rewatch(for: wanted)
    } catch {
      end(.failed(.failed("\(error)")))
    }
  }

  // MARK: Closing

  private func perform(_ actions: [WebSocketConnectionState.Action]) {
    for action in actions where phase == .open {
      switch action {
      case .send(let close): put(encoder.close(close))
      case .startTimeout:
        timer?.cancel()
        timer = loop.schedule(after: configuration.closeTimeout) { [weak self] in
          guard let self else { return }
          self.perform(self.closing.timedOut())
        }
      case .endTransport:
        endsAfterSending = true
        if bufferedBytes == 0 { transportEnded("closed") }
      case .ended(let close): end(outcome(close, "the server ended it"))
      }
    }
  }

  private func transportEnded(_ reason: String) {
    guard phase == .open else { return end(.failed(.connectionLost(reason))) }
    for case .ended(let close) in closing.transportEnded() { end(outcome(close, reason)) }
  }

  private func outcome(_ close: WebSocketClose, _ reason: String) -> WebSocketClientEnd {
    if let violation { return .failed(.protocolViolation(violation)) }
    if let sentClose { return .here(sentClose) }
    return close.code == .abnormal ? .failed(.connectionLost(reason)) : .byPeer(close)
  }

  /// Frees everything at once; the event follows from the loop, so that no method of ours calls the handler.
  private func end(_ end: WebSocketClientEnd) {
    guard phase != .over else { return }
    phase = .over
    timer?.cancel()
    timer = nil
    connection?.close()
    connection = nil
    sending = []
    waiting = []
    sentCount = 0
    loop.execute { [handler] in
      handler(.closed(end))
      self.keptAlive = nil
    }
  }
}

/// The parts of a `ws` or `wss` URL (RFC 6455 section 3).
struct WebSocketTarget: Equatable {
  /// Host, and port if it is given.
  let authority: String
  /// Path and query.
  let path: String
  let isSecure: Bool

  /// - Throws: ``WebSocketClientError/invalidRequest(_:)``.
  init(_ url: String) throws {
    guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw WebSocketClientError.invalidRequest("the URL is not percent-encoded")
    }
    guard let mark = url.firstRange(of: "://") else {
      throw WebSocketClientError.invalidRequest("the URL has no scheme")
    }
    switch url[..<mark.lowerBound].lowercased() {
    case "ws": isSecure = false
    case "wss": isSecure = true
    default: throw WebSocketClientError.invalidRequest("the URL's scheme is neither ws nor wss")
    }
    let rest = url[mark.upperBound...].prefix { $0 != "#" }
    authority = String(rest.prefix { $0 != "/" && $0 != "?" })
    guard !authority.isEmpty, !authority.contains("@") else {
      throw WebSocketClientError.invalidRequest("the URL must have a host, and no user name")
    }
    let path = rest.dropFirst(authority.count)
    self.path = path.hasPrefix("/") ? String(path) : "/" + path
  }

  var curlURL: String { (isSecure ? "https" : "http") + "://\(authority)/" }
}
