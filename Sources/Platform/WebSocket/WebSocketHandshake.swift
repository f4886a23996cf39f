import COpenSSL

/// The values of the opening handshake (RFC 6455 section 4).
public enum WebSocketHandshake {
  public static let version = "13"

  /// A client's `Sec-WebSocket-Key`: 16 random bytes in Base64.
  public static func key(from random: some RandomSource) -> String {
    var bytes: [UInt8] = []
    for _ in 0..<2 { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
    return base64(bytes)
  }

  /// The `Sec-WebSocket-Accept` that answers a key; empty, which no peer takes, if OpenSSL is built without SHA-1.
  public static func accept(for key: String) -> String {
    let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
    var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
    guard SHA1(text, text.count, &digest) != nil else { return "" }
    return base64(digest)
  }

  private static func base64(_ bytes: [UInt8]) -> String {
    // EVP_EncodeBlock ends the text with a NUL that it does not count.
    var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
    let count = EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
    return String(decoding: text[..<Int(count)], as: UTF8.self)
  }

  // MARK: The server's side

  /// What a server refuses an opening request for, as the status and a text for the client.
  public struct Refusal: Error, Sendable, Equatable {
    /// 400, or 426 if the request asked for no upgrade or another version.
    public let status: Int
    public let message: String
  }

  /// Checks an opening request; the method must be checked by the caller.
  /// - Returns: the key to answer and the subprotocols that the client offers.
  public static func validate(request headers: HTTPHeaders) throws(Refusal) -> (key: String, subprotocols: [String]) {
    guard tokens(headers.all("Upgrade")).contains(where: { $0.lowercased() == "websocket" }),
      tokens(headers.all("Connection")).contains(where: { $0.lowercased() == "upgrade" })
    else { throw Refusal(status: 426, message: "this address is a WebSocket") }
    let versions = headers.all("Sec-WebSocket-Version")
    guard versions == [version] else { throw Refusal(status: 426, message: "the WebSocket version must be 13") }
    let keys = headers.all("Sec-WebSocket-Key")
    guard keys.count == 1, isKey(keys[0]) else {
      throw Refusal(status: 400, message: "Sec-WebSocket-Key must be 16 bytes in Base64")
    }
    return (keys[0], tokens(headers.all("Sec-WebSocket-Protocol")))
  }

  private static func isKey(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 24, bytes[22] == UInt8(ascii: "="), bytes[23] == UInt8(ascii: "=") else { return false }
    return bytes[..<22].allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
        true
      default: false
      }
    }
  }

  // MARK: The client's side

  /// Why a server's answer does not open a WebSocket.
  public enum ResponseError: Error, Sendable, Equatable {
    /// Any status but 101; the rest of the answer is for the caller to read.
    case status(Int)
    case missingUpgrade
    case wrongAccept
    /// An extension or subprotocol that was not offered.
    case notOffered(String)
  }

  /// Checks the answer to an opening request.
  /// - Returns: the agreed subprotocol.
  public static func validate(
    responseStatus status: Int, headers: HTTPHeaders, key: String, offered subprotocols: [String] = []
  ) throws(ResponseError) -> String? {
    guard status == 101 else { throw .status(status) }
    guard headers.all("Upgrade").map({ $0.lowercased() }) == ["websocket"],
      tokens(headers.all("Connection")).contains(where: { $0.lowercased() == "upgrade" })
    else { throw .missingUpgrade }
    guard headers.all("Sec-WebSocket-Accept") == [accept(for: key)] else { throw .wrongAccept }
    if let agreed = tokens(headers.all("Sec-WebSocket-Extensions")).first { throw .notOffered(agreed) }
    let agreed = tokens(headers.all("Sec-WebSocket-Protocol"))
    guard let subprotocol = agreed.first else { return nil }
    guard agreed.count == 1, subprotocols.contains(subprotocol) else { throw .notOffered(subprotocol) }
    return subprotocol
  }

  /// The members of comma-separated lists.
  public static func tokens(_ values: [String]) -> [String] {
    values.flatMap { $0.split(separator: ",") }.map { part in
      var part = part
      while let first = part.first, first == " " || first == "\t" { part.removeFirst() }
      while let last = part.last, last == " " || last == "\t" { part.removeLast() }
      return String(part)
    }.filter { !$0.isEmpty }
  }
}
