/// Memory lent out for the length of one call.
///
/// An event loop's handler passes it into an actor of the same loop with `assumeIsolated`, where the compiler cannot see
/// that the call is synchronous. It must not be kept.
public struct BorrowedBytes: @unchecked Sendable {  // never leaves the thread: used within one synchronous call
  public let bytes: UnsafeRawBufferPointer

  public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  public init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = UnsafeRawBufferPointer(bytes) }

  /// The same memory, for whoever reads it byte by byte.
  public var buffer: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), count: bytes.count)
  }
}
