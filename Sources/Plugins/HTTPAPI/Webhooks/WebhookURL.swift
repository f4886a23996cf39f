import HTTP
import Platform

/// The address of a webhook as somebody typed it.
///
/// What is refused here is refused early and with a reason. It is not what protects the inside of our network: a name may
/// point anywhere, so the address is judged again when a connection is made (``WebhookCourier``).
enum WebhookURL {
  static let limit = 2048

  /// - Returns: why it cannot be taken; nil if it can.
  static func fault(_ text: String, allowsPrivateAddresses: Bool) -> String? {
    guard text.utf8.count <= limit else { return "must have at most \(limit) characters" }
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"\"<>\\^`{|}".utf8.contains($0) }) else {
      return "must be an absolute URL, percent-encoded"
    }
    guard let separator = text.firstRange(of: "://"),
      ["http", "https"].contains(text[..<separator.lowerBound].lowercased())
    else { return "must begin with https:// or http://" }
    guard !text.contains("#") else { return "must not have a fragment" }
    let authority = text[separator.upperBound...].prefix { $0 != "/" && $0 != "?" }
    guard !authority.contains("@") else { return "must not contain a user name or password" }
    guard let (host, port) = split(authority) else { return "must name a host" }
    if let port {
      guard port.utf8.count <= 5, port.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
        let number = UInt16(port), number > 0
      else { return "must have a port from 1 to 65535" }
    }
    return allowsPrivateAddresses ? nil : faultOfHost(host)
  }

  /// Nil if there is no host, or brackets do not fit.
  private static func split(_ authority: Substring) -> (host: Substring, port: Substring?)? {
    var (host, rest): (Substring, Substring)
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      host = authority[authority.index(after: authority.startIndex)..<end]
      rest = authority[authority.index(after: end)...]
      guard let address = IPAddress(host), address.isIPv6 || host.contains(":") else { return nil }
    } else {
      let end = authority.firstIndex(of: ":") ?? authority.endIndex
      (host, rest) = (authority[..<end], authority[end...])
      guard !host.contains("["), !host.contains("]"), !host.contains("%") else { return nil }
    }
    guard !host.isEmpty else { return nil }
    if rest.isEmpty { return (host, nil) }
    guard rest.first == ":" else { return nil }
    return (host, rest.dropFirst())
  }

  private static func faultOfHost(_ host: Substring) -> String? {
    let name = host.hasSuffix(".") ? host.dropLast().lowercased() : host.lowercased()
    let isLocal = ["localhost", "local", "internal", "localdomain", "home.arpa"].contains { suffix in
      name == suffix || name.hasSuffix("." + suffix)
    }
    if isLocal { return "must not point to a private or local address" }
    if let address = IPAddress(name), !PublicAddress.isPublic(address) {
      return "must not point to a private or local address"
    }
    return nil
  }
}
