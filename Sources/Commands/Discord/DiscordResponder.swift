import Gateway

/// Answers over Discord's REST API.
public struct DiscordResponder: InteractionResponder {
  private let client: RESTClient

  public init(client: RESTClient) {
    self.client = client
  }

  public func respond(
    to interaction: InteractionHandle, with response: InteractionResponse
  ) async throws(ReplyFailure) {
    try await Self.classified {
      try await client.respond(to: interaction.id, token: interaction.token, with: response)
    }
  }

  public func edit(
    _ target: ReplyTarget, of interaction: InteractionHandle, to body: MessageBody
  ) async throws(ReplyFailure) {
    try await Self.classified {
      switch target {
      case .original:
        _ = try await client.editOriginalResponse(
          body, application: interaction.applicationID, token: interaction.token)
      case .message(let id):
        _ = try await client.editFollowUp(
          id, to: body, application: interaction.applicationID, token: interaction.token)
      }
    }
  }

  public func delete(_ target: ReplyTarget, of interaction: InteractionHandle) async throws(ReplyFailure) {
    try await Self.classified {
      switch target {
      case .original:
        try await client.deleteOriginalResponse(application: interaction.applicationID, token: interaction.token)
      case .message(let id):
        try await client.deleteFollowUp(id, application: interaction.applicationID, token: interaction.token)
      }
    }
  }

  public func followUp(
    _ interaction: InteractionHandle, with body: MessageBody
  ) async throws(ReplyFailure) -> Snowflake {
    try await Self.classified {
      try await client.createFollowUp(body, application: interaction.applicationID, token: interaction.token).id
    }
  }

  private static func classified<Value: Sendable>(
    _ call: () async throws -> Value
  ) async throws(ReplyFailure) -> Value {
    do {
      return try await call()
    } catch {
      throw ReplyFailure(error)
    }
  }
}

extension ReplyFailure {
  /// What an error of the REST client means for an answer.
  ///
  /// Source: Discord, Opcodes and Status Codes, "JSON Error Codes".
  init(_ error: any Error) {
    guard let error = error as? DiscordError else {
      // Cancelled or not encodable: nothing was sent.
      self = .rejected("\(error)")
      return
    }
    switch error {
    case .refused(let refusal):
      switch refusal.code {
      case 10_062, 10_015, 50_027: self = .gone(refusal.message)  // unknown interaction, unknown webhook, invalid token
      case 40_060: self = .alreadyAnswered
      case 10_008: self = .messageGone
      default: self = refusal.status == 404 ? .gone(refusal.message) : .rejected("\(error)")
      }
    case .network(_, _, let mayHaveBeenSent): self = mayHaveBeenSent ? .uncertain("\(error)") : .rejected("\(error)")
    case .unreadable: self = .uncertain("\(error)")
    case .rateLimited, .overloaded, .invalid, .bodyUsedUp: self = .rejected("\(error)")
    case .unauthorized: self = .gone("\(error)")
    }
  }
}
