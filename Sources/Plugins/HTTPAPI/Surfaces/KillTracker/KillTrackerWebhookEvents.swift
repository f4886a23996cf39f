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
        name, of: .killTrackerV1, summary: summary, fields: ["kill": Self.v1Fields], from: [name], hidden: hidden
      ) { event, hidden in
        [["kill": Self.fields(of: event, ["id", "killer", "victim", "weapon", "location", "timestamp"], hidden)]]
      }
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
      ], from: ["kill.created"], hidden: hidden
    ) { event, hidden in
      var payload = JSON.Object()
      payload["killId"] = Self.field("id", of: event)
      payload["killerId"] = Self.field("killer", of: event, hidden)
      payload["victimId"] = Self.field("victim", of: event, hidden)
      payload["weapon"] = Self.field("weapon", of: event)
      payload["location"] = Self.field("location", of: event)
      payload["isPvP"] = .boolean(event.data["kind"]?.string == KillKind.pvp.rawValue)
      payload["timestamp"] = Self.field("timestamp", of: event)
      return [.object(payload)]
    }
  }

  /// Of killer and victim, where they are users. Those of a private player are for the player alone.
  private var statisticsUpdated: WebhookEvent {
    WebhookEvent(
      "user.stats_updated", of: .killTrackerReference, summary: "Triggered when user statistics are updated",
      fields: [
        "userId": "string", "playerName": "string",
        "stats": ["totalKills": "number", "totalDeaths": "number", "kdr": "number"], "timestamp": "string",
      ], from: ["kill.created"],
      hidden: { [hidden, isPrivate] event, owner in
        guard try await hidden(event, owner) != nil else { return nil }
        let news = KillNews(event, isPrivate: isPrivate)
        let own = news.users.filter { owner == .user($0.value) }.keys
        return Set(news.privateSides.subtracting(own).map(\.rawValue))
      }
    ) { [kills, isPrivate] event, hidden in
      let news = KillNews(event, isPrivate: isPrivate)
      var payloads: [JSON] = []
      var told: Set<UserID> = []
      for side in KillNews.Side.allCases where !hidden.contains(side.rawValue) {
        guard let user = news.users[side], told.insert(user).inserted,
          let player = try await kills.player("\(user)")
        else { continue }
        let statistics = try await kills.statistics(of: player, for: KillViewer(user: nil, isAdmin: true))
        payloads.append([
          "userId": .string("\(user)"), "playerName": Self.field(side.rawValue, of: event),
          "stats": [
            "totalKills": .integer(Int64(statistics.totalKills)),
            "totalDeaths": .integer(Int64(statistics.totalDeaths)), "kdr": .double(statistics.killDeathRatio),
          ],
          "timestamp": .string(event.at.iso8601),
        ])
      }
      return payloads
    }
  }

  /// Whose names are left out for that owner; nil if it may hear nothing.
  private var hidden: @Sendable (DomainEvent, Subject) async throws -> Set<String>? {
    { [authority, isPrivate] event, owner in
      let user: UserID? = if case .user(let user) = owner { user } else { nil }
      let news = KillNews(event, isPrivate: isPrivate)
      guard try await news.isTold(to: user, belongs: { try await authority.isMember($0, of: $1) }) else { return nil }
      return Set(news.hiddenSides(from: user).map(\.rawValue))
    }
  }

  private var isPrivate: @Sendable (GuildID) -> Bool {
    { [servers = kills.servers] in servers?.isPrivate($0) ?? false }
  }

  private static func field(_ name: String, of event: DomainEvent, _ hidden: Set<String> = []) -> JSON {
    hidden.contains(name) ? .string(KillParty.hidden.name) : event.data[name] ?? .null
  }

  private static func fields(of event: DomainEvent, _ names: [String], _ hidden: Set<String>) -> JSON {
    var fields = JSON.Object()
    for name in names { fields[name] = field(name, of: event, hidden) }
    return .object(fields)
  }

  private static let v1Fields: JSON = [
    "id": "string", "killer": "string", "victim": "string", "weapon": "string", "location": "string",
    "timestamp": "string",
  ]
}
