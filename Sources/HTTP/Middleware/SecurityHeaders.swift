import Platform

/// What keeps browsers from doing more with an answer than it is meant for. What a handler sets itself stays.
public struct SecurityHeaders: Sendable {
  /// For answers that are no pages: nothing in them runs or loads, should a browser show one.
  public var policy = "default-src 'none'; frame-ancestors 'none'"
  /// For HTML.
  public var pagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    + "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

  public init() {}

  public var middleware: HTTPMiddleware {
    { request, next in
      var response = try await next(request)
      self.add(to: &response)
      return response
    }
  }

  func add(to response: inout HTTPResponse) {
    let isPage = response.headers["Content-Type"]?.lowercased().hasPrefix("text/html") == true
    Self.set("X-Content-Type-Options", "nosniff", &response)
    Self.set("X-Frame-Options", "DENY", &response)
    Self.set("Referrer-Policy", "no-referrer", &response)
    Self.set("Content-Security-Policy", isPage ? pagePolicy : policy, &response)
  }

  private static func set(_ name: String, _ value: String, _ response: inout HTTPResponse) {
    if response.headers[name] == nil { response.headers.add(name, value) }
  }
}
