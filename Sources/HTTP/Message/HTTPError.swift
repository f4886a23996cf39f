import Platform

/// A request that is answered with an error. Its text is meant for the caller; ``HTTPErrorShape`` gives it a form.
public struct HTTPError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong, for shapes whose documents have a code for it.
  public enum Kind: String, Sendable, Equatable {
    case malformedRequest, headTooLarge, timeout, unsupportedVersion
    case notFound, methodNotAllowed, upgradeRequired
    case bodyTooLarge, unsupportedMediaType, invalidBody, invalidQuery, invalidParameter
    case overloaded, internalError
    /// Thrown by a handler with a status of its own.
    case other
  }

  /// What is wrong with one field of a body or query.
  public struct Field: Sendable, Equatable {
    /// As the caller wrote it: `user.name`, `items[2].price`; empty for the whole.
    public let path: String
    public let message: String

    public init(path: String, message: String) {
      self.path = path
      self.message = message
    }
  }

  public var status: HTTPStatus
  public var kind: Kind
  public var message: String
  public var fields: [Field]
  /// Added to the answer: `Allow`, `Retry-After`, `WWW-Authenticate`.
  public var headers: HTTPHeaders

  public init(
    _ status: HTTPStatus, kind: Kind = .other, _ message: String, fields: [Field] = [], headers: HTTPHeaders = [:]
  ) {
    self.status = status
    self.kind = kind
    self.message = message
    self.fields = fields
    self.headers = headers
  }

  public var description: String { "\(status) \(message)" }

  static func malformed(_ message: String) -> HTTPError { HTTPError(.badRequest, kind: .malformedRequest, message) }

  static func bodyTooLarge(limit: Int) -> HTTPError {
    HTTPError(.contentTooLarge, kind: .bodyTooLarge, "the body is larger than \(limit) bytes")
  }
}

/// How errors look on the wire. Each documented API has its own.
public struct HTTPErrorShape: Sendable {
  private let body: @Sendable (HTTPError, HTTPRequest?) -> HTTPResponse

  /// - Parameter body: makes the answer; the request is nil if none could be read. Status and headers of the error are
  ///   applied afterwards, unless the function chose another status.
  public init(_ body: @escaping @Sendable (HTTPError, HTTPRequest?) -> HTTPResponse) { self.body = body }

  public func response(for error: HTTPError, to request: HTTPRequest?) -> HTTPResponse {
    var response = body(error, request)
    for (name, value) in error.headers { response.headers[name] = value }
    return response
  }

  /// `{"error": "notFound", "message": "…", "fields": [{"path": "…", "message": "…"}]}`
  public static let json = HTTPErrorShape { error, _ in
    var document: JSON = ["error": .string(error.kind.rawValue), "message": .string(error.message)]
    if !error.fields.isEmpty {
      document["fields"] = .array(error.fields.map { ["path": .string($0.path), "message": .string($0.message)] })
    }
    return .json(document, status: error.status)
  }
}

extension WebSocketHandshake {
  static let upgradeRequired = HTTPError(
    .upgradeRequired, kind: .upgradeRequired, "this address is a WebSocket",
    headers: ["Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": version])
}
