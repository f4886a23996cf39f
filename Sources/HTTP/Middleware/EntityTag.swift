import Platform

/// `ETag` and `If-None-Match` (RFC 9110 section 13.1.2).
enum EntityTag {
  /// Adds a strong tag, made from the body, to answers with 200, and answers 304 to who has that body already.
  static func around(_ handler: @escaping HTTPHandler) -> HTTPHandler {
    { request in
      var response = try await handler(request)
      guard request.method == .get || request.method == .head, response.status == .ok,
        let tag = try response.headers["ETag"] ?? make(of: response.body)
      else { return response }
      response.headers["ETag"] = tag
      if response.headers["Cache-Control"] == nil { response.headers["Cache-Control"] = "no-cache" }
      return isKnown(tag, to: request) ? notModified(response) : response
    }
  }

  /// Nil for a body that is not there as a whole.
  private static func make(of body: HTTPResponse.Body) throws -> String? {
    switch body {
    case .bytes(let bytes): try make(bytes)
    case .kept(let kept): try kept.tag()
    case .stream: nil
    }
  }

  static func make(_ bytes: [UInt8]) throws -> String {
    "\"\(Base64.encode(try Crypto.sha256(bytes).prefix(16), .url))\""
  }

  /// Whether `If-None-Match` names the tag. The comparison is the weak one.
  static func isKnown(_ tag: String, to request: HTTPRequest) -> Bool {
    request.headers.all("If-None-Match").contains { list(of: $0).contains { $0 == "*" || $0 == opaque(tag) } }
  }

  /// The same answer without its content.
  static func notModified(_ response: HTTPResponse) -> HTTPResponse {
    var answer = response
    answer.status = .notModified
    answer.body = .bytes([])
    answer.headers["Content-Type"] = nil
    return answer
  }

  static func opaque(_ tag: some StringProtocol) -> String { String(tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]) }

  /// The tags of a field, without `W/`. A comma may stand inside of a tag.
  static func list(of field: String) -> [String] {
    var tags: [String] = []
    var rest = field[...]
    while let start = rest.firstIndex(where: { $0 == "\"" || $0 == "*" }) {
      if rest[start] == "*" {
        tags.append("*")
        rest = rest[rest.index(after: start)...]
        continue
      }
      let after = rest.index(after: start)
      guard let end = rest[after...].firstIndex(of: "\"") else { break }
      tags.append(String(rest[start...end]))
      rest = rest[rest.index(after: end)...]
    }
    return tags
  }
}
