/// A picture by what is in it; what its name or sender says does not count.
public enum ImageKind: String, Sendable, CaseIterable {
  case png, jpeg, gif, webp

  /// How many bytes tell it.
  static let prefixLength = 12

  /// - Parameter bytes: the beginning, ``prefixLength`` bytes if there are so many.
  init?(beginning bytes: some Collection<UInt8>) {
    let bytes = Array(bytes.prefix(Self.prefixLength))
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if bytes.starts(with: Array("GIF87a".utf8)) || bytes.starts(with: Array("GIF89a".utf8)) {
      self = .gif
    } else if bytes.count == 12, bytes.starts(with: Array("RIFF".utf8)), bytes[8...].elementsEqual("WEBP".utf8) {
      self = .webp
    } else {
      return nil
    }
  }

  var fileExtension: String { self == .jpeg ? "jpg" : rawValue }
}
