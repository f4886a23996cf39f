import Platform

public typealias HTTPHandler = @Sendable (HTTPRequest) async throws -> HTTPResponse

/// Runs around the handlers of a router; it may answer by itself, change the request or add to the answer. Errors of
/// handlers have become answers before it sees them.
public typealias HTTPMiddleware = @Sendable (HTTPRequest, _ next: HTTPHandler) async throws -> HTTPResponse

/// One operation of an API, with what its description needs.
public struct Route: Sendable {
  public enum Target: Sendable {
    case handler(HTTPHandler)
    case webSocket(WebSocketRoute)
  }

  public let method: HTTPMethod
  public internal(set) var pattern: PathPattern
  public let notes: RouteNotes
  public let inputs: [RouteInputDescription]
  public let output: RouteOutputDescription?
  /// The most bytes of body; more is answered with 413 before it is read.
  public let bodyLimit: Int
  public internal(set) var target: Target
  let errors: HTTPErrorShape
}

/// What a route says about itself. A plain string is its summary.
public struct RouteNotes: Sendable, ExpressibleByStringLiteral {
  public var summary: String
  /// Markdown.
  public var details: String?
  public var tags: [String] = []
  /// The status of an answer without error; nil leaves it to the output.
  public var status: HTTPStatus?
  /// Other statuses of answers of the same form, for the description: 200 where a thing was there already.
  public var alternatives: [HTTPStatus] = []
  /// Errors that the handler throws on its own account, for the description.
  public var errors: [HTTPStatus] = []
  /// Nil takes the router's.
  public var bodyLimit: Int?
  /// Whether the answer carries a strong `ETag` made from its body, and `If-None-Match` is honoured.
  public var usesEntityTag = false
  public var isDeprecated = false
  /// Whether the handler answers from memory at once: then it runs on the thread of the connection, and no other thread
  /// is woken. It may wait for others, but neither it nor its middleware may compute for long, because all other
  /// connections of the loop wait then. The code of plain actors that it calls runs there too.
  public var isImmediate = false
  /// Left out of the description.
  public var isHidden = false
  /// What a higher room attaches: who may call, which limit binds. Middleware finds it in ``HTTPRequest/route``.
  public var values = TypedValues()

  public init(_ summary: String, tags: [String] = [], status: HTTPStatus? = nil, errors: [HTTPStatus] = []) {
    self.summary = summary
    self.tags = tags
    self.status = status
    self.errors = errors
  }

  public init(stringLiteral text: String) { self.init(text) }

  /// The same for a handler that answers from memory (``isImmediate``).
  public func immediate() -> RouteNotes {
    var notes = self
    notes.isImmediate = true
    return notes
  }

  /// The same for a handler that also gives answers of its form with that status.
  public func withAlternative(_ status: HTTPStatus) -> RouteNotes {
    var notes = self
    notes.alternatives.append(status)
    return notes
  }

  /// The same with one more value of a higher room.
  public func with<Value: Sendable>(_ value: Value) -> RouteNotes {
    var notes = self
    notes.values[Value.self] = value
    return notes
  }
}

/// A route that turns its connection into a WebSocket.
public struct WebSocketRoute: Sendable {
  public typealias Handler = @Sendable (HTTPRequest, WebSocketServerConnection) async throws -> Void
  /// Called on the connection's loop.
  public typealias MakeListener = @Sendable (WebSocketChannel) -> any WebSocketListener

  enum Service: Sendable {
    /// A task for each connection.
    case task(Handler)
    /// The admission has left a ``WebSocketAcceptance``.
    case listener
  }

  let options: WebSocketOptions
  /// Answers the opening request instead of upgrading, if it returns something or throws. What middleware found out
  /// about the request stays in it for the handler.
  var admit: @Sendable (HTTPRequest) async throws -> HTTPResponse?
  let service: Service
}

/// The route that a request was led to, for middleware.
public final class MatchedRoute: Sendable {
  public let method: HTTPMethod
  public let pattern: PathPattern
  public let notes: RouteNotes

  init(_ route: Route) {
    method = route.method
    pattern = route.pattern
    notes = route.notes
  }

  public subscript<Value: Sendable>(type: Value.Type) -> Value? { notes.values[type] }
}
