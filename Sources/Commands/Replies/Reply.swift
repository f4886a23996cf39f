import Gateway

/// What a command answers: a message, or a dialog.
///
/// A message mentions nobody unless told to: names in its text become links, but nobody is notified.
///
/// ```swift
/// return "Sent \(amount) coins to \(member.mention)."
/// return Reply(embeds: [card], components: [.actionRow([.button(next)])]).ephemeral
/// ```
public struct Reply: Sendable, ExpressibleByStringInterpolation {
  public enum Content: Sendable {
    case message(MessageBody)
    /// Only of a command or component that declares ``AnswerStyle/modal``, or that answers at once.
    case modal(Modal)
    /// Leaves things as they are: the user sees that a click has arrived, "… is thinking" goes away.
    case nothing
    /// Removes the answer shown so far; of a component that has shown none, the message that holds it.
    case deletion
  }

  /// Where the answer to a component goes.
  public enum Placement: Sendable {
    /// The message that holds the component becomes this.
    case update
    /// A message of its own.
    case message
  }

  public var content: Content
  /// Whether only the invoker sees it; nil: as the command declares.
  public var isEphemeral: Bool?
  /// Nil: as declared, but what only the invoker sees is always a message of its own.
  public var placement: Placement?

  public init(_ content: Content, isEphemeral: Bool? = nil, placement: Placement? = nil) {
    self.content = content
    self.isEphemeral = isEphemeral
    self.placement = placement
  }

  /// - Parameter text: At most 2000 characters of Discord's markdown.
  public init(
    _ text: String? = nil, embeds: [Embed] = [], components: [Component] = [], mentions: AllowedMentions = .none,
    flags: MessageFlags = [], files: [FileUpload] = []
  ) {
    content = .message(
      MessageBody(
        content: text, embeds: embeds.isEmpty ? nil : embeds, components: components.isEmpty ? nil : components,
        flags: flags.isEmpty ? nil : flags, allowedMentions: mentions, files: files))
  }

  public init(stringLiteral text: String) { self.init(text) }

  /// A message made of components alone: containers, sections, texts, galleries, files, rows.
  ///
  /// At most 40 components, nested ones included, with 4000 characters of text.
  public init(layout: [Component], mentions: AllowedMentions = .none, files: [FileUpload] = []) {
    content = .message(
      MessageBody(components: layout, flags: .componentsV2, allowedMentions: mentions, files: files))
  }

  public static func modal(_ modal: Modal) -> Reply { Reply(.modal(modal)) }
  public static let nothing = Reply(.nothing)
  public static let deletion = Reply(.deletion)

  /// This reply as a message of its own, also where the message with the component would be changed.
  public var separate: Reply {
    var reply = self
    reply.placement = .message
    return reply
  }

  /// This reply in place of the message that holds the component.
  public var update: Reply {
    var reply = self
    reply.placement = .update
    return reply
  }

  /// This reply for the invoker's eyes only.
  public var ephemeral: Reply {
    var reply = self
    reply.isEphemeral = true
    return reply
  }
}

extension MessageBody {
  /// As a new message.
  func new(isEphemeral: Bool) -> MessageBody {
    var body = self
    if isEphemeral { body.flags = (flags ?? []).union(.ephemeral) }
    return body
  }

  /// In place of a message: what that one had and this one has not is removed.
  var replacing: MessageBody {
    var body = self
    body.keptAttachments = keptAttachments ?? []
    // A message made of components alone may name neither text nor embeds.
    if flags?.contains(.componentsV2) == true { return body }
    body.content = content ?? ""
    body.embeds = embeds ?? []
    body.components = components ?? []
    return body
  }
}

/// The look of what the bot says on its own behalf.
public enum ReplyColor {
  public static let error = 0xED4245
  public static let notice = 0x5865F2
  public static let success = 0x57F287
}

extension Reply {
  /// What the user did wrong, for the user alone.
  static func userError(_ message: String) -> Reply {
    Reply(embeds: [Embed(description: String(message.prefix(4_000)), color: ReplyColor.error)]).ephemeral
  }

  /// Something broke. The id is in the log with the error.
  static func failure(id: String) -> Reply {
    Reply(embeds: [
      Embed(
        title: "Something went wrong",
        description: "The error was logged. If you report it, give this id: `\(id)`", color: ReplyColor.error)
    ]).ephemeral
  }
}
