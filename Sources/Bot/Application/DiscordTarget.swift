import Platform
import Sandbox

import struct Gateway.Snowflake

/// Which Discord the bot joins: the real one, or, without a token, a sandbox in this process.
struct DiscordTarget {
  let token: Secret<String>
  let apiBase: String
  /// Nil: `/gateway/bot` tells.
  let gatewayURL: String?
  let databaseURL: Secret<String>
  let sandbox: SandboxServer?
  let addresses: SandboxServer.Addresses?

  /// The sandbox takes any token; this one names the application 800000000000000001, as Discord's tokens do.
  private static let sandboxToken = "ODAwMDAwMDAwMDAwMDAwMDAx.sandbox.adjutant"

  /// Starts the sandbox where it is needed.
  static func choose(_ configuration: Configuration, time: any TimeSource, log: Log) async throws -> DiscordTarget {
    if let token = configuration.discord.token {
      return DiscordTarget(
        token: token, apiBase: configuration.discord.apiBase, gatewayURL: configuration.discord.gatewayURL,
        databaseURL: configuration.databaseURL, sandbox: nil, addresses: nil)
    }
    var options = SandboxOptions()
    options.listen = configuration.sandboxListen
    options.botName = "Adjutant"
    let sandbox = try SandboxServer(options, log: log, time: time)
    let addresses = try await sandbox.start()
    return DiscordTarget(
      token: Secret(sandboxToken), apiBase: addresses.apiBase, gatewayURL: nil,
      databaseURL: sandboxDatabase(configuration), sandbox: sandbox, addresses: addresses)
  }

  /// Where the process keeps its own files: the sandbox's are apart from a real bot's.
  func stateDirectory(_ configuration: Configuration) -> String {
    configuration.dataDirectory + (sandbox == nil ? "" : "/sandbox")
  }

  /// The application as OAuth2 knows it; nil unless the configuration names its id and secret. The sandbox takes any
  /// secret.
  func oauthClient(_ configuration: Configuration) -> (id: Snowflake, secret: Secret<String>)? {
    if sandbox != nil { return (Snowflake(rawValue: 800_000_000_000_000_001), Secret("sandbox")) }
    guard let id = configuration.discord.clientID, let secret = configuration.discord.clientSecret else { return nil }
    return (Snowflake(rawValue: id), secret)
  }

  /// A database of its own, unless the operator chose one.
  static func sandboxDatabase(_ configuration: Configuration) -> Secret<String> {
    guard configuration.databaseURL.reveal() == Configuration.defaultDatabaseURL else {
      return configuration.databaseURL
    }
    return Secret("sqlite:\(configuration.dataDirectory)/sandbox/adjutant.db")
  }
}
