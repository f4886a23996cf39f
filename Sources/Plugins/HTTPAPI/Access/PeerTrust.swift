import Platform

/// Whether a request certainly comes from a program or a page on this very machine: then the documents that print no
/// authentication (Aurora, Pegasus) are served without.
///
/// Everything here can be forged by a page on the Web that the operator happens to look at (by a form, by DNS
/// rebinding), or be hidden by a proxy on the same machine; so each of these must be right.
public struct PeerTrust: Sendable, Equatable {
  /// `Host` values beside those of the listener itself, as the configuration lists them.
  public var allowedHosts: Set<String>

  public init(allowedHosts: some Sequence<String> = []) {
    self.allowedHosts = Set(allowedHosts.map { $0.lowercased() })
  }

  public enum Doubt: String, Sendable, Error, CaseIterable {
    /// The listener can be reached from other machines.
    case listener
    /// The other end is not this machine.
    case peer
    /// A proxy stands between: everybody behind it looks alike.
    case forwarded
    /// No `Host`, several, or one that is not ours.
    case host
    /// A page of another origin.
    case origin
  }

  /// Header names that only proxies write (RFC 7239, RFC 9110 section 7.6.3, and what came before).
  private static func isForwarding(_ name: String) -> Bool {
    let name = name.lowercased()
    return name == "forwarded" || name == "via" || name.hasPrefix("x-forwarded-")
  }

  /// - Parameters:
  ///   - listener: the address that the listener is bound to, not that of the connection: a wildcard is not loopback.
  ///   - peer: the other end of the connection.
  /// - Returns: nil if the request is trusted.
  public func doubt(listener: SocketAddress, peer: SocketAddress, headers: HTTPHeaders) -> Doubt? {
    guard listener.isLoopback else { return .listener }
    guard peer.isLoopback else { return .peer }
    guard !headers.contains(where: { Self.isForwarding($0.name) }) else { return .forwarded }
    let hosts = headers.all("Host")
    guard hosts.count == 1, let host = hosts.first?.lowercased(), isOurs(host, listener: listener) else { return .host }
    switch headers.all("Origin") {
    case []: return nil
    case let origins where origins.count == 1 && origins[0].lowercased() == "http://" + host: return nil
    default: return .origin
    }
  }

  private func isOurs(_ host: String, listener: SocketAddress) -> Bool {
    if allowedHosts.contains(host) { return true }
    let port = ":\(listener.port)"
    let own = listener.isIPv6 ? "[\(listener.host)]" : listener.host
    var names = [own + port, "localhost" + port]
    if listener.port == 80 { names += [own, "localhost"] }
    return names.contains(host)
  }
}
