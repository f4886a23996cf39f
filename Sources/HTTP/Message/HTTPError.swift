import Platform

/// A request that is answered with an error. Its text is meant for the caller; ``HTTPErrorShape`` gives it a form.
public struct HTTPError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong, for shapes whose documents have a code for it.
  public enum Kind: String, Sendable, Equatable {
    case malformedRequest, headTooLarge, timeout, unsupportedVersion
    case notFound, methodNotAllowed, upgradeRequired
    case bodyTooLarge, unsupportedMediaType
    /// The body is not JSON, or not what its media type says.
    case malformedBody
    /// What was sent can be read, but breaks a rule; ``HTTPError/fields`` says which.
    case invalidBody, invalidQuery, invalidParameter
    /// Nobody is logged in; what was sent to prove it is not valid.
    case unauthenticated, invalidCredentials
    /// Somebody is, but may not; their API key or client lacks a permission.
    case forbidden, missingPermission
    case conflict, rateLimited
    case misdirected, overloaded, internalError
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
  /// The document's own code for this very error; nil leaves it to the shape, which knows a code for each ``kind``.
  public var code: String?
  public var message: String
  public var fields: [Field]
  /// Added to the answer: `Allow`, `Retry-After`, `WWW-Authenticate`.
  public var headers: HTTPHeaders

  public init(
    _ status: HTTPStatus, kind: Kind = .other, code: String? = nil, _ message: String, fields: [Field] = [],
    headers: HTTPHeaders = [:]
  ) {
    self.status = status
    self.kind = kind
    self.code = code
    self.message = message
    self.fields = fields
    self.headers = headers
  }

  public var description: String { "\(status) \(message)" }

  static func malformed(_ message: String) -> HTTPError { HTTPError(.badRequest, kind: .malformedRequest, message) }

  /// 400, or what the surface answers to bad values; the message names the first field.
  public static func invalid(_ kind: Kind, _ fields: [Field]) -> HTTPError {
    let first = fields.first ?? Field(path: "", message: "is not valid")
    return HTTPError(
      .badRequest, kind: kind, first.path.isEmpty ? first.message : "\(first.path): \(first.message)", fields: fields)
  }

  static func bodyTooLarge(limit: Int) -> HTTPError {
    HTTPError(.contentTooLarge, kind: .bodyTooLarge, "the body is larger than \(limit) bytes")
  }
}

/// How errors look on the wire. Each documented API has its own.
public struct HTTPErrorShape: Sendable {
  private let body: @Sendable (HTTPError, HTTPRequest?) -> HTTPResponse
  /// The status of values that break a rule: 400 in some documents, 422 in others.
  public let invalidStatus: HTTPStatus
  /// What the body looks like, for the description.
  public let schema: Schema?
  /// Says what an error means to the caller that is no ``HTTPError``: a database that is gone is 503, and worth trying
  /// again. Nil for a fault of this program, which is answered with 500. Either is logged, and the answer carries the id
  /// of its line.
  public var meaning: @Sendable (any Error) -> HTTPError? = { _ in nil }

  /// - Parameter body: makes the answer; the request is nil if none could be read. The headers of the error are added
  ///   afterwards.
  public init(
    invalidStatus: HTTPStatus = .badRequest, schema: Schema? = nil,
    _ body: @escaping @Sendable (HTTPError, HTTPRequest?) -> HTTPResponse
  ) {
    self.body = body
    self.invalidStatus = invalidStatus
    self.schema = schema
  }

  public func response(for error: HTTPError, to request: HTTPRequest?) -> HTTPResponse {
    var error = error
    switch error.kind {
    case .invalidBody, .invalidQuery, .invalidParameter:
      if error.status == .badRequest { error.status = invalidStatus }
    default: break
    }
    var response = body(error, request)
    for (name, value) in error.headers { response.headers[name] = value }
    return response
  }

  /// `{"error": "notFound", "message": "…", "fields": [{"path": "…", "message": "…"}]}`
  public static let json = HTTPErrorShape(schema: Schema.of(PlainError.self)) { error, _ in
    var document: JSON = ["error": .string(error.kind.rawValue), "message": .string(error.message)]
    if !error.fields.isEmpty {
      document["fields"] = .array(error.fields.map { ["path": .string($0.path), "message": .string($0.message)] })
    }
    return .json(document, status: error.status)
  }

  private struct PlainError: Decodable {
    struct Field: Decodable {
      let path: String
      let message: String
    }
    let error: String
    let message: String
    let fields: [Field]?
  }
}

extension WebSocketHandshake {
  static let upgradeRequired = HTTPError(
    .upgradeRequired, kind: .upgradeRequired, "this address is a WebSocket",
    headers: ["Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": version])
}
