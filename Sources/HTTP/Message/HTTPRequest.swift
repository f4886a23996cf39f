import FoundationEssentials
import Platform

/// A request as a handler gets it: the head is read and checked, the body arrives when it is asked for.
public struct HTTPRequest: Sendable {
  public let method: HTTPMethod
  public let path: HTTPPath
  /// The query as it came, without `?`; nil if there was none.
  public let rawQuery: String?
  public internal(set) var query: HTTPQuery
  /// As they came; middleware may change what handlers see.
  public var headers: HTTPHeaders
  public let remoteAddress: SocketAddress
  public let localAddress: SocketAddress
  public let body: HTTPRequestBody
  /// The most bytes of body that the matched route takes.
  public internal(set) var bodyLimit: Int
  /// The decoded values of the `:name` parts of the matched pattern.
  public internal(set) var parameters: [String: String] = [:]
  /// The route that was found; nil where the answer is 404 or 405.
  public internal(set) var route: MatchedRoute?
  /// Who asks, as far as trusted proxies tell.
  public internal(set) var client: HTTPClientIdentity
  /// In the answer (`X-Request-Id`) and in every line of the log about this request.
  public internal(set) var id: String
  /// What was wrong before the handler's turn came: answered instead of calling it.
  var rejection: HTTPError?
  /// Logs an error that is not for the caller, and makes one that is.
  var onFailure: (@Sendable (any Error, HTTPRequest) -> HTTPError)?
  /// What middleware found out about the request.
  public var values = TypedValues()

  /// For tests of handlers; the server makes its own.
  public init(
    method: HTTPMethod, path: HTTPPath, rawQuery: String? = nil, headers: HTTPHeaders = [:],
    remoteAddress: SocketAddress, localAddress: SocketAddress, body: HTTPRequestBody = .empty,
    bodyLimit: Int = HTTPRequest.defaultBodyLimit
  ) throws(HTTPError) {
    self.method = method
    self.path = path
    self.rawQuery = rawQuery
    self.query = try rawQuery.map { raw throws(HTTPError) in try HTTPQuery(raw.utf8) } ?? .empty
    self.headers = headers
    self.remoteAddress = remoteAddress
    self.localAddress = localAddress
    self.body = body
    self.bodyLimit = bodyLimit
    id = ""
    client = HTTPClientIdentity(remoteAddress: remoteAddress, headers: headers)
  }

  /// The server's: the query is set afterwards, because one that cannot be read still needs a request to answer.
  init(
    _ head: HTTPRequestHead, remoteAddress: SocketAddress, localAddress: SocketAddress, body: HTTPRequestBody,
    bodyLimit: Int, id: String, client: HTTPClientIdentity
  ) {
    method = head.method
    path = head.path
    rawQuery = head.rawQuery
    query = .empty
    headers = head.headers
    self.remoteAddress = remoteAddress
    self.localAddress = localAddress
    self.body = body
    self.bodyLimit = bodyLimit
    self.id = id
    self.client = client
  }

  /// The answer to an error that is nobody's business but the log's.
  func report(_ error: any Error) -> HTTPError {
    onFailure?(error, self) ?? HTTPError(.internalServerError, kind: .internalError, "internal error")
  }

  /// 1 MiB.
  public static let defaultBodyLimit = 1 << 20

  /// Path and query as they came.
  public var target: String { rawQuery.map { "\(path.raw)?\($0)" } ?? path.raw }

  /// The media type of the body in lower case, without parameters.
  public var mediaType: String? {
    headers["Content-Type"].map {
      String($0.prefix { $0 != ";" }).lowercased().trimmingSuffix { $0 == " " || $0 == "\t" }
    }
  }

  /// The whole body.
  /// - Parameter limit: in bytes; nil means the route's.
  /// - Throws: ``HTTPError`` 413 if it is larger, 400 or 408 if it is broken or comes too slowly.
  public func bytes(limit: Int? = nil) async throws -> [UInt8] {
    try await body.bytes(limit: min(limit ?? bodyLimit, bodyLimit))
  }

  /// The whole body, which must be declared as JSON, decoded.
  /// - Throws: ``HTTPError`` 415 or 400 naming the field; whatever ``bytes(limit:)`` throws.
  public func json<Body: Decodable>(as type: Body.Type) async throws -> Body {
    try Schema.of(type).decode(type, from: try await json(), kind: .invalidBody)
  }

  /// The whole body, which must be declared as JSON, as a tree.
  public func json() async throws -> JSON {
    guard let mediaType, mediaType == "application/json" || mediaType.hasSuffix("+json") else {
      throw HTTPError(.unsupportedMediaType, kind: .unsupportedMediaType, "the body must be application/json")
    }
    let bytes = try await bytes()
    do {
      return try JSON(parsing: bytes)
    } catch {
      throw HTTPError(
        .badRequest, kind: .malformedBody, "the body is not JSON, nests too deeply, or has an integer beyond 64 bits")
    }
  }

  /// - Throws: ``HTTPError`` 415 unless the body is declared as one of these media types.
  public func require(_ mediaTypes: [String]) throws {
    guard let mediaType, mediaTypes.contains(mediaType) else {
      throw HTTPError(
        .unsupportedMediaType, kind: .unsupportedMediaType,
        "the body must be \(mediaTypes.joined(separator: " or "))")
    }
  }

  /// A path parameter as a type that reads itself from text.
  /// - Throws: ``HTTPError`` 400 naming the parameter.
  public func parameter<Value: LosslessStringConvertible>(_ name: String, as type: Value.Type = Value.self) throws
    -> Value
  {
    guard let text = parameters[name], let value = Value(text) else {
      let message = "not a valid \(name)"
      throw HTTPError(
        .badRequest, kind: .invalidParameter, message, fields: [HTTPError.Field(path: name, message: message)])
    }
    return value
  }

  /// A value that middleware left for handlers, by its type.
  public subscript<Value: Sendable>(type: Value.Type) -> Value? {
    get { values[type] }
    set { values[type] = newValue }
  }
}

extension String {
  fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> String {
    var view = self[...]
    while let last = view.last, condition(last) { view.removeLast() }
    return String(view)
  }
}
