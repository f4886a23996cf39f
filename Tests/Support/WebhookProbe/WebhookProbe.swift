import Core
import Glibc
import HTTPAPI
import Platform
import Storage

/// Turns domain events into deliveries and makes them until it is killed: `WebhookProbe DATABASE DIRECTORY`.
///
/// Its one outgoing event is `thing.seen`, of `thing.happened`. Says `running` once it has begun.
@main
struct WebhookProbe {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else { exit(64) }
    let shared = try await SharedState.open(
      try await Database.open(url: arguments[1]), modules: [WebhookTables.module])
    let event = WebhookEvent(
      "thing.seen", of: .killTrackerReference, summary: "", from: ["thing.happened"], isVisible: { _, _ in true },
      payload: { $0.data["n"].map { ["number": $0] } })
    let webhooks = try await Webhooks.open(
      .init(directory: arguments[2], allowsPrivateAddresses: true), catalog: WebhookCatalog([event]), shared: shared)
    let runner = JobRunner(shared.jobs, time: SystemTime(), log: .silent, metrics: Metrics())
    await webhooks.register(on: runner)
    await runner.start()
    let publishing = Task { await shared.events.run() }
    let word = Array("running\n".utf8)
    guard write(STDOUT_FILENO, word, word.count) == word.count else { exit(74) }
    await webhooks.run()
    await publishing.value
  }
}
