/// Counts requests so that there are never more than the limit within any span of that length.
///
/// Times are kept in slots, 1/240 of the span (250 ms of a minute), as (slot, count): small whatever the limit is. A
/// request counts until its whole slot has left, so the bound is exact and a place is free at most one slot late.
struct SlidingWindow: Sendable, Equatable {
  static let slotCount: Int64 = 240

  let limit: Int
  /// Milliseconds.
  let slotLength: Int64
  private(set) var entries: [(slot: Int64, count: Int)] = []
  private(set) var used = 0

  init(_ window: RateLimitClass.Window) {
    limit = window.limit
    slotLength = max(1, window.span.components.seconds * 1_000 / Self.slotCount)
  }

  static func == (left: SlidingWindow, right: SlidingWindow) -> Bool {
    left.limit == right.limit && left.slotLength == right.slotLength && left.used == right.used
      && left.entries.elementsEqual(right.entries, by: ==)
  }

  /// Forgets what has left the span.
  /// - Parameter now: milliseconds since 1970.
  mutating func advance(to now: Int64) {
    let slot = now / slotLength
    // The clock was set back by more than a span: what lies so far ahead would block for as long.
    if let last = entries.last, last.slot > slot + Self.slotCount {
      entries.removeAll()
      used = 0
    }
    let gone = entries.prefix { $0.slot + Self.slotCount < slot }
    guard !gone.isEmpty else { return }
    used -= gone.reduce(0) { $0 + $1.count }
    entries.removeFirst(gone.count)
  }

  /// After ``advance(to:)``.
  var isFull: Bool { used >= limit }
  var remaining: Int { max(0, limit - used) }

  /// Counts a request, or several that another process told of, in the order in which they come to be known.
  mutating func record(_ count: Int, at time: Int64) {
    let slot = time / slotLength
    used += count
    let place = entries.lastIndex { $0.slot <= slot }
    if let place, entries[place].slot == slot {
      entries[place].count += count
    } else {
      entries.insert((slot, count), at: place.map { $0 + 1 } ?? 0)
    }
  }

  /// When a place is free: now or later.
  func freeAt(now: Int64) -> Int64 {
    guard isFull else { return now }
    var excess = used - limit + 1
    for entry in entries {
      excess -= entry.count
      if excess <= 0 { return (entry.slot + Self.slotCount + 1) * slotLength }
    }
    return now
  }

  /// When all places are free, if no request comes.
  func resetAt(now: Int64) -> Int64 { entries.last.map { ($0.slot + Self.slotCount + 1) * slotLength } ?? now }
}
