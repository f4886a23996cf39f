import Commands
import Platform

/// The HTTP API as Discord's users see it: `/apikey` for the keys of their programs.
///
/// A core plugin: keys belong to users, not to servers, and a server must not lock its members out of their own. Its
/// listeners are opened by ``APIServer``, its tables made before that (``HTTPAPITables``).
public struct HTTPAPIPlugin: Plugin {
  public let name = "httpapi"
  public let title = "HTTP API"
  public let summary = "Keys for programs that use the bot's HTTP API."
  public let isCore = true
  private let keys: APIKeys

  public init(keys: APIKeys) { self.keys = keys }

  public func commands(among plugins: [PluginDescription]) throws -> [Command] {
    [try APIKeyGroup.command(services: keys)]
  }
}
