import Platform

/// Playground pages that want to hear of changes at once.
extension World {
  struct Watcher: Sendable {
    let user: Snowflake
    let output: AsyncStream<JSON>.Continuation
  }

  func watch(as user: Snowflake) -> (handle: Int, output: AsyncStream<JSON>) {
    let (stream, continuation) = AsyncStream.makeStream(of: JSON.self, bufferingPolicy: .bufferingNewest(500))
    let handle = makeHandle()
    watchers[handle] = Watcher(user: user, output: continuation)
    return (handle, stream)
  }

  func unwatch(_ handle: Int) { watchers.removeValue(forKey: handle)?.output.finish() }

  /// - Parameters:
  ///   - channel: only whoever sees it hears of it; nil for all.
  ///   - only: nobody but this user hears of it.
  func notifyWatchers(_ event: JSON, channel: Snowflake? = nil, only: Snowflake? = nil) {
    let place = channel.flatMap { channels[$0] }
    for watcher in watchers.values {
      if let only, only != watcher.user { continue }
      if let place, !canSee(place, watcher.user) { continue }
      watcher.output.yield(event)
    }
  }

  /// Ends everything that waits, for the stop of the server.
  func shutDown() {
    for handle in connections.keys { feed(.fault(.reconnect), to: handle) }
    for (handle, connection) in connections {
      connection.output.yield(.close(GatewayCloseCode(code: 1001, reason: "The sandbox stops.")))
      closeConnection(handle, code: nil)
    }
    for handle in watchers.keys { unwatch(handle) }
    for id in waiters.keys { wakeWaiters(of: id) }
  }
}
