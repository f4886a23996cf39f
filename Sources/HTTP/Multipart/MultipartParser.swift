import Platform

/// Reads `multipart/form-data` (RFC 7578) from bytes that come in any pieces, holding no more than one head of a part.
public struct MultipartParser: Sendable {
  public enum Event: Sendable, Equatable {
    case partBegan(Head)
    case content([UInt8])
    case partEnded
  }

  /// The head of one part.
  public struct Head: Sendable, Equatable {
    public let name: String
    /// Nil if the part is a plain field. Chosen by the peer: never a path on this machine.
    public let filename: String?
    public let contentType: String?
  }

  public struct Limits: Sendable {
    public var parts = 64
    /// Bytes of the head of one part.
    public var headSize = 8 << 10
    public init() {}
  }

  private enum State: Sendable {
    case preamble, afterDelimiter, head, content, complete
  }

  private let limits: Limits
  /// What stands between parts: CRLF, two hyphens and the boundary.
  private let delimiter: [UInt8]
  private var state = State.preamble
  // As if a line had ended before, so that the first delimiter looks like the others.
  private var buffer: [UInt8] = [0x0D, 0x0A]
  private var parts = 0

  /// - Parameter contentType: the request's field, with the boundary.
  /// - Throws: ``HTTPError`` 415 for another type, 400 for a boundary that is missing or not allowed.
  public init(contentType: String?, limits: Limits = Limits()) throws(HTTPError) {
    let (type, parameters) = FieldParameters.parse(contentType ?? "")
    guard type == "multipart/form-data" else {
      throw HTTPError(.unsupportedMediaType, kind: .unsupportedMediaType, "the body must be multipart/form-data")
    }
    guard let boundary = parameters["boundary"], (1...70).contains(boundary.utf8.count),
      boundary.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), boundary.utf8.last != UInt8(ascii: " ")
    else { throw Self.broken("the boundary is missing or not allowed") }
    delimiter = Array("\r\n--\(boundary)".utf8)
    self.limits = limits
  }

  /// Whether the last delimiter was read.
  public var isComplete: Bool { if case .complete = state { true } else { false } }

  /// - Throws: ``HTTPError`` 400
  public mutating func receive(_ bytes: [UInt8]) throws(HTTPError) -> [Event] {
    guard !isComplete else { return [] }  // the epilogue says nothing
    buffer += bytes
    var events: [Event] = []
    while try step(&events) {}
    return events
  }

  /// To be called at the end of the body.
  /// - Throws: ``HTTPError`` 400 if a part or the last delimiter is missing.
  public func finish() throws(HTTPError) {
    guard isComplete else { throw Self.broken("the body ends without its last boundary") }
  }

  /// - Returns: false if more bytes are needed.
  private mutating func step(_ events: inout [Event]) throws(HTTPError) -> Bool {
    switch state {
    case .preamble:
      guard let place = find(delimiter) else {
        guard buffer.count <= limits.headSize else { throw Self.broken("the body does not begin with its boundary") }
        return false
      }
      buffer.removeFirst(place + delimiter.count)
      state = .afterDelimiter
      return true
    case .afterDelimiter:
      guard buffer.count >= 2 else { return false }
      if buffer.starts(with: [UInt8(ascii: "-"), UInt8(ascii: "-")]) {
        state = .complete
        buffer = []
        return false
      }
      // Blanks may follow a boundary (RFC 2046 section 5.1.1).
      let blanks = buffer.prefix { HTTPCharacters.isBlank($0) }.count
      guard blanks <= 64 else { throw Self.broken("a boundary is followed by something else") }
      guard buffer.count >= blanks + 2 else { return false }
      guard buffer[blanks] == 0x0D, buffer[blanks + 1] == 0x0A else {
        throw Self.broken("a boundary is followed by something else")
      }
      // One CRLF stays: a head without fields is one empty line.
      buffer.removeFirst(blanks)
      state = .head
      return true
    case .head:
      guard let end = find([0x0D, 0x0A, 0x0D, 0x0A]) else {
        guard buffer.count <= limits.headSize else { throw Self.broken("the head of a part is too large") }
        return false
      }
      guard end <= limits.headSize else { throw Self.broken("the head of a part is too large") }
      parts += 1
      guard parts <= limits.parts else { throw Self.broken("there are more than \(limits.parts) parts") }
      events.append(.partBegan(try Self.head(buffer[2..<max(2, end + 2)])))
      // Again one CRLF stays: the content may be empty, and the delimiter begins with it.
      buffer.removeFirst(end + 4)
      state = .content
      return true
    case .content: return readContent(&events)
    case .complete: return false
    }
  }

  private mutating func readContent(_ events: inout [Event]) -> Bool {
    if let place = find(delimiter) {
      if place > 0 { events.append(.content(Array(buffer[..<place]))) }
      events.append(.partEnded)
      buffer.removeFirst(place + delimiter.count)
      state = .afterDelimiter
      return true
    }
    // All but what may be the beginning of a delimiter.
    let certain = buffer.count - (delimiter.count - 1)
    if certain > 0 {
      events.append(.content(Array(buffer[..<certain])))
      buffer.removeFirst(certain)
    }
    return false
  }

  private func find(_ pattern: [UInt8]) -> Int? {
    guard buffer.count >= pattern.count else { return nil }
    return buffer.withUnsafeBufferPointer { bytes in
      var place = 0
      let last = bytes.count - pattern.count
      while place <= last {
        // Every pattern begins with CR.
        guard let next = bytes[place...last].firstIndex(of: 0x0D) else { return nil }
        if bytes[next..<(next + pattern.count)].elementsEqual(pattern) { return next }
        place = next + 1
      }
      return nil
    }
  }

  private static func head(_ bytes: ArraySlice<UInt8>) throws(HTTPError) -> Head {
    var fields = HTTPHeaders()
    var rest = bytes
    while let end = rest.firstIndex(of: 0x0A) {
      let line = Array(rest[..<end].dropLast())
      guard rest[..<end].last == 0x0D else { throw broken("a line in the head of a part does not end with CRLF") }
      rest = rest[(end + 1)...]
      if line.isEmpty { continue }
      let field = line.withUnsafeBytes { bytes -> Result<(name: String, value: String), HTTPError> in
        do throws(HTTPError) {
          return .success(try HTTPRequestHead.field(bytes))
        } catch {
          return .failure(error)
        }
      }
      let (name, value) = try field.get()
      fields.add(name, value)
    }
    let (type, parameters) = FieldParameters.parse(fields["Content-Disposition"] ?? "")
    guard type == "form-data", let name = parameters["name"] else { throw broken("a part has no name") }
    return Head(
      name: FieldParameters.unescaped(name), filename: parameters["filename"].map(FieldParameters.unescaped),
      contentType: fields["Content-Type"])
  }

  private static func broken(_ message: String) -> HTTPError {
    HTTPError(.badRequest, kind: .malformedBody, message)
  }
}

/// `type; name=value; name="quoted value"` as Content-Type and Content-Disposition have it.
enum FieldParameters {
  /// Type and names come in lower case.
  static func parse(_ text: String) -> (type: String, parameters: [String: String]) {
    var pieces: [String] = [""]
    var isQuoted = false
    var isEscaped = false
    for character in text {
      if isEscaped {
        isEscaped = false
        pieces[pieces.count - 1].append(character)
      } else if isQuoted, character == "\\" {
        isEscaped = true
      } else if character == "\"" {
        isQuoted.toggle()
      } else if character == ";", !isQuoted {
        pieces.append("")
      } else {
        pieces[pieces.count - 1].append(character)
      }
    }
    var parameters: [String: String] = [:]
    for piece in pieces.dropFirst() {
      guard let equals = piece.firstIndex(of: "=") else { continue }
      let name = trimmed(piece[..<equals]).lowercased()
      // Of two with the same name the first counts, as it would for a reader that stops there.
      if parameters[name] == nil { parameters[name] = trimmed(piece[piece.index(after: equals)...]) }
    }
    return (trimmed(pieces[0][...]).lowercased(), parameters)
  }

  /// Browsers escape quotes and line breaks in names in this way and no others (HTML, multipart/form-data encoding).
  static func unescaped(_ name: String) -> String {
    name.replacing("%22", with: "\"").replacing("%0D", with: "\r").replacing("%0A", with: "\n")
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text)
  }
}
