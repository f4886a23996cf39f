import CCurl
import Glibc

/// An easy handle, a multi handle: libcurl's types are `void *` to Swift.
typealias CurlEasy = UnsafeMutableRawPointer
typealias CurlMulti = UnsafeMutableRawPointer

/// What both users of libcurl, ``HTTPClient`` and ``WebSocketClient``, share.
enum Curl {
  /// Must be read before the first handle is made. libcurl counts on SIGPIPE being ignored when its TLS library writes.
  static let isReady: Bool = {
    signal(SIGPIPE, SIG_IGN)
    return curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK
  }()

  /// A failure of libcurl with its own words.
  struct Failure: Error, CustomStringConvertible {
    let code: CURLcode
    var description: String { String(cString: curl_easy_strerror(code)) }
  }

  static func check(_ code: CURLcode) throws {
    guard code == CURLE_OK else { throw Failure(code: code) }
  }

  static func set(_ easy: CurlEasy, _ option: CURLoption, _ value: Int) throws {
    try check(adj_curl_setopt_long(easy, option, value))
  }

  static func set(_ easy: CurlEasy, _ option: CURLoption, _ value: Bool) throws {
    try check(adj_curl_setopt_long(easy, option, value ? 1 : 0))
  }

  /// libcurl copies strings.
  static func set(_ easy: CurlEasy, _ option: CURLoption, _ value: String?) throws {
    try check(adj_curl_setopt_string(easy, option, value))
  }

  static func set(_ easy: CurlEasy, _ option: CURLoption, pointer: UnsafeMutableRawPointer?) throws {
    try check(adj_curl_setopt_pointer(easy, option, pointer))
  }

  static func set(_ easy: CurlEasy, _ option: CURLoption, milliseconds: Duration) throws {
    // Zero would mean libcurl's default, or none.
    try set(easy, option, max(1, Int(milliseconds.inMilliseconds.rounded(.up))))
  }

  static func message(_ code: CURLMcode) -> String { String(cString: curl_multi_strerror(code)) }

  /// The header fields as libcurl takes them, or why it must not. The caller frees the list with
  /// `curl_slist_free_all`.
  ///
  /// `removing` names fields that libcurl would add by itself.
  static func list(
    of headers: HTTPHeaders, removing: [String]
  ) throws -> UnsafeMutablePointer<curl_slist>? {
    var list: UnsafeMutablePointer<curl_slist>?
    func append(_ line: String) throws {
      guard let longer = curl_slist_append(list, line) else {
        curl_slist_free_all(list)
        throw Failure(code: CURLE_OUT_OF_MEMORY)
      }
      list = longer
    }
    for name in removing where headers[name] == nil { try append("\(name):") }
    for (name, value) in headers {
      // libcurl takes "name:" for a removal and "name;" for an empty value.
      try append(value.isEmpty ? "\(name);" : "\(name): \(value)")
    }
    return list
  }

  /// Why a field cannot stand in a head (RFC 9110 section 5), or nil.
  static func fault(in headers: HTTPHeaders) -> String? {
    for (name, value) in headers {
      guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
        return "not a field name: \(name.debugDescription)"
      }
      guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
        return "the value of \(name) contains control characters"
      }
    }
    return nil
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}

/// The text buffer into which libcurl writes what went wrong with one transfer.
final class CurlErrorText {
  /// Owned: freed in `deinit`; must outlive the easy handle that it is given to.
  let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  init() { buffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE)) }
  deinit { buffer.deallocate() }

  func text(for code: CURLcode) -> String {
    buffer[0] == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: buffer)
  }
}

/// The address to which a connection is about to be made.
public struct ConnectAddress: Sendable, Hashable {
  /// Four bytes of IPv4 or sixteen of IPv6, in network order.
  public let bytes: [UInt8]
  public let port: UInt16

  public init(bytes: [UInt8], port: UInt16) {
    self.bytes = bytes
    self.port = port
  }

  /// Nil for anything but IPv4 and IPv6.
  init?(_ address: UnsafeMutablePointer<curl_sockaddr>) {
    let family = address.pointee.family
    let length = Int(address.pointee.addrlen)
    // `addr` is the beginning of an address of `addrlen` bytes.
    guard let place = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return nil }
    let memory = UnsafeRawPointer(address) + place
    if family == AF_INET, length >= MemoryLayout<sockaddr_in>.size {
      let value = memory.loadUnaligned(as: sockaddr_in.self)
      self.init(bytes: withUnsafeBytes(of: value.sin_addr) { Array($0) }, port: UInt16(bigEndian: value.sin_port))
    } else if family == AF_INET6, length >= MemoryLayout<sockaddr_in6>.size {
      let value = memory.loadUnaligned(as: sockaddr_in6.self)
      self.init(bytes: withUnsafeBytes(of: value.sin6_addr) { Array($0) }, port: UInt16(bigEndian: value.sin6_port))
    } else {
      return nil
    }
  }
}
