/// One request of an ``HTTPClient``.
public struct HTTPClientRequest: Sendable {
  /// What is sent after the head.
  public enum Body: Sendable {
    case none
    case bytes([UInt8])
    /// Bytes made while they are sent. With a length in bytes, exactly so many must be written; without one, HTTP/1.1
    /// sends chunks. The closure runs in a task of its own, which is cancelled when the request ends early.
    case stream(length: Int?, @Sendable (HTTPUploadWriter) async throws -> Void)

    /// The elements of a sequence, in order.
    public static func stream<Chunks: AsyncSequence & Sendable>(length: Int?, _ chunks: Chunks) -> Body
    where Chunks.Element == [UInt8] {
      .stream(length: length) { writer in
        for try await chunk in chunks { try await writer.write(chunk) }
      }
    }
  }

  public struct Timeouts: Sendable, Equatable {
    /// From the start until the connection, TLS included, is ready.
    public var connect: Duration
    /// The whole exchange; nil means no limit, for long streams.
    public var total: Duration?
    /// How long nothing may move, rounded up to whole seconds. A response that the reader holds up does not count.
    public var idle: Duration?

    public init(connect: Duration = .seconds(10), total: Duration? = .seconds(60), idle: Duration? = .seconds(30)) {
      self.connect = connect
      self.total = total
      self.idle = idle
    }
  }

  public var method: HTTPMethod
  /// Absolute, `http` or `https`, percent-encoded; its path is sent as it stands. No user name or password.
  public var url: String
  /// Without `Content-Length` and `Transfer-Encoding`: those follow from the body.
  public var headers: HTTPHeaders
  public var body: Body
  public var timeouts: Timeouts
  /// The largest response body in bytes, after decompression; nil means no limit, for streams.
  public var maximumResponseBytes: Int?
  /// Whether to offer compression and to undo it. The header fields stay as the server sent them.
  public var decompresses: Bool

  public init(
    _ method: HTTPMethod = .get, _ url: String, headers: HTTPHeaders = [:], body: Body = .none,
    timeouts: Timeouts = Timeouts(), maximumResponseBytes: Int? = 8 << 20, decompresses: Bool = false
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeouts = timeouts
    self.maximumResponseBytes = maximumResponseBytes
    self.decompresses = decompresses
  }
}

/// A response whose body is in memory.
public struct HTTPClientResponse: Sendable {
  public var status: Int
  public var headers: HTTPHeaders
  public var body: [UInt8]

  public init(status: Int, headers: HTTPHeaders, body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// A response whose body comes while it is read.
public struct HTTPClientStreamingResponse: Sendable {
  public let status: Int
  public let headers: HTTPHeaders
  /// Read it once. Letting go of it before its end aborts the transfer.
  public let body: HTTPClientBody
}

/// Why a request did not get its whole response.
public struct HTTPClientError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Phase: Sendable { case connect, total, idle }

  public enum Reason: Sendable, Equatable {
    /// The request itself cannot be sent: its URL, its header fields, or the length of its body.
    case invalidRequest(String)
    case cannotResolve(String)
    case cannotConnect(String)
    /// The client's ``HTTPClient/Configuration/allowAddress`` refused every address of the host.
    case addressRefused
    case timeout(Phase)
    /// Handshake or certificate.
    case tls(String)
    case responseTooLarge(limit: Int)
    /// The connection ended before the response did.
    case connectionLost(String)
    /// The server does not speak HTTP correctly.
    case protocolViolation(String)
    /// The closure that writes the body threw.
    case uploadFailed(String)
    /// The task was cancelled.
    case cancelled
    /// The client was shut down.
    case shutDown
    /// The library failed for a reason of its own, for example for lack of memory.
    case failed(String)
  }

  public let reason: Reason
  /// False only if it is certain that no byte of the request left. While true, the server may have acted on it, so a
  /// request that is not idempotent must not be repeated.
  public let requestMayHaveBeenSent: Bool

  public init(_ reason: Reason, requestMayHaveBeenSent: Bool) {
    self.reason = reason
    self.requestMayHaveBeenSent = requestMayHaveBeenSent
  }

  public var description: String {
    let text =
      switch reason {
      case .invalidRequest(let text): "the request is invalid: \(text)"
      case .cannotResolve(let text): "the host's name cannot be resolved: \(text)"
      case .cannotConnect(let text): "no connection: \(text)"
      case .addressRefused: "the host's address is not allowed"
      case .timeout(.connect): "connecting took too long"
      case .timeout(.total): "the exchange took too long"
      case .timeout(.idle): "nothing moved for too long"
      case .tls(let text): "TLS failed: \(text)"
      case .responseTooLarge(let limit): "the response is larger than \(limit) bytes"
      case .connectionLost(let text): "the connection was lost: \(text)"
      case .protocolViolation(let text): "the server broke the protocol: \(text)"
      case .uploadFailed(let text): "the body could not be made: \(text)"
      case .cancelled: "the request was cancelled"
      case .shutDown: "the client was shut down"
      case .failed(let text): "libcurl failed: \(text)"
      }
    return text + (requestMayHaveBeenSent ? " (the request may have arrived)" : "")
  }
}
