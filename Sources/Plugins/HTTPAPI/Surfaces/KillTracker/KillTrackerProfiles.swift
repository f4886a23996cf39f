import Core
import HTTP
import KillTracker
import Platform

/// Users as both documents describe them: who Discord says they are, and what they say of themselves as players.
struct KillTrackerProfiles: Sendable {
  let accounts: KillTrackerAccounts
  let players: Players
  let time: any TimeSource

  init(_ services: KillTrackerServices) {
    accounts = KillTrackerAccounts(services: services)
    players = services.kills.players
    time = services.time
  }

  struct Profile: Codable, Sendable {
    let id: String
    let discordId: String
    let username: String
    let discriminator: String
    @Nullable var avatar: String?
    @Nullable var rsiHandle: String?
    /// Whether the handle was proved; a claim leads to nobody.
    let isHandleVerified: Bool
    let privacyLevel: String
    @Nullable var createdAt: Timestamp?
    @Nullable var updatedAt: Timestamp?

    init(_ person: KillTrackerAccounts.Person, _ player: PlayerProfile) {
      id = person.id.description
      discordId = person.id.description
      username = person.username
      discriminator = person.discriminator
      avatar = person.avatarURL
      rsiHandle = player.handle
      isHandleVerified = player.isVerified
      privacyLevel = player.privacy.rawValue
      createdAt = person.createdAt
      updatedAt = [person.lastLoginAt, person.createdAt, player.updatedAt].compactMap { $0 }.max()
    }
  }

  func profile(of user: UserID) async throws -> Profile {
    Profile(try await accounts.person(user), try await players.profile(of: user))
  }

  /// What a user may say of themselves.
  struct Changes: Codable, Sendable, SchemaRuled {
    let username: String?
    let rsiHandle: Patched<String>?
    let privacyLevel: PrivacyLevel?
    static let schemaRules: SchemaRules = [
      "username": .text("Until the next login with Discord", length: 1...32, example: "NewUsername"),
      "rsiHandle": .text("A claim, until it is proved; null: none", length: 1...64, example: "new_rsi_handle"),
      "privacyLevel": .text(example: "PRIVATE"),
    ]
  }

  enum PrivacyLevel: String, Codable, Sendable, CaseIterable {
    case `public` = "PUBLIC"
    case `private` = "PRIVATE"
  }

  func change(_ user: UserID, _ changes: Changes) async throws -> Profile {
    let name = try changes.username.map(Self.checked)
    try await KillTrackerKills.perform { [time] in
      _ = try await players.update(
        user, handle: changes.rsiHandle.map { $0.value },
        privacy: changes.privacyLevel.flatMap { Privacy(rawValue: $0.rawValue) },
        with: { transaction in
          if let name { try APIUsers.rename(user, to: name, at: time.timestamp, in: transaction) }
        })
    }
    return try await profile(of: user)
  }
}

extension KillTrackerProfiles {
  /// Without blanks around it.
  private static func checked(_ name: String) throws -> String {
    let inner = name.drop(while: \.isWhitespace)
    let trimmed = inner.lastIndex { !$0.isWhitespace }.map { String(inner[...$0]) } ?? ""
    guard !trimmed.isEmpty, !trimmed.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
      throw HTTPError.invalid(
        .invalidBody, [.init(path: "username", message: "must have a letter, and no control characters")])
    }
    return trimmed
  }
}

extension KillTrackerV1 {
  func declareUsers(in routes: inout SurfaceRoutes) {
    let profiles = KillTrackerProfiles(services)
    let service = KillTrackerKills(services)
    routes.read(
      "/users/me", access: .user(.readUsers), limit: .byCaller(.read),
      RouteNotes("The caller's profile", tags: ["Users"]),
      returning: .succeeded(KillTrackerProfiles.Profile.self)
    ) { request in try await profiles.profile(of: KillTrackerKills.user(of: request)) }
    routes.change(
      .patch, "/users/me", access: .user(.writeUsers), limit: .byCaller(.write), audit: "user.update",
      RouteNotes("Changes the caller's profile", tags: ["Users"]),
      .body(KillTrackerProfiles.Changes.self, unknownFields: .refused),
      returning: .succeeded(KillTrackerProfiles.Profile.self)
    ) { request, body in try await profiles.change(KillTrackerKills.user(of: request), body) }
    routes.read(
      "/users/me/stats", access: .user(.readStats), limit: .byCaller(.read),
      RouteNotes("What the caller did", tags: ["Users"]), returning: .succeeded(PlayerStatisticsAnswer.self)
    ) { request in
      let user = try KillTrackerKills.user(of: request)
      return try await service.statistics(
        of: try await service.kills.player(user.description), for: service.viewer(of: request))
    }
  }
}
