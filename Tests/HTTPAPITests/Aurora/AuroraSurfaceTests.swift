import Commands
import Core
import HTTP
import Platform
import StorageTestSupport
import Synchronization
import Testing

@testable import HTTPAPI

/// What the Aurora document prints about the bot itself.
@Suite(.timeLimit(.minutes(1))) struct AuroraSurfaceTests {
  /// Remembers what it was asked to do.
  private final class Control: BotControl {
    let deeds = Mutex<[String]>([])
    let isConnected: Bool

    init(isConnected: Bool = true) { self.isConnected = isConnected }

    func reloadCommands(by actor: BotOperator) async throws -> CommandReload {
      guard isConnected else { throw BotControlError.notConnected }
      deeds.withLock { $0.append("reload by \(actor.user) through \(actor.through)") }
      return CommandReload(differences: 2, guilds: 3)
    }
    func clearCaches(by actor: BotOperator) async throws -> [String] { ["plugin switches"] }
    func setMaintenance(_ isOn: Bool, reason: String?, by actor: BotOperator) async throws -> Bool {
      deeds.withLock { $0.append("maintenance \(isOn) \(reason ?? "-")") }
      return true
    }
    func restart(by actor: BotOperator) async throws {}
  }

  private func with(_ control: Control, _ body: (HTTP.Router, PegasusRig, AuroraSurface) async throws -> Void)
    async throws
  {
    try await PegasusRig.with { rig in
      let surface = AuroraSurface(
        statistics: rig.services.statistics, shared: rig.shared, control: control, metrics: rig.metrics, log: .silent)
      let listen = try SocketAddress(parsing: "127.0.0.1:3000")
      let gatekeeper = Gatekeeper(
        authenticator: rig.authentication.authenticator, limits: rig.authentication.limits,
        authority: OneManager(manager: Cast.manager, guild: Cast.guild), auditLog: rig.shared.auditLog,
        trust: PeerTrust(), listener: listen, log: .silent)
      let router = try ListenerRouter(
        settings: ListenerSettings(name: "main", listen: listen, surfaces: [.aurora]), gatekeeper: gatekeeper,
        hosts: HostPolicy(allowed: []), allowedOrigins: [], version: "1"
      ).router([surface])
      try await body(router, rig, surface)
    }
  }

  private let local: HTTPHeaders = ["Host": "127.0.0.1:3000"]

  @Test func healthIsAsPrinted() async throws {
    try await with(Control()) { router, rig, _ in
      let answer = try await router.respond(to: .sample(.get, "/api/health", local))
      #expect(answer.status == .ok)
      #expect(answer.json == ["status": "ok", "timestamp": .integer(rig.time.timestamp.milliseconds / 1_000)])
      // Through a proxy nobody is local.
      let far = try await router.respond(
        to: .sample(.get, "/api/health", ["Host": "127.0.0.1:3000", "X-Forwarded-For": "192.0.2.1"]))
      #expect(far.status == .unauthorized && far.json?["error"]?.string != nil)
    }
  }

  @Test func statisticsTellOfTheBotAndOfRecentEventsWithoutTheirData() async throws {
    try await with(Control()) { router, rig, _ in
      try await rig.shared.switches.set("killtracker", enabled: false, in: Cast.guild, by: Cast.manager)
      try await rig.shared.maintenance.set(
        Maintenance(reason: "Updating...", since: rig.time.timestamp, by: Cast.owner), by: Cast.owner)
      let json = try #require(try await router.respond(to: .sample(.get, "/api/stats", local)).json)
      #expect(json["bot"]?["guilds"] == 150 && json["bot"]?["users"] == 50_000)
      #expect(
        json["recentEvents"] == [
          ["type": "bot.status_changed", "guildId": .null, "timestamp": .string(rig.time.timestamp.iso8601)],
          [
            "type": "server.updated", "guildId": .string(Cast.guild.description),
            "timestamp": .string(rig.time.timestamp.iso8601),
          ],
        ])
      #expect(json["maintenance"]?["enabled"] == true && json["maintenance"]?["reason"] == "Updating...")
      let activity = try await router.respond(to: .sample(.get, "/api/stats/activity", local)).json
      #expect(activity == json["activity"] && activity?["daily_actions"] != nil)
    }
  }

  @Test func actionsReachTheBot() async throws {
    let control = Control()
    try await with(control) { router, _, _ in
      func post(_ path: String, _ body: String = "") async throws -> HTTPResponse {
        var headers = local
        if !body.isEmpty { headers["Content-Type"] = "application/json" }
        return try await router.respond(to: .sample(.post, "/api/actions/\(path)", headers, body: body))
      }
      #expect(
        try await post("reload-commands").json == ["success": true, "commands": ["changed": 2, "guilds": 3]])
      #expect(try await post("clear-cache").json == ["success": true, "caches": ["plugin switches"]])
      let began = try await post("maintenance-mode", #"{"enabled":true,"reason":"Updating..."}"#)
      #expect(began.json == ["success": true, "maintenance": ["enabled": true, "reason": "Updating..."]])
      let ended = try await post("maintenance-mode", #"{"enabled":false}"#)
      #expect(ended.json?["maintenance"] == ["enabled": false, "reason": .null])
      let wrong = try await post("maintenance-mode", #"{"enabled":"yes"}"#)
      #expect(wrong.status == .badRequest && wrong.json?["error"]?.string?.hasPrefix("enabled:") == true)
      #expect(
        control.deeds.withLock { $0 } == [
          "reload by 0 through aurora", "maintenance true Updating...", "maintenance false -",
        ])
    }
    try await with(Control(isConnected: false)) { router, _, _ in
      let answer = try await router.respond(to: .sample(.post, "/api/actions/reload-commands", local))
      #expect(answer.status == .serviceUnavailable && answer.json?["error"] == "the bot is not connected yet")
    }
  }
}
