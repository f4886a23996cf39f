import HTTP
import Platform

/// A local Discord: gateway, REST API and a web page to play with, on one port.
///
/// ```swift
/// let sandbox = try SandboxServer(SandboxOptions(), log: log)
/// let addresses = try await sandbox.start()
/// // point a bot at addresses.apiBase
/// await sandbox.stop()
/// ```
public actor SandboxServer {
  public struct Addresses: Sendable, Equatable {
    /// `http://127.0.0.1:3080/api/v10`
    public let apiBase: String
    /// `ws://127.0.0.1:3080/gateway`, as `/gateway/bot` gives it.
    public let gatewayURL: String
    /// `http://127.0.0.1:3080/`
    public let playground: String
    public let socket: SocketAddress
  }

  private let world: World
  private let server: HTTPServer

  /// - Throws: ``SocketAddress/ParseError`` if the listen address is none.
  public init(
    _ options: SandboxOptions, log: Log = .silent, time: any TimeSource = SystemTime(),
    random: any RandomSource = SystemRandom()
  ) throws {
    let listen = try SocketAddress(parsing: options.listen)
    let log = log.labelled("sandbox")
    let world = World(options: options, log: log, time: time, random: random)
    let router = SandboxRouter(world: world, time: time, log: log, hostGuard: HostGuard(listen: listen))
    self.world = world
    server = HTTPServer(
      HTTPServerConfiguration(listen: listen), router: router.router(), log: log.labelled("http"), time: time)
  }

  /// Begins to listen.
  /// - Throws: ``SystemError``, for example when the port is taken.
  public func start() async throws -> Addresses {
    let socket = try await server.start()
    // Clients cannot connect to "all addresses".
    let host = socket.host == "0.0.0.0" ? "127.0.0.1" : socket.host == "::" ? "[::1]" : nil
    let place = host.map { "\($0):\(socket.port)" } ?? socket.description
    let addresses = Addresses(
      apiBase: "http://\(place)/api/v10", gatewayURL: "ws://\(place)/gateway", playground: "http://\(place)/",
      socket: socket)
    await world.setAddresses(base: "http://\(place)", gateway: addresses.gatewayURL)
    return addresses
  }

  /// Sends every gateway connection away and stops listening.
  public func stop() async {
    await world.shutDown()
    await server.shutdown(grace: .seconds(2))
  }
}
