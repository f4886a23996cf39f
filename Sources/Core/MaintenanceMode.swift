import Platform
import Storage
import Synchronization

/// The bot is being worked on: it takes no commands but those of its owners.
public struct Maintenance: Sendable, Equatable {
  /// What the users are told, nil: nothing beyond the fact.
  public var reason: String?
  public var since: Timestamp
  public var by: UserID

  public init(reason: String?, since: Timestamp, by: UserID) {
    self.reason = reason
    self.since = since
    self.by = by
  }

  var json: JSON {
    var json: JSON = ["since": .integer(since.milliseconds), "by": .string(by.description)]
    if let reason { json["reason"] = .string(reason) }
    return json
  }

  init?(_ json: JSON) {
    guard let since = json["since"]?.integer, let by = json["by"]?.string.flatMap({ UserID($0) }) else { return nil }
    self.init(reason: json["reason"]?.string, since: Timestamp(milliseconds: since), by: by)
  }
}

/// Whether the bot is being worked on: in the database, for all processes on it and over restarts.
///
/// What another process decides is seen within ``staleAfter``.
public final class MaintenanceMode: Sendable {
  static let name = "maintenance"
  public static let staleAfter = Duration.seconds(5)

  private let database: Database
  private let events: DomainEvents
  private let state: KeyedState
  private let time: any TimeSource
  private let known = Mutex<(value: Maintenance?, readAt: ContinuousClock.Instant)?>(nil)

  init(database: Database, state: KeyedState, events: DomainEvents, time: any TimeSource) {
    self.database = database
    self.events = events
    self.state = state
    self.time = time
  }

  /// Nil while the bot works.
  public func current() async throws -> Maintenance? {
    let now = time.now
    if let known = known.withLock({ $0 }), now - known.readAt < Self.staleAfter { return known.value }
    let value = try await state.find(Self.name).flatMap { Maintenance($0.value) }
    known.withLock { known in
      // A change made here in the meantime is newer than what was read.
      if let readAt = known?.readAt, readAt > now { return }
      known = (value, now)
    }
    return value
  }

  /// Begins maintenance, or ends it with nil, with a line in the audit log and the domain event `bot.status_changed`.
  public func set(_ maintenance: Maintenance?, by user: UserID) async throws {
    let now = time.timestamp
    var details: JSON.Object = [:]
    details["reason"] = maintenance?.reason.map { .string($0) }
    let entry = AuditEntry(
      userID: user, guildID: nil, action: maintenance == nil ? "maintenance_ended" : "maintenance_started",
      category: "admin_action", details: details)
    var news: JSON = ["status": maintenance == nil ? "online" : "maintenance"]
    news["reason"] = maintenance?.reason.map { .string($0) }
    try await database.write { [events, news] transaction in
      try transaction.lock("keyed_state.\(Self.name)")
      if let maintenance {
        try KeyedState.set(Self.name, to: maintenance.json, at: now, in: transaction)
      } else {
        try transaction.execute("DELETE FROM keyed_state WHERE name = $1", Self.name)
      }
      try AuditLog.append(entry, at: now, in: transaction)
      try events.append(.init("bot.status_changed", data: news), in: transaction)
    }
    let readAt = time.now
    known.withLock { $0 = (maintenance, readAt) }
  }
}
