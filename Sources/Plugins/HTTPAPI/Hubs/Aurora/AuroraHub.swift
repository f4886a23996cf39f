import HTTP
import Platform
import Synchronization

/// Aurora's WebSocket at `/ws` of its listener: at most 10 connections, the eleventh is refused with 429; messages of at
/// most 16 KB.
///
/// Who may connect is for the surface around it to say.
public struct AuroraHub: Sendable {
  public let hub: Hub<AuroraSession>
  private let statistics: Statistics
  private let time: any TimeSource

  public static let statsInterval = Duration.seconds(5)

  public static var documentedLimits: HubLimits {
    var limits = HubLimits()
    limits.listeners = 10
    limits.listenersPerAddress = nil
    limits.refusal = .tooManyRequests
    limits.messageSize = 16 << 10
    return limits
  }

  /// - Parameter stats: what `GET /api/stats` answers; asked only while somebody listens, at most once at a time and
  ///   every ``statsInterval``.
  public init(
    limits: HubLimits = documentedLimits, metrics: Metrics, time: any TimeSource = SystemTime(), log: Log = .silent,
    stats: @escaping @Sendable () async throws -> JSON
  ) {
    let statistics = Statistics(time: time, log: log, stats: stats)
    self.statistics = statistics
    self.time = time
    hub = Hub(
      name: "aurora", limits: limits, metrics: metrics, time: time,
      makeSession: { _ in AuroraSession(at: HubMoment(time)) }, answer: { _ in await statistics.recent() })
  }

  private static let notes = RouteNotes(
    "Statistics and events for dashboards", tags: ["WebSocket"], errors: [.tooManyRequests])

  public func declare(in router: inout Router) { hub.declare(at: "/ws", Self.notes, in: &router) }

  /// - Parameter access: that of the other routes of the document: nothing inside of the socket says who listens.
  public func declare(in routes: inout SurfaceRoutes, access: RouteAccess, limit: RouteLimit) {
    hub.declare(at: "/ws", access: access, limit: limit, Self.notes, in: &routes)
  }

  /// Keeps deadlines, sends statistics and what comes, until cancelled.
  /// - Parameter events: the data of `NEW_EVENT`, in batches.
  public func run(_ events: some AsyncSequence<[JSON], Never> & Sendable) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await hub.run() }
      group.addTask { for await batch in events { hub.publish(batch.map { AuroraEvent(.newEvent, data: $0) }) } }
      group.addTask {
        while (try? await time.sleep(for: Self.statsInterval)) != nil {
          guard hub.listenerCount > 0, let stats = await statistics.current() else { continue }
          hub.publish(stats)
        }
      }
    }
  }

  /// The statistics, asked for once by all who want them at the same time.
  private actor Statistics {
    private let time: any TimeSource
    private let log: Log
    private let stats: @Sendable () async throws -> JSON
    private var latest: (event: AuroraEvent, at: ContinuousClock.Instant)?
    private var running: Task<AuroraEvent?, Never>?

    init(time: any TimeSource, log: Log, stats: @escaping @Sendable () async throws -> JSON) {
      self.time = time
      self.log = log
      self.stats = stats
    }

    /// Not older than the interval at which they are sent anyway.
    func recent() async -> AuroraEvent? {
      if let latest, time.now < latest.at.advanced(by: statsInterval) { return latest.event }
      return await current()
    }

    func current() async -> AuroraEvent? {
      if let running { return await running.value }
      let task = Task { await ask() }
      running = task
      return await task.value
    }

    private func ask() async -> AuroraEvent? {
      defer { running = nil }
      do {
        let event = AuroraEvent(.statsUpdate, data: try await stats())
        latest = (event, time.now)
        return event
      } catch {
        log.warning("the statistics for dashboards cannot be made", ["error": .error(error)])
        return nil
      }
    }
  }
}
