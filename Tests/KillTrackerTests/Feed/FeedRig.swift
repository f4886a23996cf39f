import Platform
import Storage
import StorageTestSupport
import Synchronization

@testable import Core
@testable import KillTracker

/// The feed's parts over an empty database, driven by hand: nothing happens but what a test does.
struct FeedRig {
  let time: ManualTime
  let shared: SharedState
  let services: TrackerServices
  let outlet = FakeOutlet()
  let isOn = Switch()
  /// Servers whose kills nobody else reads.
  let privateServers = PrivateServers()
  let log = MemoryLogSink()

  static let guild = GuildID(900_000_000_000_000_001)
  static let other = GuildID(900_000_000_000_000_002)
  static let channel = FeedChannelID(900_000_000_000_000_011)

  final class Switch: Sendable {
    private let value = Mutex(true)
    var isSet: Bool {
      get { value.withLock { $0 } }
      set { value.withLock { $0 = newValue } }
    }
  }

  final class PrivateServers: Sendable {
    let all = Mutex<Set<GuildID>>([])
  }

  init(_ database: Database) async throws {
    time = ManualTime(timestamp: Timestamp(iso8601: "2026-02-18T12:00:00.000Z") ?? Timestamp(seconds: 0))
    shared = try await SharedState.open(
      database, modules: [KillTables.module, KillFeedTables.module], time: time)
    services = TrackerServices(shared: shared, log: Log(label: "", sink: log), metrics: Metrics())
  }

  var notes: FeedNotes { FeedNotes(jobs: shared.jobs, time: time, servers: servers) }
  var teller: FeedTeller {
    FeedTeller(
      database: shared.database, feeds: services.feeds, membership: services.membership, outlet: outlet, time: time,
      servers: servers, log: services.log)
  }
  private var servers: FeedServers {
    FeedServers(
      isOn: { [isOn] _ in isOn.isSet },
      isPrivate: { [privateServers] guild in privateServers.all.withLock { $0.contains(guild) } })
  }

  func setUp(_ filter: KillFeed.Filter = .init(), in guild: GuildID = guild) async throws {
    try await services.feeds.set(guild, channel: Self.channel, filter, by: ann)
  }

  /// Somebody who is a member and used the tracker there.
  func join(_ user: UserID, _ guild: GuildID = guild) async throws {
    outlet.members.withLock { _ = $0.insert(.init(user: user, guild: guild)) }
    try await services.membership.met(user, in: guild)
  }

  @discardableResult
  func record(
    _ victim: ReportedParty, by user: UserID = ann, kind: KillKind = .pvp, ago: Duration = .zero,
    ship: String? = nil, location: String? = nil, server: GuildID? = nil, source: KillSource = .api
  ) async throws -> KillID {
    time.advance(by: .seconds(5))
    return try await services.kills.record(
      KillReport(
        victim: victim, kind: kind, occurredAt: time.timestamp + (.zero - ago), serverID: server.map { "\($0)" },
        location: location, source: source, details: ship.map { ["victimVehicle": .string($0)] }),
      by: KillReporter(user: user)
    ).kill.id
  }

  /// What the consumer does with all events that it has not seen yet.
  func noteNew(after position: Int64 = 0) async throws -> Int64 {
    while try await EventRelay(events: shared.events).publish() > 0 {}
    let events = try await shared.events.events(after: position, limit: 1_000)
    let kills = events.filter { $0.name == KillEvents.Happening.created.rawValue }
    try await shared.database.write { [notes] in try notes.note(kills, in: $0) }
    return events.last?.position ?? position
  }

  /// How many kills are noted, whatever the feeds' own counts say.
  func notedRows() async throws -> Int {
    try await shared.database.read { try $0.query("SELECT position FROM kill_feed_posts") { _ in 1 }.count }
  }

  /// When the feed's job wants to run; nil if there is none.
  func due() async throws -> Duration? {
    try await shared.jobs.nextWakes(of: [FeedJob.kind.name])[FeedJob.kind.name].map { $0 - time.timestamp }
  }

  /// Runs the jobs that are due, once.
  func tellOnce() async throws {
    for claim in try await shared.jobs.claim([FeedJob.kind.name: 10], until: time.timestamp + .seconds(60)) {
      let settlement: Jobs.Settlement
      do {
        let job = try claim.payload.decoded(as: FeedJob.self)
        switch try await teller.run(job, JobRun(claim: claim, isLast: false)) {
        case .done: settlement = .done
        case .again(let due): settlement = .again(at: due)
        }
      } catch {
        settlement = .failed("\(error)", retryAt: time.timestamp + .seconds(5))
      }
      try await shared.jobs.settle(claim, settlement)
    }
  }

  /// Lets time pass until no job is left.
  func tellAll() async throws {
    for _ in 0..<100 {
      guard let due = try await due() else { return }
      time.advance(by: max(.zero, due))
      try await tellOnce()
    }
  }
}

func withFeed(_ engine: TestEngine, _ body: (FeedRig) async throws -> Void) async throws {
  try await withTestDatabase(engine) { try await body(try await FeedRig($0)) }
}

/// Discord's channels in memory.
final class FakeOutlet: FeedOutlet {
  struct Place: Hashable {
    var user: UserID
    var guild: GuildID
  }
  struct Outage: Error {}

  let messages = Mutex<[FeedMessage]>([])
  let members = Mutex<Set<Place>>([])
  /// What each next post throws; nil: nothing.
  let failures = Mutex<[(any Error)?]>([])
  /// What happens while a message is on its way; once.
  let meanwhile = Mutex<(@Sendable () async throws -> Void)?>(nil)
  /// Arrived, though its answer was lost.
  let arrivesAllTheSame = Mutex(false)

  var told: [[KillID]] { messages.withLock { $0.map { $0.items.map(\.kill.id) } } }

  func post(_ message: FeedMessage, in channel: FeedChannelID) async throws {
    let meanwhile = meanwhile.withLock { $0.take() }
    try await meanwhile?()
    let failure: (any Error)? = failures.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    if failure == nil || arrivesAllTheSame.withLock({ $0 }) {
      // As Discord: of two with one nonce there is one.
      messages.withLock { messages in
        if !messages.contains(where: { $0.nonce == message.nonce }) { messages.append(message) }
      }
    }
    if let failure { throw failure }
  }

  func isMember(_ user: UserID, of guild: GuildID) async throws -> Bool {
    members.withLock { $0.contains(Place(user: user, guild: guild)) }
  }
}
