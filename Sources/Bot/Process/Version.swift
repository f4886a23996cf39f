/// What this program calls itself.
enum Version {
  static let current = "0.1.0"

  /// Discord wants a bot's requests to name an address and a version.
  static let userAgent = "DiscordBot (https://github.com/adjutant-bot/adjutant, \(current))"
}
