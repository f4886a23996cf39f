import Platform

/// Why a REST call did not do what it was asked to.
public enum DiscordError: Error, Sendable, CustomStringConvertible {
  /// Discord refused the request.
  case refused(Refusal)
  /// The request breaks limits that Discord documents; it was not sent.
  case invalid(route: String, fields: [FieldError])
  /// The wait would be longer than the client accepts.
  case rateLimited(route: String, retryAfter: Duration)
  /// The bot's token is wrong or was reset. Nothing is sent any more: every further 401 counts towards a ban.
  case unauthorized
  /// No response came, after all attempts that were safe.
  case network(route: String, reason: String, requestMayHaveBeenSent: Bool)
  /// The request would have been sent again, but a file's bytes could be had only once.
  case bodyUsedUp(route: String, after: String)
  /// The response is not what the document says.
  case unreadable(route: String, reason: String)
  /// Too many requests wait already.
  case overloaded(waiting: Int)

  /// What is wrong with one part of a request.
  public struct FieldError: Sendable, Hashable, CustomStringConvertible {
    /// `embeds[0].fields[2].value`; empty for the whole.
    public let path: String
    /// Discord's name for the mistake, `BASE_TYPE_MAX_LENGTH`; nil if it was found before sending.
    public let code: String?
    public let message: String

    public init(path: String, code: String? = nil, message: String) {
      self.path = path
      self.code = code
      self.message = message
    }

    public var description: String {
      [path.isEmpty ? nil : path, code, message].compactMap { $0 }.joined(separator: ": ")
    }
  }

  /// An error response. See `developers/reference`, "Error Messages".
  public struct Refusal: Sendable, Hashable {
    public let route: String
    public let status: Int
    public let code: DiscordErrorCode
    public let message: String
    /// What is wrong with which part of the body.
    public let fields: [FieldError]
  }

  /// The response's code if Discord refused the request.
  public var code: DiscordErrorCode? {
    guard case .refused(let refusal) = self else { return nil }
    return refusal.code
  }

  public var description: String {
    switch self {
    case .refused(let refusal):
      let fields = refusal.fields.isEmpty ? "" : " (\(Self.list(refusal.fields)))"
      return "\(refusal.route): \(refusal.status), code \(refusal.code.rawValue): \(refusal.message)\(fields)"
    case .invalid(let route, let fields): return "\(route): not sent: \(Self.list(fields))"
    case .rateLimited(let route, let retryAfter): return "\(route): rate limited for \(retryAfter.inSeconds) s"
    case .unauthorized: return "Discord refused the bot's token; no further request is sent"
    case .network(let route, let reason, _): return "\(route): \(reason)"
    case .bodyUsedUp(let route, let reason):
      return "\(route): cannot be sent again, as a file's bytes could be had only once: \(reason)"
    case .unreadable(let route, let reason): return "\(route): unreadable response: \(reason)"
    case .overloaded(let waiting): return "\(waiting) requests to Discord are waiting already"
    }
  }

  private static func list(_ fields: [FieldError]) -> String { fields.map(\.description).joined(separator: "; ") }
}

extension DiscordError.Refusal {
  init(route: String, status: Int, body: [UInt8]) {
    let json = (try? JSON(parsing: body)) ?? .null
    // OAuth2 errors have a form of their own, RFC 6749 section 5.2.
    let message = json["message"]?.string ?? json["error_description"]?.string ?? json["error"]?.string
    self.init(
      route: route, status: status,
      code: DiscordErrorCode(rawValue: json["code"]?.integer.map { Int($0) } ?? 0),
      message: message ?? "HTTP status \(status)", fields: json["errors"].map { Self.flatten($0, path: "") } ?? [])
  }

  private static func flatten(_ node: JSON, path: String) -> [DiscordError.FieldError] {
    guard let members = node.object else {
      return node.string.map { [.init(path: path, message: $0)] } ?? []
    }
    return members.flatMap { key, value -> [DiscordError.FieldError] in
      guard key == "_errors" else {
        // Discord writes the places of a list as if they were names.
        let isPlace = !key.isEmpty && key.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return flatten(value, path: isPlace ? "\(path)[\(key)]" : path.isEmpty ? key : "\(path).\(key)")
      }
      return (value.array ?? []).compactMap { entry in
        entry["message"]?.string.map { .init(path: path, code: entry["code"]?.string, message: $0) }
      }
    }
  }
}
