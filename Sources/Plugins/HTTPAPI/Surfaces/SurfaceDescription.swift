import HTTP
import Platform

/// What the OpenAPI documents say of a route's access, limit and audit.
enum SurfaceDescription {
  static func info(_ surfaces: [any Surface], version: String) -> OpenAPIInfo {
    var titles: [String] = []
    for surface in surfaces where !titles.contains(surface.title) { titles.append(surface.title) }
    var info = OpenAPIInfo(
      title: titles.isEmpty ? "Adjutant" : titles.joined(separator: ", "), version: version,
      description: surfaces.compactMap(\.summary).joined(separator: "\n\n"))
    if info.description?.isEmpty == true { info.description = nil }
    info.securitySchemes = [
      "bearer": [
        "type": "http", "scheme": "bearer",
        "description": "A token of a login, or, where the route names a permission, an API key that holds it.",
      ]
    ]
    info.describe = describe
    return info
  }

  @Sendable private static func describe(_ route: Route, _ operation: inout OpenAPIOperation) {
    guard let policy = route.notes.values[RoutePolicy.self] else { return }
    operation.extensions["x-access"] = .string(policy.access.words)
    operation.extensions["x-permission"] = policy.access.permission.map { .string($0.rawValue) }
    switch policy.access.proof {
    case .any: break
    case .loginOnly: operation.extensions["x-proof"] = "login"
    case .apiKeyOnly: operation.extensions["x-proof"] = "apiKey"
    }
    if policy.access.isOpen {
      operation.security = []
    } else {
      operation.errors.formUnion([401, 403])
      // A local route needs none here and one elsewhere: OpenAPI has no word for that.
      if policy.access.words != RouteAccess.local.words { operation.security = ["bearer"] }
    }
    if let limit = policy.limit.words {
      operation.errors.insert(429)
      operation.extensions["x-rate-limit"] = .string(limit)
      operation.responseHeaders += [
        ("X-RateLimit-Limit", "Requests in the span.", .integer()),
        ("X-RateLimit-Remaining", "How many are left.", .integer()),
        ("X-RateLimit-Reset", "When all are free again: seconds since 1970.", .integer()),
      ]
    }
    if case .action(let action, _) = policy.audit.form { operation.extensions["x-audit"] = .string(action) }
  }
}
