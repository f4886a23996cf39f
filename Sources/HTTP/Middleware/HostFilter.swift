import Platform

/// Refuses requests whose `Host` is none of ours: a web page that points its own name at this machine (DNS rebinding)
/// still sends that name.
public struct HostFilter: Sendable {
  private let isAllowed: @Sendable (_ host: String, HTTPRequest) -> Bool

  /// - Parameter hosts: `example.com`, which stands for any port, or `example.com:8080`.
  public init(_ hosts: Set<String>) {
    let hosts = Set(hosts.map { $0.lowercased() })
    self.init { host, _ in hosts.contains(host) || hosts.contains(Self.name(of: host)) }
  }

  /// - Parameter isAllowed: is given the host as the client wrote it, in lower case, with its port.
  public init(_ isAllowed: @escaping @Sendable (_ host: String, HTTPRequest) -> Bool) { self.isAllowed = isAllowed }

  /// 421 for a host that is not allowed (RFC 9110 section 7.4).
  public var middleware: HTTPMiddleware {
    { request, next in
      guard let host = request.client.host?.lowercased(), self.isAllowed(host, request) else {
        throw HTTPError(421, kind: .misdirected, "this server does not answer for that host")
      }
      return try await next(request)
    }
  }

  /// Without the port; an IPv6 address keeps its brackets.
  public static func name(of host: String) -> String {
    guard let colon = host.lastIndex(of: ":"), host.last != "]" else { return host }
    return String(host[..<colon])
  }
}
