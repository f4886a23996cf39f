import Core
import HTTP
import KillTracker
import Platform

/// Servers for both documents: guilds as the gateway shows them, and their settings.
struct KillTrackerServers: Sendable {
  /// The most servers of a list, and the most members of one server.
  static let listLimit = 200
  static let memberLimit = 100

  let services: KillTrackerServices
  private var guilds: any GuildDirectory { services.guilds }

  init(_ services: KillTrackerServices) { self.services = services }

  // MARK: Who may

  /// Members, who manages the server, and admins.
  func reading(_ permission: Permission) -> RouteAccess {
    .made("member of serverId", permission: permission) { [guilds] request in
      Self.id(request, guilds).map { .serverMember(of: $0) }
    }
  }

  /// Who manages the server, and admins.
  func changing(_ permission: Permission) -> RouteAccess {
    .made("manager of serverId", permission: permission) { [guilds] request in
      Self.id(request, guilds).map { .serverManager(of: $0) }
    }
  }

  /// Nil for what is no server of this bot.
  private static func id(_ request: HTTPRequest, _ guilds: any GuildDirectory) -> GuildID? {
    guard let id = request.parameters["serverId"].flatMap({ GuildID($0) }), guilds.mayExist(id) else { return nil }
    return id
  }

  // MARK: Reading

  /// A server as v1 prints it.
  struct Server: Codable, Sendable, SchemaRuled {
    let id: String
    let discordId: String
    let name: String
    @Nullable var icon: String?
    @Nullable var ownerId: String?
    let isActive: Bool
    let memberCount: Int
    let settings: Settings
    let createdAt: Timestamp

    static let schemaRules: SchemaRules = [
      "isActive": .about("Whether Discord shows the server to the bot at this moment"),
      "createdAt": .about("When the bot was added"),
    ]
  }

  /// The servers in which the caller is as far as that is known, by name; for admins all.
  func list(for caller: Principal) async throws -> [Server] {
    let found: [GuildSummary]
    if caller.isAdmin {
      found = guilds.all(limit: Self.listLimit)
    } else if let user = caller.user {
      let met = try await services.tracker.shared.members.guilds(of: user, limit: Self.listLimit)
      let likely =
        met + (try await services.kills.servers(of: user, limit: Self.listLimit)).filter { !met.contains($0) }
      found = try await guilds.guilds(of: user, likely: likely, limit: Self.listLimit)
    } else {
      found = []
    }
    let stored = try await services.storedGuilds.find(found.map(\.id))
    return found.map { server($0, stored[$0.id]) }
  }

  func server(_ text: String) async throws -> Server {
    let (summary, stored) = try await find(text)
    return server(summary, stored)
  }

  private func server(_ guild: GuildSummary, _ stored: Guild?) -> Server {
    Server(
      id: "\(guild.id)", discordId: "\(guild.id)", name: guild.name, icon: guild.iconURL,
      ownerId: guild.owner.map { "\($0)" }, isActive: guild.isAvailable, memberCount: guild.memberCount ?? 0,
      settings: Settings(services.servers.record(of: guild.id)),
      createdAt: stored?.joinedAt ?? guild.id.createdAt)
  }

  /// What the gateway shows; of a guild that it cannot show now, what is stored.
  /// - Throws: 404.
  private func find(_ text: String) async throws -> (GuildSummary, Guild?) {
    guard let id = GuildID(text) else { throw Self.unknown }
    let stored = try await services.storedGuilds.find(id)
    if let guild = guilds.guild(id) { return (guild, stored) }
    guard let stored, stored.leftAt == nil else { throw Self.unknown }
    return (GuildSummary(id: id, name: text, isAvailable: false), stored)
  }

  private static let unknown = HTTPError(.notFound, kind: .notFound, "there is no such server")

  /// A server as the reference prints it.
  struct Portrait: Codable, Sendable, SchemaRuled {
    struct Member: Codable, Sendable, SchemaRuled {
      struct User: Codable, Sendable {
        let id: String
        let username: String
        @Nullable var avatar: String?
      }
      let user: User
      let isOwner: Bool
      /// `read`, and `write` for who manages the server.
      let permissions: [String]

      static let schemaRules: SchemaRules = [
        "permissions": .list("`read`; `write` for who manages the server", example: ["read", "write"])
      ]
    }
    struct Channel: Codable, Sendable {
      let id: String
      let name: String
      let type: String
    }
    let id: String
    let discordId: String
    let name: String
    @Nullable var icon: String?
    let isActive: Bool
    let memberCount: Int
    let members: [Member]
    let channels: [Channel]
    let createdAt: Timestamp

    static let schemaRules: SchemaRules = [
      "channels": .list("Those that every member sees; for who manages the server all"),
      "members": .list(
        "Of whom the bot knows: without Discord's permission to see all members, the owner and whoever it met",
        count: 0...KillTrackerServers.memberLimit),
      "createdAt": .about("When the bot was added"),
    ]
  }

  func portrait(_ text: String, _ request: HTTPRequest) async throws -> Portrait {
    let (guild, stored) = try await find(text)
    let members = try await guilds.members(of: guild.id, limit: Self.memberLimit)
    let channels = guilds.channels(of: guild.id)
    let seesAll = channels.allSatisfy(\.isOpen) ? true : await isManager(request, of: guild.id)
    return Portrait(
      id: "\(guild.id)", discordId: "\(guild.id)", name: guild.name, icon: guild.iconURL, isActive: guild.isAvailable,
      memberCount: guild.memberCount ?? members.count,
      members: members.map { member in
        .init(
          user: .init(id: "\(member.id)", username: member.username, avatar: member.avatarURL),
          isOwner: member.id == guild.owner, permissions: member.isManager ? ["read", "write"] : ["read"])
      },
      channels: channels.filter { seesAll || $0.isOpen }.map { .init(id: $0.id, name: $0.name, type: $0.type) },
      createdAt: stored?.joinedAt ?? guild.id.createdAt)
  }

  /// What not everybody sees at Discord, not everybody sees here.
  private func isManager(_ request: HTTPRequest, of guild: GuildID) async -> Bool {
    do {
      try await request.authorize(AccessRule(.serverManager(of: guild), permission: .readServers))
      return true
    } catch {
      return false
    }
  }

  // MARK: Settings

  struct Settings: Codable, Sendable, SchemaRuled {
    struct Features: Codable, Sendable {
      let killTracker: Bool
      let leaderboard: Bool
      let notifications: Bool
    }
    let prefix: String
    let language: String
    let features: Features
    let privacyLevel: String
    let killNotifications: Bool
    @Nullable var leaderboardChannel: String?

    static let schemaRules: SchemaRules = [
      "privacyLevel": .text("Private: kills and leaderboards of the server are for its members", example: "public"),
      "leaderboardChannel": .text(example: "general"),
    ]

    init(_ record: ServerRecord) {
      prefix = record.prefix
      language = record.language
      features = Features(
        killTracker: record.isOn(.killTracker), leaderboard: record.isOn(.leaderboard),
        notifications: record.isOn(.notifications))
      privacyLevel = record.privacy.rawValue
      killNotifications = record.killNotifications
      leaderboardChannel = record.leaderboardChannel
    }
  }

  func settings(_ text: String) async throws -> Settings {
    let (guild, _) = try await find(text)
    return Settings(services.servers.record(of: guild.id))
  }

  /// What is given; the rest stays as it is.
  struct Changes: Codable, Sendable, SchemaRuled {
    struct Features: Codable, Sendable, SchemaRuled {
      let killTracker: Bool?
      let leaderboard: Bool?
      let notifications: Bool?
      static let schemaRules: SchemaRules = [
        "killTracker": .about("The plugin as a whole, as /plugins switches it"),
        "leaderboard": .about("Leaderboards of the server"),
        "notifications": .about("Messages of the bot about kills"),
      ]
    }
    enum Privacy: String, Codable, Sendable, CaseIterable { case `public`, `private` }

    let prefix: String?
    let language: String?
    let features: Features?
    let privacyLevel: Privacy?
    let killNotifications: Bool?
    let leaderboardChannel: Patched<String>?

    static let schemaRules: SchemaRules = [
      "prefix": .text(length: 1...10, example: "!"), "language": .text("A language tag", length: 2...12, example: "en"),
      "leaderboardChannel": .text("The name or id of a channel; null: none", length: 1...100, example: "general"),
    ]
  }

  func change(_ text: String, _ body: Changes, _ request: HTTPRequest) async throws -> Settings {
    let user = try KillTrackerKills.user(of: request)
    let (guild, _) = try await find(text)
    var changes = ServerChanges(
      prefix: body.prefix, language: body.language,
      privacy: body.privacyLevel.flatMap { ServerPrivacy(rawValue: $0.rawValue) },
      killNotifications: body.killNotifications)
    switch body.leaderboardChannel {
    case nil: break
    case .null: changes.leaderboardChannel = .some(nil)
    case .value(let channel): changes.leaderboardChannel = try known(channel, in: guild.id)
    }
    changes.features[.killTracker] = body.features?.killTracker
    changes.features[.leaderboard] = body.features?.leaderboard
    changes.features[.notifications] = body.features?.notifications
    return try await KillTrackerKills.perform { [changes] in
      Settings(try await services.servers.update(guild.id, changes, by: user))
    }
  }

  /// The channel as it was written, if the server has it; anything while its channels are not known.
  private func known(_ channel: String, in guild: GuildID) throws -> String {
    let channels = guilds.channels(of: guild)
    let name = channel.hasPrefix("#") ? String(channel.dropFirst()) : channel
    let isKnown = channels.contains { ($0.name == name || $0.id == name) && $0.isForMessages }
    guard channels.isEmpty || isKnown else {
      throw HTTPError.invalid(
        .invalidBody, [.init(path: "leaderboardChannel", message: "is no channel for messages of this server")])
    }
    return channel
  }
}

extension KillTrackerV1 {
  func declareServers(in routes: inout SurfaceRoutes) {
    let servers = KillTrackerServers(services)
    let tags = ["Servers"]
    routes.read(
      "/servers", access: .user(.readServers), limit: .byCaller(.read),
      RouteNotes("The servers of the caller, as far as they are known; for admins all", tags: tags),
      returning: .succeeded([KillTrackerServers.Server].self)
    ) { request in try await servers.list(for: request.caller) }
    routes.read(
      "/servers/:serverId", access: servers.reading(.readServers), limit: .byCaller(.read),
      RouteNotes("One server", tags: tags, errors: [.notFound]), .path("serverId", String.self),
      returning: .succeeded(KillTrackerServers.Server.self)
    ) { _, id in try await servers.server(id) }
    routes.read(
      "/servers/:serverId/settings", access: servers.reading(.readServers), limit: .byCaller(.read),
      RouteNotes("The settings of a server", tags: tags, errors: [.notFound]), .path("serverId", String.self),
      returning: .succeeded(KillTrackerServers.Settings.self)
    ) { _, id in try await servers.settings(id) }
    routes.change(
      .patch, "/servers/:serverId/settings", access: servers.changing(.writeServers), limit: .byCaller(.write),
      audit: .byService, RouteNotes("Changes what is given", tags: tags, errors: [.notFound]),
      .path("serverId", String.self), .body(KillTrackerServers.Changes.self, unknownFields: .refused),
      returning: .succeeded(KillTrackerServers.Settings.self)
    ) { request, id, body in try await servers.change(id, body, request) }
  }
}

extension KillTrackerReference {
  func declareServers(in routes: inout SurfaceRoutes) {
    let servers = KillTrackerServers(services)
    let tags = ["Servers"]
    routes.read(
      "/api/servers/:serverId", access: servers.reading(.readServers), limit: .byCaller(.read),
      RouteNotes("A server with members and channels", tags: tags, errors: [.notFound]),
      .path("serverId", String.self), returning: .json(KillTrackerServers.Portrait.self)
    ) { request, id in try await servers.portrait(id, request) }
    routes.read(
      "/api/servers/:serverId/settings", access: servers.reading(.readServers), limit: .byCaller(.read),
      RouteNotes("The settings of a server", tags: tags, errors: [.notFound]), .path("serverId", String.self),
      returning: .json(KillTrackerServers.Settings.self)
    ) { _, id in try await servers.settings(id) }
    routes.change(
      .put, "/api/servers/:serverId/settings", access: servers.changing(.writeServers), limit: .byCaller(.write),
      audit: .byService, RouteNotes("Changes what is given", tags: tags, errors: [.notFound]),
      .path("serverId", String.self), .body(KillTrackerServers.Changes.self, unknownFields: .refused),
      returning: .json(KillTrackerServers.Settings.self)
    ) { request, id, body in try await servers.change(id, body, request) }
  }
}
