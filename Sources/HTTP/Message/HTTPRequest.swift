import FoundationEssentials
import Platform

/// A request as a handler gets it: the head is read and checked, the body arrives when it is asked for.
public struct HTTPRequest: Sendable {
  public let method: HTTPMethod
  public let path: HTTPPath
  /// The query as it came, without `?`; nil if there was none.
  public let rawQuery: String?
  public let query: HTTPQuery
  public let headers: HTTPHeaders
  public let remoteAddress: SocketAddress
  public let localAddress: SocketAddress
  public let body: HTTPRequestBody
  /// The most bytes of body that the matched route takes.
  public internal(set) var bodyLimit: Int
  /// The decoded values of the `:name` parts of the matched pattern.
  public internal(set) var parameters: [String: String] = [:]
  /// What middleware found out about the request.
  private var values: [ObjectIdentifier: any Sendable] = [:]

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
    try requireJSON()
    return try JSONBody.decode(type, from: try await bytes())
  }

  /// The whole body, which must be declared as JSON, as a tree.
  public func json() async throws -> JSON {
    try requireJSON()
    let bytes = try await bytes()
    do {
      return try JSON(parsing: bytes)
    } catch {
      throw HTTPError(.badRequest, kind: .invalidBody, "the body is not valid JSON")
    }
  }

  private func requireJSON() throws {
    guard let mediaType, mediaType == "application/json" || mediaType.hasSuffix("+json") else {
      throw HTTPError(.unsupportedMediaType, kind: .unsupportedMediaType, "the body must be application/json")
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
    get { values[ObjectIdentifier(type)] as? Value }
    set { values[ObjectIdentifier(type)] = newValue }
  }
}

extension String {
  fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> String {
    var view = self[...]
    while let last = view.last, condition(last) { view.removeLast() }
    return String(view)
  }
}
