import Platform
import Synchronization

/// Keys that were found good, by the hash of their text: a game client shows the same one with each kill.
///
/// What is found here is what the database would say: whatever ends or changes a key in this process raises a number
/// before anybody hears of it, and so does a handle that becomes somebody else's. Nothing is kept where other processes
/// may do either (PostgreSQL).
final class APIKeyMemory: Sendable {
  /// What was true when a key was read: it is worthless once either has changed.
  struct Stamp: Sendable, Equatable {
    let keys: UInt64
    let handles: UInt64
  }

  private struct Entry: Sendable {
    let key: APIKey
    let stamp: Stamp
    let until: ContinuousClock.Instant
  }

  private struct State {
    var changes: UInt64 = 0
    /// What was asked for since the other half was full, and what was in that.
    var recent: [[UInt8]: Entry] = [:]
    var older: [[UInt8]: Entry] = [:]
  }

  /// Read again after so long in any case.
  static let longest = Duration.seconds(60)

  /// In each of two halves; some 500 bytes each.
  private let capacity: Int
  private let state = Mutex(State())

  init(capacity: Int = 4_096) { self.capacity = capacity }

  var count: Int { state.withLock { $0.recent.count + $0.older.count } }

  /// A key was changed or ended: to be called when that is stored, before anybody hears of it.
  func keysChanged() { state.withLock { $0.changes += 1 } }

  /// - Parameter handles: how often handles changed their owners; nil where nobody knows.
  /// - Returns: to be taken before the key is read; nil if it cannot be kept.
  func stamp(handles: UInt64?) -> Stamp? {
    guard let handles else { return nil }
    return Stamp(keys: state.withLock { $0.changes }, handles: handles)
  }

  func find(_ hash: [UInt8], _ stamp: Stamp, at now: ContinuousClock.Instant) -> APIKey? {
    state.withLock { state in
      guard let entry = state.recent[hash] ?? state.older[hash] else { return nil }
      guard entry.stamp == stamp, now < entry.until else { return nil }
      if state.recent[hash] == nil { insert(entry, hash, &state) }
      return entry.key
    }
  }

  func insert(_ key: APIKey, for hash: [UInt8], _ stamp: Stamp, at now: ContinuousClock.Instant) {
    state.withLock { insert(Entry(key: key, stamp: stamp, until: now + Self.longest), hash, &$0) }
  }

  /// What was not asked for while a whole half came in goes.
  private func insert(_ entry: Entry, _ hash: [UInt8], _ state: inout State) {
    if state.recent.count >= capacity {
      state.older = state.recent
      state.recent = [:]
    }
    state.recent[hash] = entry
  }
}
