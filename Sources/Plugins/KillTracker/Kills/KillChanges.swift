import Core
import Platform
import Storage

/// Kills that one transaction records and takes away together with other things, counted once at its end.
///
/// ```swift
/// try await kills.boards.writing {
///   try await database.write { transaction in
///     var changes = try KillChanges(kills.events, in: transaction)
///     … try changes.record(entries) …
///     return (result, try changes.finish())
///   }
/// }
/// ```
struct KillChanges {
  private let transaction: Transaction
  private let events: KillEvents?
  private var batch: KillBatch
  private var removed: [KillFacts] = []

  /// Takes the lock of kills.
  init(_ events: KillEvents?, in transaction: Transaction) throws {
    try transaction.lock(KillWriter.lockName)
    self.transaction = transaction
    self.events = events
    batch = KillBatch(transaction: transaction, names: [:])
  }

  mutating func record(_ entries: [KillWriter.Entry]) throws -> [KillWriter.Outcome] { try batch.record(entries) }

  /// Deletes a kill that was stored before; nothing if there is none.
  mutating func remove(_ id: KillID) throws {
    guard let facts = try KillWriter.facts(of: id, in: transaction) else { return }
    try events?.append(.deleted, id, in: transaction)
    try transaction.execute("DELETE FROM kills WHERE id = $1", id)
    removed.append(facts)
  }

  /// Counts everything. Nothing more may be recorded after it.
  /// - Returns: what changed in the counts; nil if nothing did.
  func finish() throws -> KillWriter.CountChange? {
    guard !batch.new.isEmpty || !removed.isEmpty else { return nil }
    var counts = batch.counts
    for facts in removed { counts.add(facts, sign: -1) }
    try counts.apply(in: transaction)
    let version = try KillWriter.raiseVersion(in: transaction)
    try events?.append(.created, batch.new, in: transaction)
    return KillWriter.CountChange(version: version, counts: counts)
  }
}
