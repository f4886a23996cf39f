import Gateway
import HTTP
import Platform
import Storage

/// What went wrong behind a handler, in the codes of the Pegasus document ("Application Error Codes") and with a status
/// of its list.
///
/// | code | when |
/// |---|---|
/// | `E001` | the database cannot be reached, is full or damaged, or was closed: 503 |
/// | `E002` | Discord refused, or did not answer: 503 |
/// | `E003` | Discord's rate limit, or too many wait for the database: 503 with `Retry-After` |
/// | `E007` | a time limit: 503 |
/// | `E008` | the configuration does not allow it: 500 |
///
/// What callers do wrong is the surface's: 400 `E004`, 401 and 403 `E005`, 404 `E006`, 429 `E003`.
enum PegasusErrors {
  /// - Returns: nil for an error that is not of these; it is logged where it arrives.
  static func httpError(for error: any Error) -> HTTPError? {
    switch error {
    case let error as DatabaseError: return httpError(for: error)
    case let error as DiscordError:
      if case .rateLimited(_, let retryAfter) = error {
        return busy("Discord's rate limit is used up", retryAfter: retryAfter)
      }
      return HTTPError(.serviceUnavailable, code: "E002", "Discord does not do what it was asked to")
    case is TimeLimitExceeded:
      return HTTPError(.serviceUnavailable, kind: .timeout, code: "E007", "the operation took too long")
    default: return nil
    }
  }

  private static func httpError(for error: DatabaseError) -> HTTPError? {
    switch error.kind {
    case .unavailable, .closed, .corrupt, .full, .readOnly, .commitUnknown:
      HTTPError(.serviceUnavailable, code: "E001", "the database is not available")
    case .busy, .overloaded: busy("the database is busy", retryAfter: .seconds(1))
    case .timeout: HTTPError(.serviceUnavailable, kind: .timeout, code: "E007", "the database took too long")
    case .configuration, .migration:
      HTTPError(.internalServerError, code: "E008", "the database is not set up for this")
    case .constraint, .syntax, .value, .decoding, .other: nil
    }
  }

  private static func busy(_ message: String, retryAfter: Duration) -> HTTPError {
    HTTPError(
      .serviceUnavailable, kind: .overloaded, code: "E003", message,
      headers: ["Retry-After": String(max(1, Int(retryAfter.inSeconds.rounded(.up))))])
  }

  /// Runs a handler and gives what it throws its code.
  static func translating<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    do { return try await body() } catch {
      throw httpError(for: error) ?? error
    }
  }
}
