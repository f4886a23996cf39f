/// An HTTP/1.1 and HTTP/2 client over libcurl.
///
/// All transfers of one client run on one thread of its own and share its connections: they are kept alive, reused and,
/// under HTTP/2, multiplexed. Redirects are not followed. Cancelling the task aborts the transfer.
public final class HTTPClient: Sendable {
  public struct Configuration: Sendable {
    /// Names the client in metrics and its thread.
    public var name: String
    /// Sent unless the request has a `User-Agent` of its own.
    public var userAgent: String
    public var maximumConnectionsPerHost: Int
    public var maximumConnections: Int
    /// Whether `https_proxy` and its kin count.
    public var usesProxyFromEnvironment: Bool
    /// A PEM file of certificates to trust instead of the system's.
    public var certificateAuthorityFile: String?
    /// Asked, on the client's thread, about each address just before a connection to it is made: after DNS, so a name
    /// cannot lie. Nil allows all. It holds for all requests of the client, because connections are shared; a client
    /// that has it never uses a proxy, which would hide the address.
    public var allowAddress: (@Sendable (ConnectAddress) -> Bool)?
    /// Whether a connection serves several requests. Without, each request makes its own, and none fails because the
    /// server had closed an old one.
    public var reusesConnections: Bool

    public init(
      name: String = "http", userAgent: String = "Adjutant", maximumConnectionsPerHost: Int = 16,
      maximumConnections: Int = 256, usesProxyFromEnvironment: Bool = false, certificateAuthorityFile: String? = nil,
      allowAddress: (@Sendable (ConnectAddress) -> Bool)? = nil, reusesConnections: Bool = true
    ) {
      self.name = name
      self.userAgent = userAgent
      self.maximumConnectionsPerHost = maximumConnectionsPerHost
      self.maximumConnections = maximumConnections
      self.usesProxyFromEnvironment = usesProxyFromEnvironment
      self.certificateAuthorityFile = certificateAuthorityFile
      self.allowAddress = allowAddress
      self.reusesConnections = reusesConnections
    }
  }

  private let configuration: Configuration
  private let engine: HTTPClientEngine
  private let log: Log
  private let outcomes: Family<Counter>
  private let durations: Histogram

  /// Starts the thread.
  /// - Throws: ``HTTPClientError`` (`failed`) if the library or the thread cannot start.
  public init(configuration: Configuration = Configuration(), log: Log, metrics: Metrics) throws {
    self.configuration = configuration
    self.log = log.labelled("http-client")
    outcomes = metrics.counter(
      "http_client_requests_total", help: "Requests made, by result", labels: ["client", "outcome"])
    durations = metrics.histogram(
      "http_client_request_duration_seconds", help: "Time until the response, or its head if it is streamed, was there",
      labels: ["client"])(
        configuration.name)
    engine = try HTTPClientEngine(configuration: configuration, log: self.log)
  }

  deinit { engine.close() }

  /// Sends a request and collects its response.
  /// - Throws: ``HTTPClientError``. A status of 400 or more is a response, not an error.
  public func send(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
    let transfer = HTTPTransfer(request, configuration: configuration, engine: engine, holdsUp: false)
    return try await measured(request) {
      try transfer.start()
      return try await transfer.response()
    }
  }

  /// Sends a request and returns as soon as the response's head is there. The body is taken from the network only as
  /// fast as it is read.
  /// - Throws: ``HTTPClientError``, here and while the body is read.
  public func open(_ request: HTTPClientRequest) async throws -> HTTPClientStreamingResponse {
    let transfer = HTTPTransfer(request, configuration: configuration, engine: engine, holdsUp: true)
    return try await measured(request) {
      try transfer.start()
      // Made before the head is there: whatever goes wrong from here, letting go of it ends the transfer.
      let body = HTTPClientBody(transfer)
      let head = try await transfer.head()
      return HTTPClientStreamingResponse(status: head.status, headers: head.headers, body: body)
    }
  }

  /// Aborts all transfers and ends the thread. Requests from then on fail with `shutDown`.
  public func shutdown() async { await engine.shutdown() }

  private func measured<Result>(
    _ request: HTTPClientRequest, _ work: () async throws -> Result
  ) async throws -> Result {
    let start = ContinuousClock.now
    do {
      let result = try await work()
      durations.observe(start.duration(to: .now))
      outcomes(configuration.name, "response").increment()
      return result
    } catch {
      durations.observe(start.duration(to: .now))
      let reason = (error as? HTTPClientError)?.reason
      outcomes(configuration.name, reason?.metricLabel ?? "other").increment()
      // The URL may carry tokens: only its host is logged.
      log.debug(
        "request failed",
        ["method": "\(request.method)", "host": .string(request.host), "error": .error(error)])
      throw error
    }
  }
}

extension HTTPClientRequest {
  var host: String {
    guard let start = url.firstRange(of: "://")?.upperBound else { return "" }
    let authority = url[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    return String(authority.split(separator: "@").last ?? "")
  }
}

extension HTTPClientError.Reason {
  var metricLabel: String {
    switch self {
    case .invalidRequest: "invalid_request"
    case .cannotResolve: "cannot_resolve"
    case .cannotConnect: "cannot_connect"
    case .addressRefused: "address_refused"
    case .timeout: "timeout"
    case .tls: "tls"
    case .responseTooLarge: "too_large"
    case .connectionLost: "connection_lost"
    case .protocolViolation: "protocol"
    case .uploadFailed: "upload"
    case .cancelled: "cancelled"
    case .shutDown: "shut_down"
    case .failed: "failed"
    }
  }
}

/// The bytes of a response as they come in. For one reader.
///
/// - Throws: ``HTTPClientError`` while iterating.
public struct HTTPClientBody: AsyncSequence, Sendable {
  public typealias Element = [UInt8]

  /// Ends the transfer when the last holder lets go.
  fileprivate final class Hold: Sendable {
    let transfer: HTTPTransfer
    init(_ transfer: HTTPTransfer) { self.transfer = transfer }
    deinit { transfer.cancel() }
  }

  private let hold: Hold

  init(_ transfer: HTTPTransfer) { hold = Hold(transfer) }

  public func makeAsyncIterator() -> Iterator { Iterator(hold: hold) }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let hold: Hold
    public mutating func next() async throws -> [UInt8]? { try await hold.transfer.nextChunk() }
  }
}
