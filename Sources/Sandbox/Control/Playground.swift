import HTTP
import Platform

/// The web page at `/`, and the socket over which it hears of changes.
struct Playground: Sendable {
  let world: World

  /// Nothing from elsewhere runs or loads, and no other page may frame this one.
  static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self'; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  func add(to router: inout Router) {
    add("/", PackageResources.index_html, "text/html; charset=utf-8", to: &router)
    add("/playground.css", PackageResources.playground_css, "text/css; charset=utf-8", to: &router)
    for (name, bytes) in [
      ("playground.js", PackageResources.playground_js), ("composer.js", PackageResources.composer_js),
      ("messages.js", PackageResources.messages_js),
    ] {
      add(PathPattern("/" + name), bytes, "text/javascript; charset=utf-8", to: &router)
    }
  }

  private func add(_ path: PathPattern, _ bytes: [UInt8], _ contentType: String, to router: inout Router) {
    router.on(.get, path) { _ in
      HTTPResponse(
        headers: [
          "Content-Security-Policy": Self.policy, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache",
          "Referrer-Policy": "no-referrer",
        ], bytes: bytes, contentType: contentType)
    }
  }

  /// Sends every change that the user in `?user=` may see, one JSON object per message.
  func serve(_ request: HTTPRequest, _ socket: WebSocketServerConnection) async throws {
    let user = request.query["user"].flatMap { Snowflake($0) } ?? World.ownerID
    let (handle, output) = await world.watch(as: user)
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for await event in output {
          // A page that does not keep up misses events and loads anew when it is back.
          guard (try? socket.send(text: event.serialized())) != nil else { break }
        }
        socket.close()
      }
      for await _ in socket.messages {}
      await world.unwatch(handle)
    }
  }
}
