import Core
import HTTP
import Platform

/// The listeners of the HTTP API, and what runs beside them.
///
/// Opened before the bot has reached Discord, so that its health can be asked meanwhile; closed before the bot leaves.
public actor APIServer {
  public struct Settings: Sendable {
    public var listeners: [ListenerSettings]
    public var allowedHosts: [String] = []
    /// Beside the public address's own.
    public var allowedOrigins: [String] = []
    /// `https://bot.example.com`, under which others reach this installation.
    public var publicURL: String?
    public var trustedProxies = TrustedProxies.none
    public var logsRequests = false
    /// Of the program, for the descriptions.
    public var version: String

    public init(listeners: [ListenerSettings], version: String) {
      self.listeners = listeners
      self.version = version
    }
  }

  /// A listener that is open.
  public struct Opened: Sendable, Equatable {
    public let name: String
    public let address: SocketAddress
    /// Those of its settings that this program has.
    public let surfaces: [SurfaceName]
  }

  private let authentication: Authentication
  private let settings: [ListenerSettings]
  private let listeners: HTTPListeners
  private let surfaces: [any Surface]
  private var background: Task<Void, Never>?

  /// - Parameters:
  ///   - surfaces: all that there are; each listener takes those that its settings name. A listener of which none is
  ///     there stays closed.
  /// - Throws: ``SurfaceClash``
  public init(
    _ settings: Settings, authentication: Authentication, authority: any GuildAuthority, auditLog: AuditLog,
    surfaces: [any Surface], log: Log, metrics: Metrics, time: any TimeSource = SystemTime()
  ) throws(SurfaceClash) {
    let log = log.labelled("http")
    let there = Set(surfaces.map(\.name))
    self.settings = settings.listeners.filter { listener in
      let serves = listener.surfaces.contains(where: there.contains)
      if !serves {
        log.notice(
          "a listener stays closed: this version has none of its surfaces", ["listener": .string(listener.name)])
      }
      return serves
    }
    let place = settings.publicURL.flatMap(WebOrigin.init)
    let origins = Set((settings.allowedOrigins.compactMap { WebOrigin($0) } + [place].compactMap(\.self)).map(\.text))
    let hosts = HostPolicy(allowed: settings.allowedHosts, publicHost: place?.host)
    var servers: [(name: String, server: HTTPServer)] = []
    for listener in self.settings {
      let gatekeeper = Gatekeeper(
        authenticator: authentication.authenticator, limits: authentication.limits, authority: authority,
        auditLog: auditLog, trust: PeerTrust(allowedHosts: settings.allowedHosts), listener: listener.listen, log: log)
      let router = try ListenerRouter(
        settings: listener, gatekeeper: gatekeeper, hosts: hosts, allowedOrigins: origins, version: settings.version
      ).router(surfaces)
      var configuration = HTTPServerConfiguration(listen: listener.listen, name: listener.name)
      configuration.trustedProxies = settings.trustedProxies
      if let limit = listener.maximumConnections { configuration.maximumConnections = limit }
      configuration.maximumConnectionsPerAddress = listener.maximumConnectionsPerAddress
      configuration.accessLog = settings.logsRequests ? log.labelled("access") : nil
      servers.append((listener.name, HTTPServer(configuration, router: router, log: log, metrics: metrics, time: time)))
    }
    self.authentication = authentication
    let served = Set(self.settings.flatMap(\.surfaces))
    self.surfaces = surfaces.filter { served.contains($0.name) }
    listeners = HTTPListeners(servers)
  }

  /// Opens all ports or none.
  /// - Throws: `HTTPListeners.Failure`
  public func start() async throws -> [Opened] {
    let addresses = try await listeners.start()
    background = Task { [authentication, surfaces] in
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await authentication.run() }
        for surface in surfaces { group.addTask { await surface.run() } }
      }
    }
    let there = Set(surfaces.map(\.name))
    return settings.compactMap { listener in
      addresses[listener.name].map { address in
        Opened(name: listener.name, address: address, surfaces: listener.surfaces.filter(there.contains))
      }
    }
  }

  /// Takes in nothing more, gives running requests so long to end, tells WebSockets 1001, and writes down what the
  /// services kept for later.
  public func stop(grace: Duration) async {
    await listeners.shutdown(grace: grace)
    background?.cancel()
    await background?.value
  }
}

/// The part of an address that browsers call its origin.
struct WebOrigin: Sendable, Hashable {
  let scheme: String
  /// With the port, unless it is the scheme's own; in lower case.
  let host: String

  var text: String { "\(scheme)://\(host)" }

  /// - Parameter url: nil unless it begins with `http://` or `https://` and a host.
  init?(_ url: String) {
    guard let end = url.firstRange(of: "://") else { return nil }
    scheme = url[..<end.lowerBound].lowercased()
    guard scheme == "http" || scheme == "https" else { return nil }
    var host = url[end.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }.lowercased()
    guard !host.isEmpty, !host.contains("@") else { return nil }
    let standard = scheme == "http" ? ":80" : ":443"
    if host.hasSuffix(standard) { host.removeLast(standard.count) }
    self.host = host
  }
}
