import Platform

/// One range of a request for part of a representation (RFC 9110 section 14). Lists of ranges are answered with the
/// whole, as the RFC allows.
enum ByteRange: Equatable {
  case whole
  case part(Range<Int>)
  case notSatisfiable

  init(_ field: String?, size: Int) {
    self = .whole
    guard let field, field.hasPrefix("bytes="), !field.contains(",") else { return }
    let ends = field.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard ends.count == 2, ends.allSatisfy({ $0.utf8.allSatisfy(HTTPCharacters.isDigit) && $0.utf8.count <= 18 }) else {
      return
    }
    switch (Int(ends[0]), Int(ends[1])) {
    case (nil, nil): return
    case (nil, let last?): self = last == 0 || size == 0 ? .notSatisfiable : .part(max(0, size - last)..<size)
    case (let first?, let last):
      guard last.map({ $0 >= first }) ?? true else { return }
      self = first >= size ? .notSatisfiable : .part(first..<min(size, (last ?? .max - 1) + 1))
    }
  }
}
