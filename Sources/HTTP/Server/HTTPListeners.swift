import Platform

/// Several servers of one process that begin together and end together.
public actor HTTPListeners {
  private let servers: [(name: String, server: HTTPServer)]
  private var hasStarted = false

  /// - Parameter servers: with the names by which the configuration calls them, all different.
  public init(_ servers: [(name: String, server: HTTPServer)]) {
    precondition(Set(servers.map(\.name)).count == servers.count, "two listeners have the same name")
    self.servers = servers
  }

  /// A listener that cannot begin.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    public let listener: String
    public let cause: any Error
    public var description: String { "listener \(listener): \(cause)" }
  }

  /// Begins to listen on all of them, or on none.
  /// - Returns: the addresses by name, with the ports that the system chose.
  /// - Throws: ``Failure``; those that had begun are stopped then.
  public func start() async throws -> [String: SocketAddress] {
    precondition(!hasStarted, "listeners start once")
    hasStarted = true
    var addresses: [String: SocketAddress] = [:]
    for (name, server) in servers {
      do {
        addresses[name] = try await server.start()
      } catch {
        await shutdown(grace: .zero)
        throw Failure(listener: name, cause: error)
      }
    }
    return addresses
  }

  /// Ends all of them at the same time, as ``HTTPServer/shutdown(grace:)`` does.
  public func shutdown(grace: Duration = .seconds(10)) async {
    await withTaskGroup(of: Void.self) { group in
      for (_, server) in servers { group.addTask { await server.shutdown(grace: grace) } }
    }
  }
}
