import Platform

/// An answer: status, header fields, and a body that is either there or made while it is sent.
///
/// Framing is the server's: `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` set here are ignored.
public struct HTTPResponse: Sendable {
  public enum Body: Sendable {
    case bytes([UInt8])
    /// The same bytes as for others before, with what was made of them.
    case kept(KeptContent)
    /// Made piece by piece. With a length the answer carries `Content-Length`, and writing another number of bytes ends
    /// the connection; without, it is chunked.
    case stream(length: Int?, @Sendable (HTTPBodyWriter) async throws -> Void)
  }

  public var status: HTTPStatus
  public var headers: HTTPHeaders
  public var body: Body

  public init(status: HTTPStatus = .ok, headers: HTTPHeaders = [:], body: Body = .bytes([])) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  public init(status: HTTPStatus = .ok, headers: HTTPHeaders = [:], bytes: [UInt8], contentType: String) {
    self.init(status: status, headers: headers, body: .bytes(bytes))
    self.headers["Content-Type"] = contentType
  }

  public init(status: HTTPStatus = .ok, headers: HTTPHeaders = [:], kept: KeptContent, contentType: String) {
    self.init(status: status, headers: headers, body: .kept(kept))
    self.headers["Content-Type"] = contentType
  }

  /// The content type is exactly `application/json`.
  public static func json(_ document: JSON, status: HTTPStatus = .ok, headers: HTTPHeaders = [:]) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: headers, bytes: document.serializedBytes(), contentType: "application/json")
  }

  /// The content type is exactly `application/json`.
  public static func json(_ value: some Encodable, status: HTTPStatus = .ok, headers: HTTPHeaders = [:]) throws
    -> HTTPResponse
  {
    HTTPResponse(
      status: status, headers: headers, bytes: try JSONBody.encode(value), contentType: "application/json")
  }

  public static func text(
    _ text: String, status: HTTPStatus = .ok, contentType: String = "text/plain; charset=utf-8"
  ) -> HTTPResponse {
    HTTPResponse(status: status, bytes: Array(text.utf8), contentType: contentType)
  }

  public static func html(_ text: String, status: HTTPStatus = .ok) -> HTTPResponse {
    .text(text, status: status, contentType: "text/html; charset=utf-8")
  }

  public static let noContent = HTTPResponse(status: .noContent)

  public static func redirect(to location: String, status: HTTPStatus = .found) -> HTTPResponse {
    HTTPResponse(status: status, headers: ["Location": location])
  }

  /// Sends the pieces of a sequence, asking for the next one as the peer takes them.
  public static func stream<Pieces: AsyncSequence & Sendable>(
    status: HTTPStatus = .ok, headers: HTTPHeaders = [:], contentType: String, length: Int? = nil, _ pieces: Pieces
  ) -> HTTPResponse where Pieces.Element == [UInt8] {
    var response = HTTPResponse(
      status: status, headers: headers,
      body: .stream(length: length) { writer in
        for try await piece in pieces { try await writer.write(piece) }
      })
    response.headers["Content-Type"] = contentType
    return response
  }
}

extension HTTPResponse {
  /// The body, if it is there as a whole; else nothing.
  public var content: [UInt8] {
    switch body {
    case .bytes(let bytes): bytes
    case .kept(let kept): kept.bytes
    case .stream: []
    }
  }
}

/// Takes the pieces of a streamed body.
public struct HTTPBodyWriter: Sendable {
  let send: @Sendable ([UInt8]) async throws -> Void

  /// Returns when the connection has room for more.
  /// - Throws: ``HTTPConnectionLost`` if the peer is gone; `CancellationError` if the server stops.
  public func write(_ piece: [UInt8]) async throws { try await send(piece) }
}

/// The peer went away before the exchange was complete.
public struct HTTPConnectionLost: Error, Sendable, CustomStringConvertible {
  public init() {}
  public var description: String { "the peer closed the connection" }
}
