import Commands
import Core
import Platform

/// The HTTP API as Discord's users see it: `/apikey` for the keys of their programs, `/webhook` for what these are told.
///
/// A core plugin: keys and webhooks belong to users, not to servers, and a server must not lock its members out of their own. Its
/// listeners are opened by ``APIServer``, its tables made before that (``HTTPAPITables``).
public struct HTTPAPIPlugin: Plugin {
  public let name = "httpapi"
  public let title = "HTTP API"
  public let summary = "Keys and webhooks for programs that use the bot's HTTP API."
  public let isCore = true
  private let keys: APIKeys
  private let webhooks: Webhooks?
  private let work = BackgroundWork()

  /// - Parameter webhooks: whose deliveries this process makes.
  public init(keys: APIKeys, webhooks: Webhooks? = nil) {
    self.keys = keys
    self.webhooks = webhooks
  }

  public func commands(among plugins: [PluginDescription]) throws -> [Command] {
    var commands = [try APIKeyGroup.command(services: keys)]
    if let webhooks { commands.append(try WebhookGroup.command(services: webhooks)) }
    return commands
  }

  public func registerJobs(with runner: JobRunner) async { await webhooks?.register(on: runner) }

  public func start() async throws {
    guard let webhooks else { return }
    work.begin { await webhooks.run() }
  }

  public func stop() async {
    await work.end()
    await webhooks?.shutdown()
  }
}
