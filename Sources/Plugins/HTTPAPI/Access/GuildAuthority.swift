import Core

/// Tells who manages a guild: its owner, or whoever has MANAGE_GUILD (or ADMINISTRATOR) there, as Discord says now.
///
/// Answered from the gateway's cache or by Discord's REST. An error is not an answer: the request fails, nobody gets in.
public protocol GuildAuthority: Sendable {
  func isManager(_ user: UserID, of guild: GuildID) async throws -> Bool
}

extension AccessRule {
  /// Decides with all that is known, asking about the guild only if the answer depends on it.
  public func refusal(
    of principal: Principal, isLocal: Bool, authority: any GuildAuthority
  ) async throws -> Refusal? {
    var circumstances = Circumstances(isLocal: isLocal)
    if let question = guildToAsk(for: principal) {
      circumstances.managesGuild = try await authority.isManager(question.user, of: question.guild)
    }
    return refusal(of: principal, in: circumstances)
  }
}
