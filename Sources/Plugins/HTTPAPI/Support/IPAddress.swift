import Glibc
import Platform

/// A numeric address, without a port. IPv4 addresses mapped into IPv6 are IPv4.
public struct IPAddress: Hashable, Sendable {
  /// Of IPv6; zero for IPv4.
  let high: UInt64
  /// Of IPv6; for IPv4 its 32 bits.
  let low: UInt64
  let isIPv6: Bool

  init(high: UInt64, low: UInt64, isIPv6: Bool) {
    // ::ffff:0:0/96, RFC 4291 section 2.5.5.2
    if isIPv6, high == 0, low >> 32 == 0xFFFF {
      (self.high, self.low, self.isIPv6) = (0, low & 0xFFFF_FFFF, false)
    } else {
      (self.high, self.low, self.isIPv6) = (high, low, isIPv6)
    }
  }

  /// Nil unless the text is an address as `inet_pton` reads it.
  public init?(_ text: String) {
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      self.init(high: 0, low: UInt64(UInt32(bigEndian: four.s_addr)), isIPv6: false)
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      let (high, low) = withUnsafeBytes(of: six) {
        ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      }
      self.init(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low), isIPv6: true)
    } else {
      return nil
    }
  }
}

/// A block of addresses, as the configuration lists them: `10.0.0.0/8`, `2001:db8::/32`, `127.0.0.1`.
public struct AddressRange: Hashable, Sendable {
  private let base: IPAddress
  private let bits: Int

  /// Nil unless the text is an address, perhaps with `/` and a number of bits.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let address = IPAddress(String(parts[0])) else { return nil }
    // A mapped address with bits would be ambiguous: counted from which end?
    let width = address.isIPv6 ? 128 : 32
    guard parts.count == 1 || address.isIPv6 == parts[0].contains(":") else { return nil }
    var bits = width
    if parts.count == 2 {
      guard let number = Int(parts[1]), (0...width).contains(number), String(number) == parts[1] else { return nil }
      bits = number
    }
    self.bits = bits
    base = Self.masked(address, bits: bits)
  }

  public func contains(_ address: IPAddress) -> Bool {
    address.isIPv6 == base.isIPv6 && Self.masked(address, bits: bits) == base
  }

  static func masked(_ address: IPAddress, bits: Int) -> IPAddress {
    guard address.isIPv6 else {
      return IPAddress(high: 0, low: address.low & mask(64, keeping: 32 + bits), isIPv6: false)
    }
    return IPAddress(
      high: address.high & mask(64, keeping: min(bits, 64)), low: address.low & mask(64, keeping: max(0, bits - 64)),
      isIPv6: true)
  }

  private static func mask(_ width: Int, keeping bits: Int) -> UInt64 {
    bits == 0 ? 0 : ~UInt64(0) << UInt64(width - bits)
  }
}

/// Whom an address stands for when requests are counted: an IPv4 address alone, an IPv6 address with its whole /64, for
/// everybody has at least that many.
public struct AddressGroup: Hashable, Sendable, CustomStringConvertible {
  private let base: IPAddress

  public init(_ address: IPAddress) { base = AddressRange.masked(address, bits: address.isIPv6 ? 64 : 32) }

  /// `192.0.2.1`, `2001:db8:0:1::/64`.
  public var description: String {
    guard base.isIPv6 else {
      return (0..<4).reversed().map { String(base.low >> UInt64($0 * 8) & 0xFF) }.joined(separator: ".")
    }
    return (0..<4).reversed().map { String(base.high >> UInt64($0 * 16) & 0xFFFF, radix: 16) }.joined(separator: ":")
      + "::/64"
  }
}
