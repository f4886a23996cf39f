import Platform

/// A set of permission bits. Source: Discord "Permissions".
struct Permissions: OptionSet, Hashable, Sendable {
  let rawValue: UInt64

  static let createInvite = Permissions(rawValue: 1 << 0)
  static let kickMembers = Permissions(rawValue: 1 << 1)
  static let banMembers = Permissions(rawValue: 1 << 2)
  static let administrator = Permissions(rawValue: 1 << 3)
  static let manageChannels = Permissions(rawValue: 1 << 4)
  static let manageGuild = Permissions(rawValue: 1 << 5)
  static let addReactions = Permissions(rawValue: 1 << 6)
  static let viewAuditLog = Permissions(rawValue: 1 << 7)
  static let viewChannel = Permissions(rawValue: 1 << 10)
  static let sendMessages = Permissions(rawValue: 1 << 11)
  static let manageMessages = Permissions(rawValue: 1 << 13)
  static let embedLinks = Permissions(rawValue: 1 << 14)
  static let readHistory = Permissions(rawValue: 1 << 16)
  static let muteMembers = Permissions(rawValue: 1 << 22)
  static let deafenMembers = Permissions(rawValue: 1 << 23)
  static let moveMembers = Permissions(rawValue: 1 << 24)
  static let changeNickname = Permissions(rawValue: 1 << 26)
  static let manageNicknames = Permissions(rawValue: 1 << 27)
  static let manageRoles = Permissions(rawValue: 1 << 28)
  static let manageWebhooks = Permissions(rawValue: 1 << 29)
  static let manageExpressions = Permissions(rawValue: 1 << 30)
  static let useApplicationCommands = Permissions(rawValue: 1 << 31)
  static let manageThreads = Permissions(rawValue: 1 << 34)
  static let createPublicThreads = Permissions(rawValue: 1 << 35)
  static let createPrivateThreads = Permissions(rawValue: 1 << 36)
  static let sendInThreads = Permissions(rawValue: 1 << 38)
  static let createExpressions = Permissions(rawValue: 1 << 43)
  static let pinMessages = Permissions(rawValue: 1 << 51)
  static let moderateMembers = Permissions(rawValue: 1 << 40)

  static let all = Permissions(rawValue: (1 << 53) - 1)
  /// What @everyone has in a fresh guild: invite, react, see, write, embed, attach, read history, mention everyone, use
  /// emoji and voice, change the own nickname, use commands, threads, stickers, activities, polls.
  static let everyone = Permissions(
    rawValue: [
      0, 6, 9, 10, 11, 14, 15, 16, 17, 18, 20, 21, 25, 26, 31, 32, 35, 36, 37, 38, 39, 42, 45, 46, 49, 50,
    ].reduce(UInt64(0)) { $0 | 1 << $1 })

  var json: JSON { .string(String(rawValue)) }

  init(rawValue: UInt64) { self.rawValue = rawValue }

  /// A decimal string, as Discord sends and takes permissions.
  init?(_ json: JSON?) {
    if let text = json?.string, let value = UInt64(text) {
      rawValue = value
    } else if let number = json?.integer, let value = UInt64(exactly: number) {
      rawValue = value
    } else {
      return nil
    }
  }
}

extension Guild {
  /// What a member may do in the guild, channels aside.
  func permissions(of userID: Snowflake) -> Permissions {
    if userID == ownerID { return .all }
    guard let member = members[userID] else { return [] }
    let granted = roles.filter { $0.id == id || member.roles.contains($0.id) }
      .reduce(Permissions()) { $0.union($1.permissions) }
    return granted.contains(.administrator) ? .all : granted
  }

  /// What a member may do in a channel: the guild's permissions changed by the channel's overwrites, in the order
  /// everyone, roles, member.
  func permissions(of userID: Snowflake, in channel: Channel) -> Permissions {
    var result = permissions(of: userID)
    guard result != .all, let member = members[userID] else { return result }
    if let everyone = channel.overwrites.first(where: { $0.id == id }) {
      result = result.subtracting(everyone.deny).union(everyone.allow)
    }
    let ofRoles = channel.overwrites.filter { !$0.isMember && $0.id != id && member.roles.contains($0.id) }
    result.subtract(ofRoles.reduce(Permissions()) { $0.union($1.deny) })
    result.formUnion(ofRoles.reduce(Permissions()) { $0.union($1.allow) })
    if let own = channel.overwrites.first(where: { $0.isMember && $0.id == userID }) {
      result = result.subtracting(own.deny).union(own.allow)
    }
    return result
  }

  /// The place of a member's highest role; the owner stands above all.
  func rank(of userID: Snowflake) -> Int {
    if userID == ownerID { return Int.max }
    let own = members[userID]?.roles ?? []
    return roles.filter { own.contains($0.id) }.map(\.position).max() ?? 0
  }
}
