import HTTP
import Platform

/// The forms of errors that the documents print, with their codes. A handler that needs a code of its own puts it into
/// ``HTTP/HTTPError/code``.
extension HTTPErrorShape {
  /// Kill Tracker v1, "Error Response Format": 422 for what breaks a rule, with field and reason.
  public static let killTrackerV1 = killTracker { error in
    switch error.kind {
    case .unauthenticated: "AUTHENTICATION_REQUIRED"
    case .invalidCredentials: "INVALID_TOKEN"
    case .forbidden, .missingPermission: "INSUFFICIENT_PERMISSIONS"
    case .rateLimited: "RATE_LIMIT_EXCEEDED"
    default:
      switch error.status.rawValue {
      case 404, 405: "RESOURCE_NOT_FOUND"
      case 401: "AUTHENTICATION_REQUIRED"
      case 403: "INSUFFICIENT_PERMISSIONS"
      case 429: "RATE_LIMIT_EXCEEDED"
      case 500...: "SERVER_ERROR"
      default: "VALIDATION_ERROR"
      }
    }
  }

  /// The Kill Tracker reference prints codes and no form: v1's.
  public static let killTrackerReference = killTracker { error in
    switch error.kind {
    case .unauthenticated: "UNAUTHORIZED"
    case .invalidCredentials: "INVALID_TOKEN"
    case .forbidden: "FORBIDDEN"
    case .missingPermission: "INSUFFICIENT_PERMISSIONS"
    case .rateLimited: "RATE_LIMITED"
    default:
      switch error.status.rawValue {
      case 404, 405: "NOT_FOUND"
      case 401: "UNAUTHORIZED"
      case 403: "FORBIDDEN"
      case 429: "RATE_LIMITED"
      case 500...: "SERVER_ERROR"
      default: "VALIDATION_ERROR"
      }
    }
  }

  /// With 503 for what is nobody's fault and passes: a database that is gone, a Discord that does not answer.
  private var tellingOutages: HTTPErrorShape {
    var shape = self
    shape.meaning = { error in
      guard var outage = PegasusErrors.httpError(for: error), outage.status == .serviceUnavailable else { return nil }
      // The code is Pegasus' own.
      outage.code = nil
      return outage
    }
    return shape
  }

  private static func killTracker(_ code: @escaping @Sendable (HTTPError) -> String) -> HTTPErrorShape {
    HTTPErrorShape(invalidStatus: .unprocessableContent, schema: Schema.of(KillTrackerErrorBody.self)) { error, _ in
      var body: JSON = ["code": .string(error.code ?? code(error)), "message": .string(error.message)]
      if let field = error.fields.first {
        body["details"] = ["field": .string(field.path), "reason": .string(field.message)]
      }
      return .json(["success": false, "error": body] as JSON, status: error.status)
    }.tellingOutages
  }

  /// Aurora: a short text, and details where there are any; 400 for what breaks a rule.
  public static let aurora = HTTPErrorShape(schema: Schema.of(AuroraErrorBody.self)) { error, _ in
    var body: JSON = ["error": .string(error.message)]
    if error.fields.count > 1 {
      body["details"] = .string(
        error.fields.map { $0.path.isEmpty ? $0.message : "\($0.path): \($0.message)" }.joined(separator: "; "))
    }
    return .json(body, status: error.status)
  }.tellingOutages

  /// Pegasus: `E001` … `E008`.
  public static let pegasus = HTTPErrorShape(schema: Schema.of(PegasusErrorBody.self)) { error, _ in
    let code =
      switch error.status.rawValue {
      case 401, 403: "E005"
      case 404, 405: "E006"
      case 408, 504: "E007"
      case 429: "E003"
      case 500, 503: "E001"
      case 502: "E002"
      case 501: "E008"
      default: "E004"
      }
    let body: JSON = ["code": .string(error.code ?? code), "message": .string(error.message)]
    return .json(["error": body] as JSON, status: error.status)
  }

  /// SkyPANEL, "Error Response Format": lower-case codes; 400 for what breaks a rule, each field with its messages.
  public static let skyPanel = HTTPErrorShape(schema: Schema.of(PanelErrorBody.self)) { error, _ in
    let code =
      switch error.status.rawValue {
      case 401: "unauthorized"
      case 403: "forbidden"
      case 404, 405: "not_found"
      case 429: "rate_limited"
      case 500...: "server_error"
      default: "invalid_request"
      }
    var body: JSON = ["code": .string(error.code ?? code), "message": .string(error.message)]
    if !error.fields.isEmpty {
      var details = JSON.Object()
      for field in error.fields {
        details[field.path] = .array((details[field.path]?.array ?? []) + [.string(field.message)])
      }
      body["details"] = .object(details)
    }
    return .json(["success": false, "error": body] as JSON, status: error.status)
  }.tellingOutages
}

private struct KillTrackerErrorBody: Decodable {
  struct Failure: Decodable {
    struct Details: Decodable {
      let field: String
      let reason: String
    }
    let code: String
    let message: String
    let details: Details?
  }
  let success: Bool
  let error: Failure
}

private struct AuroraErrorBody: Decodable {
  let error: String
  let details: String?
}

private struct PegasusErrorBody: Decodable {
  struct Failure: Decodable {
    let code: String
    let message: String
  }
  let error: Failure
}

private struct PanelErrorBody: Decodable {
  struct Failure: Decodable {
    let code: String
    let message: String
    let details: [String: [String]]?
  }
  let success: Bool
  let error: Failure
}
