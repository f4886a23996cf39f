import Platform

/// What a script orders for the bytes that go out on a gateway connection.
enum WireFault: Equatable, Sendable {
  /// Of the next frame so many bytes go out, then the connection is cut.
  case cut(at: Int)
  /// Frames go out in pieces of so many bytes, with a pause behind each; 0 ends it.
  case pieces(size: Int, pause: Duration)
  /// The next frames wait for the last of them and go out in one piece.
  case join(count: Int)
  /// Every frame waits so long; zero ends it.
  case delay(Duration)
  /// The next messages cannot be unpacked, or are not UTF-8 where nothing is packed.
  case corrupt(count: Int)
  /// A message that the session knows nothing of.
  case say(String)
  /// Bytes instead of a frame.
  case write([UInt8])
}

/// Turns the frames of one gateway connection into what is written, faults included. Does no I/O.
struct FaultyWire: Sendable {
  enum Step: Equatable, Sendable {
    case write([UInt8])
    case wait(Duration)
    case cut
  }

  private var cutPlace: Int?
  private var pieceSize = 0
  private var pause = Duration.zero
  private var delay = Duration.zero
  private var corrupting = 0
  private var joining = 0
  private var held: [UInt8] = []

  /// Whether frames may go out as they are.
  var isSound: Bool {
    cutPlace == nil && pieceSize == 0 && delay == .zero && corrupting == 0 && joining == 0 && held.isEmpty
  }

  /// - Parameter fault: none of those that write at once.
  mutating func take(_ fault: WireFault) {
    switch fault {
    case .cut(let place): cutPlace = place
    case .pieces(let size, let pause): (pieceSize, self.pause) = (size, pause)
    case .join(let count): joining = count
    case .delay(let delay): self.delay = delay
    case .corrupt(let count): corrupting = count
    case .say, .write: break
    }
  }

  /// To be asked for each message before it is framed.
  ///
  /// The first byte of what zlib or zstd gave becomes one with which no block begins: another could, by accident, be
  /// unpacked to another text.
  mutating func spoil(_ message: [UInt8]) -> [UInt8] {
    guard corrupting > 0, !message.isEmpty else { return message }
    corrupting -= 1
    var message = message
    message[0] = 0xFF
    return message
  }

  /// What is to be done with a frame.
  mutating func steps(for frame: [UInt8]) -> [Step] {
    held += frame
    if joining > 0 { joining -= 1 }
    guard joining == 0 else { return [] }
    return release()
  }

  /// What was held back goes out, since nothing follows.
  mutating func release() -> [Step] {
    let bytes = held
    held = []
    joining = 0
    guard !bytes.isEmpty else { return [] }
    var steps: [Step] = delay > .zero ? [.wait(delay)] : []
    let place = cutPlace
    cutPlace = nil
    steps += pieces(of: place.map { Array(bytes.prefix($0)) } ?? bytes)
    if place != nil { steps.append(.cut) }
    return steps
  }

  private func pieces(of bytes: [UInt8]) -> [Step] {
    guard pieceSize > 0 else { return bytes.isEmpty ? [] : [.write(bytes)] }
    return stride(from: 0, to: bytes.count, by: pieceSize).flatMap { start -> [Step] in
      let piece = Step.write(Array(bytes[start..<min(start + pieceSize, bytes.count)]))
      return pause > .zero ? [piece, .wait(pause)] : [piece]
    }
  }
}
