import Platform

/// What happens to the events of one name in one shard.
final class EventRoute {
  let name: [UInt8]
  let feeds: [any AnyFeed]
  /// What the cache makes of it; nil if it follows it not.
  let cached: GuildCache.Event?
  /// Whether anybody reads `d` beside the session.
  let isWanted: Bool
  /// Whether the session itself needs it.
  let isOfSession: Bool
  /// How many came; made with the first, so that events which never come have no line.
  var received: Counter?

  init(name: String, feeds: [any AnyFeed], cached: GuildCache.Event?) {
    self.name = Array(name.utf8)
    self.feeds = feeds
    self.cached = cached
    isWanted = !feeds.isEmpty || cached != nil
    isOfSession = name == "READY" || name == "RESUMED"
  }
}

/// Routes by the bytes of an event's name, for the one lookup that every event costs: of all events that are documented
/// or subscribed to.
struct EventTable {
  private let routes: [EventRoute]
  /// Open addressing: places in `routes` by hash, -1 where there is none. At most a quarter full.
  private let slots: [Int]

  init(feeds: [any AnyFeed], cache: GuildCache?) {
    let feeds = Dictionary(grouping: feeds, by: \.name)
    routes = Set(DocumentedEvents.names).union(feeds.keys).sorted().map { name in
      EventRoute(
        name: name, feeds: feeds[name] ?? [],
        cached: GuildCache.Event(rawValue: name).flatMap { event in cache?.follows(event) == true ? event : nil })
    }
    var size = 64
    while size < routes.count * 4 { size *= 2 }
    var slots = [Int](repeating: -1, count: size)
    for (place, route) in routes.enumerated() {
      var slot = route.name.withUnsafeBytes { Self.hash($0) } & (size - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = place
    }
    self.slots = slots
  }

  subscript(name: UnsafeBufferPointer<UInt8>) -> EventRoute? {
    let name = UnsafeRawBufferPointer(name)
    var slot = Self.hash(name) & (slots.count - 1)
    while slots[slot] >= 0 {
      let route = routes[slots[slot]]
      if route.name.count == name.count, route.name.elementsEqual(name) { return route }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  var feeds: [any AnyFeed] { routes.flatMap(\.feeds) }

  /// Eight bytes from either end: names differ there, and the table is as small as the documents.
  private static func hash(_ name: UnsafeRawBufferPointer) -> Int {
    var hash = UInt64(name.count)
    if name.count >= 8 {
      hash ^= name.loadUnaligned(as: UInt64.self) &* 0x9E37_79B9_7F4A_7C15
      hash ^= name.loadUnaligned(fromByteOffset: name.count - 8, as: UInt64.self) &* 0xC2B2_AE3D_27D4_EB4F
    } else {
      for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
    return Int(truncatingIfNeeded: (hash &* 0x9E37_79B9_7F4A_7C15) &>> 40)
  }
}
