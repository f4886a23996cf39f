import CCurl

/// A TCP or TLS connection that libcurl makes (`CURLOPT_CONNECT_ONLY`) and that a loop then reads and writes.
///
/// Measured rules: ALPN must not choose HTTP/2, since raw bytes follow; the easy handle stays in its multi handle as long
/// as the connection lives; the multi handle belongs to one connection on one loop, never shared with other transfers;
/// at every wake the caller reads until ``Received/nothing``, since bytes wait inside the TLS library unseen by epoll.
///
/// All of it happens on the loop. While it connects, libcurl's sockets and timer are the loop's.
final class CurlConnection: @unchecked Sendable {  // touched on the loop's thread only
  struct Options {
    /// `http` or `https`, with host and port.
    var url: String
    var connectTimeout: Duration
    var certificateAuthorityFile: String?
    var usesProxyFromEnvironment: Bool
  }

  enum Received {
    case bytes(Int)
    /// Nothing now; the loop tells when there is more.
    case nothing
    case end
    case failed(String)
  }

  enum Sent {
    case bytes(Int)
    /// Nothing fits now. The next call must offer the same memory again: the TLS library may have taken part of it.
    case blocked
    case failed(String)
  }

  private let loop: EventLoop
  /// Owned: both made in `init`, freed in `close`, the easy handle first taken out of the multi handle.
  private var easy: CurlEasy?
  private var multi: CurlMulti?
  private let errorText = CurlErrorText()
  /// Which descriptors the loop watches for libcurl, or for us once connected.
  private var watched: Set<Int32> = []
  private var descriptor: Int32 = -1
  private var timer: EventLoop.Timer?
  private var whenConnected: ((Result<Void, WebSocketClientError>) -> Void)?

  /// - Throws: ``WebSocketClientError`` if libcurl refuses the options.
  init(_ options: Options, loop: EventLoop) throws {
    self.loop = loop
    guard Curl.isReady, let multi = curl_multi_init() else { throw WebSocketClientError.failed("libcurl cannot start") }
    self.multi = multi
    do {
      guard let easy = curl_easy_init() else { throw Curl.Failure(code: CURLE_OUT_OF_MEMORY) }
      self.easy = easy
      try Curl.set(easy, CURLOPT_ERRORBUFFER, pointer: UnsafeMutableRawPointer(errorText.buffer))
      try Curl.set(easy, CURLOPT_NOSIGNAL, true)
      try Curl.set(easy, CURLOPT_PROTOCOLS_STR, "http,https")
      try Curl.set(easy, CURLOPT_URL, options.url)
      try Curl.set(easy, CURLOPT_CONNECT_ONLY, true)
      try Curl.set(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
      try Curl.set(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds: options.connectTimeout)
      try Curl.set(easy, CURLOPT_TCP_KEEPALIVE, true)
      try Curl.set(easy, CURLOPT_SSL_VERIFYPEER, true)
      try Curl.set(easy, CURLOPT_SSL_VERIFYHOST, 2)
      if let file = options.certificateAuthorityFile {
        try Curl.set(easy, CURLOPT_CAINFO, file)
        try Curl.set(easy, CURLOPT_CAPATH, nil as String?)
      }
      if options.usesProxyFromEnvironment {
        try Curl.set(easy, CURLOPT_HTTPPROXYTUNNEL, true)
      } else {
        try Curl.set(easy, CURLOPT_PROXY, "")
      }
    } catch {
      if let easy { curl_easy_cleanup(easy) }
      curl_multi_cleanup(multi)
      easy = nil
      self.multi = nil
      throw WebSocketClientError.failed("\(error)")
    }
  }

  // The owner calls `close`: here, off the loop, nothing may be freed any more.
  deinit { assert(multi == nil, "a connection is closed before it is let go") }

  /// Starts to connect. `whenConnected` is called once, on the loop, later; not after ``close()``.
  func connect(_ whenConnected: @escaping (Result<Void, WebSocketClientError>) -> Void) {
    guard let multi, let easy else { return }
    self.whenConnected = whenConnected
    let context = Unmanaged.passUnretained(self).toOpaque()  // the multi handle does not outlive us
    for code in [
      adj_curl_multi_setopt_socket_callback(multi, watchCurlSocket),
      adj_curl_multi_setopt_pointer(multi, CURLMOPT_SOCKETDATA, context),
      adj_curl_multi_setopt_timer_callback(multi, setCurlTimer),
      adj_curl_multi_setopt_pointer(multi, CURLMOPT_TIMERDATA, context),
      // Sets the timer, from which everything follows.
      curl_multi_add_handle(multi, easy),
    ] where code != CURLM_OK {
      let reason = Curl.message(code)
      loop.execute { self.finishConnecting(.failure(.failed(reason))) }
      return
    }
  }

  /// Calls `handler` whenever the connection is ready for what it is watched for.
  func watch(for interest: IOInterest, handler: @escaping @Sendable (IOReadiness) -> Void) throws {
    stopWatching()
    try loop.register(descriptor, for: interest, handler: handler)
    watched.insert(descriptor)
  }

  func rewatch(for interest: IOInterest) throws { try loop.modify(descriptor, for: interest) }

  func receive(into space: UnsafeMutableRawBufferPointer) -> Received {
    guard let easy else { return .end }
    var count = 0
    switch curl_easy_recv(easy, space.baseAddress, space.count, &count) {
    case CURLE_OK: return count > 0 ? .bytes(count) : .end
    case CURLE_AGAIN: return .nothing
    case let code: return .failed(errorText.text(for: code))
    }
  }

  func send(_ bytes: UnsafeRawBufferPointer) -> Sent {
    guard let easy else { return .failed("the connection is closed") }
    var count = 0
    switch curl_easy_send(easy, bytes.baseAddress, bytes.count, &count) {
    case CURLE_OK: return .bytes(count)
    case CURLE_AGAIN: return .blocked
    case let code: return .failed(errorText.text(for: code))
    }
  }

  /// Ends the connection and frees everything. Not to be called inside a callback of libcurl.
  func close() {
    whenConnected = nil
    timer?.cancel()
    timer = nil
    stopWatching()
    guard let multi else { return }
    // libcurl still tells of the sockets it closes: `watchCurlSocket` finds them gone.
    if let easy {
      curl_multi_remove_handle(multi, easy)
      curl_easy_cleanup(easy)
    }
    curl_multi_cleanup(multi)
    self.easy = nil
    self.multi = nil
    timer?.cancel()
    timer = nil
    stopWatching()
  }

  private func stopWatching() {
    for descriptor in watched { loop.deregister(descriptor) }
    watched = []
  }

  // MARK: libcurl's demands while it connects

  fileprivate func setWatch(_ socket: Int32, _ what: Int32) -> Int32 {
    var interest: IOInterest = []
    if what == CURL_POLL_IN || what == CURL_POLL_INOUT { interest.insert(.read) }
    if what == CURL_POLL_OUT || what == CURL_POLL_INOUT { interest.insert(.write) }
    if what == CURL_POLL_REMOVE {
      if watched.remove(socket) != nil { loop.deregister(socket) }
      return 0
    }
    do {
      if watched.contains(socket) {
        try loop.modify(socket, for: interest)
      } else {
        try loop.register(socket, for: interest) { [weak self] readiness in self?.act(socket, readiness) }
        watched.insert(socket)
      }
      return 0
    } catch {
      return -1
    }
  }

  fileprivate func setTimer(_ milliseconds: Int) {
    timer?.cancel()
    timer = nil
    guard milliseconds >= 0, multi != nil else { return }
    timer = loop.schedule(after: .milliseconds(milliseconds)) { [weak self] in
      self?.timer = nil
      self?.act(CURL_SOCKET_TIMEOUT, [])
    }
  }

  private func act(_ socket: Int32, _ readiness: IOReadiness) {
    guard let multi else { return }
    var events: Int32 = 0
    if readiness.contains(.read) || readiness.contains(.hangup) { events |= CURL_CSELECT_IN }
    if readiness.contains(.write) { events |= CURL_CSELECT_OUT }
    if readiness.contains(.failure) { events |= CURL_CSELECT_ERR }
    var running: Int32 = 0
    let code = curl_multi_socket_action(multi, socket, events, &running)
    guard code == CURLM_OK else {
      finishConnecting(.failure(.failed(Curl.message(code))))
      return
    }
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE else { continue }
      let code = message.pointee.data.result
      finishConnecting(code == CURLE_OK ? takeDescriptor() : .failure(error(for: code)))
      return
    }
  }

  private func takeDescriptor() -> Result<Void, WebSocketClientError> {
    guard let easy, adj_curl_getinfo_socket(easy, &descriptor) == CURLE_OK, descriptor >= 0 else {
      return .failure(.failed("libcurl has no socket"))
    }
    return .success(())
  }

  private func finishConnecting(_ result: Result<Void, WebSocketClientError>) {
    let whenConnected = self.whenConnected
    self.whenConnected = nil
    whenConnected?(result)
  }

  private func error(for code: CURLcode) -> WebSocketClientError {
    let text = errorText.text(for: code)
    switch code {
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return .invalidRequest(text)
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: return .cannotResolve(text)
    case CURLE_OPERATION_TIMEDOUT: return .connectTimeout
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CRL_BADFILE:
      return .tls(text)
    default: return .cannotConnect(text)
    }
  }
}

// The callbacks run on the loop, inside calls of libcurl. Their context is the connection, unretained.

private func connection(_ context: UnsafeMutableRawPointer) -> CurlConnection {
  Unmanaged<CurlConnection>.fromOpaque(context).takeUnretainedValue()
}

private func watchCurlSocket(
  _: CurlEasy?, _ socket: curl_socket_t, _ what: Int32, _ context: UnsafeMutableRawPointer?,
  _: UnsafeMutableRawPointer?
) -> Int32 {
  guard let context else { return -1 }
  return connection(context).setWatch(socket, what)
}

private func setCurlTimer(_: CurlMulti?, _ milliseconds: Int, _ context: UnsafeMutableRawPointer?) -> Int32 {
  guard let context else { return -1 }
  connection(context).setTimer(milliseconds)
  return 0
}
