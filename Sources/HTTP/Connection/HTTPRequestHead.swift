import Platform

public enum HTTPVersion: Sendable, Equatable {
  case http10, http11
}

/// The head of a request, read strictly after RFC 9112: what is not exactly right is refused, because whatever two
/// readers can understand differently lets one of them be deceived.
struct HTTPRequestHead: Sendable, Equatable {
  enum Framing: Sendable, Equatable {
    case none
    case length(Int)
    case chunked
  }

  let method: HTTPMethod
  let path: HTTPPath
  let rawQuery: String?
  let version: HTTPVersion
  let headers: HTTPHeaders
  let framing: Framing
  /// Whether the peer wants the connection to go on.
  let keepsAlive: Bool
  /// Whether the peer waits for 100 before it sends the body.
  let expectsContinue: Bool

  /// - Parameter bytes: the request line and the fields, each with its CRLF, without the empty line.
  init(parsing bytes: UnsafeRawBufferPointer, limits: HTTPLimits) throws(HTTPError) {
    var rest = bytes
    let line = try Self.line(&rest)
    let (method, target, version) = try Self.requestLine(line, limits: limits)
    var headers = HTTPHeaders()
    while !rest.isEmpty {
      guard headers.count < limits.headerCount else {
        throw HTTPError(.headTooLarge, kind: .headTooLarge, "more than \(limits.headerCount) header fields")
      }
      let (name, value) = try Self.field(try Self.line(&rest))
      headers.add(name, value)
    }
    self.method = method
    self.version = version
    self.headers = headers
    (path, rawQuery) = try Self.split(target, method: method)
    try Self.checkHost(headers, version: version)
    framing = try Self.framing(headers, version: version)
    let connection = WebSocketHandshake.tokens(headers.all("Connection")).map { $0.lowercased() }
    keepsAlive =
      !connection.contains("close") && (version == .http11 || connection.contains("keep-alive"))
    let expectations = headers.all("Expect").map { $0.lowercased() }
    guard expectations.allSatisfy({ $0 == "100-continue" }) else {
      throw HTTPError(
        .expectationFailed, kind: .malformedRequest, "the only expectation that can be met is 100-continue")
    }
    expectsContinue = version == .http11 && !expectations.isEmpty && framing != .none && framing != .length(0)
  }

  /// Takes one line off, without its CRLF.
  private static func line(_ rest: inout UnsafeRawBufferPointer) throws(HTTPError) -> UnsafeRawBufferPointer {
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")), end > 0, rest[end - 1] == UInt8(ascii: "\r") else {
      throw .malformed("a line does not end with CRLF")
    }
    defer { rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...]) }
    return UnsafeRawBufferPointer(rebasing: rest[..<(end - 1)])
  }

  private static func requestLine(
    _ line: UnsafeRawBufferPointer, limits: HTTPLimits
  ) throws(HTTPError) -> (HTTPMethod, UnsafeRawBufferPointer, HTTPVersion) {
    let space = UInt8(ascii: " ")
    guard let first = line.firstIndex(of: space), let last = line.lastIndex(of: space), first < last else {
      throw .malformed("the request line must be: method, space, target, space, version")
    }
    let name = line[..<first]
    guard !name.isEmpty, name.count <= 32, name.allSatisfy(HTTPCharacters.isToken) else {
      throw .malformed("the method is not a token")
    }
    let target = UnsafeRawBufferPointer(rebasing: line[(first + 1)..<last])
    guard target.count <= limits.targetLength else {
      throw HTTPError(.uriTooLong, kind: .headTooLarge, "the target is longer than \(limits.targetLength) bytes")
    }
    guard !target.isEmpty, target.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
      throw .malformed("the target has a character that must be escaped")
    }
    let version = String(decoding: line[(last + 1)...], as: UTF8.self)
    let method = HTTPMethod(rawValue: String(decoding: name, as: UTF8.self))
    switch version {
    case "HTTP/1.1": return (method, target, .http11)
    case "HTTP/1.0": return (method, target, .http10)
    default:
      let bytes = Array(version.utf8)
      let isVersion =
        bytes.count == 8 && version.hasPrefix("HTTP/") && HTTPCharacters.isDigit(bytes[5])
        && bytes[6] == UInt8(ascii: ".") && HTTPCharacters.isDigit(bytes[7])
      guard isVersion else { throw .malformed("the version is not HTTP/1.1") }
      throw HTTPError(.versionNotSupported, kind: .unsupportedVersion, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    }
  }

  /// RFC 9112 section 3.2: origin form, absolute form for http(s), or `*` for OPTIONS.
  private static func split(_ target: UnsafeRawBufferPointer, method: HTTPMethod) throws(HTTPError) -> (
    HTTPPath, String?
  ) {
    var text = String(decoding: target, as: UTF8.self)[...]
    if text == "*", method == .options { return (try HTTPPath("*"), nil) }
    if !text.hasPrefix("/") {
      guard let scheme = ["http://", "https://"].first(where: { text.lowercased().hasPrefix($0) }) else {
        throw .malformed("the target must begin with a slash")
      }
      text = text.dropFirst(scheme.count)
      let authority = text.prefix { $0 != "/" && $0 != "?" }
      guard isHost(Array(authority.utf8)) else { throw .malformed("the target has no valid host") }
      text = text.dropFirst(authority.count)
      if !text.hasPrefix("/") { text = "/" + text }
    }
    guard let mark = text.firstIndex(of: "?") else { return (try HTTPPath(String(text)), nil) }
    return (try HTTPPath(String(text[..<mark])), String(text[text.index(after: mark)...]))
  }

  /// One header or trailer field, without its CRLF.
  static func field(_ line: UnsafeRawBufferPointer) throws(HTTPError) -> (name: String, value: String) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .malformed("a header field has no colon") }
    let name = line[..<colon]
    // A space before the colon and a folded line (which begins with one) fail here too.
    guard !name.isEmpty, name.allSatisfy(HTTPCharacters.isToken) else {
      throw .malformed("the name of a header field is not a token")
    }
    var value = line[(colon + 1)...]
    while let first = value.first, HTTPCharacters.isBlank(first) { value = value.dropFirst() }
    while let last = value.last, HTTPCharacters.isBlank(last) { value = value.dropLast() }
    guard value.allSatisfy(HTTPCharacters.isFieldContent) else {
      throw .malformed("the value of a header field has a control character")
    }
    guard let text = String(validating: value, as: UTF8.self) else {
      throw .malformed("the value of a header field is not UTF-8")
    }
    return (String(decoding: name, as: UTF8.self), text)
  }

  private static func checkHost(_ headers: HTTPHeaders, version: HTTPVersion) throws(HTTPError) {
    let hosts = headers.all("Host")
    if version == .http10, hosts.isEmpty { return }
    guard hosts.count == 1 else { throw .malformed("there must be exactly one Host field") }
    guard isHost(Array(hosts[0].utf8)) else { throw .malformed("the Host field is not a host with an optional port") }
  }

  static func isHost(_ text: [UInt8]) -> Bool {
    var host = text[...]
    if host.first == UInt8(ascii: "[") {
      guard let end = host.firstIndex(of: UInt8(ascii: "]")), end > 1 else { return false }
      let address = host[1..<end]
      guard
        address.allSatisfy({
          PercentEncoding.hexDigit($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
        })
      else { return false }
      host = host[(end + 1)...]
      guard host.isEmpty || host.first == UInt8(ascii: ":") else { return false }
    } else {
      let name = host.prefix { $0 != UInt8(ascii: ":") }
      guard !name.isEmpty, name.allSatisfy(HTTPCharacters.isHostName) else { return false }
      host = host[name.endIndex...]
    }
    return host.dropFirst().count <= 5 && host.dropFirst().allSatisfy(HTTPCharacters.isDigit)
  }

  /// RFC 9112 section 6, without anything that two readers may take differently.
  private static func framing(_ headers: HTTPHeaders, version: HTTPVersion) throws(HTTPError) -> Framing {
    let lengths = headers.all("Content-Length")
    let codings = headers.all("Transfer-Encoding")
    if !codings.isEmpty {
      guard lengths.isEmpty else { throw .malformed("Content-Length beside Transfer-Encoding") }
      guard version == .http11 else { throw .malformed("Transfer-Encoding in HTTP/1.0") }
      guard codings.count == 1 else { throw .malformed("more than one Transfer-Encoding field") }
      guard codings[0].lowercased() == "chunked" else {
        throw HTTPError(.notImplemented, kind: .malformedRequest, "the only transfer coding is chunked")
      }
      return .chunked
    }
    guard !lengths.isEmpty else { return .none }
    guard lengths.count == 1 else { throw .malformed("more than one Content-Length field") }
    guard !lengths[0].isEmpty, lengths[0].utf8.count <= 18, lengths[0].utf8.allSatisfy(HTTPCharacters.isDigit),
      let length = Int(lengths[0])
    else { throw .malformed("Content-Length is not a number") }
    return .length(length)
  }
}

/// The character classes of RFC 9110 section 5.6 and RFC 3986.
enum HTTPCharacters {
  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A }

  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  static func isToken(_ byte: UInt8) -> Bool {
    if isLetter(byte) || isDigit(byte) { return true }
    return switch byte {
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
      UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  /// Visible characters, blanks and bytes beyond ASCII: no CR, LF, NUL or other control.
  static func isFieldContent(_ byte: UInt8) -> Bool { (byte >= 0x20 && byte != 0x7F) || byte == 0x09 }

  static func isHostName(_ byte: UInt8) -> Bool {
    if isLetter(byte) || isDigit(byte) { return true }
    return switch byte {
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
    default: false
    }
  }
}
