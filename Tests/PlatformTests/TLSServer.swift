import CTLSServer
import Glibc

@testable import Platform

/// A certificate and what a server speaks over TLS.
final class TLSServer: @unchecked Sendable {  // libssl allows many threads to make sessions from one context
  /// Owned: made in `init`, destroyed in `deinit`.
  fileprivate let server: OpaquePointer
  /// A PEM file with the certificate, which is its own authority. Removed in `deinit`.
  let certificateFile: String

  /// - Parameters:
  ///   - names: whom the certificate is for, as OpenSSL writes them.
  ///   - protocols: for ALPN, best first.
  init(names: String = "DNS:localhost,IP:127.0.0.1", protocols: [String] = ["http/1.1"]) throws {
    let list = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    guard let server = adj_tls_server_create(names, list, list.count) else {
      throw SystemError(call: "adj_tls_server_create", code: ENOMEM)
    }
    self.server = server
    var path = Array("/tmp/adjutant-test-certificate-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    certificateFile = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard descriptor >= 0 else { throw SystemError(call: "mkstemp", code: errno) }
    defer { close(descriptor) }
    let pem = String(cString: adj_tls_server_certificate(server))
    guard write(descriptor, pem, pem.utf8.count) == pem.utf8.count else {
      throw SystemError(call: "write", code: errno)
    }
  }

  deinit {
    unlink(certificateFile)
    adj_tls_server_destroy(server)
  }
}

/// The server's end of one TLS connection, used by one thread at a time.
final class TLSSession {
  /// Owned: made in `init`, destroyed in `deinit`, before the descriptor is closed.
  private let session: OpaquePointer

  init(_ server: TLSServer, descriptor: Int32) throws {
    guard let session = adj_tls_accept(server.server, descriptor) else { throw ScriptedConnection.Ended() }
    self.session = session
  }

  deinit { adj_tls_session_destroy(session) }

  /// What ALPN agreed on.
  var chosenProtocol: String? {
    var length = 0
    guard let name = adj_tls_protocol(session, &length) else { return nil }
    return String(decoding: UnsafeBufferPointer(start: name, count: length), as: UTF8.self)
  }

  func read(_ bytes: inout [UInt8]) -> Int { Int(adj_tls_read(session, &bytes, Int32(bytes.count))) }

  func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    Int(adj_tls_write(session, bytes.baseAddress, Int32(clamping: bytes.count)))
  }
}
