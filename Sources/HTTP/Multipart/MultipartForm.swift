/// The parts of a `multipart/form-data` body, held in memory.
public struct MultipartForm: Sendable, Equatable {
  public struct Part: Sendable, Equatable {
    public let name: String
    /// Nil if the part is a plain field.
    public let filename: String?
    public let contentType: String?
    public var bytes: [UInt8]

    public var string: String? { String(validating: bytes, as: UTF8.self) }
  }

  public internal(set) var parts: [Part] = []

  /// The first part of that name.
  public subscript(name: String) -> Part? { parts.first { $0.name == name } }

  public var files: [Part] { parts.filter { $0.filename != nil } }

  mutating func take(_ events: [MultipartParser.Event]) {
    for event in events {
      switch event {
      case .partBegan(let head):
        parts.append(
          Part(name: head.name, filename: head.filename, contentType: head.contentType, bytes: []))
      case .content(let bytes): parts[parts.count - 1].bytes += bytes
      case .partEnded: break
      }
    }
  }
}

extension HTTPRequest {
  /// The whole body, which must be `multipart/form-data`, in its parts; the route's limit bounds them all together.
  /// - Throws: ``HTTPError`` 415, 413 or 400.
  public func multipart(limits: MultipartParser.Limits = .init()) async throws -> MultipartForm {
    var parser = try MultipartParser(contentType: headers["Content-Type"], limits: limits)
    if let expectedLength = body.expectedLength, expectedLength > bodyLimit {
      throw HTTPError.bodyTooLarge(limit: bodyLimit)
    }
    var form = MultipartForm()
    var total = 0
    for try await piece in body {
      total += piece.count
      guard total <= bodyLimit else { throw HTTPError.bodyTooLarge(limit: bodyLimit) }
      form.take(try parser.receive(piece))
    }
    try parser.finish()
    return form
  }
}
