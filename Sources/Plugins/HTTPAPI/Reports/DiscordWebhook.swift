import Gateway
import Platform

/// A webhook of a channel, as Discord shows it to those who made it: `https://discord.com/api/webhooks/ID/TOKEN`.
public struct DiscordWebhook: Sendable, Equatable {
  /// Of the API, with its version.
  public let apiBase: String
  public let id: Snowflake
  public let token: Secret<String>

  /// Nil unless it is such an address: `https`, or `http` to this machine (the sandbox), and without a query.
  public init?(_ address: Secret<String>) {
    let text = address.reveal()
    guard let scheme = text.firstRange(of: "://"), let place = text.firstRange(of: "/webhooks/") else { return nil }
    let base = text[..<place.lowerBound]
    let parts = text[place.upperBound...].split(separator: "/", omittingEmptySubsequences: false)
    guard scheme.upperBound <= base.endIndex, parts.count == 2, let id = Snowflake(String(parts[0])),
      !parts[1].isEmpty, parts[1].utf8.allSatisfy(Self.isTokenByte)
    else { return nil }
    let authority = text[scheme.upperBound..<place.lowerBound].prefix { $0 != "/" }
    guard !authority.isEmpty, !authority.contains("@") else { return nil }
    switch text[..<scheme.lowerBound].lowercased() {
    case "https": break
    case "http" where Self.isThisMachine(authority): break
    default: return nil
    }
    // Without a version Discord means an old one.
    apiBase = base.hasSuffix("/api") ? base + "/v10" : String(base)
    self.id = id
    token = Secret(String(parts[1]))
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  private static func isThisMachine(_ authority: Substring) -> Bool {
    let name = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
    return name == "localhost" || name == "[::1]" || name.hasPrefix("127.")
  }
}

/// Takes messages of embeds to somewhere.
protocol EmbedSender: Sendable {
  /// - Parameter embeds: at most ten, with at most 6000 characters together.
  /// - Throws: ``DiscordError``.
  func send(_ embeds: [Embed]) async throws
}

/// Sends to a webhook with a client of its own: a bot whose token is refused can still say so, and the bot's own
/// requests do not stand in its way.
struct WebhookSender: EmbedSender {
  private let webhook: DiscordWebhook
  private let client: RESTClient

  init(
    _ webhook: DiscordWebhook, userAgent: String, transport: any RESTTransport, time: any TimeSource, log: Log,
    metrics: Metrics
  ) {
    self.webhook = webhook
    client = RESTClient(
      configuration: .init(baseURL: webhook.apiBase, token: Secret(""), userAgent: userAgent), transport: transport,
      time: time, log: log, metrics: metrics)
  }

  func send(_ embeds: [Embed]) async throws {
    _ = try await client.executeWebhook(webhook.id, token: webhook.token, MessageBody(embeds: embeds))
  }
}
