import Core
import Platform
import Storage

/// The kill feeds at work: notes what is to be told, and tells it. Two processes on one database share the work.
struct KillFeedService: Sendable {
  static let consumer = "killtracker.feed"

  private let shared: SharedState
  private let notes: FeedNotes
  private let teller: FeedTeller

  /// - Parameter isOn: whether the plugin is on in that server.
  init(
    _ services: TrackerServices, outlet: any FeedOutlet, isOn: @escaping @Sendable (GuildID) -> Bool
  ) {
    shared = services.shared
    let servers = FeedServers(services.kills.servers, isOn: isOn)
    notes = FeedNotes(jobs: shared.jobs, time: shared.time, servers: servers)
    teller = FeedTeller(
      database: shared.database, feeds: services.feeds, membership: services.membership, outlet: outlet,
      time: shared.time, servers: servers, log: services.log)
  }

  /// Before the runner starts.
  func register(on runner: JobRunner) async {
    await runner.handle(FeedJob.kind) { [teller] job, run in try await teller.run(job, run) }
  }

  /// Notes kills until cancelled.
  func run() async {
    await shared.events.consume(as: Self.consumer, names: [KillEvents.Happening.created.rawValue], limit: 1_000) {
      [database = shared.database, notes] batch in
      try await database.write { transaction in
        try notes.note(batch.events, in: transaction)
        try batch.finish(in: transaction)
      }
    }
  }
}
