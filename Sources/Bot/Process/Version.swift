import Platform

/// What this program calls itself.
enum Version {
  static let current = "0.1.0"

  /// What Discord wants of a bot's requests: `DiscordBot (URL, VERSION)`, with an address that tells who it is
  /// (Discord Reference, "User Agent").
  /// - Parameters:
  ///   - publicURL: where the operator can be found; nil: the bot's own page at Discord, whose id is the first part of
  ///     its token, in base64.
  static func userAgent(token: Secret<String>, publicURL: String?) -> String {
    "DiscordBot (\(publicURL ?? page(ofBotWith: token)), \(current))"
  }

  private static func page(ofBotWith token: Secret<String>) -> String {
    let first = String(token.reveal().prefix { $0 != "." })
    let padded = first + String(repeating: "=", count: (4 - first.utf8.count % 4) % 4)
    guard let bytes = Base64.decode(padded), let id = UInt64(String(decoding: bytes, as: UTF8.self)) else {
      return "https://discord.com"
    }
    return "https://discord.com/users/\(id)"
  }
}
