import Platform

/// The protocol of one server connection: bytes and decisions in, actions out, no I/O and no clock of its own.
///
/// Requests are handed out one at a time, in order; what the peer pipelines waits. Each ``Action/request(_:)`` must be
/// answered by ``accept(bodyLimit:now:)`` and one response (or an upgrade); a response may come first.
struct HTTPConnectionMachine: Sendable {
  enum Action: Sendable, Equatable {
    case request(HTTPRequestHead)
    case body([UInt8])
    case bodyEnd
    /// The rest of the body will never come; the response is still due.
    case bodyFailed(HTTPError)
    /// What came is no request: answer this, with ``respond(_:now:)``.
    case reject(HTTPError)
    case send([UInt8])
    case upgraded(leftover: [UInt8])
    /// The peer sends no more, and most likely is gone; the response is still due.
    case peerEnded
    case finishWriting
    /// Close once everything is written.
    case closeWhenWritten
    case close
  }

  private enum Reading: Sendable {
    case head
    case decision(HTTPRequestHead)
    case body(HTTPBodyReader)
    /// The rest of a body that nobody wants, taken off so that the connection can go on.
    case discarding(HTTPBodyReader)
    case complete
    /// The body failed, or the head did.
    case broken
    /// Swallows what comes until the peer ends or the time is over (RFC 9112 section 9.6).
    case lingering
    case upgraded, closed
  }

  private enum Writing: Sendable {
    case nothing
    /// A request was handed out, or refused.
    case due
    case fixed(remaining: Int)
    case chunked
    case untilClose
  }

  private let limits: HTTPLimits
  /// The `Server` field.
  private let serverName: String?
  private var reading = Reading.head
  private var writing = Writing.nothing
  private var request: HTTPRequestHead?
  private var buffer: [UInt8] = []
  /// The bytes of the buffer that are used up, and those that were searched for the end of a line.
  private var start = 0
  private var scanned = 0
  private var lineStart = 0
  private var lines = 0
  private var requests = 0
  private var keepsAlive = true
  /// Whether the peer waits for 100 before it sends the body of the current request.
  private var awaitsContinue = false
  private var isDraining = false
  private var hasPeerEnded = false

  /// When ``timeOut(now:)`` must be called, at the latest.
  private(set) var deadline: ContinuousClock.Instant?

  /// A remainder of a body up to this size is read and dropped to keep the connection.
  static let discardLimit = 64 << 10
  /// Pipelined bytes beyond this are left to TCP.
  static let pipelineLimit = 64 << 10

  init(limits: HTTPLimits, serverName: String? = nil, now: ContinuousClock.Instant) {
    self.limits = limits
    self.serverName = serverName
    deadline = now.advanced(by: limits.headTimeout)
  }

  /// Whether the driver should go on reading.
  var wantsInput: Bool {
    switch reading {
    case .head, .body, .discarding, .lingering, .upgraded: true
    case .decision, .complete, .broken: buffer.count - start < Self.pipelineLimit
    case .closed: false
    }
  }

  // MARK: Input

  mutating func receive(_ bytes: UnsafeRawBufferPointer, now: ContinuousClock.Instant) -> [Action] {
    switch reading {
    case .lingering, .upgraded, .closed, .broken: return []
    default: break
    }
    if start > 0, start == buffer.count {
      buffer.removeAll(keepingCapacity: buffer.capacity <= Self.pipelineLimit)
      rebase()
    } else if start > Self.pipelineLimit {
      buffer.removeFirst(start)
      rebase()
    }
    if case .head = reading, buffer.count == start, !bytes.isEmpty {
      deadline = now.advanced(by: limits.headTimeout)
    }
    buffer.append(contentsOf: bytes)
    return advance(now)
  }

  private mutating func rebase() {
    scanned = max(0, scanned - start)
    lineStart = max(0, lineStart - start)
    start = 0
  }

  mutating func receive(_ bytes: [UInt8], now: ContinuousClock.Instant) -> [Action] {
    bytes.withUnsafeBytes { receive($0, now: now) }
  }

  private mutating func advance(_ now: ContinuousClock.Instant) -> [Action] {
    switch reading {
    case .head:
      do throws(HTTPError) {
        guard let head = try takeHead() else { return [] }
        requests += 1
        request = head
        keepsAlive = head.keepsAlive
        reading = .decision(head)
        writing = .due
        deadline = nil
        return [.request(head)]
      } catch {
        return reject(error)
      }
    case .body(var reader):
      var content: [UInt8] = []
      do throws(HTTPError) {
        let isComplete = try read(&reader, into: &content)
        reading = isComplete ? .complete : .body(reader)
        if !content.isEmpty || isComplete { awaitsContinue = false }
        if isComplete { deadline = nil }
        return (content.isEmpty ? [] : [.body(content)]) + (isComplete ? [.bodyEnd] : [])
      } catch {
        return breakBody(error)
      }
    case .discarding(var reader):
      var content: [UInt8] = []
      do throws(HTTPError) {
        guard try read(&reader, into: &content) else {
          reading = .discarding(reader)
          return []
        }
        return next(now)
      } catch {
        return linger()
      }
    case .decision, .complete, .broken, .lingering, .upgraded, .closed: return []
    }
  }

  private mutating func read(_ reader: inout HTTPBodyReader, into content: inout [UInt8]) throws(HTTPError) -> Bool {
    let start = self.start
    let result = buffer.withUnsafeBytes { bytes -> Result<(used: Int, isComplete: Bool), HTTPError> in
      do throws(HTTPError) {
        return .success(try reader.read(UnsafeRawBufferPointer(rebasing: bytes[start...]), into: &content))
      } catch {
        return .failure(error)
      }
    }
    let (used, isComplete) = try result.get()
    self.start += used
    scanned = self.start
    lineStart = self.start
    return isComplete
  }

  /// Looks for the empty line, line by line: a line that does not end with CRLF is refused as soon as it is there.
  private mutating func takeHead() throws(HTTPError) -> HTTPRequestHead? {
    // One empty line before a request is tolerated (RFC 9112 section 2.2).
    if lines == 0, buffer.count - start >= 2, buffer[start] == UInt8(ascii: "\r"),
      buffer[start + 1] == UInt8(ascii: "\n")
    {
      start += 2
      scanned = start
      lineStart = start
      lines = 1
    }
    if let first = buffer[start...].first, !HTTPCharacters.isToken(first),
      lines > 0 || first != UInt8(ascii: "\r") || buffer.count - start > 1
    {
      throw .malformed("a request begins with its method")
    }
    while let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
      guard end > start, buffer[end - 1] == UInt8(ascii: "\r") else {
        throw .malformed("a line does not end with CRLF")
      }
      guard end + 1 - start <= limits.headSize else { throw headTooLarge }
      scanned = end + 1
      if end - 1 == lineStart {
        let range = start..<lineStart
        let limits = limits
        let head = buffer.withUnsafeBytes { bytes -> Result<HTTPRequestHead, HTTPError> in
          do throws(HTTPError) {
            return .success(
              try HTTPRequestHead(parsing: UnsafeRawBufferPointer(rebasing: bytes[range]), limits: limits))
          } catch {
            return .failure(error)
          }
        }
        start = scanned
        lineStart = scanned
        lines = 0
        return try head.get()
      }
      lineStart = scanned
    }
    scanned = buffer.count
    guard buffer.count - start <= limits.headSize else { throw headTooLarge }
    return nil
  }

  private var headTooLarge: HTTPError {
    lineStart == start
      ? HTTPError(.uriTooLong, kind: .headTooLarge, "the request line is longer than \(limits.headSize) bytes")
      : HTTPError(.headTooLarge, kind: .headTooLarge, "the head is larger than \(limits.headSize) bytes")
  }

  private mutating func reject(_ error: HTTPError) -> [Action] {
    reading = .broken
    writing = .due
    keepsAlive = false
    deadline = nil
    request = nil
    return [.reject(error)]
  }

  private mutating func breakBody(_ error: HTTPError) -> [Action] {
    reading = .broken
    keepsAlive = false
    awaitsContinue = false
    deadline = nil
    return [.bodyFailed(error)]
  }

  /// Lets the body of the request come.
  mutating func accept(bodyLimit: Int, now: ContinuousClock.Instant) -> [Action] {
    guard case .decision(let head) = reading else { return [] }
    switch head.framing {
    case .none, .length(0):
      reading = .complete
      return [.bodyEnd]
    case .length(let length):
      guard length <= bodyLimit else { return breakBody(.bodyTooLarge(limit: bodyLimit)) }
      reading = .body(.length(remaining: length))
    case .chunked: reading = .body(.chunked(ChunkedDecoder(limit: bodyLimit, limits: limits)))
    }
    awaitsContinue = head.expectsContinue
    // With an expectation the time begins when the body is asked for.
    if !awaitsContinue { deadline = now.advanced(by: limits.bodyTimeout) }
    return advance(now)
  }

  /// The handler asks for the body: the moment to say 100 to a peer that waits for it.
  mutating func requestBody(now: ContinuousClock.Instant) -> [Action] {
    guard awaitsContinue, case .due = writing else { return [] }
    awaitsContinue = false
    deadline = now.advanced(by: limits.bodyTimeout)
    return [.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))]
  }

  /// The peer sends no more.
  mutating func endInput(now: ContinuousClock.Instant) -> [Action] {
    hasPeerEnded = true
    keepsAlive = false
    switch reading {
    case .head, .discarding, .lingering:
      // Half a request is worth no answer.
      return close(whenWritten: true)
    case .body: return breakBody(.malformed("the body ended early")) + [.peerEnded]
    case .decision, .complete, .broken: return [.peerEnded]
    case .upgraded, .closed: return []
    }
  }

  /// To be called at ``deadline``, or later; too early does nothing.
  mutating func timeOut(now: ContinuousClock.Instant) -> [Action] {
    guard let deadline, deadline <= now else { return [] }
    self.deadline = nil
    switch reading {
    case .head where buffer.count == start: return isDraining ? close(whenWritten: true) : linger()
    case .head: return reject(HTTPError(.requestTimeout, kind: .timeout, "the request came too slowly"))
    case .body: return breakBody(HTTPError(.requestTimeout, kind: .timeout, "the body came too slowly"))
    case .discarding, .lingering: return close(whenWritten: false)
    case .decision, .complete, .broken, .upgraded, .closed: return []
    }
  }

  /// Begins to end: an idle connection closes, a busy one after its response.
  mutating func drain(now: ContinuousClock.Instant) -> [Action] {
    isDraining = true
    guard case .head = reading, buffer.count == start else { return [] }
    return linger()
  }

  // MARK: Responses

  /// Sends a response as a whole, or its head and the beginning.
  /// - Parameter content: nil if the content follows with ``write(_:)`` and ``finish(now:)``.
  mutating func respond(
    _ status: HTTPStatus, _ headers: HTTPHeaders, length: Int?, content: [UInt8]?, date: String,
    now: ContinuousClock.Instant
  ) -> [Action] {
    guard case .due = writing else { return [] }
    let version = request?.version ?? .http11
    let isBodiless = request?.method == .head || status.hasNoContent
    decideToKeep(after: status)
    var text = HTTPHeadWriter(status: status)
    let upgrades = headers["Upgrade"] != nil
    text.add(headers)
    if headers["Date"] == nil { text.add("Date", date) }
    if let serverName, headers["Server"] == nil { text.add("Server", serverName) }
    if !keepsAlive {
      text.add("Connection", upgrades ? "close, Upgrade" : "close")
    } else if upgrades {
      text.add("Connection", "Upgrade")
    } else if version == .http10 {
      text.add("Connection", "keep-alive")
    }
    if let length {
      if !status.hasNoContent { text.add("Content-Length", String(length)) }
      writing = .fixed(remaining: isBodiless ? 0 : length)
    } else if isBodiless {
      writing = .fixed(remaining: 0)
    } else if version == .http11 {
      text.add("Transfer-Encoding", "chunked")
      writing = .chunked
    } else {
      keepsAlive = false
      writing = .untilClose
    }
    guard let content else { return [.send(text.finished())] }
    var bytes = text.finished(reserving: content.count)
    if !isBodiless { bytes += content }
    writing = .fixed(remaining: 0)
    return [.send(bytes)] + finish(now: now)
  }

  private mutating func decideToKeep(after status: HTTPStatus) {
    if isDraining || requests >= limits.requestsPerConnection { keepsAlive = false }
    switch reading {
    case .complete, .discarding: break
    case .body(let reader):
      // A peer that still waits for 100 may or may not send the body now: nobody can tell what its next bytes are.
      if awaitsContinue || reader.remaining.map({ $0 > Self.discardLimit }) ?? true { keepsAlive = false }
    default: keepsAlive = false
    }
  }

  /// Whether the content of the current response goes out at all; HEAD's does not.
  var sendsContent: Bool {
    switch writing {
    case .fixed(let remaining): remaining > 0
    case .chunked, .untilClose: true
    case .nothing, .due: false
    }
  }

  /// More of a response's content. More than its length closes the connection, because the peer would take the rest for
  /// the next response.
  mutating func write(_ piece: [UInt8]) -> [Action] {
    guard !piece.isEmpty else { return [] }
    switch writing {
    case .fixed(let remaining):
      if remaining == 0, request?.method == .head { return [] }
      guard piece.count <= remaining else { return close(whenWritten: false) }
      writing = .fixed(remaining: remaining - piece.count)
      return [.send(piece)]
    case .chunked:
      return [.send(Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + [0x0D, 0x0A])]
    case .untilClose: return [.send(piece)]
    case .nothing, .due: return []
    }
  }

  /// The response's content is complete.
  mutating func finish(now: ContinuousClock.Instant) -> [Action] {
    var actions: [Action] = []
    switch writing {
    case .nothing, .due: return []
    case .fixed(let remaining):
      guard remaining == 0 else { return close(whenWritten: false) }
    case .chunked: actions.append(.send(Array("0\r\n\r\n".utf8)))
    case .untilClose: break
    }
    writing = .nothing
    request = nil
    if hasPeerEnded { return actions + close(whenWritten: true) }
    guard keepsAlive else { return actions + linger() }
    switch reading {
    case .complete: return actions + next(now)
    case .body(let reader):
      reading = .discarding(reader)
      return actions + advance(now)
    default: return actions + linger()
    }
  }

  /// The content cannot be completed: the peer must not take what it has for the whole.
  mutating func fail() -> [Action] { close(whenWritten: false) }

  private mutating func next(_ now: ContinuousClock.Instant) -> [Action] {
    reading = .head
    awaitsContinue = false
    let isIdle = buffer.count == start
    if isIdle, isDraining { return linger() }
    deadline = now.advanced(by: isIdle ? limits.idleTimeout : limits.headTimeout)
    return advance(now)
  }

  /// Switches to another protocol. Only for a request without body.
  mutating func upgrade(_ headers: HTTPHeaders, date: String) -> [Action] {
    guard case .due = writing, case .complete = reading else { return close(whenWritten: false) }
    var text = HTTPHeadWriter(status: .switchingProtocols)
    text.add(headers)
    text.add("Connection", "Upgrade")
    text.add("Date", date)
    let leftover = Array(buffer[start...])
    buffer = []
    start = 0
    reading = .upgraded
    writing = .nothing
    deadline = nil
    return [.send(text.finished()), .upgraded(leftover: leftover)]
  }

  // MARK: The end

  private mutating func linger() -> [Action] {
    reading = .lingering
    buffer = []
    start = 0
    deadline = nil
    return [.finishWriting]
  }

  /// Everything sent so far is with the system. Lingering is counted from here: a slow reader of a long answer must not
  /// be cut in the middle of it.
  mutating func written(now: ContinuousClock.Instant) {
    if case .lingering = reading, deadline == nil { deadline = now.advanced(by: limits.lingerTimeout) }
  }

  private mutating func close(whenWritten: Bool) -> [Action] {
    reading = .closed
    writing = .nothing
    buffer = []
    start = 0
    deadline = nil
    return [whenWritten ? .closeWhenWritten : .close]
  }
}
