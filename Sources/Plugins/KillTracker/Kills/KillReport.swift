import Core
import Platform

/// One side of a kill that is reported.
public enum ReportedParty: Sendable, Equatable {
  /// Whoever reports.
  case caller
  case user(UserID)
  /// A player's name in the game.
  case handle(String)
  /// A player's name as somebody else tells it: never the reporter's own but where it is verified as theirs.
  case logged(String)
  /// Somebody of the game, by what the game calls them.
  case character(String)

  /// What a document's `victimId` means: a Discord id, else a handle.
  public init(text: String) {
    let isID = (17...20).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    if isID, let id = UserID(text) { self = .user(id) } else { self = .handle(text) }
  }
}

/// A kill that somebody tells of.
public struct KillReport: Sendable, Equatable {
  public static let nameLimit = 100
  public static let handleLimit = 64
  public static let detailsLimit = 16 * 1_024
  /// How far a client's clock may be ahead.
  static let clockTolerance = Duration.seconds(300)
  /// When the game's first public module appeared; nothing can have been recorded before.
  static let earliest = Timestamp(seconds: 1_370_000_000)

  public var killer: ReportedParty
  public var victim: ReportedParty
  public var kind: KillKind
  /// Nil: now.
  public var occurredAt: Timestamp?
  /// A guild's id; nil: none.
  public var serverID: String?
  public var weapon: String?
  public var location: String?
  public var source: KillSource
  public var confidence: Double
  /// The same key of the same reporter is the same kill.
  public var idempotencyKey: String?
  /// Anything else worth keeping; at most ``detailsLimit`` bytes as JSON.
  public var details: JSON?

  public init(
    killer: ReportedParty = .caller, victim: ReportedParty, kind: KillKind = .pvp, occurredAt: Timestamp? = nil,
    serverID: String? = nil, weapon: String? = nil, location: String? = nil, source: KillSource = .api,
    confidence: Double = 1, idempotencyKey: String? = nil, details: JSON? = nil
  ) {
    self.killer = killer
    self.victim = victim
    self.kind = kind
    self.occurredAt = occurredAt
    self.serverID = serverID
    self.weapon = weapon
    self.location = location
    self.source = source
    self.confidence = confidence
    self.idempotencyKey = idempotencyKey
    self.details = details
  }

  /// A kill of a log.
  public init(_ kill: LoggedKill, at time: Timestamp, serverID: String? = nil) {
    func party(_ actor: GameActor) -> ReportedParty {
      actor.identification.kind == .player ? .logged(actor.name) : .character(actor.name)
    }
    var details: JSON.Object = ["damageType": .string(kill.damageType), "zone": .string(kill.zone)]
    details["victimVehicle"] = kill.victimVehicle.map { .string(GameNames.vehicle($0)) }
    details["killerVehicle"] = kill.killerVehicle.map { .string(GameNames.vehicle($0)) }
    details["creditedTo"] = kill.creditedTo.map { .string($0) }
    details["mode"] = kill.mode.place == .arenaCommander ? "arenaCommander" : nil
    // A suicide is the victim's own, whoever the log names beside it.
    let victim = party(kill.victim)
    self.init(
      killer: kill.kind == .suicide ? victim : party(kill.killer), victim: victim, kind: kill.kind, occurredAt: time,
      serverID: serverID, weapon: kill.weaponName, location: kill.placeName, source: .log,
      confidence: kill.confidence, details: .object(details))
  }

  /// The kind that the documents' flags mean; all may be missing.
  /// - Throws: ``KillError``, if they contradict each other.
  public static func kind(isPvP: Bool?, isSuicide: Bool?, isEnvironmental: Bool?) throws -> KillKind {
    let isSuicide = isSuicide ?? false
    let isEnvironmental = isEnvironmental ?? false
    if isSuicide, isEnvironmental {
      throw KillError.invalid(field: "isEnvironmental", reason: "a kill is either a suicide or environmental")
    }
    if isPvP == true, isSuicide || isEnvironmental {
      throw KillError.invalid(field: "isPvP", reason: "a suicide or an environmental death is not PvP")
    }
    return isSuicide ? .suicide : isEnvironmental ? .environment : isPvP == false ? .pve : .pvp
  }

  /// The report with blanks cut off, checked against every limit.
  func checked(at now: Timestamp) throws -> KillReport {
    var report = self
    report.weapon = try Self.name(weapon, field: "weapon")
    report.location = try Self.name(location, field: "location")
    report.killer = try Self.party(killer, field: "killerId")
    report.victim = try Self.party(victim, field: "victimId")
    if let occurredAt {
      guard occurredAt >= Self.earliest else { throw KillError.invalid(field: "timestamp", reason: "too long ago") }
      guard occurredAt <= now + Self.clockTolerance else {
        throw KillError.invalid(field: "timestamp", reason: "lies in the future")
      }
    }
    if let serverID, serverID != Kill.defaultServer {
      guard let id = GuildID(serverID), serverID == "\(id)", id.rawValue > 0 else {
        throw KillError.invalid(field: "serverId", reason: "not the id of a server")
      }
    }
    if let key = idempotencyKey, key.isEmpty || key.utf8.count > 100 || key.utf8.contains(0) {
      throw KillError.invalid(field: "idempotencyKey", reason: "must have 1 to 100 characters")
    }
    if let details, details.serialized().utf8.count > Self.detailsLimit {
      throw KillError.invalid(field: "rawData", reason: "at most \(Self.detailsLimit) bytes as JSON")
    }
    if let details, details.hasNUL { throw KillError.invalid(field: "rawData", reason: "must not contain NUL") }
    guard (0...1).contains(confidence) else {
      throw KillError.invalid(field: "confidence", reason: "must lie between 0 and 1")
    }
    return report
  }

  static func name(_ text: String?, field: String) throws -> String? {
    guard let trimmed = text.map(trim), !trimmed.isEmpty else { return nil }
    guard trimmed.count <= nameLimit, trimmed.utf8.count <= 4 * nameLimit else {
      throw KillError.invalid(field: field, reason: "at most \(nameLimit) characters")
    }
    guard !trimmed.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
      throw KillError.invalid(field: field, reason: "must not contain control characters")
    }
    return trimmed
  }

  private static func party(_ party: ReportedParty, field: String) throws -> ReportedParty {
    switch party {
    case .caller, .user: return party
    case .handle(let name): return .handle(try handle(name, field: field))
    case .logged(let name): return .logged(try handle(name, field: field))
    case .character(let name):
      guard let name = try Self.name(String(name.prefix(nameLimit)), field: field) else {
        throw KillError.invalid(field: field, reason: "must not be empty")
      }
      return .character(name)
    }
  }

  /// A handle without blanks around it.
  static func handle(_ text: String, field: String) throws -> String {
    guard let name = try name(text, field: field) else {
      throw KillError.invalid(field: field, reason: "must not be empty")
    }
    guard name.utf8.count <= handleLimit else {
      throw KillError.invalid(field: field, reason: "at most \(handleLimit) bytes")
    }
    return name
  }

  private static func trim(_ text: String) -> String {
    let start = text.drop(while: \.isWhitespace)
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
  }
}

extension JSON {
  /// Whether any text in it contains a NUL, which no database keeps.
  fileprivate var hasNUL: Bool {
    switch self {
    case .string(let text): text.utf8.contains(0)
    case .array(let elements): elements.contains(where: \.hasNUL)
    case .object(let object): object.contains { $0.key.utf8.contains(0) || $0.value.hasNUL }
    default: false
    }
  }
}

/// Who reports kills.
public struct KillReporter: Sendable, Equatable {
  public var user: UserID
  /// The name in the game under which the reporter acts: an API key's `playerName`.
  public var playerName: String?

  public init(user: UserID, playerName: String? = nil) {
    self.user = user
    self.playerName = playerName
  }
}

/// What became of a report.
public struct RecordedKill: Sendable, Equatable {
  public var kill: Kill
  /// False if the kill was known already: the same key, the same report again, or another client's of the same kill.
  public var isNew: Bool
}
