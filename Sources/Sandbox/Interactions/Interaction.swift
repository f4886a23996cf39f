import Platform

/// Something a user did that an application must answer. Source: Discord "Receiving and Responding".
struct Interaction: Sendable {
  enum Kind: Int64, Sendable { case command = 2, component = 3, autocomplete = 4, modalSubmit = 5 }

  enum State: Sendable, Equatable {
    /// Not answered yet. Three seconds after its making (``SandboxOptions/firstAnswerLimit``) it is lost.
    case waiting
    /// Deferred: a message stands in for the answer, or the component's message waits.
    case deferred(message: Snowflake?)
    case answered(message: Snowflake?)
    case lost
  }

  static let tokenLifetime = Duration.seconds(15 * 60)

  let id: Snowflake
  let token: String
  let applicationID: Snowflake
  let kind: Kind
  let userID: Snowflake
  let channelID: Snowflake
  let guildID: Snowflake?
  let createdAt: ContinuousClock.Instant
  /// `/pay` without the slash; nil for what is no command.
  let commandName: String?
  /// The message whose component was used.
  let messageID: Snowflake?
  var state = State.waiting
  /// The choices of an autocomplete answer.
  var choices: [JSON]?
  /// The body of the modal that was opened.
  var modal: JSON?
  /// Every message made through the token, the first answer included.
  var messages: [Snowflake] = []

  func isExpired(at now: ContinuousClock.Instant) -> Bool { now >= createdAt.advanced(by: Self.tokenLifetime) }

  /// The message that `@original` stands for.
  var originalID: Snowflake? {
    switch state {
    case .deferred(let message), .answered(let message): message
    case .waiting, .lost: nil
    }
  }

  var stateName: String {
    switch state {
    case .waiting: "waiting"
    case .deferred: "deferred"
    case .answered: "answered"
    case .lost: "lost"
    }
  }
}
