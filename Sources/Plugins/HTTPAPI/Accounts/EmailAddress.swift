/// E-mail addresses as names of accounts.
public enum EmailAddress {
  /// The address in lower case: whoever owns `Me@example.com` in practice owns `me@example.com`.
  ///
  /// Takes the everyday form, ASCII `local@domain`; quoted local parts and addresses by number are refused.
  /// - Throws: ``AccountError/invalid(field:reason:)``
  public static func normalized(_ text: String) throws -> String {
    let bytes = lowercased(text)
    let parts = bytes.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
    guard bytes.count <= 254, parts.count == 2, isLocal(parts[0]), isDomain(parts[1]) else {
      throw AccountError.invalid(field: "email", reason: "Must be a valid email address")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// ASCII alone: what other letters become depends on a language.
  static func lowercased(_ text: String) -> [UInt8] {
    text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
  }

  /// A dot-atom of RFC 5322 section 3.2.3.
  private static func isLocal(_ bytes: ArraySlice<UInt8>) -> Bool {
    (1...64).contains(bytes.count)
      && bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { atom in
        !atom.isEmpty && atom.allSatisfy { Base62.isDigit($0) || "!#$%&'*+-/=?^_`{|}~".utf8.contains($0) }
      }
  }

  private static func isDomain(_ bytes: ArraySlice<UInt8>) -> Bool {
    let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let hyphen = UInt8(ascii: "-")
    return labels.count >= 2
      && labels.allSatisfy { label in
        (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
          && label.allSatisfy { Base62.isDigit($0) || $0 == hyphen }
      }
      && labels.last?.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } == false
  }
}
