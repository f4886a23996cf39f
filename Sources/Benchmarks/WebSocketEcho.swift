import Glibc
import HTTP
import Platform

/// An echo server on the product's own HTTP server and WebSockets: for conformance suites and load generators.
enum WebSocketEcho {
  /// As large as the largest case of the Autobahn Testsuite.
  static let messageSize = 16 << 20

  /// Serves at any path until the process is ended.
  static func run(_ options: Options) async throws {
    let socketOptions = WebSocketOptions(
      maximumMessageSize: try options.number("message-size", default: messageSize),
      maximumPendingBytes: 4 * messageSize, maximumReceivedBytes: messageSize)
    var router = Router()
    let echo: WebSocketRoute.Handler = { _, socket in
      for await message in socket.messages {
        try socket.send(message)
        await socket.drained()
      }
    }
    router.webSocket("/", options: socketOptions, handler: echo)
    router.webSocket("/*path", options: socketOptions, handler: echo)
    let listen = try SocketAddress(parsing: options.string("listen", default: "127.0.0.1:9001"))
    let server = HTTPServer(HTTPServerConfiguration(listen: listen), router: router)
    let address = try await server.start()
    let line: JSON = ["benchmark": "websocket-echo", "listening": .string("ws://\(address)")]
    print(line)
    fflush(nil)
    try await Task.sleep(for: .seconds(365 * 86_400))
  }
}
