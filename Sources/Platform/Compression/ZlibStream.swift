import CZlib

/// Unpacks Discord's `zlib-stream`: one zlib stream (RFC 1950) for the whole connection, each message flushed with
/// `Z_SYNC_FLUSH`, so that its last payload ends in the bytes 00 00 FF FF.
///
/// Source: Discord, "Gateway: Transport Compression".
public final class ZlibStreamInflater: StreamInflater {
  private static let suffix: UInt32 = 0x0000_FFFF

  /// On the heap because zlib keeps a pointer back to it. Owned: freed in `deinit` after `inflateEnd`.
  private let stream: UnsafeMutablePointer<z_stream>
  private var buffer: InflateBuffer
  /// The last four bytes that came in, the latest lowest.
  private var tail: UInt32 = ~0
  private var failure: CompressionError?

  /// - Parameter limit: how many bytes one message may unpack to.
  public init(limit: Int = 32 << 20) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard adj_inflate_init(stream, MAX_WBITS) == Z_OK else { preconditionFailure("out of memory") }
    // The checksum stands at the end of the stream, which never comes: computing it would be a tenth of the work.
    inflateValidate(stream, 0)
    buffer = InflateBuffer(limit: limit)
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  public func reset() {
    inflateReset(stream)
    buffer.startMessage()
    tail = ~0
    failure = nil
  }

  public func inflate<Result>(
    _ payload: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) throws -> Result? {
    if let failure { throw failure }
    do throws(CompressionError) {
      try unpack(payload)
    } catch {
      failure = error
      throw error
    }
    for byte in payload.suffix(4) { tail = tail << 8 | UInt32(byte) }
    guard tail == Self.suffix else { return nil }
    tail = ~0
    defer { buffer.startMessage() }
    return try body(buffer.message)
  }

  private func unpack(_ payload: UnsafeBufferPointer<UInt8>) throws(CompressionError) {
    stream.pointee.next_in = UnsafeMutablePointer(mutating: payload.baseAddress)
    stream.pointee.avail_in = UInt32(payload.count)
    defer { stream.pointee.next_in = nil }
    while true {
      // At the limit one spare byte tells whether there is more: zlib swallows the flush marker without output.
      var spare: UInt8 = 0
      let isAtLimit = buffer.isAtLimit
      let (code, written) = try isAtLimit ? step(&spare) : step(into: buffer.space())
      if isAtLimit, written > 0 { throw .tooLarge(limit: buffer.limit) }
      if !isAtLimit { buffer.advance(by: written) }
      switch code {
      case Z_OK, Z_BUF_ERROR:
        // Z_BUF_ERROR is no error: nothing was left to do.
        if stream.pointee.avail_in == 0, isAtLimit ? written == 0 : !buffer.isFull { return }
        if code == Z_BUF_ERROR, written == 0 { return }
      case Z_STREAM_END:
        throw .corrupt("the peer ended the stream")
      default:
        throw .corrupt(zlibMessage(stream, code))
      }
    }
  }

  private func step(_ spare: inout UInt8) -> (code: Int32, written: Int) {
    withUnsafeMutablePointer(to: &spare) { step(into: UnsafeMutableBufferPointer(start: $0, count: 1)) }
  }

  private func step(into space: UnsafeMutableBufferPointer<UInt8>) -> (code: Int32, written: Int) {
    stream.pointee.next_out = space.baseAddress
    stream.pointee.avail_out = UInt32(space.count)
    let code = CZlib.inflate(stream, Z_SYNC_FLUSH)
    return (code, space.count - Int(stream.pointee.avail_out))
  }
}

/// Packs messages as `zlib-stream` carries them; every payload ends in 00 00 FF FF.
public final class ZlibStreamDeflater: StreamDeflater {
  /// On the heap because zlib keeps a pointer back to it. Owned: freed in `deinit` after `deflateEnd`.
  private let stream: UnsafeMutablePointer<z_stream>

  /// - Parameter level: 1 (fast) to 9 (small).
  public init(level: Int = 6) {
    precondition((1...9).contains(level), "a zlib level is 1 to 9")
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard adj_deflate_init(stream, Int32(level), MAX_WBITS) == Z_OK else { preconditionFailure("out of memory") }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  public func deflate(_ message: UnsafeBufferPointer<UInt8>) throws -> [UInt8] {
    try zlibDeflate(stream, message, flush: Z_SYNC_FLUSH)
  }
}

/// The containers of a single deflated text.
public enum DeflateFormat: Sendable {
  /// RFC 1950: HTTP's `deflate`, and the gateway's payload compression.
  case zlib
  /// RFC 1952: HTTP's `gzip`.
  case gzip
  /// RFC 1951 alone.
  case raw

  fileprivate var windowBits: Int32 {
    switch self {
    case .zlib: MAX_WBITS
    case .gzip: MAX_WBITS + 16
    case .raw: -MAX_WBITS
    }
  }
}

/// Compression of a text that is whole in memory.
public enum Deflate {
  public static func compress(_ bytes: [UInt8], as format: DeflateFormat, level: Int = 6) throws -> [UInt8] {
    precondition((0...9).contains(level), "a zlib level is 0 to 9")
    var stream = z_stream()
    let code = adj_deflate_init(&stream, Int32(level), format.windowBits)
    guard code == Z_OK else { throw CompressionError.failed(zlibMessage(&stream, code)) }
    defer { deflateEnd(&stream) }
    return try withUnsafeMutablePointer(to: &stream) { stream in
      try bytes.withUnsafeBufferPointer { try zlibDeflate(stream, $0, flush: Z_FINISH) }
    }
  }

  /// - Parameter limit: how many bytes the text may unpack to.
  /// - Throws: ``CompressionError``, also for bytes behind the end.
  public static func decompress(_ bytes: [UInt8], as format: DeflateFormat, limit: Int) throws -> [UInt8] {
    var stream = z_stream()
    var code = adj_inflate_init(&stream, format.windowBits)
    guard code == Z_OK else { throw CompressionError.failed(zlibMessage(&stream, code)) }
    defer { inflateEnd(&stream) }
    return try bytes.withUnsafeBufferPointer { input in
      stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.avail_in = UInt32(input.count)
      var result: [UInt8] = []
      while true {
        let chunk = [UInt8](unsafeUninitializedCapacity: 32 << 10) { space, count in
          stream.next_out = space.baseAddress
          stream.avail_out = UInt32(space.count)
          code = CZlib.inflate(&stream, Z_NO_FLUSH)
          count = space.count - Int(stream.avail_out)
        }
        guard result.count + chunk.count <= limit else { throw CompressionError.tooLarge(limit: limit) }
        result += chunk
        switch code {
        case Z_STREAM_END:
          guard stream.avail_in == 0 else { throw CompressionError.truncated }
          return result
        case Z_OK: continue
        case Z_BUF_ERROR: throw CompressionError.truncated
        default: throw CompressionError.corrupt(zlibMessage(&stream, code))
        }
      }
    }
  }
}

private func zlibMessage(_ stream: UnsafeMutablePointer<z_stream>, _ code: Int32) -> String {
  stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(code)"
}

/// Packs all of `input` and everything that is due by `flush`.
private func zlibDeflate(
  _ stream: UnsafeMutablePointer<z_stream>, _ input: UnsafeBufferPointer<UInt8>, flush: Int32
) throws -> [UInt8] {
  stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
  stream.pointee.avail_in = UInt32(input.count)
  defer { stream.pointee.next_in = nil }
  var result: [UInt8] = []
  var size = Int(deflateBound(stream, UInt(input.count))) + 16
  while true {
    var code = Z_OK
    result += [UInt8](unsafeUninitializedCapacity: size) { space, count in
      stream.pointee.next_out = space.baseAddress
      stream.pointee.avail_out = UInt32(space.count)
      code = deflate(stream, flush)
      count = space.count - Int(stream.pointee.avail_out)
    }
    switch code {
    case Z_STREAM_END: return result
    case Z_OK, Z_BUF_ERROR:
      // Room left over means that the flush is complete.
      if flush != Z_FINISH, stream.pointee.avail_out > 0 { return result }
      size = 32 << 10
    default: throw CompressionError.failed(zlibMessage(stream, code))
    }
  }
}
