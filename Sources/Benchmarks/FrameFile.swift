import FoundationEssentials
import Platform

/// The frames of one zlib-stream connection, each as a 4-byte big-endian length and the bytes.
struct FrameFile {
  var frames: [[UInt8]]

  /// - Throws: ``BenchmarkError`` if the file cannot be read or is cut off.
  init(reading path: String) throws {
    let bytes: [UInt8]
    do {
      bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
    } catch {
      throw BenchmarkError("\(path) cannot be read: \(error)")
    }
    frames = []
    var place = 0
    while place < bytes.count {
      guard place + 4 <= bytes.count else { throw BenchmarkError("\(path) ends inside a length") }
      let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      guard place + 4 + length <= bytes.count else { throw BenchmarkError("\(path) ends inside a frame") }
      frames.append(Array(bytes[place + 4..<place + 4 + length]))
      place += 4 + length
    }
    guard !frames.isEmpty else { throw BenchmarkError("\(path) holds no frames") }
  }

  /// Packs events as one connection would carry them.
  init(packing events: some Sequence<JSON>) throws {
    let deflater = ZlibStreamDeflater()
    frames = try events.map { try deflater.deflate($0.serializedBytes()) }
  }

  func write(to path: String) throws {
    var bytes: [UInt8] = []
    for frame in frames {
      let length = UInt32(frame.count)
      bytes += [
        UInt8(truncatingIfNeeded: length >> 24), UInt8(truncatingIfNeeded: length >> 16),
        UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length),
      ]
      bytes += frame
    }
    do {
      try Data(bytes).write(to: URL(filePath: path))
    } catch {
      throw BenchmarkError("\(path) cannot be written: \(error)")
    }
  }
}

/// Something that the caller of a benchmark has to mend.
struct BenchmarkError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
