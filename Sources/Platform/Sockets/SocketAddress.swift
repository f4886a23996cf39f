import Glibc

/// A numeric IPv4 or IPv6 address with a port, as listeners and connections have it.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
  /// Without brackets: `127.0.0.1`, `::1`.
  public let host: String
  public let port: UInt16
  public let isIPv6: Bool

  public struct ParseError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
  }

  /// Reads `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000` (which means 127.0.0.1) and `*:3000` (all IPv4 addresses).
  /// Port 0 lets the system choose. Other names are refused: what a listener is bound to must not depend on DNS.
  public init(parsing text: String) throws(ParseError) {
    guard let colon = text.lastIndex(of: ":") else {
      throw ParseError(description: "\(text): expected host:port, for example 127.0.0.1:3000")
    }
    let digits = text[text.index(after: colon)...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits) else {
      throw ParseError(description: "\(text): the port must be a number from 0 to 65535")
    }
    let host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      try self.init(host: String(host.dropFirst().dropLast()), port: port, source: text, wantsIPv6: true)
    } else {
      let name =
        switch host {
        case "localhost": "127.0.0.1"
        case "*": "0.0.0.0"
        default: String(host)
        }
      try self.init(host: name, port: port, source: text, wantsIPv6: false)
    }
  }

  private init(host: String, port: UInt16, source: String, wantsIPv6: Bool) throws(ParseError) {
    var six = in6_addr()
    var four = in_addr()
    if wantsIPv6, inet_pton(AF_INET6, host, &six) == 1 {
      var storage = sockaddr_storage()
      withUnsafeMutableBytes(of: &storage) {
        $0.storeBytes(of: sockaddr_in6.make(six, port: port), as: sockaddr_in6.self)
      }
      self.init(storage)
    } else if !wantsIPv6, inet_pton(AF_INET, host, &four) == 1 {
      self.init(host: host, port: port, isIPv6: false)
    } else {
      throw ParseError(description: "\(source): \(host) is not a numeric address (an IPv6 address stands in brackets)")
    }
  }

  private init(host: String, port: UInt16, isIPv6: Bool) {
    self.host = host
    self.port = port
    self.isIPv6 = isIPv6
  }

  /// What the kernel filled in. IPv4 addresses mapped into IPv6 come out as IPv4.
  init(_ storage: sockaddr_storage) {
    let family = Int32(storage.ss_family)
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    (host, port, isIPv6) = withUnsafeBytes(of: storage) { bytes in
      if family == AF_INET6 {
        let address = bytes.load(as: sockaddr_in6.self)
        var raw = address.sin6_addr
        inet_ntop(AF_INET6, &raw, &text, socklen_t(text.count))
        let host = Self.string(text)
        let mapped = "::ffff:"
        if host.hasPrefix(mapped), host.contains(".") {
          return (String(host.dropFirst(mapped.count)), UInt16(bigEndian: address.sin6_port), false)
        }
        return (host, UInt16(bigEndian: address.sin6_port), true)
      }
      let address = bytes.load(as: sockaddr_in.self)
      var raw = address.sin_addr
      inet_ntop(AF_INET, &raw, &text, socklen_t(text.count))
      return (Self.string(text), UInt16(bigEndian: address.sin_port), false)
    }
  }

  private static func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether only this machine can be on the other end: 127.0.0.0/8 or ::1.
  public var isLoopback: Bool { isIPv6 ? host == "::1" : host.hasPrefix("127.") }

  public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Calls `body` with the address in the kernel's form.
  func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result) rethrows -> Result {
    if isIPv6 {
      var raw = in6_addr()
      inet_pton(AF_INET6, host, &raw)
      let address = sockaddr_in6.make(raw, port: port)
      return try withUnsafeBytes(of: address) {
        try body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
      }
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &address.sin_addr)
    return try withUnsafeBytes(of: address) {
      try body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
  }
}

extension sockaddr_in6 {
  fileprivate static func make(_ raw: in6_addr, port: UInt16) -> sockaddr_in6 {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    address.sin6_addr = raw
    return address
  }
}
