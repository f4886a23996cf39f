import Platform

/// The sandbox takes any token; it only asks which application it stands for.
enum BotToken {
  /// Without the `Bot ` that some clients also send to the gateway.
  static func bare(_ token: String) -> String { token.hasPrefix("Bot ") ? String(token.dropFirst(4)) : token }

  /// Visible ASCII, 1 to 256 characters.
  static func isWellFormed(_ token: String) -> Bool {
    let bytes = bare(token).utf8
    return (1...256).contains(bytes.count) && bytes.allSatisfy { (0x21...0x7E).contains($0) }
  }

  /// The id that the token's first part names in base64, as Discord's tokens do; else one made from the token, always
  /// the same.
  static func applicationID(of token: String) -> Snowflake {
    if let first = token.split(separator: ".", omittingEmptySubsequences: false).first,
      let bytes = Base64.decode(String(first.prefix { $0 != "=" }), .url), (15...20).contains(bytes.count),
      let id = Snowflake(String(decoding: bytes, as: UTF8.self))
    {
      return id
    }
    // FNV-1a, brought into the range of ids made in the year 2020.
    let hash = stableHash(token)
    return Snowflake(700_000_000_000_000_000 + hash % 50_000_000_000_000_000)
  }

  /// FNV-1a over the UTF-8: the same in every process, unlike Swift's own hash.
  static func stableHash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
