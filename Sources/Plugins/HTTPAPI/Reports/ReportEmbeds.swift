import Core
import Gateway
import Platform

/// The embeds that the Pegasus document prints under "Webhooks".
enum ReportEmbeds {
  /// Discord's, over all embeds of a message.
  static let messageLimit = 6_000
  static let perMessage = 10

  /// - Parameter text: of what happened; the first lines matter most.
  static func error(type: String, description: String, trace: String, at time: Timestamp) -> Embed {
    Embed(
      title: "Critical Error", description: shown(description, limit: 1_000), timestamp: time, color: 16_711_680,
      fields: [
        Embed.Field("Error Type", shown(type, limit: 256), isInline: true),
        Embed.Field("Stack Trace", shown(trace, limit: 1_024)),
      ])
  }

  static func audit(_ record: AuditRecord) -> Embed {
    Embed(
      title: "Audit Log Entry", timestamp: record.createdAt, color: 39_423,
      fields: [
        Embed.Field("Action", shown(record.entry.action, limit: 256), isInline: true),
        Embed.Field("User ID", record.entry.userID.description, isInline: true),
      ])
  }

  /// Cut to so many code points, as Discord counts. It refuses empty texts.
  static func shown(_ text: String, limit: Int) -> String {
    let scalars = text.unicodeScalars
    if scalars.allSatisfy(\.properties.isWhitespace) { return "–" }
    guard scalars.count > limit else { return text }
    return String(String.UnicodeScalarView(scalars.prefix(limit - 1))) + "…"
  }

  /// How many of the first fit into one message.
  static func fitting(_ embeds: [Embed]) -> Int {
    var room = messageLimit
    let fitting = embeds.prefix(perMessage).prefix { embed in
      room -= length(of: embed)
      return room >= 0
    }
    return fitting.count
  }

  private static func length(of embed: Embed) -> Int {
    let texts = [embed.title, embed.description].compactMap(\.self) + embed.fields.flatMap { [$0.name, $0.value] }
    return texts.reduce(0) { $0 + $1.unicodeScalars.count }
  }
}

/// Takes secrets out of texts that leave the house.
struct SecretFilter: Sendable {
  private let secrets: [Secret<String>]

  /// - Parameter secrets: what is too short to be one (below 6 bytes) is left out, as it would blot out words.
  init(_ secrets: [Secret<String>]) {
    // The longest first: one may be a part of another.
    self.secrets = secrets.filter { $0.reveal().utf8.count >= 6 }
      .sorted { $0.reveal().utf8.count > $1.reveal().utf8.count }
  }

  func clean(_ text: String) -> String {
    secrets.reduce(text) { $0.replacing($1.reveal(), with: "<redacted>") }
  }
}
