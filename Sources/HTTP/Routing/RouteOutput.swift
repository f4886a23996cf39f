/// What the description of an API says about the answer of a route.
public struct RouteOutputDescription: Sendable {
  public var status: HTTPStatus
  /// Nil if the answer has no content.
  public var mediaType: String?
  /// Nil if nothing is known about it.
  public var schema: Schema?
  /// Other forms in which the same may come, of which nothing more is said.
  public var otherMediaTypes: [String] = []

  public init(status: HTTPStatus, mediaType: String?, schema: Schema?) {
    self.status = status
    self.mediaType = mediaType
    self.schema = schema
  }
}

/// How the result of a handler becomes an answer. Rooms above add their own, for example a document's envelope.
public struct RouteOutput<Value: Sendable>: Sendable {
  public let description: RouteOutputDescription
  let write: @Sendable (Value, _ status: HTTPStatus) throws -> HTTPResponse

  /// - Parameter write: is given the route's status, which is the description's unless the notes have another.
  public init(
    _ description: RouteOutputDescription, write: @escaping @Sendable (Value, HTTPStatus) throws -> HTTPResponse
  ) {
    self.description = description
    self.write = write
  }
}

extension RouteOutput where Value: Encodable {
  /// JSON.
  public static func json(_ type: Value.Type = Value.self) -> RouteOutput {
    RouteOutput(RouteOutputDescription(status: .ok, mediaType: "application/json", schema: Schema.ifKnown(type))) {
      value, status in try HTTPResponse.json(value, status: status)
    }
  }
}

extension RouteOutput<Void> {
  /// 204.
  public static var noContent: RouteOutput {
    RouteOutput(RouteOutputDescription(status: .noContent, mediaType: nil, schema: nil)) { _, status in
      HTTPResponse(status: status)
    }
  }
}

extension RouteOutput<HTTPResponse> {
  /// An answer that the handler makes itself, status included.
  /// - Parameter others: other media types in which it may come.
  public static func response(_ mediaType: String, _ schema: Schema? = nil, or others: [String] = []) -> RouteOutput {
    var description = RouteOutputDescription(status: .ok, mediaType: mediaType, schema: schema)
    description.otherMediaTypes = others
    return RouteOutput(description) { value, _ in value }
  }

  /// An answer that the handler makes itself, with the JSON of that type where it succeeds.
  public static func response(describedBy type: (some Encodable).Type) -> RouteOutput {
    .response("application/json", Schema.ifKnown(type))
  }
}
