import Gateway

/// The life of the answer to one interaction.
///
/// Nothing is said for ``Timing/deferAfter``: then the answer is deferred ("… is thinking"), and what comes later edits
/// it. At most one request is on its way at a time, so that an edit never overtakes the answer it edits. A deferred
/// answer's visibility is fixed: what must be seen by others than those who see it takes its place as a new message.
///
/// Source: Discord, Receiving and Responding to Interactions: 3 seconds to the first answer, 15 minutes for the rest.
struct ReplyMachine {
  struct Timing: Sendable {
    /// After this the answer is deferred; a second before Discord gives up.
    var deferAfter: Duration = .seconds(2)
    /// How long the token is valid.
    var lifetime: Duration = .seconds(15 * 60)
  }

  /// Names a request whose sender waits for it.
  typealias Ticket = Int

  enum Input: Sendable {
    /// ``Timing/deferAfter`` is over.
    case deadline
    /// Shows that the bot works on it.
    case deferral(Ticket)
    /// Shows an answer which a later one replaces.
    case show(Reply, Ticket)
    /// A further message. Asked for before the answer, it is sent right behind it and its ticket is resolved at once.
    case followUp(Reply, Ticket)
    /// The last word. After ``Action/refused(_:)`` it may be given once more.
    case end(Reply)
    /// What became of the operation on its way; the id is a follow-up's.
    case sent(Result<Snowflake?, ReplyFailure>)
  }

  enum Operation: Sendable {
    case respond(InteractionResponse)
    case edit(ReplyTarget, MessageBody)
    case delete(ReplyTarget)
    case followUp(MessageBody)
  }

  enum Action: Sendable {
    case perform(Operation)
    case resolve(Ticket, ReplyFailure?)
    /// A follow-up for which nobody waits any more did not arrive.
    case lost(ReplyFailure)
    /// Discord did not take the last word; another can be given.
    case refused(ReplyFailure)
    /// The last word, and what was queued, is sent; or nothing can be said any more. Comes once.
    case ended(ReplyFailure?)
  }

  private enum Phase {
    case open
    case deferred(isEphemeral: Bool)
    case answered(ReplyTarget, isEphemeral: Bool)
    /// A dialog was opened: it has its own interaction.
    case modal
    case closed(ReplyFailure)
  }

  private struct Request {
    enum Kind {
      case deferral
      case show(Reply)
      case followUp(Reply)
    }
    var kind: Kind
    var ticket: Ticket?
    var isFinal = false
  }

  /// The operation on its way.
  private enum Step {
    case deferral(Request, isEphemeral: Bool)
    case message(Request, isEphemeral: Bool)
    case modal(Request)
    case edit(Request, MessageBody, ReplyTarget, isEphemeral: Bool)
    /// Makes room for a message of another visibility.
    case deletion(Request, MessageBody, isEphemeral: Bool)
    case replacement(Request, isEphemeral: Bool)
    case followUp(Request)
  }

  private let style: AnswerStyle
  private let expiry: ContinuousClock.Instant
  private var phase = Phase.open
  private var step: Step?
  private var queue: [Request] = []
  private var hasEnd = false
  private var endFailure: ReplyFailure?
  private var wasRefused = false
  private var hasEnded = false
  private var actions: [Action] = []

  init(style: AnswerStyle, receivedAt: ContinuousClock.Instant, timing: Timing = Timing()) {
    self.style = style
    expiry = receivedAt + timing.lifetime
  }

  mutating func handle(_ input: Input, now: ContinuousClock.Instant) -> [Action] {
    actions = []
    switch input {
    case .deadline:
      // A dialog cannot follow a deferral: such a command has to hurry instead.
      if style != .modal, case .open = phase, step == nil { queue.insert(Request(kind: .deferral), at: 0) }
    case .deferral(let ticket):
      queue.append(Request(kind: .deferral, ticket: ticket))
    case .show(let reply, let ticket):
      queue.append(Request(kind: .show(reply), ticket: ticket))
    case .followUp(let reply, let ticket):
      switch phase {
      case .open, .deferred:
        queue.append(Request(kind: .followUp(reply)))
        actions.append(.resolve(ticket, nil))
      case .answered, .modal, .closed:
        queue.append(Request(kind: .followUp(reply), ticket: ticket))
      }
    case .end(let reply):
      queue.append(Request(kind: .show(reply), isFinal: true))
    case .sent(let result):
      if let step {
        self.step = nil
        complete(step, result)
      }
    }
    advance(now: now)
    return actions
  }

  // MARK: - Sending

  private mutating func advance(now: ContinuousClock.Instant) {
    while step == nil, let request = next() {
      if case .closed(let failure) = phase {
        fail(request, failure)
      } else if now >= expiry {
        close(.gone("its token has expired"))
        fail(request, .gone("its token has expired"))
      } else {
        start(request)
      }
    }
    if step == nil, queue.isEmpty, hasEnd, !hasEnded {
      hasEnded = true
      actions.append(.ended(endFailure))
    }
  }

  /// Follow-ups wait until there is an answer to follow.
  private mutating func next() -> Request? {
    let index: Int? =
      switch phase {
      case .open, .deferred:
        queue.firstIndex { request in
          if case .followUp = request.kind { return false }
          return true
        }
      case .answered, .modal, .closed: queue.indices.first
      }
    return index.map { queue.remove(at: $0) }
  }

  private mutating func start(_ request: Request) {
    switch request.kind {
    case .deferral:
      guard case .open = phase else { return succeed(request) }
      guard style != .modal else {
        return fail(request, .rejected("a command that opens a dialog cannot defer its answer"))
      }
      let isEphemeral = style == .ephemeral
      perform(.respond(.deferredMessage(isEphemeral: isEphemeral)), .deferral(request, isEphemeral: isEphemeral))
    case .show(let reply):
      switch reply.content {
      case .modal(let modal):
        guard case .open = phase else {
          return fail(request, .rejected("a dialog cannot follow another answer, a deferred one included"))
        }
        perform(.respond(.modal(modal)), .modal(request))
      case .message(let body):
        show(body, isEphemeral: isEphemeral(reply), for: request)
      }
    case .followUp(let reply):
      guard case .message(let body) = reply.content else {
        return fail(request, .rejected("a dialog cannot be a follow-up"))
      }
      guard case .answered = phase else { return fail(request, .rejected("there is no answer to follow")) }
      perform(.followUp(body.new(isEphemeral: isEphemeral(reply))), .followUp(request))
    }
  }

  private mutating func show(_ body: MessageBody, isEphemeral: Bool, for request: Request) {
    switch phase {
    case .open:
      perform(
        .respond(.message(body.new(isEphemeral: isEphemeral))), .message(request, isEphemeral: isEphemeral))
    case .deferred(let wasEphemeral):
      place(body, isEphemeral, .original, wasEphemeral, for: request)
    case .answered(let target, let wasEphemeral):
      place(body, isEphemeral, target, wasEphemeral, for: request)
    case .modal: fail(request, .rejected("a dialog was the answer"))
    case .closed(let failure): fail(request, failure)
    }
  }

  private mutating func place(
    _ body: MessageBody, _ isEphemeral: Bool, _ target: ReplyTarget, _ wasEphemeral: Bool, for request: Request
  ) {
    if isEphemeral == wasEphemeral {
      perform(.edit(target, body.replacing), .edit(request, body, target, isEphemeral: isEphemeral))
    } else {
      perform(.delete(target), .deletion(request, body, isEphemeral: isEphemeral))
    }
  }

  private mutating func perform(_ operation: Operation, _ step: Step) {
    self.step = step
    actions.append(.perform(operation))
  }

  private func isEphemeral(_ reply: Reply) -> Bool { reply.isEphemeral ?? (style == .ephemeral) }

  // MARK: - Results

  private mutating func complete(_ step: Step, _ result: Result<Snowflake?, ReplyFailure>) {
    switch (step, result) {
    case (.deferral(let request, let isEphemeral), .success),
      // If it did arrive, the edit that follows works; if not, that edit tells.
      (.deferral(let request, let isEphemeral), .failure(.uncertain)):
      phase = .deferred(isEphemeral: isEphemeral)
      succeed(request)
    case (.deferral(let request, _), .failure(let failure)):
      close(failure)
      fail(request, failure)

    case (.message(let request, let isEphemeral), .success):
      phase = .answered(.original, isEphemeral: isEphemeral)
      succeed(request)
    case (.message(let request, let isEphemeral), .failure(.uncertain)):
      phase = .deferred(isEphemeral: isEphemeral)
      queue.insert(request, at: 0)

    case (.modal(let request), .success):
      phase = .modal
      succeed(request)

    case (.edit(let request, _, let target, let isEphemeral), .success):
      phase = .answered(target, isEphemeral: isEphemeral)
      succeed(request)
    case (.edit(let request, let body, _, let isEphemeral), .failure(.messageGone)),
      (.deletion(let request, let body, let isEphemeral), .success),
      (.deletion(let request, let body, let isEphemeral), .failure(.messageGone)):
      perform(.followUp(body.new(isEphemeral: isEphemeral)), .replacement(request, isEphemeral: isEphemeral))

    case (.replacement(let request, let isEphemeral), .success(let id)):
      if let id { phase = .answered(.message(id), isEphemeral: isEphemeral) }
      succeed(request)

    case (.followUp(let request), .success):
      succeed(request)

    case (.message(let request, _), .failure(let failure)), (.modal(let request), .failure(let failure)),
      (.edit(let request, _, _, _), .failure(let failure)), (.deletion(let request, _, _), .failure(let failure)),
      (.replacement(let request, _), .failure(let failure)), (.followUp(let request), .failure(let failure)):
      switch failure {
      case .gone, .alreadyAnswered: close(failure)
      case .messageGone, .rejected, .uncertain: break
      }
      fail(request, failure)
    }
  }

  private mutating func close(_ failure: ReplyFailure) { phase = .closed(failure) }

  private mutating func succeed(_ request: Request) {
    if let ticket = request.ticket { actions.append(.resolve(ticket, nil)) }
    if request.isFinal { hasEnd = true }
  }

  private mutating func fail(_ request: Request, _ failure: ReplyFailure) {
    if let ticket = request.ticket {
      actions.append(.resolve(ticket, failure))
    } else if case .followUp = request.kind {
      actions.append(.lost(failure))
    }
    guard request.isFinal else { return }
    if case .rejected = failure, !wasRefused {
      wasRefused = true
      actions.append(.refused(failure))
    } else {
      hasEnd = true
      endFailure = failure
    }
  }
}
