import FoundationEssentials
import Platform

/// One call of Discord's REST API: what to send, and what the rate limiter has to know about it.
public struct Route: Sendable {
  public enum Body: Sendable {
    case none
    case json([UInt8])
    /// The JSON as `payload_json`, each file as `files[n]`.
    case multipart(json: [UInt8], files: [FileUpload])
    /// `application/x-www-form-urlencoded`, as OAuth2 wants it. Never recorded: it carries secrets.
    case form([(name: String, value: String)])
  }

  /// Who asks.
  public enum Authentication: Sendable {
    case bot
    /// The path itself carries a webhook's or an interaction's token.
    case none
    /// The user who gave this access token.
    case bearer(Secret<String>)
    /// The application itself, by client id and secret.
    case client(id: Snowflake, secret: Secret<String>)
  }

  public var method: HTTPMethod
  public var path: RoutePath
  public var query: [(name: String, value: String)] = []
  public var body = Body.none
  /// Shown in the guild's audit log; up to 512 characters.
  public var auditReason: String?
  public var authentication = Authentication.bot
  /// Endpoints that an interaction's token opens need no bot token and are outside the global limit.
  public private(set) var isInteraction = false
  /// What sets this call apart where Discord limits it within its bucket, for example the change of a channel's name.
  var part = ""
  /// Discord gives some calls on one path limits of their own, told apart by this.
  var variant = ""
  /// How long the call may wait for rate limits in all, if less than the client allows: what an interaction's token opens
  /// is worth nothing to its user once it comes too late.
  public var maximumWait: Duration?
  /// Whether sending it twice has the effect of sending it once.
  public var isRepeatable: Bool

  /// The first answer is due three seconds after the interaction; some of them are over already.
  static let callbackWait = Duration.milliseconds(2_500)
  /// The token lives 15 minutes, but nobody looks at a command's answer that long.
  static let followUpWait = Duration.seconds(10)

  public init(_ method: HTTPMethod, _ path: RoutePath) {
    self.method = method
    self.path = path
    // PATCH sets values, it never adds to them.
    isRepeatable = method != .post
  }

  /// The same call with that body.
  /// - Throws: ``DiscordError/invalid(route:fields:)`` if the body breaks one of Discord's limits.
  public func with(_ value: some Encodable, files: [FileUpload] = []) throws -> Route {
    var route = self
    if let checked = value as? any CheckedBody {
      var checker = BodyChecker()
      checked.check(&checker)
      guard checker.errors.isEmpty else {
        throw DiscordError.invalid(route: limitKey.route, fields: checker.errors)
      }
    }
    let json = Array(try JSONEncoder().encode(value))
    route.body = files.isEmpty ? .json(json) : .multipart(json: json, files: files)
    return route
  }

  public func with(query name: String, _ value: String?) -> Route {
    guard let value else { return self }
    var route = self
    route.query.append((name, value))
    return route
  }

  public func with(query name: String, _ value: Snowflake?) -> Route { with(query: name, value?.description) }
  public func with(query name: String, _ value: Int?) -> Route { with(query: name, value.map { String($0) }) }
  /// Left out when false, as Discord's flags are false by default.
  public func with(flag name: String, _ value: Bool) -> Route { with(query: name, value ? "true" : nil) }

  /// - Throws: ``DiscordError/invalid(route:fields:)`` if the number is outside of the range.
  public func with(query name: String, _ value: Int?, in range: ClosedRange<Int>) throws -> Route {
    guard let value, !range.contains(value) else { return with(query: name, value) }
    throw DiscordError.invalid(
      route: limitKey.route,
      fields: [.init(path: name, message: "must lie between \(range.lowerBound) and \(range.upperBound)")])
  }

  /// - Throws: ``DiscordError/invalid(route:fields:)`` if the reason is too long.
  public func with(auditReason: String?) throws -> Route {
    guard (auditReason ?? "").unicodeScalars.count <= Self.maximumReasonLength else {
      throw DiscordError.invalid(
        route: limitKey.route,
        fields: [.init(path: "reason", message: "must be \(Self.maximumReasonLength) or fewer in length")])
    }
    var route = self
    route.auditReason = auditReason
    return route
  }

  /// In code points.
  static let maximumReasonLength = 512

  public func with(_ authentication: Authentication) -> Route {
    var route = self
    route.authentication = authentication
    return route
  }

  /// A POST that may be sent again because the second time changes nothing.
  func repeatable() -> Route {
    var route = self
    route.isRepeatable = true
    return route
  }

  func forInteraction(maximumWait: Duration = Self.followUpWait) -> Route {
    var route = self
    route.isInteraction = true
    route.authentication = .none
    route.maximumWait = maximumWait
    return route
  }

  var limitKey: RESTLimiter.RouteKey {
    var major = path.major
    switch authentication {
    case .bot, .none: break
    // Limits are per account; the bot's must not be taken for a user's.
    case .bearer(let token): major = "user \(token.reveal().hashValue)/\(major)"
    case .client(let id, _): major = "client \(id)/\(major)"
    }
    let route = "\(method) \(path.template)\(variant.isEmpty ? "" : " (\(variant))")"
    return RESTLimiter.RouteKey(route: route, major: major, part: part)
  }
}

/// A path written with its values in place: `"/channels/\(channel: id)/messages/\(message)"`.
///
/// From it come the text to send, the template that names the route, and the major parameter (channel, guild, or webhook
/// with its token) that has limits of its own. See `developers/topics/rate-limits`.
public struct RoutePath: Sendable, Hashable, ExpressibleByStringInterpolation {
  /// Percent-encoded.
  public let text: String
  /// As ``text`` with `{}` for every value.
  public let template: String
  public let major: String

  public init(stringLiteral value: String) {
    text = value
    template = value
    major = ""
  }

  public init(stringInterpolation: StringInterpolation) {
    text = stringInterpolation.text
    template = stringInterpolation.template
    major = stringInterpolation.major
  }

  public struct StringInterpolation: StringInterpolationProtocol {
    var text = ""
    var template = ""
    var major = ""

    public init(literalCapacity: Int, interpolationCount: Int) {}

    public mutating func appendLiteral(_ literal: String) {
      text += literal
      template += literal
    }

    public mutating func appendInterpolation(_ id: Snowflake) {
      text += id.description
      template += "{}"
    }

    /// Any other value, an emoji or an invite's code.
    public mutating func appendInterpolation(text value: String) {
      text += value.percentEncoded
      template += "{}"
    }

    public mutating func appendInterpolation(channel id: Snowflake) { appendMajor(id.description) }
    public mutating func appendInterpolation(guild id: Snowflake) { appendMajor(id.description) }
    /// The webhook or the application, together with ``appendInterpolation(token:)``.
    public mutating func appendInterpolation(webhook id: Snowflake) { appendMajor(id.description) }
    /// An interaction: nothing is shared between two of them.
    public mutating func appendInterpolation(interaction id: Snowflake) { appendMajor(id.description) }
    public mutating func appendInterpolation(token: Secret<String>) { appendMajor(token.reveal().percentEncoded) }

    private mutating func appendMajor(_ value: String) {
      text += value
      template += "{}"
      major += major.isEmpty ? value : "/" + value
    }
  }
}

extension String {
  /// Everything but RFC 3986's unreserved characters as `%XX`.
  var percentEncoded: String {
    var result = ""
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += digits.utf8.count == 1 ? "%0" + digits : "%" + digits
      }
    }
    return result
  }
}
