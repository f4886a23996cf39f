import HTTP
import Platform

/// Carries out what the session of one listener decides, on the loop of its connection.
actor HubListener<Session: HubSession>: WebSocketListener {
  private nonisolated let channel: WebSocketChannel
  nonisolated var unownedExecutor: UnownedSerialExecutor { channel.loop.asUnownedSerialExecutor() }
  private let shard: HubShard<Session>
  private let parts: Hub<Session>.Parts
  private var session: Session
  private var seat: HubPlace?
  private var question: Task<Void, Never>?
  private var isOpen = true
  /// Where it stands in the list of its shard.
  var place = -1

  init(
    _ session: Session, channel: WebSocketChannel, shard: HubShard<Session>, place seat: HubPlace,
    parts: Hub<Session>.Parts
  ) {
    self.session = session
    self.channel = channel
    self.shard = shard
    self.parts = parts
    self.seat = seat
  }

  // MARK: What the connection says

  nonisolated func opened() {
    assumeIsolated { listener in
      listener.place = listener.shard.assumeIsolated { $0.add(listener) }
      listener.handle(.opened)
    }
  }

  nonisolated func received(_ kind: WebSocketListenerMessage, _ bytes: BorrowedBytes) {
    assumeIsolated { $0.handle(kind == .text ? .text(Array(bytes.bytes)) : .binary) }
  }

  nonisolated func receivedControl() { assumeIsolated { $0.handle(.control) } }

  nonisolated func ended(_ close: WebSocketClose) { assumeIsolated { $0.end() } }

  private func end() {
    isOpen = false
    question?.cancel()
    question = nil
    seat = nil
    guard place >= 0 else { return }
    shard.assumeIsolated { [place] in $0.remove(at: place) }
    place = -1
  }

  // MARK: What the hub says

  /// - Returns: how many messages were sent.
  func offer(_ events: [Session.Event]) -> Int {
    guard isOpen else { return 0 }
    let frames = events.compactMap { session.take($0) == .send ? $0.frame : nil }
    guard !frames.isEmpty, hasRoom() else { return 0 }
    channel.send(frames)
    return frames.count
  }

  func keepDeadline(_ moment: HubMoment) {
    guard let deadline = session.deadline, deadline <= moment.instant else { return }
    handle(.timeUp, at: moment)
  }

  // MARK: What the session says

  private func handle(_ input: HubInput<Session.Answer>) { handle(input, at: HubMoment(parts.time)) }

  private func handle(_ input: HubInput<Session.Answer>, at moment: HubMoment) {
    guard isOpen else { return }
    for action in session.handle(input, at: moment) {
      switch action {
      case .send(let frame): if hasRoom() { channel.send(frame) }
      case .ping: channel.ping()
      case .ask(let question): ask(question)
      case .close(let close): self.close(close)
      }
    }
  }

  private func ask(_ question: Session.Question) {
    // A question takes the place of the one before.
    self.question?.cancel()
    self.question = Task.detached { [answer = parts.answer, weak self] in
      let answer = await answer(question)
      await self?.take(answer)
    }
  }

  private func take(_ answer: Session.Answer) {
    guard !Task.isCancelled else { return }
    question = nil
    handle(.answer(answer))
  }

  /// Closes a listener that lets more wait than it may.
  private func hasRoom() -> Bool {
    guard isOpen else { return false }
    let pending = channel.pending
    guard pending.bytes > parts.limits.pendingBytes || pending.frames > parts.limits.pendingMessages else {
      return true
    }
    close(WebSocketClose(code: HubClose.tryAgainLater, reason: "messages are not taken as fast as they come"))
    return false
  }

  private func close(_ close: WebSocketClose) {
    guard isOpen else { return }
    isOpen = false
    question?.cancel()
    parts.metrics.closed(close.code)
    channel.close(close.code, reason: close.reason)
  }
}
