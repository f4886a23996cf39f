import Platform

/// The text of an API key: `adj_`, 33 random characters, 6 of checksum.
///
/// The prefix lets scanners for leaked secrets find it; the checksum tells a misspelt or invented key without a look at
/// the database. Chance comes from 24 bytes, so a plain SHA-256 is enough to store (nobody can guess it).
public enum APIKeyText {
  public static let prefix = "adj_"
  private static let bodyLength = 33
  private static let checksumLength = 6
  public static let length = prefix.utf8.count + bodyLength + checksumLength

  public static func make() throws -> Secret<String> {
    let start = prefix + Base62.encode(try Crypto.randomBytes(24), length: bodyLength)
    return Secret(start + (try checksum(of: start.utf8)))
  }

  /// What is stored; nil for a text that cannot be a key.
  public static func hash(_ key: Secret<String>) throws -> [UInt8]? {
    let text = Array(key.reveal().utf8)
    guard text.count == length, text.starts(with: prefix.utf8),
      text.dropFirst(prefix.utf8.count).allSatisfy(Base62.isDigit),
      try checksum(of: text.dropLast(checksumLength)).utf8.elementsEqual(text.suffix(checksumLength))
    else { return nil }
    return try Crypto.sha256(text)
  }

  private static func checksum(of start: some Sequence<UInt8>) throws -> String {
    Base62.encode(try Crypto.sha256(start).prefix(4), length: checksumLength)
  }
}
