import Foundation
import Synchronization

@testable import Platform

/// A server on a loopback port that does with each connection what a script says: the far end of client tests.
final class ScriptedServer: Sendable {
  let port: UInt16
  private let isSecure: Bool
  private let listener: Int32
  private let connections = Mutex<(open: Set<Int32>, count: Int)>(([], 0))

  /// - Parameters:
  ///   - tls: speaks TLS with each connection; one whose handshake fails does not reach the script.
  ///   - script: runs on a thread of its own for each connection, the number of which (from 0) it is given; the
  ///     connection is closed when it returns or throws.
  init(tls: TLSServer? = nil, _ script: @escaping @Sendable (ScriptedConnection, Int) throws -> Void) throws {
    isSecure = tls != nil
    let listener = try Self.bound()
    self.listener = listener
    port = try Self.port(of: listener)
    guard listen(listener, 64) == 0 else { throw SystemError(call: "listen", code: errno) }
    // Threads of their own: a queue's are few, and all of these wait.
    Thread.detachNewThread { [self] in
      while case let descriptor = accept(listener, nil, nil), descriptor >= 0 {
        let number = connections.withLock { connections in
          connections.open.insert(descriptor)
          connections.count += 1
          return connections.count - 1
        }
        Thread.detachNewThread { [self] in
          try? script(ScriptedConnection(descriptor: descriptor, tls: tls), number)
          connections.withLock { _ = $0.open.remove(descriptor) }
          close(descriptor)
        }
      }
      close(listener)
    }
  }

  var url: String { "\(isSecure ? "https" : "http")://127.0.0.1:\(port)" }
  var webSocketURL: String { "\(isSecure ? "wss" : "ws")://127.0.0.1:\(port)/gateway?v=10&encoding=json" }
  var connectionCount: Int { connections.withLock { $0.count } }

  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    connections.withLock { for descriptor in $0.open { shutdown(descriptor, Int32(SHUT_RDWR)) } }
  }

  /// A port that refuses connections. It stays bound, so that no other test comes to listen on it.
  static func refusingPort() throws -> UInt16 {
    let descriptor = try bound()
    return try port(of: descriptor)
  }

  /// An address whose host has no address, known without asking anybody: a label is longer than names may have.
  static func unresolvable(_ scheme: String) -> String { "\(scheme)://\(String(repeating: "x", count: 64)).invalid/" }

  /// A socket on a loopback port of its own, not listening yet.
  private static func bound() throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SystemError(call: "socket", code: errno) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafeBytes(of: address) {
      bind(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard code == 0 else { throw SystemError(call: "bind", code: errno) }
    return descriptor
  }

  private static func port(of descriptor: Int32) throws -> UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutableBytes(of: &address) {
      getsockname(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
    }
    guard code == 0 else { throw SystemError(call: "getsockname", code: errno) }
    return UInt16(bigEndian: address.sin_port)
  }
}

/// One accepted connection, blocking, with a limit of a minute for each read.
struct ScriptedConnection {
  struct Ended: Error {}

  let descriptor: Int32
  let tls: TLSSession?

  /// - Throws: ``Ended`` if the TLS handshake fails.
  init(descriptor: Int32, tls: TLSServer?) throws {
    self.descriptor = descriptor
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    self.tls = try tls.map { try TLSSession($0, descriptor: descriptor) }
  }

  /// At least one byte.
  func read(atMost count: Int = 65_536) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = tls?.read(&bytes) ?? recv(descriptor, &bytes, count, 0)
    guard got > 0 else { throw Ended() }
    return Array(bytes.prefix(got))
  }

  func read(exactly count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count { bytes += try read(atMost: count - bytes.count) }
    return bytes
  }

  /// Up to and including the marker, and not a byte more.
  func read(until marker: String) throws -> String {
    var bytes: [UInt8] = []
    let end = Array(marker.utf8)
    while !bytes.suffix(end.count).elementsEqual(end) { bytes += try read(exactly: 1) }
    return String(decoding: bytes, as: UTF8.self)
  }

  func readHead() throws -> String { try read(until: "\r\n\r\n") }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        let rest = UnsafeRawBufferPointer(rebasing: $0[sent...])
        return tls?.write(rest) ?? Foundation.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Ended() }
      sent += count
    }
  }

  func respond(_ status: Int = 200, _ headers: [String] = [], body: String) throws {
    let lines = ["HTTP/1.1 \(status) Text", "Content-Length: \(body.utf8.count)"] + headers
    try send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
  }

  /// Waits until the client has closed its side; what it still sends is dropped.
  func waitForEnd() { while (try? read()) != nil {} }

  /// Makes the close a reset instead of an orderly end.
  func resetOnClose() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }
}

extension HTTPClient {
  func status(_ request: HTTPClientRequest) async throws -> Int { try await send(request).status }
}
