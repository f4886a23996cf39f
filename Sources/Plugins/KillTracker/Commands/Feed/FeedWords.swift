import Gateway
import Platform

/// How a feed reads.
enum FeedWords {
  static let color = 0x2B2D31
  static let pvpColor = 0xED4245

  static func body(of message: FeedMessage) -> MessageBody {
    MessageBody(
      content: message.missed > 0 ? summary(message.missed, isAlone: message.items.isEmpty) : nil,
      embeds: message.items.isEmpty ? nil : message.items.map(embed), allowedMentions: AllowedMentions.none,
      nonce: message.nonce)
  }

  /// Ten of them have at most 6000 characters: each keeps below 600.
  static func embed(of item: FeedMessage.Item) -> Embed {
    let kill = item.kill
    var details: [String] = []
    if let vehicle = item.vehicle {
      let price = item.vehiclePrice.map { " (\(TrackerWords.number($0)) aUEC)" } ?? ""
      details.append("lost: \(TrackerWords.plain(vehicle, limit: 40))\(price)")
    }
    if let weapon = kill.weapon { details.append("with: \(TrackerWords.plain(weapon, limit: 40))") }
    // Where the place is the vehicle, it is told already.
    if let place = kill.location, place != item.vehicle {
      details.append("at: \(TrackerWords.plain(place, limit: 40))")
    }
    let lines = [TrackerWords.sentence(kill)] + (details.isEmpty ? [] : [details.joined(separator: " · ")])
    return Embed(
      description: lines.joined(separator: "\n"), timestamp: kill.occurredAt, color: kill.isPvP ? pvpColor : color,
      footer: Embed.Footer("\(kill.id) · \(TrackerWords.title(of: kill.kind))"))
  }

  private static func summary(_ missed: Int, isAlone: Bool) -> String {
    let count = TrackerWords.number(missed)
    let more = isAlone ? "" : "more "
    return missed == 1
      ? "1 \(more)kill was recorded that is too old, or came with too many, to be shown here."
      : "\(count) \(more)kills were recorded that are too old, or too many at once, to be shown here."
  }
}
