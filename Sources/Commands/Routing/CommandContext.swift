import Gateway
import Platform

/// What a command knows of its invocation, and how it answers before it returns.
public struct CommandContext<Services: Sendable>: Sendable {
  /// What the plugin gave.
  public let services: Services
  let invocation: CommandInvocation

  public var interaction: Interaction { invocation.interaction }
  /// Who gave the command.
  public var user: User { invocation.user }
  /// The same in this guild; nil in a direct message.
  public var member: Member? { interaction.member }
  public var guildID: Snowflake? { interaction.guildID }
  public var channelID: Snowflake? { interaction.channelID }
  /// The message that holds the component which was used.
  public var message: Message? { interaction.message }
  /// The objects behind the ids that came with the interaction.
  public var resolved: ResolvedData {
    switch interaction.data {
    case .command(let data), .autocomplete(let data): data.resolved
    case .component(let data): data.resolved
    case .modal(let data): data.resolved
    case .none, .unknown: ResolvedData()
    }
  }
  /// Makes buttons, selects and dialogs; those bound to a user or a server belong to this one.
  public var components: ComponentIssuer { invocation.components }
  /// All that the invoker may do in this channel; nothing in a direct message.
  public var permissions: Permissions { interaction.member?.permissions ?? [] }
  /// The invoker's language, as in `de` or `en-US`.
  public var locale: String { interaction.locale ?? "en-US" }
  /// All commands of the bot.
  public var catalog: CommandCatalog { invocation.catalog }
  /// A log that names this command.
  public var log: Log { invocation.log }
  /// When the interaction reached this process, on the monotonic clock of ``time``.
  public var receivedAt: ContinuousClock.Instant { invocation.receivedAt }
  public var time: any TimeSource { invocation.time }

  /// The guild of a command that is for servers only.
  /// - Throws: ``UserError`` in a direct message.
  public func requireGuild() throws -> Snowflake {
    guard let guildID else { throw UserError("This works in a server only.") }
    return guildID
  }

  /// Shows at once that the bot works on it. The router does this by itself after about two seconds.
  /// - Throws: ``ReplyFailure``
  public func deferAnswer() async throws { try await invocation.session.deferAnswer() }

  /// Shows an answer now; what `run` returns takes its place.
  /// - Throws: ``ReplyFailure``
  public func show(_ reply: Reply) async throws { try await invocation.session.show(reply) }

  /// Sends a further message. Before the answer is out, it is kept and sent right behind it; then its failure is only
  /// logged.
  /// - Throws: ``ReplyFailure``
  @discardableResult
  public func followUp(_ reply: Reply) async throws -> FollowUp { try await invocation.session.followUp(reply) }
}

/// One use of a command.
struct CommandInvocation: Sendable {
  let interaction: Interaction
  let user: User
  let options: [OptionInput]
  let session: ReplySession
  let catalog: CommandCatalog
  let components: ComponentIssuer
  let receivedAt: ContinuousClock.Instant
  let time: any TimeSource
  let log: Log
}
