import Core

/// Tells who manages a guild: its owner, or whoever has MANAGE_GUILD (or ADMINISTRATOR) there, as Discord says now.
///
/// Answered from the gateway's cache or by Discord's REST. An error is not an answer: the request fails, nobody gets in.
public protocol GuildAuthority: Sendable {
  func isManager(_ user: UserID, of guild: GuildID) async throws -> Bool
  /// Whether the user is a member, a manager included.
  func isMember(_ user: UserID, of guild: GuildID) async throws -> Bool
}

extension GuildAuthority {
  /// Where nothing is known of members: who manages the guild is one.
  public func isMember(_ user: UserID, of guild: GuildID) async throws -> Bool {
    try await isManager(user, of: guild)
  }
}

extension AccessRule {
  /// Decides with all that is known, asking about the guild only if the answer depends on it.
  public func refusal(
    of principal: Principal, isLocal: Bool, authority: any GuildAuthority
  ) async throws -> Refusal? {
    var circumstances = Circumstances(isLocal: isLocal)
    if let question = guildToAsk(for: principal) {
      if case .serverMember = who {
        circumstances.isInGuild = try await authority.isMember(question.user, of: question.guild)
      } else {
        circumstances.managesGuild = try await authority.isManager(question.user, of: question.guild)
      }
    }
    return refusal(of: principal, in: circumstances)
  }
}
