import Platform

/// A file that is part of the program, served with its type and an `ETag`.
public struct StaticFile: Sendable {
  public let bytes: [UInt8]
  public let contentType: String
  /// Strong: made from the content.
  public let entityTag: String

  /// - Parameter contentType: nil takes it from the name's extension.
  public init(_ bytes: [UInt8], name: String, contentType: String? = nil) {
    self.bytes = bytes
    self.contentType = contentType ?? Self.contentType(of: name)
    entityTag = "\"\(String(Self.checksum(bytes), radix: 36))-\(String(bytes.count, radix: 36))\""
  }

  /// 200; 304 if the peer has this content already (RFC 9110 section 13.1.2); 206 or 416 for a part of it.
  public func response(to request: HTTPRequest) -> HTTPResponse {
    var response = HTTPResponse(headers: [
      "ETag": entityTag, "Cache-Control": "no-cache", "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff",
    ])
    if EntityTag.isKnown(entityTag, to: request) {
      response.status = .notModified
      return response
    }
    response.headers["Content-Type"] = contentType
    // A part of an older version is of no use beside one of this.
    let isSame = request.headers["If-Range"].map { $0 == entityTag } ?? true
    switch request.method == .get && isSame ? ByteRange(request.headers["Range"], size: bytes.count) : .whole {
    case .whole: response.body = .bytes(bytes)
    case .part(let range):
      response.status = 206
      response.headers["Content-Range"] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(bytes.count)"
      response.body = .bytes(Array(bytes[range]))
    case .notSatisfiable:
      response.status = 416
      response.headers["Content-Range"] = "bytes */\(bytes.count)"
      response.headers["Content-Type"] = nil
    }
    return response
  }

  /// FNV-1a. It tells versions of our own files apart; nobody gains by a collision.
  private static func checksum(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  static func contentType(of name: String) -> String {
    let dot = name.lastIndex(of: ".")
    return switch dot.map({ name[name.index(after: $0)...].lowercased() }) {
    case "html": "text/html; charset=utf-8"
    case "css": "text/css; charset=utf-8"
    case "js", "mjs": "text/javascript; charset=utf-8"
    case "json": "application/json"
    case "txt", "md": "text/plain; charset=utf-8"
    case "svg": "image/svg+xml"
    case "png": "image/png"
    case "jpg", "jpeg": "image/jpeg"
    case "gif": "image/gif"
    case "webp": "image/webp"
    case "ico": "image/x-icon"
    case "woff2": "font/woff2"
    case "wasm": "application/wasm"
    default: "application/octet-stream"
    }
  }
}

extension Router {
  /// Serves a file of the program at a path.
  public mutating func file(_ pattern: PathPattern, _ file: StaticFile) {
    on(.get, pattern, "") { request in file.response(to: request) }
  }
}
