import Glibc

/// Names in the program's own image: nothing is loaded, copied or kept on the heap, and a look-up is a binary search over
/// bytes that are paged in when they are needed.
struct NameTable: Sendable {
  private let text: StaticString

  /// - Parameter text: lines `key=name`, sorted by key, byte by byte.
  init(_ text: StaticString) { self.text = text }

  private var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
  }

  /// The name for exactly that key.
  subscript(key: String) -> String? {
    var key = key
    return key.withUTF8 { find($0) }
  }

  private func find(_ key: UnsafeBufferPointer<UInt8>) -> String? {
    let bytes = bytes
    var low = 0
    var high = bytes.count
    while low < high {
      // From somewhere in the middle to the beginning of that line.
      var start = (low + high) / 2
      while start > low, bytes[start - 1] != 0x0A { start -= 1 }
      var end = start
      while end < bytes.count, bytes[end] != 0x0A { end += 1 }
      let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      guard let mark = line.firstIndex(of: UInt8(ascii: "=")) else { return nil }
      let order = Self.compare(UnsafeRawBufferPointer(rebasing: line[..<mark]), UnsafeRawBufferPointer(key))
      if order == 0 { return String(decoding: line[(mark + 1)...], as: UTF8.self) }
      if order < 0 { low = end + 1 } else { high = start }
    }
    return nil
  }

  private static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    if let a = left.baseAddress, let b = right.baseAddress {
      let order = memcmp(a, b, min(left.count, right.count))
      if order != 0 { return Int(order) }
    }
    return left.count - right.count
  }

  /// All rows, for tests and lists.
  var rows: [(key: String, name: String)] {
    String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "=", maxSplits: 1)
      return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
  }
}
