import Platform

/// Who asks, and what they asked for, as far as the proxies in between can be believed.
public struct HTTPClientIdentity: Sendable, Equatable {
  /// Of the client, or of the farthest proxy that is known.
  public let address: IPAddress
  /// `http` or `https`.
  public let scheme: String
  /// As the client wrote it, with its port; nil if it wrote none.
  public let host: String?
  /// Whether a trusted proxy said so.
  public let isForwarded: Bool

  /// The peer itself, without a proxy.
  init(remoteAddress: SocketAddress, headers: HTTPHeaders) {
    self.init(peer: IPAddress(remoteAddress.host) ?? Self.nobody, headers: headers)
  }

  init(peer: IPAddress, headers: HTTPHeaders) {
    self.init(address: peer, scheme: "http", host: headers["Host"], isForwarded: false)
  }

  init(address: IPAddress, scheme: String, host: String?, isForwarded: Bool) {
    self.address = address
    self.scheme = scheme
    self.host = host
    self.isForwarded = isForwarded
  }

  /// Never a client's address.
  static let nobody = IPAddress(bytes: [0, 0, 0, 0])
}

/// The proxies whose word counts.
///
/// Only a request that comes from one of these networks may say who the client is, in `Forwarded` (RFC 7239) or in
/// `X-Forwarded-For`, `-Proto` and `-Host`. The list is read from its end: the first address that is not a trusted proxy
/// is the client, and what stands before it was written by someone who may lie. Where both kinds of fields are there
/// and say different things, one of them came from the client through a proxy that does not know it, and the request is
/// refused.
public struct TrustedProxies: Sendable, Equatable {
  public let networks: [NetworkBlock]

  public static let none = TrustedProxies([])

  public init(_ networks: [NetworkBlock]) { self.networks = networks }

  public func contains(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

  /// - Throws: ``HTTPError`` 400 for fields of a trusted proxy that cannot be read or contradict each other.
  func identity(peer: IPAddress, headers: HTTPHeaders) throws(HTTPError) -> HTTPClientIdentity {
    let direct = HTTPClientIdentity(peer: peer, headers: headers)
    guard !networks.isEmpty, contains(peer) else { return direct }
    let standard = headers.all("Forwarded")
    let hops = headers.all("X-Forwarded-For")
    let schemes = headers.all("X-Forwarded-Proto")
    let hosts = headers.all("X-Forwarded-Host")
    let hasOther = !(hops.isEmpty && schemes.isEmpty && hosts.isEmpty)
    let other =
      hasOther
      ? try resolve(Self.elements(hops: hops, schemes: schemes, hosts: hosts), peer: peer, direct) : nil
    guard !standard.isEmpty else { return other ?? direct }
    let first = try resolve(try Self.elements(standard), peer: peer, direct)
    guard other == nil || other == first else {
      throw .malformed("Forwarded and X-Forwarded-For contradict each other")
    }
    return first
  }

  private struct Element {
    /// Nil for a name that hides the address.
    var address: IPAddress?
    var scheme: String?
    var host: String?
  }

  private func resolve(
    _ elements: [Element], peer: IPAddress, _ direct: HTTPClientIdentity
  ) throws(HTTPError) -> HTTPClientIdentity {
    var address = peer
    var scheme = direct.scheme
    var host = direct.host
    for element in elements.reversed() {
      // This element was written by `address`, which is trusted.
      scheme = element.scheme ?? scheme
      host = element.host ?? host
      guard let next = element.address else { break }
      address = next
      if !contains(next) { break }
    }
    guard scheme == "http" || scheme == "https" else { throw .malformed("a proxy forwards from an unknown scheme") }
    if let host, !HTTPRequestHead.isHost(Array(host.utf8)) { throw .malformed("a proxy forwards a host that is none") }
    return HTTPClientIdentity(address: address, scheme: scheme, host: host, isForwarded: true)
  }

  private static func elements(hops: [String], schemes: [String], hosts: [String]) -> [Element] {
    var elements = list(hops).map { Element(address: address($0)) }
    if elements.isEmpty { elements = [Element()] }
    // Proxies write one of each, for the request that reached them.
    elements[elements.count - 1].scheme = list(schemes).last?.lowercased()
    elements[elements.count - 1].host = list(hosts).last.map(String.init)
    return elements
  }

  private static func list(_ fields: [String]) -> [Substring] {
    fields.flatMap { $0.split(separator: ",") }.map { trimmed($0) }.filter { !$0.isEmpty }
  }

  private static func elements(_ fields: [String]) throws(HTTPError) -> [Element] {
    var elements: [Element] = []
    for text in fields.flatMap({ split($0, at: ",") }) {
      var element = Element()
      for pair in split(text, at: ";") where !trimmed(pair[...]).isEmpty {
        guard let equals = pair.firstIndex(of: "=") else { throw .malformed("the Forwarded field cannot be read") }
        let value = unquoted(trimmed(pair[pair.index(after: equals)...]))
        switch trimmed(pair[..<equals]).lowercased() {
        case "for": element.address = address(value[...])
        case "proto": element.scheme = value.lowercased()
        case "host": element.host = value
        default: break
        }
      }
      elements.append(element)
    }
    return elements
  }

  /// Splits outside of quoted strings.
  private static func split(_ text: String, at separator: Character) -> [String] {
    var parts = [""]
    var isQuoted = false
    var isEscaped = false
    for character in text {
      if character == separator, !isQuoted {
        parts.append("")
        continue
      }
      if isEscaped {
        isEscaped = false
      } else if character == "\\", isQuoted {
        isEscaped = true
      } else if character == "\"" {
        isQuoted.toggle()
      }
      parts[parts.count - 1].append(character)
    }
    return parts
  }

  private static func unquoted(_ text: Substring) -> String {
    guard text.count >= 2, text.first == "\"", text.last == "\"" else { return String(text) }
    return String(text.dropFirst().dropLast().replacing("\\", with: ""))
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
  }

  /// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`; nil for `unknown` and hidden names.
  private static func address(_ text: Substring) -> IPAddress? {
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { return nil }
      return IPAddress(text[text.index(after: text.startIndex)..<end])
    }
    if let address = IPAddress(text) { return address }
    guard let colon = text.lastIndex(of: ":") else { return nil }
    return IPAddress(text[..<colon])
  }
}
