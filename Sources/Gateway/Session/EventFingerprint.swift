import Platform

/// A number by which the copies of one event in two sessions know each other.
///
/// Discord gives an event no name of its own, only a number in each session. What both copies share is their content:
/// the id, for events that have one for good, else everything in `d`, whatever the order of its members. Valid in this
/// process only, as Swift's hashes are.
enum EventFingerprint {
  static func of(_ name: JSONView.Key, _ data: JSONView?) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: UnsafeRawBufferPointer(name.utf8))
    guard let data else { return hasher.finalize() }
    // A guild may be described differently to two sessions.
    if named.contains(where: { name.equals($0) }), let id = data["id"]?.utf8 {
      hasher.combine(bytes: UnsafeRawBufferPointer(id))
    } else {
      combine(data, into: &hasher)
    }
    return hasher.finalize()
  }

  /// The guild that an event belongs to; 0 for none.
  static func guild(_ name: JSONView.Key, _ data: JSONView?) -> UInt64 {
    let id =
      data?["guild_id"]
      ?? (name.equals("GUILD_CREATE") || name.equals("GUILD_UPDATE")
        || name.equals("GUILD_DELETE") ? data?["id"] : nil)
    return id?.uint64InString ?? 0
  }

  private static let named: [StaticString] = ["MESSAGE_CREATE", "INTERACTION_CREATE", "GUILD_CREATE", "GUILD_DELETE"]

  private static func combine(_ value: JSONView, into hasher: inout Hasher) {
    switch value.kind {
    case .object:
      // A sum does not depend on the order.
      var sum = 0
      for (key, member) in value.members {
        var inner = Hasher()
        inner.combine(bytes: UnsafeRawBufferPointer(key.utf8))
        combine(member, into: &inner)
        sum &+= inner.finalize()
      }
      hasher.combine(sum)
    case .array:
      hasher.combine(1)
      for element in value.elements { combine(element, into: &hasher) }
      hasher.combine(2)
    case .string:
      if let text = value.utf8 {
        hasher.combine(text.count)
        hasher.combine(bytes: UnsafeRawBufferPointer(text))
      }
    case .integer: hasher.combine(value.int64)
    case .unsigned, .double: hasher.combine(value.double)
    case .boolean: hasher.combine(value.bool)
    case .null: hasher.combine(3)
    }
  }
}
