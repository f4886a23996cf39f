import Glibc

/// An IPv4 or IPv6 address. IPv4 addresses mapped into IPv6 are IPv4 addresses.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
  /// Four or sixteen, first the highest.
  public let bytes: [UInt8]

  public var isIPv6: Bool { bytes.count == 16 }

  /// - Parameter text: `192.0.2.1`, `2001:db8::1`; nil for anything else, brackets, ports and zones included.
  public init?(_ text: some StringProtocol) {
    let text = String(text)
    guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
    var four = in_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      bytes = withUnsafeBytes(of: four) { Array($0) }
      return
    }
    var six = in6_addr()
    guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
    let all = withUnsafeBytes(of: six) { Array($0) }
    bytes = all.starts(with: Self.mapped) ? Array(all[12...]) : all
  }

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// - Parameter bytes: four or sixteen, as they stand in a packet; nil for another number.
  public init?(networkOrder bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes.count == 16 && bytes.starts(with: Self.mapped) ? Array(bytes[12...]) : bytes
  }

  private static let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]

  public var isLoopback: Bool { isIPv6 ? self == Self("::1") : bytes[0] == 127 }

  /// What one household or server usually has to itself: an IPv4 address, or an IPv6 network of 64 bits. To count by.
  public var site: NetworkBlock { NetworkBlock(self, prefix: isIPv6 ? 64 : 32) }

  public var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = isIPv6 ? AF_INET6 : AF_INET
    bytes.withUnsafeBytes { raw in _ = inet_ntop(family, raw.baseAddress!, &text, socklen_t(text.count)) }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// A network as configurations write it: `10.0.0.0/8`, `2001:db8::/32`; an address alone is a network of one.
public struct NetworkBlock: Sendable, Hashable, CustomStringConvertible {
  public let address: IPAddress
  public let prefix: Int

  /// Bits beyond the prefix are cleared.
  init(_ address: IPAddress, prefix: Int) {
    var bytes = address.bytes
    for index in bytes.indices {
      let bits = min(8, max(0, prefix - index * 8))
      bytes[index] &= bits == 0 ? 0 : ~UInt8(0) << UInt8(8 - bits)
    }
    self.address = IPAddress(bytes: bytes)
    self.prefix = prefix
  }

  /// - Returns: nil for anything but an address with an optional prefix length. Bits set beyond the prefix are a mistake.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(parts[0]) else { return nil }
    var prefix = address.bytes.count * 8
    if parts.count == 2 {
      guard let number = Int(parts[1]), parts[1].utf8.allSatisfy(HTTPCharacters.isDigit), number <= prefix else {
        return nil
      }
      prefix = number
    }
    self.init(address, prefix: prefix)
    guard self.address == address else { return nil }
  }

  public func contains(_ other: IPAddress) -> Bool {
    guard other.bytes.count == address.bytes.count else { return false }
    let whole = prefix / 8
    guard address.bytes[..<whole] == other.bytes[..<whole] else { return false }
    guard prefix % 8 > 0 else { return true }
    return (address.bytes[whole] ^ other.bytes[whole]) >> UInt8(8 - prefix % 8) == 0
  }

  /// As configurations write it.
  public var description: String { prefix == address.bytes.count * 8 ? "\(address)" : "\(address)/\(prefix)" }
}
