import CZlib

/// zlib alone over the frames of one connection: the physical limit that the gateway is measured against.
enum BareInflate {
  /// - Returns: how many bytes came out.
  static func run(_ frames: [[UInt8]]) throws -> Int {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    guard adj_inflate_init(stream, MAX_WBITS) == Z_OK else { throw BenchmarkError("zlib does not start") }
    defer { inflateEnd(stream) }
    let capacity = 4 << 20
    let output = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    defer { output.deallocate() }
    var total = 0
    for frame in frames {
      try frame.withUnsafeBufferPointer { input in
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        repeat {
          stream.pointee.next_out = output
          stream.pointee.avail_out = UInt32(capacity)
          let code = inflate(stream, Z_SYNC_FLUSH)
          guard code == Z_OK || code == Z_BUF_ERROR else { throw BenchmarkError("a frame is not zlib data") }
          total += capacity - Int(stream.pointee.avail_out)
        } while stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
      }
    }
    return total
  }
}
