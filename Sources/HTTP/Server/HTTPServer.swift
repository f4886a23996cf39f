import Glibc
import Platform

/// Listens on one address and answers with a router.
///
/// The sockets live on event loops of their own; handlers run on the cooperative pool, one task for each request, which
/// is cancelled when the peer goes away.
public actor HTTPServer {
  private enum State {
    case new
    case running(EventLoopGroup, TCPListener)
    case stopped
  }

  private let context: HTTPServerContext
  private var state = State.new

  public init(
    _ configuration: HTTPServerConfiguration, router: Router, log: Log = .silent, metrics: Metrics = Metrics(),
    time: any TimeSource = SystemTime(), random: any RandomSource = SystemRandom()
  ) {
    context = HTTPServerContext(
      configuration: configuration, router: router, log: log, metrics: metrics, time: time, random: random)
  }

  /// Begins to listen.
  /// - Returns: the address, with the port that the system chose if the configuration says 0.
  /// - Throws: ``SystemError``, for example EADDRINUSE.
  @discardableResult
  public func start() async throws -> SocketAddress {
    guard case .new = state else { preconditionFailure("a server starts once") }
    let configuration = context.configuration
    let group = try EventLoopGroup(count: max(1, configuration.loopCount), name: "http-\(configuration.name)")
    let listener: TCPListener
    do {
      listener = try TCPListener(configuration.listen, loop: group.next())
      try await onLoop(listener.loop) { [context] in try Self.accept(listener, group, context) }
    } catch {
      await group.shutdown()
      state = .stopped
      throw error
    }
    state = .running(group, listener)
    context.log.info("listening", ["address": .of(listener.address)])
    return listener.address
  }

  private static func accept(_ listener: TCPListener, _ group: EventLoopGroup, _ context: HTTPServerContext) throws {
    let refusal = Self.refusal(context)
    try listener.start(
      onAccept: { socket in
        let peer = IPAddress(socket.remoteAddress.host) ?? HTTPClientIdentity.nobody
        guard context.reserve(for: peer) else {
          context.measures.refused.increment()
          return socket.close(sending: refusal)
        }
        let loop = group.next()
        let open: @Sendable () -> Void = {
          let tcp: TCPConnection
          do {
            tcp = try TCPConnection(socket, loop: loop)
          } catch {
            context.cancelReservation(for: peer)
            return context.log.warning("a connection could not be opened", ["error": .error(error)])
          }
          do {
            let connection = HTTPServerConnection(tcp, context: context)
            guard context.add(connection) else { return connection.tcp.abort() }
            do {
              try connection.assumeIsolated { try $0.start() }
            } catch {
              context.remove(connection)
              throw error
            }
          } catch {
            context.log.warning("a connection could not be opened", ["error": .error(error)])
          }
        }
        if loop.isCurrent { open() } else { loop.execute(open) }
      },
      onError: { error in context.log.error("connections cannot be accepted for now", ["error": .error(error)]) })
  }

  /// The whole answer to a connection that is one too many.
  private static func refusal(_ context: HTTPServerContext) -> [UInt8] {
    let error = HTTPError(
      .serviceUnavailable, kind: .overloaded, "there are too many connections", headers: ["Retry-After": "5"])
    let response = context.refusal(error)
    let content = response.content
    var head = HTTPHeadWriter(status: response.status)
    head.add(response.headers)
    head.add("Content-Length", String(content.count))
    head.add("Connection", "close")
    return head.finished() + content
  }

  /// Stops accepting, closes idle connections, lets running requests end within `grace`, tells WebSockets 1001, and
  /// cuts what is left.
  public func shutdown(grace: Duration = .seconds(10)) async {
    guard case .running(let group, let listener) = state else { return }
    state = .stopped
    await withCheckedContinuation { continuation in
      listener.loop.execute {
        listener.close()
        continuation.resume()
      }
    }
    for connection in context.drain() { await connection.drain() }
    let cut = Task { [context] in
      try await context.time.sleep(for: grace)
      for connection in context.connections { await connection.cut() }
    }
    await context.waitUntilEmpty()
    cut.cancel()
    await group.shutdown()
  }

  private func onLoop(_ loop: EventLoop, _ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      loop.execute { continuation.resume(with: Result { try body() }) }
    }
  }
}
