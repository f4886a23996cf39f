import Gateway

/// The life of the answer to one interaction.
///
/// Nothing is said for ``Timing/deferAfter``: then the answer is deferred ("… is thinking"), and what comes later edits
/// it. At most one request is on its way at a time, so that an edit never overtakes the answer it edits. A deferred
/// answer's visibility is fixed: what must be seen by others than those who see it takes its place as a new message.
///
/// The answer to a component can also be a change of the message that holds it. That message is never taken for the bot's
/// own answer: what is to stand beside it is a follow-up.
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
    /// Changes the follow-up of that ticket, nil: deletes it. Resolved like a follow-up.
    case change(Ticket, Reply?, Ticket)
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
    /// The component's message is the answer: changed, or left as it was.
    case acknowledged
    /// A dialog was opened: it has its own interaction.
    case modal
    case closed(ReplyFailure)
  }

  private struct Request {
    enum Kind {
      case deferral
      case show(Reply)
      case followUp(Reply)
      case change(Ticket, MessageBody?)

      /// Whether it can be sent only behind an answer.
      var follows: Bool {
        switch self {
        case .deferral, .show: false
        case .followUp, .change: true
        }
      }
    }
    var kind: Kind
    var ticket: Ticket?
    /// Names a follow-up for later changes, also when nobody waits for it any more.
    var name: Ticket?
    var isFinal = false
  }

  /// The operation on its way.
  private enum Step {
    case deferral(Request, isEphemeral: Bool)
    case message(Request, isEphemeral: Bool)
    case modal(Request)
    case acknowledgement(Request)
    case update(Request)
    /// Of an answer, for good.
    case removal(Request)
    case change(Request)
    case edit(Request, MessageBody, ReplyTarget, isEphemeral: Bool)
    /// Makes room for a message of another visibility.
    case deletion(Request, MessageBody, isEphemeral: Bool)
    case replacement(Request, isEphemeral: Bool)
    case followUp(Request)
  }

  /// What can be answered to the interaction.
  struct Source: OptionSet {
    let rawValue: Int
    /// A message holds the component that was used.
    static let message = Source(rawValue: 1)
    /// A dialog was sent off: another one cannot follow.
    static let modal = Source(rawValue: 2)
  }

  private let style: AnswerStyle
  private let source: Source
  private let expiry: ContinuousClock.Instant
  private var phase = Phase.open
  private var step: Step?
  private var queue: [Request] = []
  private var hasEnd = false
  private var endFailure: ReplyFailure?
  private var wasRefused = false
  private var hasEnded = false
  private var actions: [Action] = []
  /// The follow-ups that were sent.
  private var followUps: [Ticket: Snowflake] = [:]

  init(
    style: AnswerStyle, source: Source = [], receivedAt: ContinuousClock.Instant, timing: Timing = Timing()
  ) {
    // A dialog that no component opened has no message to change.
    self.style = style == .update && !source.contains(.message) ? .ephemeral : style
    self.source = source
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
    case .followUp(let reply, let ticket): enqueue(.followUp(reply), ticket, name: ticket)
    case .change(let followUp, let reply, let ticket):
      switch reply?.content {
      case nil: enqueue(.change(followUp, nil), ticket)
      case .message(let body): enqueue(.change(followUp, body), ticket)
      default: actions.append(.resolve(ticket, .rejected("a follow-up is a message")))
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

  /// What waits for the answer is resolved at once: who waited for it to be sent would wait for their own answer.
  private mutating func enqueue(_ kind: Request.Kind, _ ticket: Ticket, name: Ticket? = nil) {
    switch phase {
    case .open, .deferred:
      queue.append(Request(kind: kind, name: name))
      actions.append(.resolve(ticket, nil))
    case .answered, .acknowledged, .modal, .closed: queue.append(Request(kind: kind, ticket: ticket, name: name))
    }
  }

  // MARK: - Sending

  private mutating func advance(now: ContinuousClock.Instant) {
    while step == nil, let request = next() {
      if case .closed(let failure) = phase {
        fail(request, failure)
      } else if now >= expiry {
        close(.expired)
        fail(request, .expired)
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
      case .open, .deferred: queue.firstIndex { !$0.kind.follows }
      case .answered, .acknowledged, .modal, .closed: queue.indices.first
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
      if style == .update { return perform(.respond(.deferredUpdate), .acknowledgement(request)) }
      let isEphemeral = style == .ephemeral
      perform(.respond(.deferredMessage(isEphemeral: isEphemeral)), .deferral(request, isEphemeral: isEphemeral))
    case .show(let reply):
      switch reply.content {
      case .modal(let modal):
        guard case .open = phase else {
          return fail(request, .rejected("a dialog cannot follow another answer, a deferred one included"))
        }
        guard !source.contains(.modal) else {
          return fail(request, .rejected("a dialog cannot follow another dialog"))
        }
        perform(.respond(.modal(modal)), .modal(request))
      case .nothing: leave(request)
      case .deletion: remove(request)
      case .message(let body):
        if isUpdate(reply) {
          update(body, for: request)
        } else {
          show(body, isEphemeral: isEphemeral(reply), for: request)
        }
      }
    case .followUp(let reply):
      guard case .message(let body) = reply.content else {
        return fail(request, .rejected("a dialog cannot be a follow-up"))
      }
      guard canFollow else { return fail(request, .rejected("there is no answer to follow")) }
      perform(.followUp(body.new(isEphemeral: isEphemeral(reply))), .followUp(request))
    case .change(let name, let body):
      guard let id = followUps[name] else { return fail(request, .messageGone) }
      if body == nil { followUps[name] = nil }
      perform(body.map { .edit(.message(id), $0.replacing) } ?? .delete(.message(id)), .change(request))
    }
  }

  private var canFollow: Bool {
    switch phase {
    case .answered, .acknowledged: true
    case .open, .deferred, .modal, .closed: false
    }
  }

  private func isUpdate(_ reply: Reply) -> Bool {
    switch reply.placement {
    case .update: true
    case .message: false
    case nil: style == .update && reply.isEphemeral == nil
    }
  }

  /// Changes the message that holds the component.
  private mutating func update(_ body: MessageBody, for request: Request) {
    switch phase {
    case .open where source.contains(.message): perform(.respond(.update(body.replacing)), .update(request))
    case .acknowledged: perform(.edit(.original, body.replacing), .update(request))
    case .closed(let failure): fail(request, failure)
    case .open: fail(request, .rejected("there is no message to change"))
    case .deferred, .answered, .modal:
      fail(request, .rejected("another answer was begun already: declare that this one changes the message"))
    }
  }

  private mutating func leave(_ request: Request) {
    switch phase {
    case .open where source.contains(.message): perform(.respond(.deferredUpdate), .acknowledgement(request))
    case .open: fail(request, .rejected("a command has to say something"))
    case .deferred: perform(.delete(.original), .removal(request))
    case .answered, .acknowledged, .modal: succeed(request)
    case .closed(let failure): fail(request, failure)
    }
  }

  private mutating func remove(_ request: Request) {
    switch phase {
    case .open where source.contains(.message):
      // Acknowledged first, then it comes here again.
      perform(.respond(.deferredUpdate), .acknowledgement(request))
    case .open: fail(request, .rejected("there is no message to delete"))
    case .deferred, .acknowledged: perform(.delete(.original), .removal(request))
    case .answered(let target, _): perform(.delete(target), .removal(request))
    case .modal: fail(request, .rejected("a dialog was the answer"))
    case .closed(let failure): fail(request, failure)
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
    case .acknowledged:
      perform(.followUp(body.new(isEphemeral: isEphemeral)), .replacement(request, isEphemeral: isEphemeral))
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

    case (.acknowledgement(let request), .success), (.acknowledgement(let request), .failure(.uncertain)):
      phase = .acknowledged
      if case .show(let reply) = request.kind, case .deletion = reply.content {
        queue.insert(request, at: 0)
      } else {
        succeed(request)
      }
    case (.update(let request), .success):
      phase = .acknowledged
      succeed(request)
    case (.update(let request), .failure(.uncertain)):
      // If it did arrive, the edit changes nothing; if not, it tells. An edit that is uncertain itself is not repeated.
      if case .open = phase {
        phase = .acknowledged
        queue.insert(request, at: 0)
      } else {
        fail(request, .uncertain("the message may have been changed"))
      }
    case (.removal(let request), .success), (.removal(let request), .failure(.messageGone)),
      (.change(let request), .success):
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

    case (.followUp(let request), .success(let id)):
      if let name = request.name { followUps[name] = id }
      succeed(request)

    case (.message(let request, _), .failure(let failure)), (.modal(let request), .failure(let failure)),
      (.edit(let request, _, _, _), .failure(let failure)), (.deletion(let request, _, _), .failure(let failure)),
      (.replacement(let request, _), .failure(let failure)), (.followUp(let request), .failure(let failure)),
      (.acknowledgement(let request), .failure(let failure)), (.update(let request), .failure(let failure)),
      (.removal(let request), .failure(let failure)), (.change(let request), .failure(let failure)):
      switch failure {
      case .gone, .expired, .alreadyAnswered: close(failure)
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
    } else if request.kind.follows {
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
