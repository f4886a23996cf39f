import Core
import Gateway
import Platform
import Synchronization

/// Feeds in Discord's channels.
final class DiscordFeedOutlet: FeedOutlet {
  /// How long Discord's word about a member holds.
  static let memory = Duration.seconds(600)
  /// Answers kept at once.
  static let capacity = 5_000
  /// The channel or its server is gone, or the bot may not see it or write in it.
  private static let closed: Set<DiscordErrorCode> = [
    .unknownChannel, .unknownGuild, .missingAccess, .missingPermissions,
  ]

  private struct Question: Hashable {
    let user: UserID
    let guild: GuildID
  }

  private let rest: RESTClient
  private let cache: @Sendable () -> GuildCache?
  private let time: any TimeSource
  private let known = Mutex<[Question: (answer: Bool, at: ContinuousClock.Instant)]>([:])

  init(rest: RESTClient, time: any TimeSource, cache: @escaping @Sendable () -> GuildCache?) {
    self.rest = rest
    self.time = time
    self.cache = cache
  }

  func post(_ message: FeedMessage, in channel: FeedChannelID) async throws {
    try await post(FeedWords.body(of: message), in: channel)
  }

  /// Tries a channel before a feed is set up there.
  func greet(_ channel: FeedChannelID, _ text: String) async throws {
    try await post(
      MessageBody(embeds: [Embed(description: text, color: FeedWords.color)], allowedMentions: AllowedMentions.none),
      in: channel)
  }

  private func post(_ body: MessageBody, in channel: FeedChannelID) async throws {
    do {
      _ = try await rest.createMessage(body, in: Snowflake(rawValue: channel.rawValue))
    } catch let error as DiscordError {
      guard case .refused(let refusal) = error, refusal.status < 500 else {
        if case .invalid = error { throw FeedOutletFailure.refused(reason: "\(error)") }
        throw error
      }
      // 404 and 403 whatever their code: a thread that was archived and locked, a channel of another kind.
      if Self.closed.contains(refusal.code) || refusal.status == 403 || refusal.status == 404 {
        throw FeedOutletFailure.closed(reason: refusal.message)
      }
      throw FeedOutletFailure.refused(reason: "\(error)")
    }
  }

  func isMember(_ user: UserID, of guild: GuildID) async throws -> Bool {
    let question = Question(user: user, guild: guild)
    let now = time.now
    if let known = known.withLock({ $0[question] }), now - known.at < Self.memory { return known.answer }
    let answer = try await ask(Snowflake(rawValue: user.rawValue), Snowflake(rawValue: guild.rawValue))
    known.withLock { known in
      if known.count >= Self.capacity { known = known.filter { now - $0.value.at < Self.memory } }
      if known.count >= Self.capacity { known = [:] }
      known[question] = (answer, now)
    }
    return answer
  }

  private func ask(_ user: Snowflake, _ guild: Snowflake) async throws -> Bool {
    if cache()?.member(user, in: guild) != nil { return true }
    do {
      _ = try await rest.member(user, of: guild)
      return true
    } catch DiscordError.refused(let refusal) where refusal.status == 404 || refusal.status == 403 {
      return false
    }
  }
}
