import HTTP
import Platform

/// Keeps foreign web pages away from a service on the user's own machine.
///
/// A page of any site can make the browser send requests to 127.0.0.1, and by rebinding its own name to that address
/// it could even read the answers. The `Host` tells the second, the `Origin` the first.
struct HostGuard: Sendable {
  /// The address that the sandbox was told to listen on, as it stands in a URL.
  let listenHost: String

  init(listen: SocketAddress) { listenHost = listen.isIPv6 ? "[\(listen.host)]" : listen.host }

  private func isAllowed(_ host: some StringProtocol, port: UInt16) -> Bool {
    ["localhost", "127.0.0.1", "[::1]", listenHost].contains { host == "\($0):\(port)" }
  }

  /// Nil if the request may pass.
  func refusal(of request: HTTPRequest) -> HTTPError? {
    let port = request.localAddress.port
    guard let host = request.headers["Host"]?.lowercased(), isAllowed(host, port: port) else {
      return HTTPError(.forbidden, "the Host header does not name the sandbox")
    }
    guard let origin = request.headers["Origin"]?.lowercased() else {
      // Browsers that send no Origin still say when the request comes from another site.
      let site = request.headers["Sec-Fetch-Site"]
      let isForeign = site == "cross-site" || site == "same-site"
      return isForeign && request.method != .get ? HTTPError(.forbidden, "requests from other sites are refused") : nil
    }
    guard origin.hasPrefix("http://"), isAllowed(origin.dropFirst(7), port: port) else {
      return HTTPError(.forbidden, "requests from other sites are refused")
    }
    return nil
  }
}
