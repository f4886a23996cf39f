import Core
import HTTP
import KillTracker
import Platform

/// Somebody of a kill, as both documents print them.
struct PlayerAnswer: Codable, Sendable {
  /// A user's Discord id, the handle of a player whom no user has claimed, `private` for one who is not to be seen.
  let id: String
  let username: String
  @Nullable var avatar: String?

  init(_ party: KillParty) {
    id = party.isHidden ? "private" : party.user?.description ?? party.name
    username = party.name
    avatar = party.avatarURL
  }
}

struct ServerAnswer: Codable, Sendable {
  let id: String
  let name: String

  init(_ kill: Kill, _ guilds: any GuildDirectory) { self.init(id: kill.serverID, guilds) }

  init(id: String, _ guilds: any GuildDirectory) {
    self.id = id
    name = GuildID(id).flatMap { guilds.name(of: $0) } ?? id
  }

  init(_ kill: Kill, _ names: ServerNames) {
    id = kill.serverID
    name = names.name(of: kill.serverID)
  }
}

/// A kill of v1.
struct KillAnswer: Codable, Sendable {
  let id: String
  let killer: PlayerAnswer
  let victim: PlayerAnswer
  let server: ServerAnswer
  @Nullable var weapon: String?
  @Nullable var location: String?
  let timestamp: Timestamp
  let isPvP: Bool
  let isSuicide: Bool
  let isEnvironmental: Bool

  init(_ kill: Kill, _ guilds: any GuildDirectory) { self.init(kill, ServerAnswer(kill, guilds)) }

  init(_ kill: Kill, _ names: ServerNames) { self.init(kill, ServerAnswer(kill, names)) }

  private init(_ kill: Kill, _ server: ServerAnswer) {
    id = kill.id.description
    killer = PlayerAnswer(kill.killer)
    victim = PlayerAnswer(kill.victim)
    self.server = server
    weapon = kill.weapon
    location = kill.location
    timestamp = kill.occurredAt
    isPvP = kill.isPvP
    isSuicide = kill.isSuicide
    isEnvironmental = kill.isEnvironmental
  }
}

/// A kill of the reference: killer and victim by name.
struct NamedKillAnswer: Codable, Sendable {
  let id: String
  let killerId: String
  let victimId: String
  let serverId: String
  @Nullable var weapon: String?
  @Nullable var location: String?
  let isPvP: Bool
  let isSuicide: Bool
  let isEnvironmental: Bool
  let timestamp: Timestamp
  /// What the reporter gave beside the rest; only for those who took part.
  let rawData: JSON?

  init(_ kill: Kill) {
    id = kill.id.description
    killerId = kill.killer.name
    victimId = kill.victim.name
    serverId = kill.serverID
    weapon = kill.weapon
    location = kill.location
    isPvP = kill.isPvP
    isSuicide = kill.isSuicide
    isEnvironmental = kill.isEnvironmental
    timestamp = kill.occurredAt
    rawData = kill.details
  }
}

extension PlayerAnswer: JSONWritable {
  func write(to object: inout JSONWriter) {
    object.member("id", id)
    object.member("username", username)
    object.member("avatar", orNull: avatar)
  }
}

extension ServerAnswer: JSONWritable {
  func write(to object: inout JSONWriter) {
    object.member("id", id)
    object.member("name", name)
  }
}

extension KillAnswer: JSONWritable {
  func write(to object: inout JSONWriter) {
    object.member("id", id)
    object.member("killer", killer)
    object.member("victim", victim)
    object.member("server", server)
    object.member("weapon", orNull: weapon)
    object.member("location", orNull: location)
    object.member("timestamp", timestamp)
    object.member("isPvP", isPvP)
    object.member("isSuicide", isSuicide)
    object.member("isEnvironmental", isEnvironmental)
  }
}

extension NamedKillAnswer: JSONWritable {
  func write(to object: inout JSONWriter) {
    object.member("id", id)
    object.member("killerId", killerId)
    object.member("victimId", victimId)
    object.member("serverId", serverId)
    object.member("weapon", orNull: weapon)
    object.member("location", orNull: location)
    object.member("isPvP", isPvP)
    object.member("isSuicide", isSuicide)
    object.member("isEnvironmental", isEnvironmental)
    object.member("timestamp", timestamp)
    if let rawData { object.member("rawData", rawData) }
  }
}

/// What both documents print of a player's deeds.
struct PlayerStatisticsAnswer: Codable, Sendable {
  struct Recent: Codable, Sendable {
    let id: String
    let victim: String
    @Nullable var weapon: String?
    @Nullable var location: String?
    let timestamp: Timestamp
  }
  let totalKills: Int
  let totalDeaths: Int
  let killDeathRatio: Double
  @Nullable var favoriteWeapon: String?
  let totalPlayTime: String
  @Nullable var rank: Int?
  let recentKills: [Recent]

  init(_ statistics: PlayerStatistics, recent: [Kill]) {
    totalKills = statistics.totalKills
    totalDeaths = statistics.totalDeaths
    killDeathRatio = statistics.killDeathRatio
    favoriteWeapon = statistics.favouriteWeapon
    totalPlayTime = statistics.playTimeText
    rank = statistics.rank
    recentKills = recent.map {
      Recent(
        id: $0.id.description, victim: $0.victim.name, weapon: $0.weapon, location: $0.location,
        timestamp: $0.occurredAt)
    }
  }
}

struct RankAnswer: Codable, Sendable {
  let rank: Int
  let value: Double
  /// `+5`, `-2`, `0`.
  let change: String

  init(_ entry: LeaderboardEntry) {
    rank = entry.rank
    value = entry.value
    change = entry.changeText
  }
}

struct LeaderboardAnswer: Codable, Sendable {
  struct Entry: Codable, Sendable {
    let rank: Int
    let user: PlayerAnswer
    let value: Double
    let change: String
  }
  let type: String
  /// v1 prints it, the reference does not.
  let period: String?
  let entries: [Entry]
  @Nullable var userRank: RankAnswer?

  init(_ board: Leaderboard, printsPeriod: Bool) {
    type = board.metric.rawValue
    period = printsPeriod ? board.period.rawValue : nil
    entries = board.entries.map {
      Entry(rank: $0.rank, user: PlayerAnswer($0.player), value: $0.value, change: $0.changeText)
    }
    userRank = board.own.map(RankAnswer.init)
  }
}
