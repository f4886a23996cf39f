import Platform
import Sandbox

/// `adjutant sandbox`: the local Discord alone, for other people's bots.
enum SandboxCommand {
  /// Runs until SIGINT or SIGTERM.
  static func run(listen: String, sizes: SandboxArguments, log: Log) async throws {
    var options = SandboxOptions()
    options.listen = listen
    options.extraGuilds = sizes.guilds - 1
    options.extraMembers = sizes.members
    options.shards = sizes.shards
    let signals = Signals()
    let sandbox = try SandboxServer(options, log: log)
    let addresses = try await sandbox.start()
    Terminal.show(
      """
      The sandbox is a local Discord. Any bot token is accepted.
        playground  \(addresses.playground)
        REST        \(addresses.apiBase)
        gateway     \(addresses.gatewayURL)
      """)
    for await signal in signals.stream where signal != .hangUp { break }
    await sandbox.stop()
  }
}
