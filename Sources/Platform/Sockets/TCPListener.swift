import CLinux
import Glibc

/// Accepts TCP connections on a loop.
public final class TCPListener: @unchecked Sendable {  // touched on the loop's thread only, after `init`
  public let loop: EventLoop
  /// With the port that the system chose, if port 0 was asked for.
  public let address: SocketAddress
  private let descriptor: Int32  // owned, closed by `close()`
  private var isOpen = true
  private var onAccept: (@Sendable (AcceptedSocket) -> Void)?
  private var onError: (@Sendable (SystemError) -> Void)?

  private static let batch = 64
  /// How long nothing is accepted after the process ran out of descriptors or memory.
  private static let pause = Duration.milliseconds(100)

  /// Binds and listens; connections wait until ``start(onAccept:onError:)``.
  /// - Throws: ``SystemError``, for example EADDRINUSE or EACCES.
  public init(_ address: SocketAddress, loop: EventLoop, backlog: Int32 = 1_024) throws {
    self.loop = loop
    let family = address.isIPv6 ? AF_INET6 : AF_INET
    descriptor = adj_stream_socket(family)
    guard descriptor >= 0 else { throw SystemError(call: "socket", code: errno) }
    do {
      try SocketOption.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
      // `[::]` means IPv6 alone, whatever the system's default: what is listened on is what was written.
      if address.isIPv6 { try SocketOption.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
      let descriptor = descriptor
      guard address.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else {
        throw SystemError(call: "bind", code: errno)
      }
      guard listen(descriptor, backlog) == 0 else { throw SystemError(call: "listen", code: errno) }
      self.address = try SocketOption.localAddress(descriptor)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  /// Begins to accept. Only on the loop. The socket given to `onAccept` is the callee's.
  /// - Parameter onError: told what kept a connection from being accepted; accepting goes on after a pause.
  public func start(
    onAccept: @escaping @Sendable (AcceptedSocket) -> Void, onError: @escaping @Sendable (SystemError) -> Void
  ) throws {
    loop.preconditionOnLoop()
    self.onAccept = onAccept
    self.onError = onError
    try loop.register(descriptor, for: .read) { [weak self] _ in self?.accept() }
  }

  /// Stops accepting and frees the address. Only on the loop.
  public func close() {
    loop.preconditionOnLoop()
    guard isOpen else { return }
    isOpen = false
    loop.deregister(descriptor)
    Glibc.close(descriptor)
    onAccept = nil
    onError = nil
  }

  private func accept() {
    for _ in 0..<Self.batch where isOpen {
      var storage = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let accepted = withUnsafeMutableBytes(of: &storage) {
        adj_accept(descriptor, $0.baseAddress, &length)
      }
      if accepted >= 0 {
        onAccept?(AcceptedSocket(descriptor: accepted, remoteAddress: SocketAddress(storage)))
        continue
      }
      switch errno {
      case EAGAIN: return
      case EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
        ENETUNREACH, EPERM:
        continue  // that connection's own trouble (accept(2)); the next may be well
      default:
        // No descriptors or no memory: level-triggered waiting would spin on the same connection.
        rest(after: SystemError(call: "accept4", code: errno))
        return
      }
    }
  }

  private func rest(after cause: SystemError) {
    do {
      try loop.modify(descriptor, for: [])
    } catch {
      onError?(error)
    }
    onError?(cause)
    loop.schedule(after: Self.pause) { [weak self] in self?.goOn() }
  }

  private func goOn() {
    guard isOpen else { return }
    do {
      try loop.modify(descriptor, for: .read)
    } catch {
      loop.schedule(after: Self.pause) { [weak self] in self?.goOn() }
    }
  }
}

/// A connection that was just accepted. Whoever holds it must open a ``TCPConnection`` over it or close it.
public struct AcceptedSocket: Sendable {
  let descriptor: Int32
  public let remoteAddress: SocketAddress

  /// Writes a few bytes, as far as the system takes them at once, and closes.
  public func close(sending bytes: [UInt8] = []) {
    if !bytes.isEmpty {
      _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      // What the peer already sent is taken out, so that closing does not reset the connection before it reads this.
      shutdown(descriptor, Int32(SHUT_WR))
      var scratch = [UInt8](repeating: 0, count: 16 << 10)
      _ = recv(descriptor, &scratch, scratch.count, Int32(MSG_DONTWAIT))
    }
    Glibc.close(descriptor)
  }
}

enum SocketOption {
  static func set(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) throws {
    var value = value
    guard setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
      throw SystemError(call: "setsockopt", code: errno)
    }
  }

  static func localAddress(_ descriptor: Int32) throws -> SocketAddress {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let code = withUnsafeMutableBytes(of: &storage) {
      getsockname(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
    }
    guard code == 0 else { throw SystemError(call: "getsockname", code: errno) }
    return SocketAddress(storage)
  }
}
