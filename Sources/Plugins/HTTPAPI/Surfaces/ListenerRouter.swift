import HTTP
import Platform

/// Two surfaces that cannot share a listener.
public struct SurfaceClash: Error, Sendable, Equatable, CustomStringConvertible {
  public let listener: String
  public let first: SurfaceName
  public let second: SurfaceName
  /// `GET /ws`
  public let route: String

  public var description: String {
    "\(first) and \(second) both answer \(route): give them listeners of their own"
  }
}

/// What one listener of the configuration serves.
public struct ListenerSettings: Sendable {
  /// As in the configuration.
  public var name: String
  public var listen: SocketAddress
  /// In the order of the configuration: the first one's errors are what a request gets that belongs to none.
  public var surfaces: [SurfaceName]
  /// More are answered with 503; nil leaves it to the server.
  public var maximumConnections: Int?
  /// Of one address; nil for no limit of its own, as behind a proxy.
  public var maximumConnectionsPerAddress: Int?

  public init(
    name: String, listen: SocketAddress, surfaces: [SurfaceName], maximumConnections: Int? = nil,
    maximumConnectionsPerAddress: Int? = nil
  ) {
    self.name = name
    self.listen = listen
    self.surfaces = surfaces
    self.maximumConnections = maximumConnections
    self.maximumConnectionsPerAddress = maximumConnectionsPerAddress
  }
}

/// Puts the surfaces of one listener into one router.
///
/// From the outside in: security headers, allowed hosts, CORS, compression, then the surface's ``Gatekeeper``
/// (authentication, limits, access, audit), then the handler. The description of everything that the listener serves is
/// at `/openapi.json` and `/docs`, that of one surface at `/openapi/NAME.json` and `/docs/NAME`; these are open to
/// anyone, as they say nothing that is not printed.
struct ListenerRouter {
  let settings: ListenerSettings
  let gatekeeper: Gatekeeper
  let hosts: HostPolicy
  /// As browsers write them.
  let allowedOrigins: Set<String>
  let version: String

  /// - Parameter surfaces: all that there are; those that the settings name are taken.
  func router(_ surfaces: [any Surface]) throws(SurfaceClash) -> Router {
    let chosen = settings.surfaces.flatMap { name in surfaces.filter { $0.name == name } }
    var router = Router(errors: chosen.first?.errors ?? .json)
    router.use(SecurityHeaders().middleware)
    router.use(hosts.filter.middleware)
    if !allowedOrigins.isEmpty { router.use(CrossOriginPolicy(.only(allowedOrigins)).middleware) }
    router.use(ResponseCompression().middleware)

    var owners: [String: SurfaceName] = [:]
    for surface in chosen {
      let mounted = mounted(surface)
      for prefix in surface.prefixes {
        for route in mounted.routes {
          let shape = "\(route.method) \(Self.shape(prefix, route.pattern))"
          if let other = owners.updateValue(surface.name, forKey: shape) {
            throw SurfaceClash(listener: settings.name, first: other, second: surface.name, route: shape)
          }
        }
        router.mount(prefix, mounted)
      }
    }
    describe(chosen, in: &router)
    return router
  }

  private func mounted(_ surface: any Surface) -> Router {
    var routes = SurfaceRoutes(surface: surface.name, errors: surface.errors)
    surface.declare(in: &routes)
    var router = routes.router
    router.use(gatekeeper.middleware)
    return router
  }

  private func describe(_ surfaces: [any Surface], in router: inout Router) {
    var documents: [(JSON, document: PathPattern, page: PathPattern)] = []
    for name in settings.surfaces {
      let some = surfaces.filter { $0.name == name }
      guard !some.isEmpty, !documents.contains(where: { $0.page.description == "/docs/\(name)" }) else { continue }
      var alone = Router()
      for surface in some {
        for prefix in surface.prefixes { alone.mount(prefix, mounted(surface)) }
      }
      documents.append(
        (
          alone.openAPI(SurfaceDescription.info(some, version: version)), PathPattern("/openapi/\(name).json"),
          PathPattern("/docs/\(name)")
        ))
    }
    documents.append((router.openAPI(SurfaceDescription.info(surfaces, version: version)), "/openapi.json", "/docs"))
    for entry in documents { router.serve(entry.0, documentPath: entry.document, pagePath: entry.page) }
  }

  /// Two routes of one shape cannot be told apart: parameters by other names are the same.
  private static func shape(_ prefix: PathPattern, _ pattern: PathPattern) -> String {
    let parts = (prefix.description + pattern.description).split(separator: "/").map { part in
      part.hasPrefix(":") ? "{}" : part.hasPrefix("*") ? "{rest}" : String(part)
    }
    return "/" + parts.joined(separator: "/")
  }
}

/// Which `Host` values a listener answers to: its own, and those of the configuration.
///
/// Its own are the address that the connection came in on, and `localhost` on loopback; so a page that points its name
/// at this machine (DNS rebinding) gets 421.
struct HostPolicy: Sendable {
  private let names: Set<String>

  /// - Parameters:
  ///   - allowed: `plugins.httpapi.allowedHosts`, with or without a port.
  ///   - publicHost: that of `plugins.httpapi.publicURL`, as browsers write it.
  init(allowed: [String], publicHost: String? = nil) {
    names = Set((allowed + [publicHost].compactMap(\.self)).map { $0.lowercased() })
  }

  var filter: HostFilter { HostFilter { host, request in isAllowed(host, on: request.localAddress) } }

  /// - Parameter host: in lower case.
  func isAllowed(_ host: String, on address: SocketAddress) -> Bool {
    if isOwn(host, address) { return true }
    return !names.isEmpty && (names.contains(host) || names.contains(HostFilter.name(of: host)))
  }

  private func isOwn(_ host: String, _ address: SocketAddress) -> Bool {
    let name = HostFilter.name(of: host)
    let port = host.utf8.dropFirst(name.utf8.count + 1)
    guard port.isEmpty ? address.port == 80 : port.elementsEqual(String(address.port).utf8) else { return false }
    if address.isLoopback, name == "localhost" { return true }
    return address.isIPv6 ? name == "[\(address.host)]" : name == address.host
  }
}
