import CCurl
import CLinux
import Glibc
import Synchronization

/// One exchange: the easy handle with its callbacks on the engine's side, the waiting task on the other.
///
/// Life: made by the client, started on the engine's thread, which keeps it until it is finished; finished exactly once,
/// with the whole response or an error. The easy handle is made and freed on the engine's thread.
final class HTTPTransfer: @unchecked Sendable {  // what is not in `shared` is touched on the engine's thread only
  struct Head: Sendable {
    var status: Int
    var headers: HTTPHeaders
  }

  /// What waits between the two sides.
  private struct Shared {
    var head: Head?
    /// What came in and was not read yet.
    var received: [UInt8] = []
    var isHeldUp = false
    var end: Result<Void, HTTPClientError>?
    /// Counts changes, so that a reader sees those that happened just before it began to wait.
    var version = 0
    var reader: CheckedContinuation<Void, Never>?
  }

  /// How many bytes may wait to be read before the transfer is held up.
  private static let highWater = 256 << 10
  private static let maximumHeadBytes = 256 << 10

  private let request: HTTPClientRequest
  private let configuration: HTTPClient.Configuration
  private let engine: HTTPClientEngine
  /// Whether the network waits for the reader; otherwise the response is collected up to its limit.
  private let holdsUp: Bool
  private let shared = Mutex(Shared())
  private let upload: HTTPUpload?

  // On the engine's thread.
  /// Owned: made in `makeHandle`, freed in `finish`.
  private(set) var easy: CurlEasy?
  /// Owned: as `easy`.
  private var headerList: UnsafeMutablePointer<curl_slist>?
  private let errorText = CurlErrorText()
  private var lines = HTTPHeadLines()
  private var receivedBytes = 0
  private var isReceivingPaused = false
  private var isSendingPaused = false
  private var attempts = 0
  /// Before libcurl's own clock for the transfer starts.
  private var began: ContinuousClock.Instant?
  /// Why a callback told libcurl to stop.
  private var stopReason: HTTPClientError.Reason?

  init(
    _ request: HTTPClientRequest, configuration: HTTPClient.Configuration, engine: HTTPClientEngine, holdsUp: Bool
  ) {
    self.request = request
    self.configuration = configuration
    self.engine = engine
    self.holdsUp = holdsUp
    if case .stream(let length, _) = request.body { upload = HTTPUpload(length: length) } else { upload = nil }
  }

  // MARK: The waiting task's side

  func start() throws {
    if let fault = request.fault {
      throw HTTPClientError(.invalidRequest(fault), requestMayHaveBeenSent: false)
    }
    // The engine would begin before it hears of the cancellation.
    guard !Task.isCancelled else { throw HTTPClientError(.cancelled, requestMayHaveBeenSent: false) }
    guard engine.put(.start(self)) else { throw HTTPClientError(.shutDown, requestMayHaveBeenSent: false) }
    guard let upload, case .stream(_, let write) = request.body else { return }
    upload.start(write) { [weak self] in
      guard let self else { return }
      self.engine.put(.goOn(self))
    }
  }

  func cancel() {
    if shared.withLock({ $0.end == nil }) { engine.put(.cancel(self)) }
  }

  func head() async throws -> Head {
    try await cancellable {
      try await self.take { shared -> Result<Head, HTTPClientError>? in
        if let head = shared.head { return .success(head) }
        if case .failure(let error)? = shared.end { return .failure(error) }
        return nil
      }
    }
  }

  /// What came in since the last call, at least one byte; nil at the end.
  func nextChunk() async throws -> [UInt8]? {
    let (chunk, mustGoOn) = try await cancellable {
      try await self.take { shared -> Result<([UInt8]?, Bool), HTTPClientError>? in
        if !shared.received.isEmpty {
          defer {
            shared.received = []
            shared.isHeldUp = false
          }
          return .success((shared.received, shared.isHeldUp))
        }
        switch shared.end {
        case .success?: return .success((nil, false))
        case .failure(let error)?: return .failure(error)
        case nil: return nil
        }
      }
    }
    if mustGoOn { engine.put(.goOn(self)) }
    return chunk
  }

  /// The whole response, once it is there.
  func response() async throws -> HTTPClientResponse {
    try await cancellable {
      try await self.take { shared -> Result<HTTPClientResponse, HTTPClientError>? in
        guard let end = shared.end else { return nil }
        return end.flatMap {
          guard let head = shared.head else {
            return .failure(HTTPClientError(.protocolViolation("no head"), requestMayHaveBeenSent: true))
          }
          defer { shared.received = [] }
          return .success(HTTPClientResponse(status: head.status, headers: head.headers, body: shared.received))
        }
      }
    }
  }

  private func cancellable<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
    try await withTaskCancellationHandler {
      try await body()
    } onCancel: {
      cancel()
    }
  }

  /// Waits until `ready` gives a result.
  private func take<Value: Sendable>(
    _ ready: @Sendable (inout Shared) -> Result<Value, HTTPClientError>?
  ) async throws -> Value {
    while true {
      let (result, version) = shared.withLock { (ready(&$0), $0.version) }
      if let result { return try result.get() }
      await withCheckedContinuation { continuation in
        let hasChanged = shared.withLock { shared in
          guard shared.version == version else { return true }
          precondition(shared.reader == nil, "a response has one reader")
          shared.reader = continuation
          return false
        }
        if hasChanged { continuation.resume() }
      }
    }
  }

  private func change<Value: Sendable>(_ body: (inout Shared) -> Value) -> Value {
    let (value, reader) = shared.withLock { shared in
      let value = body(&shared)
      shared.version += 1
      defer { shared.reader = nil }
      return (value, shared.reader)
    }
    reader?.resume()
    return value
  }

  // MARK: The engine's side

  /// Makes the easy handle. If it throws, ``finish(_:)`` frees what was made.
  func makeHandle() throws -> CurlEasy {
    guard let easy = curl_easy_init() else { throw Curl.Failure(code: CURLE_OUT_OF_MEMORY) }
    self.easy = easy
    began = .now
    let context = Unmanaged.passUnretained(self).toOpaque()  // the engine keeps us as long as it has the handle
    try Curl.set(easy, CURLOPT_ERRORBUFFER, pointer: UnsafeMutableRawPointer(errorText.buffer))
    try Curl.set(easy, CURLOPT_NOSIGNAL, true)
    try Curl.set(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    try Curl.set(easy, CURLOPT_URL, request.url)
    try Curl.set(easy, CURLOPT_PATH_AS_IS, true)
    try Curl.set(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, true)
    try Curl.set(easy, CURLOPT_FOLLOWLOCATION, false)
    if !configuration.reusesConnections {
      try Curl.set(easy, CURLOPT_FRESH_CONNECT, true)
      try Curl.set(easy, CURLOPT_FORBID_REUSE, true)
    }
    try Curl.set(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
    try Curl.set(easy, CURLOPT_PIPEWAIT, true)
    try Curl.set(easy, CURLOPT_TCP_KEEPALIVE, true)
    try Curl.set(easy, CURLOPT_SSL_VERIFYPEER, true)
    try Curl.set(easy, CURLOPT_SSL_VERIFYHOST, 2)
    if let file = configuration.certificateAuthorityFile {
      try Curl.set(easy, CURLOPT_CAINFO, file)
      try Curl.set(easy, CURLOPT_CAPATH, nil as String?)
    }
    if !configuration.usesProxyFromEnvironment || configuration.allowAddress != nil {
      try Curl.set(easy, CURLOPT_PROXY, "")
    }
    try Curl.set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, true)
    if configuration.allowAddress != nil {
      try Curl.check(adj_curl_setopt_open_socket_callback(easy, openTransferSocket))
      try Curl.set(easy, CURLOPT_OPENSOCKETDATA, pointer: context)
    }
    try setTimeouts(easy)
    try setRequest(easy, context)
    try Curl.check(adj_curl_setopt_prereq_callback(easy, transferIsAboutToSend))
    try Curl.set(easy, CURLOPT_PREREQDATA, pointer: context)
    try Curl.check(adj_curl_setopt_data_callback(easy, CURLOPT_HEADERFUNCTION, receiveTransferHeader))
    try Curl.set(easy, CURLOPT_HEADERDATA, pointer: context)
    try Curl.check(adj_curl_setopt_data_callback(easy, CURLOPT_WRITEFUNCTION, receiveTransferBody))
    try Curl.set(easy, CURLOPT_WRITEDATA, pointer: context)
    return easy
  }

  private func setTimeouts(_ easy: CurlEasy) throws {
    try Curl.set(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds: request.timeouts.connect)
    if let total = request.timeouts.total { try Curl.set(easy, CURLOPT_TIMEOUT_MS, milliseconds: total) }
    if let idle = request.timeouts.idle {
      try Curl.set(easy, CURLOPT_LOW_SPEED_LIMIT, 1)
      try Curl.set(easy, CURLOPT_LOW_SPEED_TIME, max(1, Int(idle.inSeconds.rounded(.up))))
    }
  }

  private func setRequest(_ easy: CurlEasy, _ context: UnsafeMutableRawPointer) throws {
    switch request.body {
    case .none where request.method == .head: try Curl.set(easy, CURLOPT_NOBODY, true)
    case .none where ![.post, .put, .patch].contains(request.method): try Curl.set(easy, CURLOPT_HTTPGET, true)
    // These methods have a body: without one its length is said to be 0, which some servers insist on.
    case .none: try setBody(easy, [])
    case .bytes(let bytes): try setBody(easy, bytes)
    case .stream(let length, _):
      try Curl.set(easy, CURLOPT_UPLOAD, true)
      try Curl.check(adj_curl_setopt_offset(easy, CURLOPT_INFILESIZE_LARGE, length ?? -1))
      try Curl.check(adj_curl_setopt_data_callback(easy, CURLOPT_READFUNCTION, sendTransferBody))
      try Curl.set(easy, CURLOPT_READDATA, pointer: context)
    }
    if request.method != .head { try Curl.set(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue) }
    // libcurl would invent a content type, and wait a second for "100 Continue" before larger bodies.
    headerList = try Curl.list(of: request.headers, removing: ["Content-Type", "Expect"])
    try Curl.check(adj_curl_setopt_list(easy, CURLOPT_HTTPHEADER, headerList))
    if request.headers["User-Agent"] == nil { try Curl.set(easy, CURLOPT_USERAGENT, configuration.userAgent) }
    if request.decompresses { try Curl.set(easy, CURLOPT_ACCEPT_ENCODING, "") }
  }

  /// libcurl copies the bytes.
  private func setBody(_ easy: CurlEasy, _ bytes: [UInt8]) throws {
    try Curl.check(adj_curl_setopt_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, bytes.count))
    try Crypto.withContiguousBytes(of: bytes) { bytes in
      try Curl.set(
        easy, CURLOPT_COPYPOSTFIELDS, pointer: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }
  }

  var uploadFailure: HTTPClientError.Reason? { upload?.failure }

  /// Takes up again what was held up and can go on now.
  func goOn() {
    guard let easy else { return }
    let hadPause = isReceivingPaused || isSendingPaused
    if isReceivingPaused { isReceivingPaused = shared.withLock { $0.received.count >= Self.highWater } }
    if isSendingPaused { isSendingPaused = upload?.hasNothing ?? false }
    guard hadPause else { return }
    let mask = (isReceivingPaused ? CURLPAUSE_RECV : 0) | (isSendingPaused ? CURLPAUSE_SEND : 0)
    // May call the callbacks, which may pause anew. An error also ends the transfer, and is reported there.
    _ = curl_easy_pause(easy, mask)
  }

  fileprivate func isAboutToSend() -> Bool {
    attempts += 1
    // On a reused connection that died libcurl would send everything again by itself.
    if attempts > 1, !request.method.isIdempotent {
      stopReason = .connectionLost("the server closed a reused connection")
      return false
    }
    return true
  }

  fileprivate func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> Int32 {
    if let allow = configuration.allowAddress {
      guard let target = ConnectAddress(address), allow(target) else {
        stopReason = .addressRefused
        return -1  // CURL_SOCKET_BAD
      }
    }
    // An address that was refused no longer matters once another is allowed.
    stopReason = nil
    return adj_socket(address.pointee.family, address.pointee.socktype, address.pointee.protocol)
  }

  fileprivate func receiveHeader(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    guard lines.bytes + line.count <= Self.maximumHeadBytes else {
      stopReason = .protocolViolation("the head is larger than \(Self.maximumHeadBytes) bytes")
      return false
    }
    if let head = lines.add(line) { change { $0.head = head } }
    return true
  }

  /// - Returns: what libcurl's write callback returns.
  fileprivate func receiveBody(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    if holdsUp,
      shared.withLock({ shared in
        guard shared.received.count >= Self.highWater else { return false }
        shared.isHeldUp = true
        return true
      })
    {
      isReceivingPaused = true
      return Int(CURL_WRITEFUNC_PAUSE)
    }
    receivedBytes += bytes.count
    if let limit = request.maximumResponseBytes, receivedBytes > limit {
      stopReason = .responseTooLarge(limit: limit)
      return 0
    }
    change { $0.received.append(contentsOf: bytes) }
    return bytes.count
  }

  fileprivate func sendBody(into space: UnsafeMutableRawBufferPointer) -> Int {
    switch upload?.take(into: space) {
    case .bytes(let count): return count
    case .nothingYet:
      isSendingPaused = true
      return Int(CURL_READFUNC_PAUSE)
    case .failed(let reason):
      stopReason = reason
      return Int(CURL_READFUNC_ABORT)
    case .end, nil: return 0
    }
  }

  func finish(after code: CURLcode) {
    finish(code == CURLE_OK ? nil : reason(for: code))
  }

  /// Ends the exchange and frees the handle, which must be out of the multi handle. Nil means that all went well.
  func finish(_ reason: HTTPClientError.Reason?) {
    if let easy { curl_easy_cleanup(easy) }
    curl_slist_free_all(headerList)
    easy = nil
    headerList = nil
    upload?.stop()
    let end: Result<Void, HTTPClientError> =
      reason.map { .failure(HTTPClientError($0, requestMayHaveBeenSent: attempts > 0)) } ?? .success(())
    change { if $0.end == nil { $0.end = end } }
  }

  private func reason(for code: CURLcode) -> HTTPClientError.Reason {
    if let stopReason { return stopReason }
    let text = errorText.text(for: code)
    switch code {
    // An answer that is not even HTTP/1.0 has this code too.
    case CURLE_UNSUPPORTED_PROTOCOL where attempts > 0: return .protocolViolation(text)
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_LOGIN_DENIED: return .invalidRequest(text)
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: return .cannotResolve(text)
    case CURLE_COULDNT_CONNECT, CURLE_PROXY, CURLE_INTERFACE_FAILED: return .cannotConnect(text)
    case CURLE_OPERATION_TIMEDOUT: return .timeout(timeoutPhase())
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED, CURLE_SSL_INVALIDCERTSTATUS,
      CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CRL_BADFILE,
      CURLE_SSL_CLIENTCERT, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_SHUTDOWN_FAILED:
      return .tls(text)
    case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND:
      return .connectionLost(text)
    case CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING,
      CURLE_TOO_MANY_REDIRECTS, CURLE_HTTP_RETURNED_ERROR:
      return .protocolViolation(text)
    default: return .failed(text)
    }
  }

  private func timeoutPhase() -> HTTPClientError.Phase {
    // By our clock: libcurl's count of the time stands still between two of its looks at the progress, and then says
    // less than the limit that it has just found exceeded.
    // Its timers count whole milliseconds and may come a little early.
    let elapsed = began.map { $0.duration(to: .now) + .milliseconds(20) }
    if let elapsed, let total = request.timeouts.total, elapsed >= total { return .total }
    return attempts == 0 ? .connect : .idle
  }
}

extension HTTPClientRequest {
  /// Why the request cannot be sent, as far as it can be told without the network.
  fileprivate var fault: String? {
    if !url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { return "the URL is not percent-encoded" }
    if let fault = Curl.fault(in: HTTPHeaders(dictionaryLiteral: (method.rawValue, ""))) { return "method: \(fault)" }
    for name in ["Content-Length", "Transfer-Encoding"] where headers[name] != nil {
      return "\(name) follows from the body"
    }
    if method == .head, case .none = body {} else if method == .head { return "HEAD has no body" }
    return Curl.fault(in: headers)
  }
}

/// Puts together the lines of a response's head; those of interim responses and of trailers are dropped.
struct HTTPHeadLines {
  private(set) var bytes = 0
  private var status = 0
  private var fields: [(name: String, value: String)] = []
  private var isComplete = false

  /// - Returns: the head, when `line` completes that of the final response.
  mutating func add(_ line: UnsafeBufferPointer<UInt8>) -> HTTPTransfer.Head? {
    bytes += line.count
    guard !isComplete else { return nil }
    let text = String(decoding: line, as: UTF8.self)
    if text.hasPrefix("HTTP/") {
      let parts = text.split(whereSeparator: { $0 == " " || $0.isNewline })
      status = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
      fields = []
    } else if text.allSatisfy(\.isNewline) {
      // 101 is final too: what follows is no HTTP.
      guard status >= 200 || status == 101 else { return nil }
      isComplete = true
      var headers = HTTPHeaders()
      for field in fields { headers.add(field.name, field.value) }
      return HTTPTransfer.Head(status: status, headers: headers)
    } else if line.first == UInt8(ascii: " ") || line.first == UInt8(ascii: "\t") {
      // A folded line (RFC 9112 section 5.2) goes on where the last one ended.
      if let last = fields.indices.last { fields[last].value += " " + Self.trimmed(text) }
    } else if let colon = text.firstIndex(of: ":") {
      fields.append((String(text[..<colon]), Self.trimmed(text[text.index(after: colon)...])))
    }
    return nil
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0.isNewline }
    guard let first = text.firstIndex(where: { !isSpace($0) }), let last = text.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(text[first...last])
  }
}

// The callbacks run on the engine's thread, inside calls of libcurl. Their context is the transfer, unretained.

private func transfer(_ context: UnsafeMutableRawPointer) -> HTTPTransfer {
  Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
}

private func transferIsAboutToSend(
  _ context: UnsafeMutableRawPointer?, _: UnsafeMutablePointer<CChar>?, _: UnsafeMutablePointer<CChar>?, _: Int32,
  _: Int32
) -> Int32 {
  guard let context, transfer(context).isAboutToSend() else { return CURL_PREREQFUNC_ABORT }
  return CURL_PREREQFUNC_OK
}

private func openTransferSocket(
  _ context: UnsafeMutableRawPointer?, _: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
  guard let context, let address else { return -1 }
  return transfer(context).openSocket(address)
}

private func receiveTransferHeader(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let bytes, let context else { return 0 }
  let line = UnsafeBufferPointer<UInt8>(
    start: UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt8.self), count: size * count)
  return transfer(context).receiveHeader(line) ? size * count : 0
}

private func receiveTransferBody(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let bytes, let context else { return 0 }
  return transfer(context).receiveBody(
    UnsafeBufferPointer(start: UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt8.self), count: size * count))
}

private func sendTransferBody(
  _ space: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let space, let context else { return Int(CURL_READFUNC_ABORT) }
  return transfer(context).sendBody(into: UnsafeMutableRawBufferPointer(start: space, count: size * count))
}
