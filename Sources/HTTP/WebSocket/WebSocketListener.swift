import Platform
import Synchronization

/// Hears one WebSocket on the loop of its connection, without a task of its own: for the thousands that mostly wait.
///
/// Everything is called on ``WebSocketChannel/loop``, in order; nothing may block or compute for long there. What is
/// lent ends with the call.
public protocol WebSocketListener: AnyObject, Sendable {
  /// The first call: the peer has its answer and can be written to.
  func opened()
  /// A whole message. It comes only while the connection is open.
  func received(_ kind: WebSocketListenerMessage, _ bytes: BorrowedBytes)
  /// A ping or pong: the peer lives. Pings are answered already.
  func receivedControl()
  /// The last call, once. The code is ``WebSocketCloseCode/abnormal`` if there was no close frame.
  func ended(_ close: WebSocketClose)
}

public enum WebSocketListenerMessage: Sendable {
  /// Valid UTF-8.
  case text
  case binary
}

/// One whole frame as it goes on the wire, made once for all who get it.
public struct WebSocketFrame: Sendable, Equatable {
  public let bytes: [UInt8]

  public static func text(_ text: some Collection<UInt8>) -> WebSocketFrame {
    WebSocketFrame(bytes: WebSocketEncoder.serverFrame(.text, text))
  }

  public static func text(_ text: String) -> WebSocketFrame { .text(text.utf8) }

  static let emptyPing = WebSocketFrame(bytes: WebSocketEncoder.serverFrame(.ping, []))
}

/// The way to the peer of a ``WebSocketListener``. Only to be used on its loop.
public struct WebSocketChannel: Sendable {
  let connection: HTTPServerConnection

  public var loop: EventLoop { connection.loop }

  /// Whether frames are still taken.
  public var isOpen: Bool { connection.assumeIsolated { $0.socket?.state.isOpen ?? false } }

  /// What was accepted and not yet taken by the system.
  public var pending: (bytes: Int, frames: Int) {
    connection.assumeIsolated { ($0.tcp.pendingBytes, $0.tcp.pendingPieces) }
  }

  /// Sends frames in order, in one go. They are dropped once closing has begun.
  ///
  /// Nothing bounds what waits: the caller looks at ``pending`` and closes who is too slow.
  public func send(_ frames: [WebSocketFrame]) {
    connection.assumeIsolated { $0.send(frames) }
  }

  public func send(_ frame: WebSocketFrame) { send([frame]) }

  public func ping() { send([.emptyPing]) }

  /// Begins the close handshake behind everything sent so far. Does nothing if closing has begun.
  /// - Parameter reason: cut to 123 bytes at a character's edge.
  public func close(_ code: WebSocketCloseCode, reason: String = "") {
    connection.assumeIsolated { $0.closeSocket(WebSocketClose(code: code, reason: reason)) }
  }
}

/// Where the admission of one request leaves the listener that it decided on, and the request as the innermost middleware
/// left it.
final class WebSocketAcceptance: Sendable {
  private let stored = Mutex<WebSocketRoute.MakeListener?>(nil)
  private let admitted = Mutex<HTTPRequest?>(nil)

  var request: HTTPRequest? { admitted.withLock { $0 } }

  /// Called from the inside out: the first one knows most.
  func admit(_ request: HTTPRequest) {
    var request = request
    // It would hold on to itself.
    request[WebSocketAcceptance.self] = nil
    admitted.withLock { if $0 == nil { $0 = request } }
  }

  func put(_ make: @escaping WebSocketRoute.MakeListener) { stored.withLock { $0 = make } }

  func take() -> WebSocketRoute.MakeListener? {
    stored.withLock { make in
      defer { make = nil }
      return make
    }
  }
}
