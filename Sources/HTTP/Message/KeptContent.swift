import Platform
import Synchronization

/// The content of an answer that is sent again and again, with what costs something to make of it: the packed form and
/// the tag are made when they are first asked for, once.
public final class KeptContent: Sendable {
  private struct Made: Sendable {
    var packed: (level: Int, bytes: [UInt8])?
    var tag: String?
  }

  public let bytes: [UInt8]
  private let made = Mutex(Made())

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// As gzip.
  func packed(level: Int) throws -> [UInt8] {
    if let known = made.withLock({ $0.packed }), known.level == level { return known.bytes }
    let packed = try Deflate.compress(bytes, as: .gzip, level: level)
    made.withLock { $0.packed = (level, packed) }
    return packed
  }

  /// A strong tag.
  func tag() throws -> String {
    if let known = made.withLock({ $0.tag }) { return known }
    let tag = try EntityTag.make(bytes)
    made.withLock { $0.tag = tag }
    return tag
  }
}
