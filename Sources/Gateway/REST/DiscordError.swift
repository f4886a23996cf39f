import Platform

/// Why a REST call did not do what it was asked to.
public enum DiscordError: Error, Sendable, CustomStringConvertible {
  /// Discord refused the request.
  case refused(Refusal)
  /// The wait would be longer than the client accepts.
  case rateLimited(route: String, retryAfter: Duration)
  /// The bot's token is wrong or was reset. Nothing is sent any more: every further 401 counts towards a ban.
  case unauthorized
  /// No response came, after all attempts that were safe.
  case network(route: String, reason: String, requestMayHaveBeenSent: Bool)
  /// The response is not what the document says.
  case unreadable(route: String, reason: String)
  /// Too many requests wait already.
  case overloaded(waiting: Int)

  /// An error response. See `developers/reference`, "Error Messages".
  public struct Refusal: Sendable, Hashable {
    public let route: String
    public let status: Int
    /// Discord's own code, 0 if there is none. See `opcodes-and-status-codes`, "JSON Error Codes".
    public let code: Int
    public let message: String
    /// What is wrong with which part of the body: `embeds.0.title: Must be 256 or fewer in length.`
    public let fields: [String]
  }

  /// The response's code if Discord refused the request.
  public var code: Int? {
    guard case .refused(let refusal) = self else { return nil }
    return refusal.code
  }

  public var description: String {
    switch self {
    case .refused(let refusal):
      let fields = refusal.fields.isEmpty ? "" : " (" + refusal.fields.joined(separator: "; ") + ")"
      return "\(refusal.route): \(refusal.status), code \(refusal.code): \(refusal.message)\(fields)"
    case .rateLimited(let route, let retryAfter):
      return "\(route): rate limited for \(retryAfter.inSeconds) s"
    case .unauthorized: return "Discord refused the bot's token; no further request is sent"
    case .network(let route, let reason, _): return "\(route): \(reason)"
    case .unreadable(let route, let reason): return "\(route): unreadable response: \(reason)"
    case .overloaded(let waiting): return "\(waiting) requests to Discord are waiting already"
    }
  }
}

extension DiscordError.Refusal {
  init(route: String, status: Int, body: [UInt8]) {
    let json = (try? JSON(parsing: body)) ?? .null
    self.init(
      route: route, status: status, code: json["code"]?.integer.map { Int($0) } ?? 0,
      message: json["message"]?.string ?? "HTTP status \(status)",
      fields: json["errors"].map { Self.flatten($0, path: []) } ?? [])
  }

  private static func flatten(_ node: JSON, path: [String]) -> [String] {
    guard let members = node.object else {
      return node.string.map { ["\(path.joined(separator: ".")): \($0)"] } ?? []
    }
    return members.flatMap { key, value in
      guard key == "_errors" else { return flatten(value, path: path + [key]) }
      return (value.array ?? []).compactMap { entry in
        entry["message"]?.string.map { path.isEmpty ? $0 : "\(path.joined(separator: ".")): \($0)" }
      }
    }
  }
}
