import Glibc
import Platform

/// The bounds of one server. The defaults suit a public listener.
public struct HTTPServerConfiguration: Sendable {
  public var listen: SocketAddress
  /// Threads that do the input and output, and run the handlers of immediate routes; all others run on the cooperative
  /// pool. By default as many as there are processors, but no more than four.
  public var loopCount = min(4, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  public var limits = HTTPLimits()
  /// More connections are answered with 503 and closed.
  public var maximumConnections = 15_000
  /// More connections of one IPv4 address or one IPv6 network of 64 bits are answered with 503 and closed. Nil for no
  /// limit of its own, as behind a proxy, where all come from one address.
  public var maximumConnectionsPerAddress: Int?
  /// What all listeners together may have open.
  public var budget = ConnectionBudget.process
  /// Whose word about the client counts.
  public var trustedProxies = TrustedProxies.none
  /// Where one line for each answer goes; nil for none.
  public var accessLog: Log?
  /// How long a peer may take no byte of an answer before the connection is cut.
  public var writeTimeout = Duration.seconds(30)
  /// The most bytes of a request's body that wait for its handler.
  public var bodyBuffer = 1 << 18
  /// The most bytes of an answer that wait for the peer before a streaming handler is held up.
  public var responseBuffer = 1 << 18
  /// The value of the `Server` field; nil for none.
  public var serverName: String?

  /// The server's name in metrics and thread names.
  public var name: String

  public init(listen: SocketAddress, name: String = "http") {
    self.listen = listen
    self.name = name
  }
}

/// The bounds of what one peer may send. All spans are in total time, not only without activity.
public struct HTTPLimits: Sendable {
  /// Bytes from the first of the request line to the empty line.
  public var headSize = 16 << 10
  public var headerCount = 100
  public var targetLength = 8 << 10
  public var requestsPerConnection = 10_000
  /// From the first byte of a request to the end of its head; also from connecting to the first byte.
  public var headTimeout = Duration.seconds(10)
  /// From the end of the head to the end of the body.
  public var bodyTimeout = Duration.seconds(60)
  /// From the end of an answer to the first byte of the next request.
  public var idleTimeout = Duration.seconds(75)
  /// How long a connection that ends early still swallows what the peer sends, so that the peer reads the answer.
  public var lingerTimeout = Duration.seconds(2)

  public init() {}
}
