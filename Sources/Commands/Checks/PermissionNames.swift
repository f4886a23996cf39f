import Gateway

extension Permissions {
  /// What of these is not granted; an administrator lacks nothing.
  func missing(from granted: Permissions) -> Permissions { granted.allows(self) ? [] : subtracting(granted) }

  /// As Discord's English menus call them: `**Manage Server** and **Ban Members**`.
  public var names: String {
    var names: [String] = []
    for bit in 0..<UInt64(UInt64.bitWidth) where rawValue & (1 << bit) != 0 {
      let name = Self.englishNames[Permissions(rawValue: 1 << bit)] ?? "permission \(bit)"
      names.append("**\(name)**")
    }
    guard let last = names.popLast() else { return "none" }
    return names.isEmpty ? last : "\(names.joined(separator: ", ")) and \(last)"
  }

  private static let englishNames: [Permissions: String] = [
    .createInstantInvite: "Create Invite", .kickMembers: "Kick Members", .banMembers: "Ban Members",
    .administrator: "Administrator", .manageChannels: "Manage Channels", .manageGuild: "Manage Server",
    .addReactions: "Add Reactions", .viewAuditLog: "View Audit Log", .prioritySpeaker: "Priority Speaker",
    .stream: "Video", .viewChannel: "View Channels", .sendMessages: "Send Messages",
    .sendTTSMessages: "Send Text-to-Speech Messages", .manageMessages: "Manage Messages",
    .embedLinks: "Embed Links", .attachFiles: "Attach Files", .readMessageHistory: "Read Message History",
    .mentionEveryone: "Mention @everyone, @here and All Roles", .useExternalEmojis: "Use External Emoji",
    .viewGuildInsights: "View Server Insights", .connect: "Connect", .speak: "Speak", .muteMembers: "Mute Members",
    .deafenMembers: "Deafen Members", .moveMembers: "Move Members", .useVAD: "Use Voice Activity",
    .changeNickname: "Change Nickname", .manageNicknames: "Manage Nicknames", .manageRoles: "Manage Roles",
    .manageWebhooks: "Manage Webhooks", .manageGuildExpressions: "Manage Expressions",
    .useApplicationCommands: "Use Application Commands", .requestToSpeak: "Request to Speak",
    .manageEvents: "Manage Events", .manageThreads: "Manage Threads",
    .createPublicThreads: "Create Public Threads", .createPrivateThreads: "Create Private Threads",
    .useExternalStickers: "Use External Stickers", .sendMessagesInThreads: "Send Messages in Threads",
    .useEmbeddedActivities: "Use Activities", .moderateMembers: "Timeout Members",
    .viewCreatorMonetizationAnalytics: "View Server Subscription Insights", .useSoundboard: "Use Soundboard",
    .createGuildExpressions: "Create Expressions", .createEvents: "Create Events",
    .useExternalSounds: "Use External Sounds", .sendVoiceMessages: "Send Voice Messages",
    .sendPolls: "Create Polls", .useExternalApps: "Use External Apps", .pinMessages: "Pin Messages",
    .bypassSlowmode: "Bypass Slowmode",
  ]
}
