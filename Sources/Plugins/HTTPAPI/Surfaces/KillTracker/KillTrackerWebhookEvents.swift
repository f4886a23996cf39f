import Core
import KillTracker
import Platform

/// What webhooks can hear of from the Kill Tracker: the events of both of its documents.
public struct KillTrackerWebhookEvents: Sendable {
  private let kills: Kills
  private let authority: any GuildAuthority

  public init(kills: Kills, authority: any GuildAuthority) {
    self.kills = kills
    self.authority = authority
  }

  public var all: [WebhookEvent] {
    let kill: [WebhookEvent] = [
      ("kill.created", "A kill was recorded"), ("kill.updated", "A kill was corrected"),
      ("kill.deleted", "A kill was deleted"),
    ].map { name, summary in
      WebhookEvent(
        name, of: .killTrackerV1, summary: summary, fields: ["kill": Self.v1Fields], from: [name],
        isVisible: Self.seesKill
      ) { event in ["kill": Self.fields(of: event, ["id", "killer", "victim", "weapon", "location", "timestamp"])] }
    }
    let guild: [WebhookEvent] = [
      ("user.joined", "user", "A user joined a server"), ("user.left", "user", "A user left a server"),
      ("server.updated", "server", "The settings of a server changed"),
    ].map { name, key, summary in
      WebhookEvent(
        name, of: .killTrackerV1, summary: summary, fields: [key: "object"], from: [name],
        isVisible: { [authority] event, owner in
          guard let guild = event.guildID, case .user(let user) = owner else { return false }
          return try await authority.isManager(user, of: guild)
        }
      ) { event in [key: event.data] }
    }
    return kill + guild + [botStatus, recorded, statisticsUpdated]
  }

  private var botStatus: WebhookEvent {
    WebhookEvent(
      "bot.status_changed", of: .killTrackerV1, summary: "The bot came, went, or is being worked on",
      fields: ["bot": "object"], from: ["bot.status_changed"], isVisible: { _, _ in true }
    ) { event in ["bot": event.data] }
  }

  private var recorded: WebhookEvent {
    WebhookEvent(
      "kill.recorded", of: .killTrackerReference, summary: "Triggered when a new kill is recorded",
      fields: [
        "killId": "string", "killerId": "string", "victimId": "string", "weapon": "string", "location": "string",
        "isPvP": "boolean", "timestamp": "string",
      ], from: ["kill.created"], isVisible: Self.seesKill
    ) { event in
      var payload = JSON.Object()
      payload["killId"] = Self.field("id", of: event)
      payload["killerId"] = Self.field("killer", of: event)
      payload["victimId"] = Self.field("victim", of: event)
      payload["weapon"] = Self.field("weapon", of: event)
      payload["location"] = Self.field("location", of: event)
      payload["isPvP"] = .boolean(event.data["kind"]?.string == KillKind.pvp.rawValue)
      payload["timestamp"] = Self.field("timestamp", of: event)
      return .object(payload)
    }
  }

  /// Of the killer, where that is a user.
  private var statisticsUpdated: WebhookEvent {
    WebhookEvent(
      "user.stats_updated", of: .killTrackerReference, summary: "Triggered when user statistics are updated",
      fields: [
        "userId": "string", "playerName": "string",
        "stats": ["totalKills": "number", "totalDeaths": "number", "kdr": "number"], "timestamp": "string",
      ], from: ["kill.created"], isVisible: Self.seesKill
    ) { [kills] event in
      guard let user = event.data["killerUserId"]?.string, let player = try await kills.player(user) else { return nil }
      let statistics = try await kills.statistics(of: player, for: KillViewer(user: nil, isAdmin: true))
      return [
        "userId": .string(user), "playerName": event.data["killer"] ?? .null,
        "stats": [
          "totalKills": .integer(Int64(statistics.totalKills)), "totalDeaths": .integer(Int64(statistics.totalDeaths)),
          "kdr": .double(statistics.killDeathRatio),
        ],
        "timestamp": .string(event.at.iso8601),
      ]
    }
  }

  /// Kills of players who keep their names private are for those who took part.
  @Sendable private static func seesKill(_ event: DomainEvent, _ owner: Subject) -> Bool {
    let isPrivate = [event.data["killerIsPrivate"], event.data["victimIsPrivate"]].contains { $0?.bool == true }
    guard isPrivate else { return true }
    guard case .user(let user) = owner else { return false }
    return event.subjects.contains(.user(user))
  }

  private static func field(_ name: String, of event: DomainEvent) -> JSON { event.data[name] ?? .null }

  private static func fields(of event: DomainEvent, _ names: [String]) -> JSON {
    var fields = JSON.Object()
    for name in names { fields[name] = field(name, of: event) }
    return .object(fields)
  }

  private static let v1Fields: JSON = [
    "id": "string", "killer": "string", "victim": "string", "weapon": "string", "location": "string",
    "timestamp": "string",
  ]
}
