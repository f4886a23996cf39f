import CLinux
import Glibc

/// Hears from a ``TCPConnection``. Everything is called on its loop.
public protocol TCPConnectionHandler: AnyObject, Sendable {
  /// The bytes end with the call.
  func received(_ input: BorrowedBytes)
  /// The peer will send no more; it may still read.
  func receivedEnd()
  /// The system took bytes; ``TCPConnection/pendingBytes`` wait.
  func wrote(_ count: Int)
  /// The last call, once: the descriptor is closed. The error is nil if this side closed.
  func closed(_ error: SystemError?)
}

/// One TCP connection on a loop. All methods are for the loop's thread only.
///
/// Writing never waits: bytes that the system does not take are kept, and whoever writes watches
/// ``pendingBytes`` to stay within bounds.
public final class TCPConnection: @unchecked Sendable {  // touched on the loop's thread only
  public let loop: EventLoop
  public let remoteAddress: SocketAddress
  public let localAddress: SocketAddress
  private let descriptor: Int32  // owned, closed by `finish(_:)`
  private var handler: (any TCPConnectionHandler)?
  private var isClosed = false
  private var isReading = true
  private var hasSeenEnd = false
  private var wantsEnd = false
  private var hasSentEnd = false
  private var isBlocked = false
  private var pending: [[UInt8]] = []
  private var firstPending = 0
  /// How much of the first pending piece was written.
  private var offset = 0
  public private(set) var pendingBytes = 0
  /// How many of the written pieces wait, the one that was begun included.
  public var pendingPieces: Int { pending.count - firstPending }

  /// So that one fast peer does not hold up the others.
  private static let readsPerTurn = 4
  private static let piecesPerWrite = 16

  /// Takes over the socket, even if this throws.
  public init(_ socket: AcceptedSocket, loop: EventLoop) throws {
    self.loop = loop
    descriptor = socket.descriptor
    remoteAddress = socket.remoteAddress
    do {
      localAddress = try SocketOption.localAddress(socket.descriptor)
      try SocketOption.set(socket.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    } catch {
      Glibc.close(socket.descriptor)
      throw error
    }
  }

  /// Begins to read. The handler is kept until the connection is closed.
  /// - Throws: ``SystemError``; the connection is closed then, and the handler is not called.
  public func start(_ handler: any TCPConnectionHandler) throws {
    loop.preconditionOnLoop()
    do {
      try loop.register(descriptor, for: .read) { [weak self] readiness in self?.ready(readiness) }
      self.handler = handler
    } catch {
      isClosed = true
      Glibc.close(descriptor)
      throw error
    }
  }

  // MARK: Reading

  /// Stops delivering bytes; TCP then holds the peer up.
  public func pauseReading() {
    isReading = false
    updateInterest()
  }

  public func resumeReading() {
    isReading = true
    updateInterest()
  }

  private func ready(_ readiness: IOReadiness) {
    // A connection that is not being read still has to notice that it is broken.
    if readiness.contains(.failure) { return finish(pendingError() ?? SystemError(call: "recv", code: ECONNRESET)) }
    if readiness.contains(.write) { flush() }
    if isReading, !hasSeenEnd, !readiness.isDisjoint(with: [.read, .hangup]) {
      read()
    } else if readiness.contains(.hangup) {
      finish(SystemError(call: "recv", code: ECONNRESET))
    }
  }

  private func read() {
    let buffer = loop.readBuffer
    for _ in 0..<Self.readsPerTurn where isReading && !isClosed {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count > 0 {
        handler?.received(BorrowedBytes(UnsafeRawBufferPointer(rebasing: buffer[..<count])))
        if count < buffer.count { return }
      } else if count == 0 {
        hasSeenEnd = true
        updateInterest()
        handler?.receivedEnd()
        return
      } else if errno == EINTR {
        continue
      } else {
        if errno != EAGAIN { finish(SystemError(call: "recv", code: errno)) }
        return
      }
    }
  }

  // MARK: Writing

  /// Accepts bytes to be sent in order. They are dropped if the connection is closed or ``finishWriting()`` was called.
  public func write(_ bytes: [UInt8]) {
    loop.preconditionOnLoop()
    guard !isClosed, !wantsEnd, !bytes.isEmpty else { return }
    pending.append(bytes)
    pendingBytes += bytes.count
    if !isBlocked { flush() }
  }

  /// As ``write(_:)-([UInt8])`` for each piece, in as few calls of the system as it takes.
  public func write(_ pieces: [[UInt8]]) {
    loop.preconditionOnLoop()
    guard !isClosed, !wantsEnd else { return }
    for piece in pieces where !piece.isEmpty {
      pending.append(piece)
      pendingBytes += piece.count
    }
    if !isBlocked { flush() }
  }

  /// Tells the peer, after everything written, that no more will come. Reading goes on.
  public func finishWriting() {
    guard !isClosed, !wantsEnd else { return }
    wantsEnd = true
    if pendingBytes == 0 { sendEnd() }
  }

  private func sendEnd() {
    hasSentEnd = true
    shutdown(descriptor, Int32(SHUT_WR))
  }

  private func flush() {
    guard !isClosed else { return }
    var total = 0
    var failure: SystemError?
    isBlocked = false
    while firstPending < pending.count, !isBlocked {
      let count = writeSome()
      if count >= 0 {
        total += count
        drop(count)
      } else if errno == EAGAIN {
        isBlocked = true
      } else if errno != EINTR {
        failure = SystemError(call: "writev", code: errno)
        break
      }
    }
    if let failure {
      // Later, because the caller is in the middle of its own work.
      loop.execute { self.finish(failure) }
      isBlocked = true
      return
    }
    if pendingBytes == 0, wantsEnd, !hasSentEnd { sendEnd() }
    updateInterest()
    if total > 0 { handler?.wrote(total) }
  }

  private func writeSome() -> Int {
    if pending.count - firstPending == 1 {
      return pending[firstPending].withUnsafeBytes {
        send(descriptor, $0.baseAddress! + offset, $0.count - offset, Int32(MSG_NOSIGNAL))
      }
    }
    // The arrays stay referenced by `pending`, and an array's elements do not move while nobody changes it.
    let pieces = pending[firstPending...].prefix(Self.piecesPerWrite)
    return withUnsafeTemporaryAllocation(of: iovec.self, capacity: pieces.count) { vectors in
      gather(pieces, skipping: offset, into: vectors, count: 0)
    }
  }

  /// Nests one `withUnsafeBytes` for each piece, so that all pointers are valid at the moment of writing.
  private func gather(
    _ pieces: ArraySlice<[UInt8]>, skipping offset: Int, into vectors: UnsafeMutableBufferPointer<iovec>, count: Int
  ) -> Int {
    guard let piece = pieces.first else { return writev(descriptor, vectors.baseAddress, Int32(count)) }
    return piece.withUnsafeBytes { bytes in
      vectors[count] = iovec(
        iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress! + offset), iov_len: bytes.count - offset)
      return gather(pieces.dropFirst(), skipping: 0, into: vectors, count: count + 1)
    }
  }

  private func drop(_ count: Int) {
    pendingBytes -= count
    var count = count
    while count > 0 {
      let left = pending[firstPending].count - offset
      guard count >= left else {
        offset += count
        return
      }
      count -= left
      offset = 0
      pending[firstPending] = []
      firstPending += 1
    }
    if firstPending == pending.count {
      // Connections that mostly wait are many: only a little is kept for the next time.
      pending.removeAll(keepingCapacity: pending.capacity <= Self.piecesPerWrite)
      firstPending = 0
    } else if firstPending > 64 {
      pending.removeFirst(firstPending)
      firstPending = 0
    }
  }

  // MARK: Ending

  /// Closes at once; what waits to be sent is lost.
  public func close() { finish(nil) }

  /// Closes with a reset, so that the peer sees an error and not an end.
  public func abort() {
    guard !isClosed else { return }
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    finish(nil)
  }

  private func finish(_ error: SystemError?) {
    loop.preconditionOnLoop()
    guard !isClosed else { return }
    isClosed = true
    loop.deregister(descriptor)
    Glibc.close(descriptor)
    pending = []
    pendingBytes = 0
    // Later, because the handler may be in the middle of its own work.
    loop.execute { [handler] in handler?.closed(error) }
    handler = nil
  }

  private func pendingError() -> SystemError? {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0, code != 0 else { return nil }
    return SystemError(call: "recv", code: code)
  }

  private func updateInterest() {
    guard !isClosed, handler != nil else { return }
    var interest: IOInterest = []
    if isReading, !hasSeenEnd { interest.insert(.read) }
    if isBlocked { interest.insert(.write) }
    do {
      try loop.modify(descriptor, for: interest)
    } catch {
      finish(error)
    }
  }
}
