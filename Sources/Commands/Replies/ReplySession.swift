import Gateway
import Platform

/// A further message, to be changed or taken back while the interaction's token lives.
public struct FollowUp: Sendable {
  let session: ReplySession
  let ticket: ReplyMachine.Ticket

  /// - Throws: ``ReplyFailure``
  public func edit(_ reply: Reply) async throws { try await session.change(ticket, to: reply) }
  /// - Throws: ``ReplyFailure``
  public func delete() async throws { try await session.change(ticket, to: nil) }
}

/// Drives a ``ReplyMachine``: sends what it asks for and wakes whoever waits.
actor ReplySession {
  private let handle: InteractionHandle
  private let responder: any InteractionResponder
  private let time: any TimeSource
  private let timing: ReplyMachine.Timing
  private let log: Log
  private var machine: ReplyMachine
  private var lastTicket = 0
  private var waiting: [ReplyMachine.Ticket: CheckedContinuation<Void, any Error>] = [:]
  private var ending:
    (remake: @Sendable (ReplyFailure) -> Reply, continuation: CheckedContinuation<ReplyFailure?, Never>)?
  private var timer: Task<Void, Never>?

  init(
    _ interaction: Interaction, style: AnswerStyle, responder: any InteractionResponder, time: any TimeSource,
    timing: ReplyMachine.Timing, log: Log
  ) {
    handle = InteractionHandle(interaction)
    self.responder = responder
    self.time = time
    self.timing = timing
    self.log = log
    var source: ReplyMachine.Source = interaction.message == nil ? [] : .message
    if interaction.type == .modalSubmit { source.insert(.modal) }
    // A command used on a message does not come from it.
    if interaction.type == .applicationCommand { source = [] }
    machine = ReplyMachine(style: style, source: source, receivedAt: time.now, timing: timing)
  }

  /// Begins to count the time to the deferral.
  func start() {
    let deadline = time.now + timing.deferAfter
    timer = Task { [time] in
      do { try await time.sleep(until: deadline) } catch { return }  // cancelled: the answer is there
      self.feed(.deadline)
    }
  }

  func deferAnswer() async throws { try await request { .deferral($0) } }
  func show(_ reply: Reply) async throws { try await request { .show(reply, $0) } }
  func followUp(_ reply: Reply) async throws -> FollowUp {
    let ticket = try await request { .followUp(reply, $0) }
    return FollowUp(session: self, ticket: ticket)
  }
  func change(_ followUp: ReplyMachine.Ticket, to reply: Reply?) async throws {
    try await request { .change(followUp, reply, $0) }
  }

  /// Sends the last word and returns when it, and what was queued behind it, is out.
  /// - Parameter remake: Makes another last word, once, if Discord does not take this one.
  /// - Returns: why the last word did not arrive; nil if it did.
  func end(_ reply: Reply, remake: @escaping @Sendable (ReplyFailure) -> Reply) async -> ReplyFailure? {
    await withCheckedContinuation { continuation in
      ending = (remake, continuation)
      feed(.end(reply))
    }
  }

  @discardableResult
  private func request(
    _ input: (ReplyMachine.Ticket) -> ReplyMachine.Input
  ) async throws -> ReplyMachine.Ticket {
    try Task.checkCancellation()
    lastTicket += 1
    let ticket = lastTicket
    try await withCheckedThrowingContinuation { continuation in
      waiting[ticket] = continuation
      feed(input(ticket))
    }
    return ticket
  }

  private func feed(_ input: ReplyMachine.Input) {
    for action in machine.handle(input, now: time.now) {
      switch action {
      case .perform(let operation):
        timer?.cancel()
        // Its own task: a cancelled command must still be able to say so.
        Task { self.feed(.sent(await self.perform(operation))) }
      case .resolve(let ticket, let failure):
        let continuation = waiting.removeValue(forKey: ticket)
        if let failure { continuation?.resume(throwing: failure) } else { continuation?.resume() }
      case .lost(let failure):
        log.warning("follow-up not delivered", ["error": .of(failure)])
      case .refused(let failure):
        if let remake = ending?.remake { feed(.end(remake(failure))) }
      case .ended(let failure):
        timer?.cancel()
        ending?.continuation.resume(returning: failure)
        ending = nil
      }
    }
  }

  private func perform(_ operation: ReplyMachine.Operation) async -> Result<Snowflake?, ReplyFailure> {
    do throws(ReplyFailure) {
      switch operation {
      case .respond(let response):
        try await responder.respond(to: handle, with: response)
        return .success(nil)
      case .edit(let target, let body):
        try await responder.edit(target, of: handle, to: body)
        return .success(nil)
      case .delete(let target):
        try await responder.delete(target, of: handle)
        return .success(nil)
      case .followUp(let body):
        return .success(try await responder.followUp(handle, with: body))
      }
    } catch {
      return .failure(error)
    }
  }
}
