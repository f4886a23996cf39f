import Commands
import Core
import Gateway

extension CommandContext<Administration> {
  /// What `/plugins enable` and `/plugins disable` do.
  func switchPlugin(_ name: String, enabled: Bool) async throws -> Reply {
    let guild = try requireGuild()
    let change: PluginSwitchService.Change
    do {
      change = try await services.switching.set(
        name, enabled: enabled, in: GuildID(guild.rawValue), by: UserID(user.id.rawValue))
    } catch PluginSwitchService.Failure.unknownPlugin {
      let names = services.optional.map { "`\($0.name)`" }.joined(separator: ", ")
      throw UserError(
        names.isEmpty
          ? "This bot has no plugin that can be switched on or off."
          : "There is no plugin of that name. There are: \(names).")
    } catch PluginSwitchService.Failure.corePlugin {
      throw UserError("This plugin is always on.")
    }
    let title = services.plugins.first { $0.name == name }?.title ?? name
    let state = enabled ? "on" : "off"
    var text =
      change.isChanged
      ? "**\(title)** is now \(state) in this server." : "**\(title)** was \(state) already: nothing changed."
    if !change.isRegistered {
      text += "\nDiscord did not take the new list of commands. Give this command again to try once more."
    }
    return Reply(embeds: [
      Embed(description: text, color: change.isChanged ? ReplyColor.success : ReplyColor.notice)
    ])
  }
}
