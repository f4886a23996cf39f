import Platform

/// Packs answers with gzip where the client takes it and it pays.
///
/// Only bodies that are there as a whole are packed, of types that are text, from ``minimumSize`` to ``maximumSize``
/// bytes: a streamed answer goes out as it is made. A strong `ETag` names the packed form by a suffix, because the bytes
/// differ.
public struct ResponseCompression: Sendable {
  public var minimumSize = 1 << 10
  /// More would hold a thread for too long (about 30 ms for 1 MiB).
  public var maximumSize = 2 << 20
  /// zlib's: 1 is fast, 9 small.
  public var level = 5

  private static let suffix = "-gzip\""

  public init() {}

  public var middleware: HTTPMiddleware {
    { request, next in
      let isWanted = Self.accepts(request.headers.all("Accept-Encoding"))
      var inner = request
      var knewPacked = false
      if let known = request.headers["If-None-Match"], known.contains(Self.suffix) {
        // What the client knows packed, the handler knows as it is.
        knewPacked = true
        inner.headers["If-None-Match"] = request.headers.all("If-None-Match").joined(separator: ", ")
          .replacing(Self.suffix, with: "\"")
      }
      var response = try await next(inner)
      if response.status == .notModified {
        Self.vary(&response)
        if knewPacked, isWanted { Self.tag(&response) }
        return response
      }
      let size = response.content.count
      guard self.isPackable(response, size: size) else { return response }
      Self.vary(&response)
      guard isWanted, let packed = try self.packed(response.body), packed.count < size else { return response }
      response.body = .bytes(packed)
      response.headers["Content-Encoding"] = "gzip"
      Self.tag(&response)
      return response
    }
  }

  /// Nil for a body that is not there as a whole.
  private func packed(_ body: HTTPResponse.Body) throws -> [UInt8]? {
    switch body {
    case .bytes(let bytes): try Deflate.compress(bytes, as: .gzip, level: level)
    case .kept(let kept): try kept.packed(level: level)
    case .stream: nil
    }
  }

  private func isPackable(_ response: HTTPResponse, size: Int) -> Bool {
    guard (minimumSize...maximumSize).contains(size), !response.status.hasNoContent, response.status != 206,
      response.headers["Content-Encoding"] == nil, let type = response.headers["Content-Type"]?.lowercased()
    else { return false }
    // A server that must not be transformed says so.
    if response.headers["Cache-Control"]?.lowercased().contains("no-transform") == true { return false }
    return type.hasPrefix("text/") || type.hasPrefix("application/json") || type.hasPrefix("application/javascript")
      || type.hasPrefix("image/svg+xml") || type.hasPrefix("application/xml") || type.contains("+json")
  }

  private static func vary(_ response: inout HTTPResponse) {
    let known = WebSocketHandshake.tokens(response.headers.all("Vary")).map { $0.lowercased() }
    if !known.contains("accept-encoding"), !known.contains("*") { response.headers.add("Vary", "Accept-Encoding") }
  }

  private static func tag(_ response: inout HTTPResponse) {
    guard let tag = response.headers["ETag"], tag.hasPrefix("\""), !tag.hasSuffix(suffix) else { return }
    response.headers["ETag"] = tag.dropLast() + suffix
  }

  /// Whether gzip is acceptable and not less welcome than no packing at all (RFC 9110 section 12.5.3).
  static func accepts(_ fields: [String]) -> Bool {
    var gzip: Double?
    var identity: Double?
    var other: Double?
    for part in fields.flatMap({ $0.split(separator: ",") }) {
      let pieces = part.split(separator: ";").map { String($0.filter { $0 != " " && $0 != "\t" }).lowercased() }
      guard let name = pieces.first else { continue }
      var weight = 1.0
      for piece in pieces.dropFirst() where piece.hasPrefix("q=") {
        guard let value = Double(piece.dropFirst(2)), (0...1).contains(value) else { return false }
        weight = value
      }
      switch name {
      case "gzip", "x-gzip": gzip = weight
      case "identity": identity = weight
      case "*": other = weight
      default: break
      }
    }
    let wanted = gzip ?? other ?? 0
    return wanted > 0 && wanted >= identity ?? 0
  }
}
