import FoundationEssentials
import HTTP
import HTTPAPI
import Platform

/// Checks of single values: nil where the value is fine, otherwise what is wrong with it.
enum Check {
  static func notEmpty(_ text: String) -> String? {
    text.isEmpty ? "must not be empty" : nil
  }

  /// `/srv/logs`: what it means must not depend on where the program is started.
  static func absolutePath(_ text: String) -> String? {
    text.hasPrefix("/") ? nil : "\"\(text)\" is not a path that begins with /"
  }

  /// A Discord id: digits, as `123456789012345678`.
  static func snowflake(_ text: String) -> String? {
    UInt64(text) == nil || text.count < 15 ? "\"\(text)\" is not a Discord id (15 to 20 digits)" : nil
  }

  /// `127.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`.
  static func addressRange(_ text: String) -> String? {
    NetworkBlock(text) == nil ? "\"\(text)\" is neither an address nor a block such as 10.0.0.0/8" : nil
  }

  static func publicKey(_ text: String) -> String? {
    text.count == 64 && text.allSatisfy(\.isHexDigit) ? nil : "expected 64 hexadecimal digits"
  }

  static func url(schemes: [String]) -> (String) -> String? {
    { text in
      guard let url = URL(string: text), let scheme = url.scheme, schemes.contains(scheme), url.host()?.isEmpty == false
      else {
        return "\"\(text)\" is not a URL that begins with \(schemes.map { "\($0)://" }.joined(separator: " or "))"
      }
      return nil
    }
  }

  static func databaseURL(_ text: String) -> String? {
    if text.hasPrefix("sqlite:"), text.count > "sqlite:".count { return nil }
    if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") { return nil }
    // The text itself may hold a password: it is not repeated.
    return "expected sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME"
  }

  /// `127.0.0.1:3000`, `[::1]:3000`, `0.0.0.0:80`.
  static func address(_ text: String) -> String? {
    let expected = "\"\(text)\" is not an address with a port, such as 127.0.0.1:3000"
    do {
      _ = try SocketAddress(parsing: text)
      return nil
    } catch {
      return expected
    }
  }
}

extension StringProtocol {
  /// This text without white space and newlines at its ends.
  var trimmed: String {
    guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
    else { return "" }
    return String(self[first...last])
  }
}
