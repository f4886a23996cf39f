import Storage
import Synchronization

/// What was computed from counts, kept as long as it is what would be computed again: until a change touches what it was
/// computed from.
///
/// What was not asked for lately is forgotten: entries live in two halves, and when the younger is full the older goes.
final class Remembered<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Entry {
    var version: Int64
    var value: Value
    var weight: Int
  }

  private struct State {
    var young: [Key: Entry] = [:]
    var old: [Key: Entry] = [:]
    var weight = 0
  }

  private let boards: Boards
  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: how much all entries may weigh together.
  init(_ boards: Boards, limit: Int) {
    self.boards = boards
    self.limit = limit
  }

  /// - Parameters:
  ///   - part: all that `make` reads.
  ///   - transaction: one that only reads: what is not stored yet must not be remembered.
  func value(
    _ key: Key, of part: Touches.Part, in transaction: ReadTransaction, weight: (Value) -> Int = { _ in 1 },
    _ make: () throws -> Value
  ) throws -> Value {
    let version = try Boards.versions(in: transaction).counts
    if let known = state.withLock({ $0.young[key] ?? $0.old[key] }),
      let valid = boards.validity(of: part, since: known.version, at: version)
    {
      // So that it stays right when changes are forgotten.
      keep(Entry(version: valid, value: known.value, weight: known.weight), for: key)
      return known.value
    }
    let value = try make()
    keep(Entry(version: version, value: value, weight: weight(value)), for: key)
    return value
  }

  private func keep(_ entry: Entry, for key: Key) {
    state.withLock { state in
      state.old[key] = nil
      if let before = state.young.updateValue(entry, forKey: key) { state.weight -= before.weight }
      state.weight += entry.weight
      guard state.weight > limit / 2 else { return }
      (state.old, state.young, state.weight) = (state.young, [:], 0)
    }
  }

  /// How many entries there are.
  var count: Int { state.withLock { $0.young.count + $0.old.count } }
}
