import Platform

/// Which web pages of other origins may use an API (CORS, WHATWG Fetch section 3.2).
public struct CrossOriginPolicy: Sendable {
  public enum Origins: Sendable {
    /// Any page; credentials are never allowed then.
    case any
    /// `https://example.com`, as browsers write it.
    case only(Set<String>)
  }

  public var origins: Origins
  /// Whether those pages may send cookies. Has no effect beside ``Origins/any``.
  public var allowsCredentials = false
  public var methods: [HTTPMethod] = [.get, .head, .post, .put, .patch, .delete]
  public var requestHeaders = ["Authorization", "Content-Type", "If-None-Match", "X-Request-Id"]
  /// Fields of an answer that a page may read, beyond the few that it always may.
  public var responseHeaders = [
    "ETag", "Retry-After", "X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
  ]
  /// How long a browser may remember what a preflight was told, in seconds.
  public var maximumAge = 600

  public init(_ origins: Origins) { self.origins = origins }

  func allows(_ origin: String) -> Bool {
    switch origins {
    case .any: true
    // `null` is what every sandboxed page and local file says: it names nobody.
    case .only(let list): origin != "null" && list.contains(origin.lowercased())
    }
  }

  /// Answers preflights by itself. A request of another page is not refused, its answer is only kept from that page:
  /// whether it may act is for authentication to say.
  public var middleware: HTTPMiddleware {
    { request, next in
      let origin = request.headers["Origin"]
      let isPreflight = request.method == .options && request.headers["Access-Control-Request-Method"] != nil
      guard let origin else {
        var response = try await next(request)
        self.vary(&response)
        return response
      }
      let isAllowed = self.allows(origin)
      if isPreflight {
        var response = HTTPResponse(status: .noContent)
        self.vary(&response)
        response.headers.add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
        guard isAllowed else { return response }
        self.allow(origin, &response)
        response.headers["Access-Control-Allow-Methods"] = self.methods.map(\.rawValue).joined(separator: ", ")
        response.headers["Access-Control-Allow-Headers"] = self.requestHeaders.joined(separator: ", ")
        response.headers["Access-Control-Max-Age"] = String(self.maximumAge)
        return response
      }
      var response = try await next(request)
      self.vary(&response)
      guard isAllowed else { return response }
      self.allow(origin, &response)
      response.headers["Access-Control-Expose-Headers"] = self.responseHeaders.joined(separator: ", ")
      return response
    }
  }

  private func vary(_ response: inout HTTPResponse) {
    if case .only = origins { response.headers.add("Vary", "Origin") }
  }

  private func allow(_ origin: String, _ response: inout HTTPResponse) {
    switch origins {
    case .any: response.headers["Access-Control-Allow-Origin"] = "*"
    case .only:
      response.headers["Access-Control-Allow-Origin"] = origin
      if allowsCredentials { response.headers["Access-Control-Allow-Credentials"] = "true" }
    }
  }
}
