import Commands
import Core
import Gateway
import HTTP
import Platform
import Storage
import StorageTestSupport
import Synchronization

@testable import HTTPAPI

/// A bot whose vitals a test decides.
final class FakeBot: BotVitalsSource {
  private let state: Mutex<BotVitals>

  init(_ vitals: BotVitals = FakeBot.printed) { state = Mutex(vitals) }

  var vitals: BotVitals { state.withLock { $0 } }
  func set(_ vitals: BotVitals) { state.withLock { $0 = vitals } }

  /// As the document's sample.
  static let printed = BotVitals(
    guilds: 150, users: 50_000, channels: 3_000,
    shards: [.init(id: 0, total: 1, state: "ready", isReady: true, latency: .milliseconds(45))])
}

/// The surfaces of the Pegasus document over a database of their own, on a listener at 127.0.0.1:3000.
struct PegasusRig: Sendable {
  let shared: SharedState
  let bot: FakeBot
  let time: ManualTime
  let cooldowns: Cooldowns
  let metrics: Metrics
  let services: PegasusServices
  let authentication: Authentication
  let router: HTTP.Router

  static func with(
    _ engine: TestEngine = .sqlite, limits: Bool = false, counts: Statistics.Counts = .init(),
    _ body: (PegasusRig) async throws -> Void
  ) async throws {
    try await withTestDatabase(engine) { try await with($0, limits: limits, counts: counts, body) }
  }

  static func with(
    _ database: Database, limits: Bool = false, counts: Statistics.Counts = .init(), time: ManualTime? = nil,
    _ body: (PegasusRig) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { directory in
      let time = time ?? ManualTime(timestamp: Timestamp(iso8601: "2026-11-18T12:00:00.250Z") ?? .now)
      let shared = try await SharedState.open(database, modules: [HTTPAPITables.module], time: time)
      let authentication = try await Authentication.open(
        .init(directory: directory, issuer: .adjutant, owners: [Cast.owner], limitsRates: limits),
        database: database, handles: NoOwners(),
        hasher: PasswordHasher(parameters: .init(cost: 2, blockSize: 1, parallelism: 1)), time: time)
      let (bot, cooldowns, metrics) = (FakeBot(), Cooldowns(time: time), Metrics())
      let health = HealthMonitor(
        source: bot, database: database, maintenance: shared.maintenance, version: "1.0.0", time: time)
      let statistics = Statistics(
        health: health, shared: shared, limits: authentication.limits,
        cooldowns: { cooldowns.figures(top: Statistics.top) }, tracksKills: { $0 == GuildID(900) }, counts: counts,
        time: time)
      let services = PegasusServices(
        health: health, statistics: statistics, auditLog: shared.auditLog, metrics: metrics)
      services.addMetrics()
      let listen = try SocketAddress(parsing: "127.0.0.1:3000")
      let gatekeeper = Gatekeeper(
        authenticator: authentication.authenticator, limits: authentication.limits,
        authority: OneManager(manager: Cast.manager, guild: Cast.guild), auditLog: shared.auditLog, trust: PeerTrust(),
        listener: listen, log: .silent)
      let router = try ListenerRouter(
        settings: ListenerSettings(name: "main", listen: listen, surfaces: [.health, .monitoring]),
        gatekeeper: gatekeeper, hosts: HostPolicy(allowed: []), allowedOrigins: [], version: "1"
      ).router([HealthSurface(services), MonitoringSurface(services)])
      try await body(
        PegasusRig(
          shared: shared, bot: bot, time: time, cooldowns: cooldowns, metrics: metrics, services: services,
          authentication: authentication, router: router))
    }
  }

  func get(_ target: String, headers: HTTPHeaders = ["Host": "127.0.0.1:3000"]) async throws -> HTTPResponse {
    try await router.respond(to: .sample(.get, target, headers))
  }

  func json(_ target: String) async throws -> JSON { try await get(target).json ?? .null }

  /// `E004 message`
  func failure(_ target: String, headers: HTTPHeaders = ["Host": "127.0.0.1:3000"]) async throws -> (Int, String?) {
    let response = try await get(target, headers: headers)
    return (response.status.rawValue, response.json?["error"]?["code"]?.string)
  }
}

extension JSON {
  /// The shape alone: names in their order, and the kind of each value. Of a list, that of its first element.
  var shape: String {
    switch self {
    case .null: "null"
    case .boolean: "boolean"
    case .integer, .double: "number"
    case .string: "string"
    case .array(let elements): "[\(elements.first?.shape ?? "")]"
    case .object(let object): "{\(object.map { "\($0.key):\($0.value.shape)" }.joined(separator: ","))}"
    }
  }
}
