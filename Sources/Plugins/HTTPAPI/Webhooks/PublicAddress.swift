import HTTP
import Platform

/// Which addresses are on the public internet, so that a webhook may point there.
///
/// After IANA's registries of special-purpose addresses (RFC 6890). What carries an IPv4 address inside (mapped, NAT64,
/// 6to4) is judged by that one. Unknown IPv6 space is refused: only 2000::/3 is given out.
enum PublicAddress {
  private static let refusedIPv4 = blocks([
    "0.0.0.0/8",  // this network
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  // private
    "100.64.0.0/10",  // carriers' own; a provider's metadata among them
    "127.0.0.0/8", "169.254.0.0/16",  // loopback, link-local; most providers' metadata
    "168.63.129.16/32",  // a provider's metadata on a public address
    "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  // protocols, documentation
    "192.88.99.0/24", "198.18.0.0/15",  // relays of 6to4, benchmarks
    "224.0.0.0/4", "240.0.0.0/4",  // multicast, reserved, broadcast
  ])
  private static let publicIPv6 = blocks(["2000::/3"])
  private static let refusedIPv6 = blocks([
    "2001::/23",  // protocols, Teredo, benchmarks
    "2001:db8::/32", "3fff::/20",  // documentation
  ])
  private static let sixToFour = blocks(["2002::/16"])
  private static let nat64 = blocks(["64:ff9b::/96"])

  private static func blocks(_ texts: [String]) -> [NetworkBlock] { texts.compactMap(NetworkBlock.init) }

  /// - Parameter bytes: four or sixteen, first the highest.
  static func isPublic(_ bytes: [UInt8]) -> Bool { IPAddress(networkOrder: bytes).map(isPublic) ?? false }

  static func isPublic(_ address: IPAddress) -> Bool {
    func isIn(_ blocks: [NetworkBlock]) -> Bool { blocks.contains { $0.contains(address) } }
    guard address.isIPv6 else { return !isIn(refusedIPv4) }
    if isIn(nat64) { return isPublic(Array(address.bytes[12...])) }
    if isIn(sixToFour) { return isPublic(Array(address.bytes[2..<6])) }
    return isIn(publicIPv6) && !isIn(refusedIPv6)
  }
}
