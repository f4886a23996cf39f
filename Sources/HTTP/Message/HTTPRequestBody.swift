import Synchronization

/// The body of one request as a sequence of pieces, read once, by one reader.
///
/// Only a bounded part of what the peer sends is held: while nobody reads, the connection stops reading too.
public final class HTTPRequestBody: AsyncSequence, Sendable {
  public typealias Element = [UInt8]

  fileprivate struct State {
    var pieces: [[UInt8]] = []
    var firstPiece = 0
    var heldBytes = 0
    var isComplete = false
    var failure: (any Error)?
    var reader: CheckedContinuation<[UInt8]?, any Error>?
    var wasAsked = false
    var isPaused = false
  }

  /// What the connection must do because of a reader.
  enum Demand { case begin, resume }

  private let state: Mutex<State>
  private let onDemand: @Sendable (Demand) -> Void
  private let highWater: Int

  /// The length that the head announced; nil if the body is chunked.
  public let expectedLength: Int?

  init(expectedLength: Int?, highWater: Int, onDemand: @escaping @Sendable (Demand) -> Void) {
    self.expectedLength = expectedLength
    self.highWater = highWater
    self.onDemand = onDemand
    state = Mutex(State())
  }

  /// A body that is there already, for tests of handlers.
  public init(_ bytes: [UInt8]) {
    expectedLength = bytes.count
    highWater = .max
    onDemand = { _ in }
    state = Mutex(State(pieces: bytes.isEmpty ? [] : [bytes], heldBytes: bytes.count, isComplete: true))
  }

  public static let empty = HTTPRequestBody([])

  // MARK: The connection's side

  /// - Returns: whether the connection should stop reading until ``Demand/resume``.
  func append(_ piece: [UInt8]) -> Bool {
    let (reader, mustPause) = state.withLock { state -> (CheckedContinuation<[UInt8]?, any Error>?, Bool) in
      guard state.failure == nil else { return (nil, false) }
      if let reader = state.reader {
        state.reader = nil
        return (reader, false)
      }
      state.pieces.append(piece)
      state.heldBytes += piece.count
      if state.heldBytes >= highWater { state.isPaused = true }
      return (nil, state.isPaused)
    }
    reader?.resume(returning: piece)
    return mustPause
  }

  func finish() {
    let reader = state.withLock { state in
      state.isComplete = true
      defer { state.reader = nil }
      return state.reader
    }
    reader?.resume(returning: nil)
  }

  /// Whoever reads gets the error, now or later.
  func fail(_ error: any Error) {
    let reader = state.withLock { state -> CheckedContinuation<[UInt8]?, any Error>? in
      guard !state.isComplete, state.failure == nil else { return nil }
      state.failure = error
      state.pieces = []
      defer { state.reader = nil }
      return state.reader
    }
    reader?.resume(throwing: error)
  }

  // MARK: The reader's side

  public func makeAsyncIterator() -> Iterator { Iterator(body: self) }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let body: HTTPRequestBody
    public func next() async throws -> [UInt8]? { try await body.next() }
  }

  /// Everything that is still to come.
  /// - Throws: ``HTTPError`` 413 as soon as it is certain that there are more than `limit` bytes.
  public func bytes(limit: Int) async throws -> [UInt8] {
    if let expectedLength, expectedLength > limit { throw HTTPError.bodyTooLarge(limit: limit) }
    var result: [UInt8] = []
    while let piece = try await next() {
      guard piece.count <= limit - result.count else { throw HTTPError.bodyTooLarge(limit: limit) }
      if result.isEmpty { result = piece } else { result += piece }
    }
    return result
  }

  fileprivate enum Step {
    case piece([UInt8], mustResume: Bool)
    case end
    case failed(any Error)
    case wait(mustBegin: Bool)
  }

  private func next() async throws -> [UInt8]? {
    switch state.withLock({ $0.step(lowWater: highWater / 2) }) {
    case .piece(let piece, let mustResume):
      if mustResume { onDemand(.resume) }
      return piece
    case .end: return nil
    case .failed(let error): throw error
    case .wait(let mustBegin):
      if mustBegin { onDemand(.begin) }
      return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
          let step: Step = state.withLock { state in
            precondition(state.reader == nil, "a request body has one reader")
            let step = Task.isCancelled ? .failed(CancellationError()) : state.step(lowWater: highWater / 2)
            if case .wait = step { state.reader = continuation }
            return step
          }
          switch step {
          case .piece(let piece, let mustResume):
            if mustResume { onDemand(.resume) }
            continuation.resume(returning: piece)
          case .end: continuation.resume(returning: nil)
          case .failed(let error): continuation.resume(throwing: error)
          case .wait: break
          }
        }
      } onCancel: {
        let reader = state.withLock { state in
          defer { state.reader = nil }
          return state.reader
        }
        reader?.resume(throwing: CancellationError())
      }
    }
  }
}

extension HTTPRequestBody.State {
  fileprivate mutating func step(lowWater: Int) -> HTTPRequestBody.Step {
    if let failure { return .failed(failure) }
    if firstPiece < pieces.count {
      let piece = pieces[firstPiece]
      pieces[firstPiece] = []
      firstPiece += 1
      if firstPiece == pieces.count {
        pieces.removeAll(keepingCapacity: true)
        firstPiece = 0
      }
      heldBytes -= piece.count
      let mustResume = isPaused && heldBytes <= lowWater
      if mustResume { isPaused = false }
      return .piece(piece, mustResume: mustResume)
    }
    if isComplete { return .end }
    defer { wasAsked = true }
    return .wait(mustBegin: !wasAsked)
  }
}
