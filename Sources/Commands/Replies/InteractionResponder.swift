import Gateway
import Platform

/// Which message of an interaction an edit or a deletion means.
public enum ReplyTarget: Sendable, Hashable {
  /// The first answer.
  case original
  /// A follow-up.
  case message(Snowflake)
}

/// What is needed to answer an interaction.
public struct InteractionHandle: Sendable {
  public let id: Snowflake
  public let applicationID: Snowflake
  public let token: Secret<String>

  public init(_ interaction: Interaction) {
    id = interaction.id
    applicationID = interaction.applicationID
    token = interaction.token
  }
}

/// Why an answer did not arrive, as far as it matters to what can be done next.
public enum ReplyFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The interaction or its token is no more: too late, or expired. Nothing can be said any more.
  case gone(String)
  /// The token's 15 minutes are over, by our own clock: Discord was not asked.
  case expired
  /// Someone else has answered already: a second process with the same token.
  case alreadyAnswered
  /// The message to edit or delete was deleted.
  case messageGone
  /// Discord does not take what was sent; something else could still be.
  case rejected(String)
  /// It may have arrived, or not.
  case uncertain(String)

  public var description: String {
    switch self {
    case .gone(let reason): "the interaction cannot be answered any more: \(reason)"
    case .expired: "the interaction cannot be answered any more: its token has expired"
    case .alreadyAnswered: "the interaction was answered already: does the bot run twice?"
    case .messageGone: "the message was deleted"
    case .rejected(let reason): "Discord refused the answer: \(reason)"
    case .uncertain(let reason): "the answer may not have arrived: \(reason)"
    }
  }
}

/// Sends answers to Discord.
///
/// Source: Discord, Receiving and Responding to Interactions, "Endpoints".
public protocol InteractionResponder: Sendable {
  /// The first answer, within three seconds.
  func respond(to interaction: InteractionHandle, with response: InteractionResponse) async throws(ReplyFailure)
  func edit(
    _ target: ReplyTarget, of interaction: InteractionHandle, to body: MessageBody
  ) async throws(ReplyFailure)
  func delete(_ target: ReplyTarget, of interaction: InteractionHandle) async throws(ReplyFailure)
  /// - Returns: the new message.
  func followUp(_ interaction: InteractionHandle, with body: MessageBody) async throws(ReplyFailure) -> Snowflake
}
