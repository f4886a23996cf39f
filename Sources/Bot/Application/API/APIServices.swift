import Commands
import Core
import HTTPAPI
import Platform

/// What surfaces are made of, and the list of them: the place where a new one is added.
struct APIServices: Sendable {
  let surroundings: Bot.Surroundings
  let authentication: Authentication
  let authority: any GuildAuthority
  /// Nil where nothing is configured for it.
  let discordLogin: DiscordLogin?
  /// Empty until Discord has answered.
  let bot: BotHandle

  var shared: SharedState { surroundings.shared }

  var surfaces: [any Surface] {
    var surfaces: [any Surface] = []
    if surroundings.configuration.discord.publicKey != nil {
      surfaces.append(InteractionsSurface { [bot] in bot.bot?.interactions })
    }
    return surfaces
  }
}
