import Platform
import Storage

/// Something that happened in the domain and that others may want to hear of: `kill.created`, `giveaway.ended`.
public struct DomainEvent: Sendable, Equatable {
  /// Its place in the one order that all processes agree on: 1, 2, 3 … without a gap. An event that is published later
  /// always has a higher position.
  public var position: Int64
  /// `kill.created`: what it is about, a dot, what happened to it.
  public var name: String
  /// The guild in which it happened, if in one.
  public var guildID: GuildID?
  /// Whom it concerns.
  public var subjects: [EventSubject]
  public var data: JSON
  public var at: Timestamp

  /// An event that is yet to be stored.
  public struct Draft: Sendable, Equatable {
    public var name: String
    public var guildID: GuildID?
    public var subjects: [EventSubject]
    public var data: JSON

    /// - Parameters:
    ///   - name: chosen by the program, never by a user: it labels a metric. At most 64 characters of `a-z0-9._`.
    ///   - subjects: at most 64.
    ///   - data: at most ``DomainEvents/maximumDataBytes`` as text; no NUL characters.
    public init(_ name: String, guild: GuildID? = nil, subjects: [EventSubject] = [], data: JSON = [:]) {
      self.name = name
      guildID = guild
      self.subjects = subjects
      self.data = data
    }
  }
}

/// Somebody whom an event concerns, as text with a prefix that says what sort of somebody: `user:80351110224678912`.
public struct EventSubject: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }

  /// A Discord user.
  public static func user(_ id: UserID) -> EventSubject { EventSubject(rawValue: "user:\(id)") }
  /// A SkyPANEL account.
  public static func account(_ number: Int64) -> EventSubject { EventSubject(rawValue: "account:\(number)") }
  /// A player of a game whom no user has claimed.
  public static func handle(_ handle: String) -> EventSubject { EventSubject(rawValue: "handle:\(handle)") }

  /// The Discord user that this is.
  public var user: UserID? {
    rawValue.hasPrefix("user:") ? UserID(String(rawValue.dropFirst(5))) : nil
  }

  public var description: String { rawValue }
}

/// An event that cannot be stored; the fault of the code that made it.
public enum DomainEventError: Error, Sendable, Equatable, CustomStringConvertible {
  case invalidName(String)
  case tooLarge(name: String, bytes: Int)
  case tooManySubjects(name: String, count: Int)

  public var description: String {
    switch self {
    case .invalidName(let name): "not the name of an event: \(name)"
    case .tooLarge(let name, let bytes):
      "an event \(name) of \(bytes) bytes; \(DomainEvents.maximumDataBytes) are the most"
    case .tooManySubjects(let name, let count):
      "an event \(name) about \(count) subjects; \(DomainEvents.maximumSubjects) are the most"
    }
  }
}

extension DomainEvent {
  static let columns = "position, name, guild_id, subjects, data, created_at"

  init(_ row: Row) throws {
    let subjects: JSON = try row["subjects"]
    self.init(
      position: try row["position"], name: try row["name"], guildID: try row["guild_id"],
      subjects: (subjects.array ?? []).compactMap(\.string).map(EventSubject.init(rawValue:)), data: try row["data"],
      at: try row["created_at"])
  }
}
