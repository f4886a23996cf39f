import Platform

public typealias HTTPHandler = @Sendable (HTTPRequest) async throws -> HTTPResponse

/// Runs around the handlers of a router; it may answer by itself, change the request or add to the answer. An
/// ``HTTPError`` that a handler throws has become an answer before it sees it; other errors pass through it.
public typealias HTTPMiddleware = @Sendable (HTTPRequest, _ next: HTTPHandler) async throws -> HTTPResponse

/// One operation of an API, with what its description needs.
public struct Route: Sendable {
  public enum Target: Sendable {
    case handler(HTTPHandler)
    case webSocket(WebSocketRoute)
  }

  public let method: HTTPMethod
  public let pattern: PathPattern
  public let summary: String
  public let queryType: Any.Type?
  public let bodyType: Any.Type?
  public let resultType: Any.Type?
  /// The status of an answer without error.
  public let status: HTTPStatus
  /// The most bytes of body; more is answered with 413 before it is read.
  public let bodyLimit: Int
  public internal(set) var target: Target
  var errors: HTTPErrorShape
}

/// A route that turns its connection into a WebSocket.
public struct WebSocketRoute: Sendable {
  public typealias Handler = @Sendable (HTTPRequest, WebSocketServerConnection) async throws -> Void

  let options: WebSocketOptions
  /// Answers the opening request instead of upgrading, if it returns something or throws.
  var admit: @Sendable (HTTPRequest) async throws -> HTTPResponse?
  let handler: Handler
}

/// A path with named parts: `/channels/:id/messages`; `*rest` at the end takes one or more segments.
public struct PathPattern: Sendable, Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
  enum Part: Sendable, Hashable {
    case literal(String)
    case parameter(String)
    case rest(String)
  }

  let parts: [Part]
  public let description: String

  public init(stringLiteral text: String) { self.init(text) }

  public init(_ text: String) {
    precondition(text.hasPrefix("/"), "a path pattern begins with a slash: \(text)")
    let segments = text == "/" ? [] : text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    parts = segments.map { segment in
      switch segment.first {
      case ":": .parameter(String(segment.dropFirst()))
      case "*": .rest(String(segment.dropFirst()))
      default: .literal(String(segment))
      }
    }
    precondition(
      !parts.dropLast().contains { if case .rest = $0 { true } else { false } },
      "only the last part of a path pattern takes the rest: \(text)")
    description = text
  }

  /// This pattern below a prefix.
  func prefixed(by prefix: PathPattern) -> PathPattern {
    prefix.parts.isEmpty ? self : PathPattern(prefix.description + (parts.isEmpty ? "" : description))
  }
}

/// The result of a route that answers 204.
public struct NoContent: Encodable, Sendable {
  public init() {}
}
