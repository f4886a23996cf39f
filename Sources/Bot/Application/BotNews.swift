import Core
import Gateway
import Platform

/// Tells the rest of the program, and those who listen to it, what happens to the bot itself: as domain events, so that
/// webhooks hear of it too. What cannot be stored is in the log; the bot goes on.
struct BotNews: Sendable {
  let shared: SharedState
  let log: Log

  /// All shards are ready for the first time, or the bot leaves.
  func status(isOnline: Bool) async {
    await tell(.init("bot.status_changed", data: ["status": isOnline ? "online" : "offline"]))
  }

  func joined(_ user: Gateway.User, _ guild: Snowflake) async { await tell("user.joined", user, guild) }
  func left(_ user: Gateway.User, _ guild: Snowflake) async { await tell("user.left", user, guild) }

  private func tell(_ name: String, _ user: Gateway.User, _ guild: Snowflake) async {
    await tell(
      .init(
        name, guild: GuildID(guild), subjects: [.user(UserID(user.id))],
        data: [
          "id": .string("\(user.id)"), "username": .string(user.username), "serverId": .string("\(guild)"),
        ]))
  }

  private func tell(_ news: DomainEvent.Draft) async {
    do {
      try await shared.database.write { [events = shared.events] in try events.append(news, in: $0) }
    } catch {
      log.error("an event was not stored", ["event": .string(news.name), "error": .error(error)])
    }
  }
}
