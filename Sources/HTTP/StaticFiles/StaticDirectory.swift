import Platform

/// Serves the files of a directory: plain files whose extension is on a list, and nothing else.
///
/// A name is taken as it was decoded once. Not found are: names that begin with a dot, contain a slash, a backslash or a
/// control character, links (also on the way), pipes, devices and directories. Files are read by ``FileThreads``.
public struct StaticDirectory: Sendable {
  /// Pictures.
  public static let imageTypes = [
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
  ]
  /// How much of a file is held for one peer.
  private static let pieceSize = 64 << 10
  private static let maximumDepth = 16

  private let path: String
  private let types: [String: String]
  private let cacheControl: String
  private let threads: FileThreads

  /// - Parameters:
  ///   - path: the directory; it may come to be later.
  ///   - types: content types by extension, in lower case; other files are not found.
  ///   - maximumAge: how long caches may keep a file.
  public init(
    _ path: String, types: [String: String] = Self.imageTypes, maximumAge: Duration, threads: FileThreads
  ) {
    self.path = path
    self.types = types
    cacheControl = "public, max-age=\(maximumAge.components.seconds)"
    self.threads = threads
  }

  /// 200; 304 if the peer has this version; 206 or 416 for a part of it (RFC 9110 sections 13 and 14).
  /// - Parameter segments: the names on the way from the directory, decoded.
  /// - Throws: ``HTTPError`` 404.
  public func response(to request: HTTPRequest, for segments: [String]) async throws -> HTTPResponse {
    let absent = HTTPError(.notFound, kind: .notFound, "there is no such file")
    guard let type = type(of: segments) else { throw absent }
    let found = try await threads.run { [path] () -> (OpenFile, FileCalls.Status)? in
      guard let file = try FileCalls.open(segments, below: path), let status = try FileCalls.status(file) else {
        return nil
      }
      return (file, status)
    }
    guard let (file, status) = found else { throw absent }
    let (tag, date) = ("\"\(status.version)\"", HTTPDate.text(status.modified))
    var response = HTTPResponse(headers: [
      "Content-Type": type, "ETag": tag, "Last-Modified": date, "Cache-Control": cacheControl,
      "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff",
    ])
    if isFresh(request, tag: tag, modified: status.modified) { return EntityTag.notModified(response) }
    // A part of an older version is of no use beside one of this.
    let isSame = request.headers["If-Range"].map { $0 == tag || $0 == date } ?? true
    switch request.method == .get && isSame ? ByteRange(request.headers["Range"], size: status.size) : .whole {
    case .whole: response.body = try await body(file, 0..<status.size)
    case .part(let range):
      response.status = 206
      response.headers["Content-Range"] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(status.size)"
      response.body = try await body(file, range)
    case .notSatisfiable:
      response.status = 416
      response.headers["Content-Range"] = "bytes */\(status.size)"
      response.headers["Content-Type"] = nil
    }
    return response
  }

  /// The content type; nil for a name that is not served.
  private func type(of segments: [String]) -> String? {
    guard !segments.isEmpty, segments.count <= Self.maximumDepth, segments.allSatisfy(Self.isServed),
      let last = segments.last, let dot = last.lastIndex(of: ".")
    else { return nil }
    return types[last[last.index(after: dot)...].lowercased()]
  }

  private static func isServed(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 255 && !name.hasPrefix(".")
      && name.utf8.allSatisfy {
        $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\")
      }
  }

  /// An `If-None-Match` counts alone; the date is for those who know no tag (RFC 9110 section 13.2.2).
  private func isFresh(_ request: HTTPRequest, tag: String, modified: Timestamp) -> Bool {
    if request.headers["If-None-Match"] != nil { return EntityTag.isKnown(tag, to: request) }
    guard let since = request.headers["If-Modified-Since"].flatMap(HTTPDate.parse) else { return false }
    return modified <= since
  }

  private func body(_ file: OpenFile, _ range: Range<Int>) async throws -> HTTPResponse.Body {
    if range.count <= Self.pieceSize {
      return .bytes(try await threads.run { try FileCalls.read(file, at: range.lowerBound, count: range.count) })
    }
    return .stream(length: range.count) { [threads] writer in
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.pieceSize) {
        let count = min(Self.pieceSize, range.upperBound - start)
        try await writer.write(try await threads.run { try FileCalls.read(file, at: start, count: count) })
      }
    }
  }
}

extension HTTPDate {
  /// Reads the one form that is sent today: `Sun, 06 Nov 1994 08:49:37 GMT`. Nil for another.
  static func parse(_ text: String) -> Timestamp? {
    let bytes = Array(text.utf8)
    guard bytes.count == 29 else { return nil }
    func number(_ range: Range<Int>) -> Int64? {
      guard bytes[range].allSatisfy(HTTPCharacters.isDigit) else { return nil }
      return Int64(String(decoding: bytes[range], as: UTF8.self))
    }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard let day = number(5..<7), let year = number(12..<16), let hour = number(17..<19),
      let minute = number(20..<22), let second = number(23..<25),
      let month = months.firstIndex(of: String(decoding: bytes[8..<11], as: UTF8.self)), year >= 1970
    else { return nil }
    // The days since 1970 of a civil date (Howard Hinnant); the result must write itself the same way.
    let (monthOfYear, shiftedYear) = (Int64(month + 1), month < 2 ? year - 1 : year)
    let yearOfEra = shiftedYear % 400
    let dayOfYear = (153 * (monthOfYear > 2 ? monthOfYear - 3 : monthOfYear + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = shiftedYear / 400 * 146_097 + dayOfEra - 719_468
    let result = Timestamp(seconds: days * 86_400 + hour * 3600 + minute * 60 + second)
    return HTTPDate.text(result) == text ? result : nil
  }
}
