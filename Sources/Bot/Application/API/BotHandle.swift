import Commands
import HTTPAPI
import Platform
import Synchronization

/// The bot, for what begins before it: the HTTP API answers while Discord does not.
final class BotHandle: Sendable {
  private let stored = Mutex<Bot?>(nil)

  /// Nil until Discord has said who the bot is.
  var bot: Bot? { stored.withLock { $0 } }

  func set(_ bot: Bot?) { stored.withLock { $0 = bot } }
}
