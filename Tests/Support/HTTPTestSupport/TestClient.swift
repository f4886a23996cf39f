import Foundation
import HTTP
import Platform

/// A plain TCP client that sends exactly the bytes it is told to. It blocks its thread, so each call has one of its own:
/// those of the cooperative pool, where the handlers under test run, and of Dispatch are few.
public final class TestClient: Sendable {
  private let descriptor: Int32

  public init(_ address: SocketAddress) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw SystemError(call: "socket", code: errno) }
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = address.port.bigEndian
    inet_pton(AF_INET, address.host, &target.sin_addr)
    let code = withUnsafeBytes(of: target) {
      connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard code == 0 else { throw SystemError(call: "connect", code: errno) }
  }

  deinit { close(descriptor) }

  public func send(_ text: String) async { await send(Array(text.utf8)) }

  public func send(_ bytes: [UInt8]) async {
    let descriptor = descriptor
    await onThread {
      var sent = 0
      while sent < bytes.count {
        let count = bytes.withUnsafeBytes {
          Foundation.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return }
        sent += count
      }
    }
  }

  public func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  public enum Read: Equatable, Sendable {
    case bytes([UInt8])
    case end, reset, timeout
  }

  /// What comes next, at most `limit` bytes.
  public func read(limit: Int = 64 << 10) async -> Read {
    let descriptor = descriptor
    return await onThread {
      var buffer = [UInt8](repeating: 0, count: limit)
      let count = recv(descriptor, &buffer, limit, 0)
      if count > 0 { return .bytes(Array(buffer[..<count])) }
      if count == 0 { return .end }
      return errno == EAGAIN ? .timeout : .reset
    }
  }

  /// The next frame of a WebSocket's server: its first byte and its payload. Nil if the connection ends before it.
  public func frame() async -> (opcode: UInt8, payload: [UInt8])? {
    let head = await read(count: 2)
    guard head.count == 2 else { return nil }
    var length = Int(head[1] & 0x7F)
    if length >= 126 {
      let more = await read(count: length == 126 ? 2 : 8)
      length = more.reduce(0) { $0 << 8 | Int($1) }
    }
    let payload = await read(count: length)
    return payload.count == length ? (head[0] & 0x0F, payload) : nil
  }

  /// Everything until the peer ends, as text.
  public func readToEnd() async -> String {
    var all: [UInt8] = []
    while case .bytes(let bytes) = await read() { all += bytes }
    return String(decoding: all, as: UTF8.self)
  }

  /// Everything until the text has come.
  public func read(until ending: String) async -> String {
    var all: [UInt8] = []
    let wanted = Array(ending.utf8)
    while !all.suffix(wanted.count).elementsEqual(wanted) {
      guard case .bytes(let bytes) = await read(limit: 1) else { break }
      all += bytes
    }
    return String(decoding: all, as: UTF8.self)
  }

  public func read(count: Int) async -> [UInt8] {
    var all: [UInt8] = []
    while all.count < count, case .bytes(let bytes) = await read(limit: count - all.count) { all += bytes }
    return all
  }

  private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: body()) }
    }
  }
}

/// Runs a server for the length of a test.
public func withServer(
  _ router: Router, configure: (inout HTTPServerConfiguration) -> Void = { _ in }, log: Log = .silent,
  metrics: Metrics = Metrics(),
  _ body: (SocketAddress, HTTPServer) async throws -> Void
) async throws {
  var configuration = HTTPServerConfiguration(listen: try SocketAddress(parsing: "127.0.0.1:0"))
  // Nothing here is about the speed of this machine: the limits have tests of their own, under an injected clock.
  configuration.limits.headTimeout = .seconds(60)
  configure(&configuration)
  let server = HTTPServer(configuration, router: router, log: log, metrics: metrics)
  let address = try await server.start()
  do {
    try await body(address, server)
  } catch {
    await server.shutdown(grace: .zero)
    throw error
  }
  await server.shutdown(grace: .zero)
}
