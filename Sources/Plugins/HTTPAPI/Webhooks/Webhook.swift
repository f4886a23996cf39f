import Core
import Platform
import Storage

public struct WebhookID: NumberedID {
  public static let prefix = "webhook_"
  public let number: Int64
  public init(number: Int64) { self.number = number }
}

/// A webhook as its owner sees it: everything but its secret.
public struct Webhook: Sendable, Equatable {
  public var id: WebhookID
  public var owner: Subject
  public var name: String
  public var url: String
  /// Names of outgoing events, as the documents print them.
  public var events: [String]
  /// Only what happens in this guild.
  public var guildID: GuildID?
  public var hasSecret: Bool
  /// Sent with each delivery beside our own.
  public var headers: HTTPHeaders
  public var retry: WebhookRetry
  public var isActive: Bool
  /// Why we switched it off, if we did.
  public var disabledReason: String?
  /// Events that were not queued because the backlog was full.
  public var droppedEvents: Int64
  public var createdAt: Timestamp
  public var updatedAt: Timestamp
}

/// How a delivery that failed is tried again (Kill Tracker reference, "Create webhook"): 1 + `maxRetries` attempts, with
/// `retryDelay * backoffMultiplier^k` milliseconds between them.
public struct WebhookRetry: Sendable, Equatable {
  public static let standard = WebhookRetry(maxRetries: 3, delayMilliseconds: 1000, multiplier: 2)
  static let maximumRetries = 10
  static let delayRange: ClosedRange<Int64> = 100...3_600_000
  static let multiplierRange = 1.0...10.0
  /// All waits of one delivery together.
  static let longest = Duration.seconds(86_400)

  public var maxRetries: Int
  public var delayMilliseconds: Int64
  public var multiplier: Double

  public init(maxRetries: Int, delayMilliseconds: Int64, multiplier: Double) {
    self.maxRetries = maxRetries
    self.delayMilliseconds = delayMilliseconds
    self.multiplier = multiplier
  }

  /// The wait after that many failed attempts (at least 1); nil if there are no more.
  func wait(after attempts: Int) -> Duration? {
    guard attempts <= maxRetries else { return nil }
    var milliseconds = Double(delayMilliseconds)
    for _ in 1..<max(attempts, 1) { milliseconds *= multiplier }
    return .milliseconds(Int64(min(milliseconds, Self.longest.inMilliseconds).rounded()))
  }

  /// Why it cannot be taken: the field as the documents call it, and the reason.
  var fault: (field: String, reason: String)? {
    guard (0...Self.maximumRetries).contains(maxRetries) else {
      return ("maxRetries", "must be from 0 to \(Self.maximumRetries)")
    }
    guard Self.delayRange.contains(delayMilliseconds) else {
      return ("retryDelay", "must be from \(Self.delayRange.lowerBound) to \(Self.delayRange.upperBound) milliseconds")
    }
    guard multiplier.isFinite, Self.multiplierRange.contains(multiplier) else {
      return ("backoffMultiplier", "must be from 1 to 10")
    }
    let total = (1...max(1, maxRetries)).compactMap(wait).reduce(Duration.zero, +)
    guard maxRetries == 0 || total <= Self.longest else {
      return ("backoffMultiplier", "makes the retries of one delivery take longer than a day")
    }
    return nil
  }
}

/// What somebody wants of a new webhook.
public struct WebhookRequest: Sendable, Equatable {
  public var name: String
  public var url: String
  public var events: [String]
  public var guildID: GuildID?
  public var secret: Secret<String>?
  public var headers: HTTPHeaders
  public var retry: WebhookRetry

  public init(
    name: String, url: String, events: [String], guildID: GuildID? = nil, secret: Secret<String>? = nil,
    headers: HTTPHeaders = [:], retry: WebhookRetry = .standard
  ) {
    self.name = name
    self.url = url
    self.events = events
    self.guildID = guildID
    self.secret = secret
    self.headers = headers
    self.retry = retry
  }
}

/// What is to be different; nil leaves a thing as it is.
public struct WebhookChanges: Sendable, Equatable {
  public var name: String?
  public var url: String?
  public var events: [String]?
  /// `.some(nil)`: all guilds.
  public var guildID: GuildID??
  /// `.some(nil)`: none from now on.
  public var secret: Secret<String>??
  public var headers: HTTPHeaders?
  public var isActive: Bool?
  public var maxRetries: Int?
  public var retryDelayMilliseconds: Int64?
  public var backoffMultiplier: Double?

  public init() {}
}

public enum WebhookError: Error, Equatable, Sendable {
  /// A field that cannot be taken, by the name that the documents give it, and why, in the user's terms.
  case invalid(field: String, reason: String)
  /// The owner has ``Webhooks/maximumPerOwner`` webhooks.
  case tooMany(limit: Int)
  /// Tests or redeliveries wait that have not been sent yet.
  case tooManyWaiting(limit: Int)
  /// No such webhook, or delivery, of this owner.
  case notFound
}

/// One attempt to deliver, as the log keeps it.
public struct WebhookAttempt: Sendable, Equatable, Codable {
  public var at: Timestamp
  /// Nil if there was no answer.
  public var status: Int?
  public var milliseconds: Int64
  /// Nil if it was taken.
  public var error: String?
  /// The beginning of the answer's body.
  public var response: String?

  enum CodingKeys: String, CodingKey {
    case at, status, milliseconds = "ms", error, response
  }

  public var isSuccess: Bool { error == nil }
}

extension Timestamp {
  // As in the database: milliseconds.
  fileprivate static func decode(_ container: KeyedDecodingContainer<WebhookAttempt.CodingKeys>) throws -> Timestamp {
    Timestamp(milliseconds: try container.decode(Int64.self, forKey: .at))
  }
}

extension WebhookAttempt {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    at = try Timestamp.decode(container)
    status = try container.decodeIfPresent(Int.self, forKey: .status)
    milliseconds = try container.decode(Int64.self, forKey: .milliseconds)
    error = try container.decodeIfPresent(String.self, forKey: .error)
    response = try container.decodeIfPresent(String.self, forKey: .response)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(at.milliseconds, forKey: .at)
    try container.encodeIfPresent(status, forKey: .status)
    try container.encode(milliseconds, forKey: .milliseconds)
    try container.encodeIfPresent(error, forKey: .error)
    try container.encodeIfPresent(response, forKey: .response)
  }
}

/// One event on its way to one webhook.
public struct WebhookDelivery: Sendable, Equatable {
  public enum State: String, Sendable, DatabaseValueConvertible {
    /// Waits for its turn, or for the next attempt.
    case pending
    case delivered
    /// All attempts failed, or it waited too long. It can be sent again by hand.
    case dead
  }

  /// Its place among the deliveries of its webhook.
  var sequence: Int64
  /// `X-Adjutant-Delivery`, the same for all attempts.
  public var id: String
  public var webhook: WebhookID
  public var event: String
  /// Exactly what is sent.
  public var body: String
  public var state: State
  /// Sent at once and once, aside from the order: a test, or again by hand.
  var isAside: Bool
  /// Attempts of the current round.
  var tries: Int
  public var nextAt: Timestamp
  public var createdAt: Timestamp
  public var finishedAt: Timestamp?
  /// The latest ones, oldest first.
  public var attempts: [WebhookAttempt]
}
