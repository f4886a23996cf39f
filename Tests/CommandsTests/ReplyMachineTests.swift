import Gateway
import Platform
import Testing

@testable import Commands

struct ReplyMachineTests {
  /// A step of a script: something happens after so many seconds, and the machine answers with these actions.
  struct Step: Sendable, CustomStringConvertible {
    var seconds: Int
    var input: ReplyMachine.Input
    var actions: [String]

    init(_ seconds: Int = 0, _ input: ReplyMachine.Input, _ actions: String...) {
      self.seconds = seconds
      self.input = input
      self.actions = actions
    }
    var description: String { "\(seconds) s \(input)" }
  }

  struct Script: Sendable, CustomTestStringConvertible {
    var name: String
    var style: AnswerStyle
    var source: ReplyMachine.Source = []
    var steps: [Step]
    var testDescription: String { name }

    init(_ name: String, _ style: AnswerStyle = .visible, _ steps: Step...) {
      self.name = name
      self.style = style
      self.steps = steps
    }
  }

  private static let ok = ReplyMachine.Input.sent(.success(nil))
  private static func failed(_ failure: ReplyFailure) -> ReplyMachine.Input { .sent(.failure(failure)) }
  private static let dialog = Reply.modal(Modal(customID: "m", title: "Form", items: []))
  private static let expired = "the interaction cannot be answered any more: its token has expired"

  /// What a component can be answered with.
  static let componentScripts: [Script] = [
    Script(
      "a change in time", .update,
      Step(0, .end("a"), "update a"), Step(0, ok, "ended")),
    Script(
      "acknowledged, then edited", .update,
      Step(2, .deadline, "acknowledge"), Step(0, ok), Step(5, .end("a"), "edit a"), Step(0, ok, "ended")),
    Script(
      "what only the user sees stands beside the message", .update,
      Step(0, .end(Reply("a").ephemeral), "message ephemeral a"), Step(0, ok, "ended")),
    Script(
      "after an acknowledgement it is a follow-up, and the message stays", .update,
      Step(2, .deadline, "acknowledge"), Step(0, ok), Step(0, .end(Reply("a").ephemeral), "followUp ephemeral a"),
      Step(0, .sent(.success(7)), "ended")),
    Script(
      "a message of its own, then another in its place", .update,
      Step(2, .deadline, "acknowledge"), Step(0, ok), Step(0, .show(Reply("a").separate, 1), "followUp a"),
      Step(0, .sent(.success(7)), "resolve 1"), Step(0, .end(Reply("b").separate), "edit 7 b"), Step(0, ok, "ended")),
    Script(
      "nothing to say", .update,
      Step(0, .end(.nothing), "acknowledge"), Step(0, ok, "ended")),
    Script(
      "nothing to say after an acknowledgement leaves the message", .update,
      Step(2, .deadline, "acknowledge"), Step(0, ok), Step(0, .end(.nothing), "ended")),
    Script(
      "nothing to say after thinking aloud", .visible,
      Step(2, .deadline, "defer"), Step(0, ok), Step(0, .end(.nothing), "delete"), Step(0, ok, "ended")),
    Script(
      "the message goes away", .update,
      Step(0, .end(.deletion), "acknowledge"), Step(0, ok, "delete"), Step(0, ok, "ended")),
    Script(
      "it was gone already", .update,
      Step(2, .deadline, "acknowledge"), Step(0, ok), Step(0, .end(.deletion), "delete"),
      Step(0, failed(.messageGone), "ended")),
    Script(
      "a refused acknowledgement is not repeated for ever", .update,
      Step(0, .end(.deletion), "acknowledge"), Step(0, failed(.rejected("no")), "refused"),
      Step(0, .end(Reply("x").ephemeral), "message ephemeral x"), Step(0, ok, "ended")),
    Script(
      "a change that may have arrived is repeated as an edit, once", .update,
      Step(0, .end("a"), "update a"), Step(0, failed(.uncertain("?")), "edit a"),
      Step(
        0, failed(.uncertain("?")), "ended: the answer may not have arrived: the message may have been changed")),
    Script(
      "a change cannot follow another kind of deferral", .ephemeral,
      Step(2, .deadline, "defer ephemeral"), Step(0, ok), Step(0, .end(Reply("a").update), "refused"),
      Step(0, .end("x"), "edit x"), Step(0, ok, "ended")),
    Script(
      "but comes in time", .ephemeral,
      Step(0, .end(Reply("a").update), "update a"), Step(0, ok, "ended")),
    Script(
      "follow-ups behind an acknowledgement go out at once, and can be changed", .update,
      Step(2, .deadline, "acknowledge"), Step(0, ok), Step(0, .followUp("f", 1), "followUp f"),
      Step(0, .sent(.success(8)), "resolve 1"), Step(0, .change(1, "g", 2), "edit 8 g"), Step(0, ok, "resolve 2"),
      Step(0, .change(1, nil, 3), "delete 8"), Step(0, ok, "resolve 3"),
      Step(0, .change(1, "h", 4), "fail 4: the message was deleted")),
  ]

  @Test(arguments: componentScripts)
  func componentsAreAnswered(script: Script) {
    var script = script
    script.source = .message
    play(script)
  }

  @Test func aDialogFollowsNoDialogAndHasNoMessageToChange() {
    var script = Script(
      "", .update, Step(0, .end(Self.dialog), "refused"), Step(0, .end("a"), "message ephemeral a"),
      Step(0, Self.ok, "ended"))
    script.source = .modal
    play(script)
  }

  static let scripts: [Script] = [
    Script(
      "answered in time", .visible,
      Step(0, .end("a"), "message a"), Step(0, ok, "ended")),
    Script(
      "the deadline behind the answer does nothing", .visible,
      Step(0, .end("a"), "message a"), Step(2, .deadline), Step(0, ok, "ended"), Step(0, .deadline)),
    Script(
      "deferred, then edited", .visible,
      Step(2, .deadline, "defer"), Step(0, ok), Step(5, .end("a"), "edit a"), Step(0, ok, "ended")),
    Script(
      "an answer waits for the deferral on its way", .ephemeral,
      Step(2, .deadline, "defer ephemeral"), Step(0, .end("a")), Step(0, ok, "edit a"), Step(0, ok, "ended")),
    Script(
      "an ephemeral answer to a visible deferral takes its place", .visible,
      Step(2, .deadline, "defer"), Step(0, ok), Step(0, .end(Reply("a").ephemeral), "delete"),
      Step(0, ok, "followUp ephemeral a"), Step(0, .sent(.success(7)), "ended")),
    Script(
      "an ephemeral answer in time is one message", .visible,
      Step(0, .end(Reply("a").ephemeral), "message ephemeral a"), Step(0, ok, "ended")),
    Script(
      "a shown answer is replaced by the last one", .visible,
      Step(0, .show("a", 1), "message a"), Step(0, ok, "resolve 1"), Step(2, .deadline),
      Step(0, .show("b", 2), "edit b"), Step(0, .end("c")), Step(0, ok, "resolve 2", "edit c"), Step(0, ok, "ended")),
    Script(
      "a later answer edits the message that took the place of the first", .visible,
      Step(0, .show("a", 1), "message a"), Step(0, ok, "resolve 1"),
      Step(0, .show(Reply("b").ephemeral, 2), "delete"), Step(0, ok, "followUp ephemeral b"),
      Step(0, .sent(.success(7)), "resolve 2"), Step(0, .end(Reply("c").ephemeral), "edit 7 c"), Step(0, ok, "ended")),
    Script(
      "a deferral asked for resolves when it is out, and once", .visible,
      Step(0, .deferral(1), "defer"), Step(0, ok, "resolve 1"), Step(0, .deferral(2), "resolve 2"),
      Step(2, .deadline)),
    Script(
      "follow-ups wait for the answer", .visible,
      Step(0, .followUp("f", 1), "resolve 1"), Step(2, .deadline, "defer"), Step(0, ok),
      Step(0, .followUp("g", 2), "resolve 2"), Step(0, .end("a"), "edit a"), Step(0, ok, "followUp f"),
      Step(0, .sent(.success(8)), "followUp g"), Step(0, .sent(.success(9)), "ended"),
      Step(60, .followUp("h", 3), "followUp h"), Step(0, .sent(.success(10)), "resolve 3")),
    Script(
      "a follow-up nobody waits for is not lost in silence", .visible,
      Step(0, .followUp("f", 1), "resolve 1"), Step(0, .end("a"), "message a"), Step(0, ok, "followUp f"),
      Step(0, failed(.rejected("no")), "lost: Discord refused the answer: no", "ended")),
    Script(
      "a dialog in time", .modal,
      Step(2, .deadline), Step(0, .end(dialog), "modal Form"), Step(0, ok, "ended")),
    Script(
      "a dialog cannot follow a deferral", .visible,
      Step(2, .deadline, "defer"), Step(0, ok),
      Step(0, .end(dialog), "refused: a dialog cannot follow another answer, a deferred one included"),
      Step(0, .end("sorry"), "edit sorry"), Step(0, ok, "ended")),
    Script(
      "a command with a dialog cannot defer", .modal,
      Step(
        0, .deferral(1), "fail 1: Discord refused the answer: a command that opens a dialog cannot defer its answer"),
      Step(0, .end(dialog), "modal Form"), Step(0, ok, "ended")),
    Script(
      "a command with a dialog can still say no", .modal,
      Step(0, .end(Reply("no").ephemeral), "message ephemeral no"), Step(0, ok, "ended")),
    Script(
      "what Discord refuses is replaced once", .visible,
      Step(0, .end("bad"), "message bad"), Step(0, failed(.rejected("too long")), "refused: too long"),
      Step(0, .end("sorry"), "message sorry"),
      Step(0, failed(.rejected("again")), "ended: Discord refused the answer: again")),
    Script(
      "too late for the deferral", .visible,
      Step(2, .deadline, "defer"), Step(0, failed(.gone("Unknown interaction"))),
      Step(0, .show("b", 1), "fail 1: the interaction cannot be answered any more: Unknown interaction"),
      Step(0, .end("a"), "ended: the interaction cannot be answered any more: Unknown interaction")),
    Script(
      "someone else has answered", .visible,
      Step(0, .end("a"), "message a"),
      Step(0, failed(.alreadyAnswered), "ended: the interaction was answered already: does the bot run twice?")),
    Script(
      "an answer that may have arrived is made sure of by an edit", .visible,
      Step(0, .end("a"), "message a"), Step(0, failed(.uncertain("timeout")), "edit a"), Step(0, ok, "ended")),
    Script(
      "a deferral that may have arrived counts", .visible,
      Step(2, .deadline, "defer"), Step(0, failed(.uncertain("timeout"))), Step(0, .end("a"), "edit a"),
      Step(0, ok, "ended")),
    Script(
      "an edit of a deleted message becomes a new one", .visible,
      Step(0, .show("a", 1), "message a"), Step(0, ok, "resolve 1"), Step(0, .end("b"), "edit b"),
      Step(0, failed(.messageGone), "followUp b"), Step(0, .sent(.success(7)), "ended")),
    Script(
      "the token expires after 15 minutes", .visible,
      Step(2, .deadline, "defer"), Step(0, ok), Step(897, .show("a", 1), "edit a"), Step(0, ok, "resolve 1"),
      Step(1, .show("b", 2), "fail 2: \(expired)"), Step(0, .end("c"), "ended: \(expired)")),
    Script(
      "a refused progress is told to the command alone", .visible,
      Step(0, .show("bad", 1), "message bad"),
      Step(0, failed(.rejected("no")), "fail 1: Discord refused the answer: no"), Step(0, .end("a"), "message a"),
      Step(0, ok, "ended")),
  ]

  @Test(arguments: scripts) func theMachineFollowsTheScript(script: Script) { play(script) }

  private func play(_ script: Script) {
    var now = ContinuousClock.now
    var machine = ReplyMachine(style: script.style, source: script.source, receivedAt: now)
    for (index, step) in script.steps.enumerated() {
      now += .seconds(step.seconds)
      var actions = machine.handle(step.input, now: now).map(Self.text)
      if step.actions == ["refused"], actions.count == 1, actions[0].hasPrefix("refused: ") { actions = ["refused"] }
      #expect(actions == step.actions, "step \(index): \(step)")
    }
  }

  private static func text(_ action: ReplyMachine.Action) -> String {
    switch action {
    case .perform(.respond(.deferredMessage(let isEphemeral))): isEphemeral ? "defer ephemeral" : "defer"
    case .perform(.respond(.message(let body))): "message \(text(body))"
    case .perform(.respond(.deferredUpdate)): "acknowledge"
    case .perform(.respond(.update(let body))): "update \(text(body))"
    case .perform(.respond(.modal(let modal))): "modal \(modal.title)"
    case .perform(.respond(let other)): "\(other)"
    case .perform(.edit(.original, let body)): "edit \(text(body))"
    case .perform(.edit(.message(let id), let body)): "edit \(id) \(text(body))"
    case .perform(.delete(.original)): "delete"
    case .perform(.delete(.message(let id))): "delete \(id)"
    case .perform(.followUp(let body)): "followUp \(text(body))"
    case .resolve(let ticket, nil): "resolve \(ticket)"
    case .resolve(let ticket, let failure?): "fail \(ticket): \(failure)"
    case .lost(let failure): "lost: \(failure)"
    case .refused(.rejected(let reason)): "refused: \(reason)"
    case .refused(let failure): "refused: \(failure)"
    case .ended(nil): "ended"
    case .ended(let failure?): "ended: \(failure)"
    }
  }

  private static func text(_ body: MessageBody) -> String { "\(body.isEphemeral ? "ephemeral " : "")\(body.words)" }

  @Test func anEditTakesAwayWhatTheNewAnswerHasNot() {
    let edit = MessageBody(content: "b").replacing
    #expect(edit.content == "b")
    #expect(edit.embeds == [])
    #expect(edit.components == [])
    #expect(edit.keptAttachments == [])
    let onlyComponents = MessageBody(components: [.textDisplay("x")], flags: .componentsV2).replacing
    #expect(onlyComponents.content == nil)
    #expect(onlyComponents.embeds == nil)
  }

  @Test func aReplyMentionsNobodyUnlessTold() {
    guard case .message(let body) = Reply("@everyone").content else { return #expect(Bool(false)) }
    #expect(body.allowedMentions == AllowedMentions.none)
  }
}
