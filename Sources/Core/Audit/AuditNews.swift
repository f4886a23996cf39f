import FoundationEssentials
import Platform
import Storage

/// Entries of the audit log that wait to be told to somebody outside, in the order in which they were counted.
///
/// Durable, and at least once: an entry leaves when it was told. At most ``limit`` wait; beyond that the oldest give way,
/// because who could not be reached for so long reads the log itself.
public struct AuditNews: Sendable {
  static let limit: Int64 = 10_000

  public struct Batch: Sendable, Equatable {
    public var records: [AuditRecord]
    /// What ``AuditNews/remove(_:)`` takes.
    var last: Int64
  }

  private let database: Database

  public init(database: Database) { self.database = database }

  /// - Parameter ids: in their order.
  static func add(_ ids: [UUID], in transaction: Transaction) throws {
    guard !ids.isEmpty else { return }
    for start in stride(from: 0, to: ids.count, by: 50) {
      let chunk = ids[start..<min(start + 50, ids.count)]
      let rows = (1...chunk.count).map { "($\($0))" }.joined(separator: ", ")
      try transaction.execute("INSERT INTO audit_news (audit_id) VALUES \(rows)", parameters: Array(chunk))
    }
    try transaction.execute("DELETE FROM audit_news WHERE number <= (SELECT max(number) FROM audit_news) - $1", limit)
  }

  /// The oldest that wait, nil if there are none. One that was removed from the log meanwhile is left out.
  public func next(limit: Int) async throws -> Batch? {
    try await database.read { transaction in
      let numbers = try transaction.query("SELECT number FROM audit_news ORDER BY number LIMIT $1", limit) {
        try $0.value("number", as: Int64.self)
      }
      guard let last = numbers.last else { return nil }
      let records = try transaction.query(
        """
        SELECT \(AuditLog.columns) FROM audit_news JOIN audit_logs ON audit_logs.id = audit_news.audit_id
        WHERE audit_news.number <= $1 ORDER BY audit_news.number
        """, last, row: AuditLog.record)
      return Batch(records: records, last: last)
    }
  }

  /// They were told.
  public func remove(_ batch: Batch) async throws {
    try await database.write { try $0.execute("DELETE FROM audit_news WHERE number <= $1", batch.last) }
  }

  public func count() async throws -> Int {
    try await database.read { try $0.count("SELECT count(*) AS count FROM audit_news") }
  }
}
