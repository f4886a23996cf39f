import CZstd

/// Unpacks Discord's `zstd-stream`: one Zstandard stream (RFC 8878) for the whole connection, flushed after each
/// message; one WebSocket message carries one gateway message.
///
/// Source: Discord, "Gateway: Transport Compression".
public final class ZstdStreamInflater: StreamInflater {
  /// Owned: created in `init`, freed in `deinit`. The library bounds its window to 128 MiB.
  private let context: OpaquePointer
  private var buffer: InflateBuffer
  private var failure: CompressionError?

  /// - Parameter limit: how many bytes one message may unpack to.
  public init(limit: Int = 32 << 20) {
    guard let context = ZSTD_createDCtx() else { preconditionFailure("out of memory") }
    self.context = context
    buffer = InflateBuffer(limit: limit)
  }

  deinit { ZSTD_freeDCtx(context) }

  public func reset() {
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
    buffer.startMessage()
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
    defer { buffer.startMessage() }
    return try body(buffer.message)
  }

  private func unpack(_ payload: UnsafeBufferPointer<UInt8>) throws(CompressionError) {
    var input = ZSTD_inBuffer(src: payload.baseAddress, size: payload.count, pos: 0)
    while true {
      var spare: UInt8 = 0
      let isAtLimit = buffer.isAtLimit
      let code: Int
      let written: Int
      if isAtLimit {
        // One spare byte tells whether there is more: the library takes the last block's end without output.
        (code, written) = withUnsafeMutablePointer(to: &spare) {
          step(&input, into: UnsafeMutableBufferPointer(start: $0, count: 1))
        }
        if written > 0 { throw .tooLarge(limit: buffer.limit) }
      } else {
        (code, written) = step(&input, into: try buffer.space())
        buffer.advance(by: written)
      }
      if ZSTD_isError(code) != 0 { throw .corrupt(String(cString: ZSTD_getErrorName(code))) }
      if input.pos == input.size, isAtLimit || !buffer.isFull { return }
    }
  }

  private func step(
    _ input: inout ZSTD_inBuffer, into space: UnsafeMutableBufferPointer<UInt8>
  ) -> (code: Int, written: Int) {
    var output = ZSTD_outBuffer(dst: space.baseAddress, size: space.count, pos: 0)
    let code = ZSTD_decompressStream(context, &output, &input)
    return (code, output.pos)
  }
}

/// Packs messages as `zstd-stream` carries them.
public final class ZstdStreamDeflater: StreamDeflater {
  /// Owned: created in `init`, freed in `deinit`.
  private let context: OpaquePointer

  /// - Parameter level: 1 (fast) to 19 (small).
  public init(level: Int = 3) {
    precondition((1...19).contains(level), "a zstd level is 1 to 19")
    guard let context = ZSTD_createCCtx() else { preconditionFailure("out of memory") }
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
    self.context = context
  }

  deinit { ZSTD_freeCCtx(context) }

  public func deflate(_ message: UnsafeBufferPointer<UInt8>) throws -> [UInt8] {
    var input = ZSTD_inBuffer(src: message.baseAddress, size: message.count, pos: 0)
    var result: [UInt8] = []
    var remaining: Int
    repeat {
      remaining = 0
      result += [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(message.count - input.pos) + 64) {
        space, count in
        var output = ZSTD_outBuffer(dst: space.baseAddress, size: space.count, pos: 0)
        remaining = ZSTD_compressStream2(context, &output, &input, ZSTD_e_flush)
        count = output.pos
      }
      if ZSTD_isError(remaining) != 0 { throw CompressionError.failed(String(cString: ZSTD_getErrorName(remaining))) }
    } while remaining > 0
    return result
  }
}
