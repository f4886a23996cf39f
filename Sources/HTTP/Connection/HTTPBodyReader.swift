/// Takes the body of a request out of the stream.
enum HTTPBodyReader: Sendable {
  case length(remaining: Int)
  case chunked(ChunkedDecoder)

  /// How many bytes are still to come; nil if nobody can know.
  var remaining: Int? {
    switch self {
    case .length(let remaining): remaining
    case .chunked: nil
    }
  }

  /// - Returns: how many bytes of the input were used, and whether the body is complete. Its content is appended to
  ///   `content`.
  mutating func read(
    _ input: UnsafeRawBufferPointer, into content: inout [UInt8]
  ) throws(HTTPError) -> (used: Int, isComplete: Bool) {
    switch self {
    case .length(let remaining):
      let count = min(remaining, input.count)
      content.append(contentsOf: input[..<count])
      self = .length(remaining: remaining - count)
      return (count, count == remaining)
    case .chunked(var decoder):
      defer { self = .chunked(decoder) }
      return try decoder.read(input, into: &content)
    }
  }
}

/// The chunked transfer coding (RFC 9112 section 7.1). Extensions and trailers are checked and dropped.
struct ChunkedDecoder: Sendable {
  private enum State: Sendable {
    case size(digits: Int, value: Int)
    case extensions(value: Int)
    case sizeEnd(value: Int)
    case data(remaining: Int)
    case dataCR, dataLF
    case trailer, trailerEnd
    case complete
  }

  /// The most content in all.
  let limit: Int
  /// The most bytes of extensions in all, and of trailers.
  private var spare: Int
  private let maximumTrailers: Int
  private var state = State.size(digits: 0, value: 0)
  private var total = 0
  private var trailers = 0
  private var line: [UInt8] = []

  init(limit: Int, limits: HTTPLimits) {
    self.limit = limit
    spare = limits.headSize
    maximumTrailers = limits.headerCount
  }

  mutating func read(
    _ input: UnsafeRawBufferPointer, into content: inout [UInt8]
  ) throws(HTTPError) -> (used: Int, isComplete: Bool) {
    var place = 0
    while place < input.count {
      if case .data(let remaining) = state {
        let count = min(remaining, input.count - place)
        content.append(contentsOf: input[place..<(place + count)])
        place += count
        state = count == remaining ? .dataCR : .data(remaining: remaining - count)
        continue
      }
      try take(input[place])
      place += 1
      if case .complete = state { return (place, true) }
    }
    return (place, false)
  }

  private mutating func take(_ byte: UInt8) throws(HTTPError) {
    switch (state, byte) {
    case (.size(let digits, let value), _) where PercentEncoding.hexDigit(byte) != nil:
      guard digits < 15, let digit = PercentEncoding.hexDigit(byte) else {
        throw .malformed("a chunk's size is too long")
      }
      state = .size(digits: digits + 1, value: value << 4 | Int(digit))
    case (.size(let digits, let value), UInt8(ascii: "\r")) where digits > 0: state = .sizeEnd(value: value)
    case (.size(let digits, let value), UInt8(ascii: ";")) where digits > 0: state = .extensions(value: value)
    case (.size, _): throw .malformed("a chunk's size is not a hexadecimal number")
    case (.extensions(let value), UInt8(ascii: "\r")): state = .sizeEnd(value: value)
    case (.extensions, _):
      guard HTTPCharacters.isFieldContent(byte) else { throw .malformed("a chunk extension has a control character") }
      try spend()
    case (.sizeEnd(let value), UInt8(ascii: "\n")):
      guard value <= limit - total else { throw .bodyTooLarge(limit: limit) }
      total += value
      state = value == 0 ? .trailer : .data(remaining: value)
    case (.dataCR, UInt8(ascii: "\r")): state = .dataLF
    case (.dataLF, UInt8(ascii: "\n")): state = .size(digits: 0, value: 0)
    case (.trailer, UInt8(ascii: "\r")): state = .trailerEnd
    case (.trailer, _):
      try spend()
      guard HTTPCharacters.isFieldContent(byte) else { throw .malformed("a trailer field has a control character") }
      line.append(byte)
    case (.trailerEnd, UInt8(ascii: "\n")): try takeTrailer()
    default: throw .malformed("a chunk does not end with CRLF")
    }
  }

  private mutating func takeTrailer() throws(HTTPError) {
    guard !line.isEmpty else {
      state = .complete
      return
    }
    trailers += 1
    guard trailers <= maximumTrailers else {
      throw HTTPError(.headTooLarge, kind: .headTooLarge, "more than \(maximumTrailers) trailer fields")
    }
    let field = line.withUnsafeBytes { bytes -> Result<Void, HTTPError> in
      do throws(HTTPError) {
        _ = try HTTPRequestHead.field(bytes)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try field.get()
    line.removeAll(keepingCapacity: true)
    state = .trailer
  }

  private mutating func spend() throws(HTTPError) {
    spare -= 1
    guard spare >= 0 else {
      throw HTTPError(.headTooLarge, kind: .headTooLarge, "chunk extensions and trailers are too large")
    }
  }
}
