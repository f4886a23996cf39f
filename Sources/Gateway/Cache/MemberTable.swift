import Platform

/// The members of one guild: a packed record each, in the order of their ids.
struct MemberTable: Sendable {
  private var records: [Record] = []
  private var roleSets = RoleSets()
  /// Of the few whose pictures do not fit a record.
  private var images: [UInt64: (avatar: String?, guildAvatar: String?)] = [:]

  var count: Int { records.count }

  subscript(id: Snowflake) -> Member? {
    guard let place = find(id.rawValue).found else { return nil }
    return member(records[place])
  }

  /// In the order of their ids.
  var all: [Member] { records.map(member) }

  /// Takes over members, new or known. Those without an account are passed over: they cannot be found again.
  mutating func put(_ members: [Member]) {
    if members.count < 8 {
      for member in members { put(member) }
      return
    }
    // One pass over all, instead of moving half of them for each.
    var added = members.compactMap { member in member.user.map { (id: $0.id.rawValue, member: member) } }
    added.sort { $0.id < $1.id }
    var merged: [Record] = []
    merged.reserveCapacity(records.count + added.count)
    var old = 0
    for (index, entry) in added.enumerated() {
      if index + 1 < added.count, added[index + 1].id == entry.id { continue }
      while old < records.count, records[old].id < entry.id {
        merged.append(records[old])
        old += 1
      }
      if old < records.count, records[old].id == entry.id {
        roleSets.release(records[old].roles)
        old += 1
      }
      if let record = record(entry.member) { merged.append(record) }
    }
    merged += records[old...]
    records = merged
  }

  private mutating func put(_ member: Member) {
    guard let record = record(member) else { return }
    let (place, found) = find(record.id)
    if let found {
      roleSets.release(records[found].roles)
      records[found] = record
    } else {
      records.makeRoom()
      records.insert(record, at: place)
    }
  }

  mutating func remove(_ id: Snowflake) {
    guard let place = find(id.rawValue).found else { return }
    roleSets.release(records[place].roles)
    images[id.rawValue] = nil
    records.remove(at: place)
  }

  private func find(_ id: UInt64) -> (place: Int, found: Int?) {
    var low = 0
    var high = records.count
    while low < high {
      let middle = (low + high) / 2
      if records[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return (low, low < records.count && records[low].id == id ? low : nil)
  }

  // MARK: Packing

  private mutating func record(_ member: Member) -> Record? {
    guard let user = member.user else { return nil }
    let avatar = user.avatar.map(ImageHash.init)
    // An optional hash of an optional text: none, one that fits, one that does not.
    let odd = avatar == .some(nil) ? user.avatar : nil
    images[user.id.rawValue] = odd == nil && member.avatar == nil ? nil : (odd, member.avatar)
    var flags: Record.Flags = []
    if user.isBot { flags.insert(.bot) }
    if user.isSystem { flags.insert(.system) }
    if member.isPending { flags.insert(.pending) }
    if member.isMuted { flags.insert(.muted) }
    if member.isDeafened { flags.insert(.deafened) }
    if avatar??.isAnimated == true { flags.insert(.animated) }
    if avatar != nil { flags.insert(.avatar) }
    return Record(
      id: user.id.rawValue, joinedAt: member.joinedAt?.milliseconds ?? .min, username: user.username,
      globalName: user.globalName, nick: member.nick, avatar: (avatar??.high ?? 0, avatar??.low ?? 0),
      roles: roleSets.intern(member.roles), premiumSince: Record.seconds(member.premiumSince),
      timeoutUntil: Record.seconds(member.communicationDisabledUntil),
      discriminator: user.discriminator.flatMap { UInt16($0) } ?? .max, flags: flags)
  }

  private func member(_ record: Record) -> Member {
    let images = self.images.isEmpty ? nil : self.images[record.id]
    let avatar: String? =
      record.flags.contains(.avatar)
      ? images?.avatar
        ?? ImageHash(high: record.avatar.0, low: record.avatar.1, isAnimated: record.flags.contains(.animated)).text
      : nil
    // "0" for those with the new names, four digits for the rest.
    let discriminator: String? =
      switch record.discriminator {
      case .max: nil
      case 0: "0"
      case let number: String(repeating: "0", count: max(0, 4 - String(number).count)) + String(number)
      }
    return Member(
      user: User(
        id: Snowflake(rawValue: record.id), username: record.username, globalName: record.globalName,
        discriminator: discriminator, avatar: avatar, isBot: record.flags.contains(.bot),
        isSystem: record.flags.contains(.system)),
      nick: record.nick, avatar: images?.guildAvatar, roles: roleSets[record.roles],
      joinedAt: record.joinedAt == .min ? nil : Timestamp(milliseconds: record.joinedAt),
      premiumSince: Record.timestamp(record.premiumSince), isPending: record.flags.contains(.pending),
      isMuted: record.flags.contains(.muted), isDeafened: record.flags.contains(.deafened),
      communicationDisabledUntil: Record.timestamp(record.timeoutUntil))
  }

  /// 96 bytes.
  private struct Record: Sendable {
    struct Flags: OptionSet, Sendable {
      let rawValue: UInt16
      static let bot = Flags(rawValue: 1)
      static let system = Flags(rawValue: 2)
      static let pending = Flags(rawValue: 4)
      static let muted = Flags(rawValue: 8)
      static let deafened = Flags(rawValue: 16)
      static let avatar = Flags(rawValue: 32)
      static let animated = Flags(rawValue: 64)
    }

    let id: UInt64
    /// Milliseconds since 1970; the least number for none.
    let joinedAt: Int64
    let username: String
    let globalName: String?
    let nick: String?
    let avatar: (UInt64, UInt64)
    /// In ``RoleSets``.
    let roles: UInt32
    /// Seconds since 1970, until 2106; 0 for none.
    let premiumSince: UInt32
    let timeoutUntil: UInt32
    /// The greatest number for none.
    let discriminator: UInt16
    let flags: Flags

    static func seconds(_ timestamp: Timestamp?) -> UInt32 {
      timestamp.map { UInt32(clamping: $0.milliseconds / 1000) } ?? 0
    }

    static func timestamp(_ seconds: UInt32) -> Timestamp? { seconds == 0 ? nil : Timestamp(seconds: Int64(seconds)) }
  }
}

/// The name of an image as Discord writes it: 32 hexadecimal digits, behind `a_` if it is animated.
struct ImageHash: Equatable {
  let high: UInt64
  let low: UInt64
  let isAnimated: Bool

  init(high: UInt64, low: UInt64, isAnimated: Bool) {
    self.high = high
    self.low = low
    self.isAnimated = isAnimated
  }

  /// Nil for anything else, which then has to be kept as it is.
  init?(_ text: String) {
    var digits = text.utf8[...]
    isAnimated = digits.starts(with: "a_".utf8)
    if isAnimated { digits = digits.dropFirst(2) }
    guard digits.count == 32 else { return nil }
    var values: [UInt64] = [0, 0]
    for (index, byte) in digits.enumerated() {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      default: return nil
      }
      values[index / 16] = values[index / 16] << 4 | UInt64(digit)
    }
    high = values[0]
    low = values[1]
  }

  var text: String {
    let parts = [high, low].map { value in
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
    return (isAnimated ? "a_" : "") + parts.joined()
  }
}

/// The sets of roles that members have: many people share few of them.
struct RoleSets: Sendable {
  /// No roles at all.
  static let none = UInt32.max

  private var sets: [[Snowflake]] = []
  private var uses: [UInt32] = []
  private var free: [UInt32] = []
  private var numbers: [[Snowflake]: UInt32] = [:]

  /// How many different ones there are.
  var count: Int { numbers.count }

  subscript(number: UInt32) -> [Snowflake] { number == Self.none ? [] : sets[Int(number)] }

  /// The number of a set, held until it is released.
  mutating func intern(_ roles: [Snowflake]) -> UInt32 {
    guard !roles.isEmpty else { return Self.none }
    let set = roles.sorted()
    if let number = numbers[set] {
      uses[Int(number)] += 1
      return number
    }
    let number: UInt32
    if let reused = free.popLast() {
      number = reused
      sets[Int(number)] = set
      uses[Int(number)] = 1
    } else {
      number = UInt32(sets.count)
      sets.makeRoom()
      sets.append(set)
      uses.makeRoom()
      uses.append(1)
    }
    numbers[set] = number
    return number
  }

  mutating func release(_ number: UInt32) {
    guard number != Self.none else { return }
    uses[Int(number)] -= 1
    guard uses[Int(number)] == 0 else { return }
    numbers[sets[Int(number)]] = nil
    sets[Int(number)] = []
    free.append(number)
  }
}
