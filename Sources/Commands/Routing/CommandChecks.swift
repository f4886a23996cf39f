import Gateway

/// A condition on every command beyond those that a command declares: maintenance, rate limits.
public protocol CommandCheck: Sendable {
  /// - Throws: a ``UserFacingError`` to refuse; anything else counts as a failure of the command.
  func check(_ request: CommandRequest) async throws
}

/// A command that is about to run.
public struct CommandRequest: Sendable {
  public let plugin: PluginDescription
  public let leaf: CommandLeaf
  public let contexts: CommandContexts
  public let interaction: Interaction
  public let user: User
}

/// Whether a command may run where it was given, by whom it was given.
public struct CommandAccess: Sendable {
  let enabled: any EnabledPlugins

  public init(enabled: any EnabledPlugins) {
    self.enabled = enabled
  }

  /// Why not, in words for the invoker; nil if it may. Discord checks most of this too, but managers can override its
  /// check and its menus lag behind.
  public func refusal(
    of leaf: CommandLeaf, contexts: CommandContexts, plugin: PluginDescription, interaction: Interaction
  ) -> String? {
    guard let guild = interaction.guildID else {
      return contexts == .guilds || !plugin.isCore ? "`/\(leaf.name)` works in a server only." : nil
    }
    if !plugin.isCore, !enabled.isEnabled(plugin.name, in: guild) {
      return "**\(plugin.title)** is switched off in this server. A manager can switch it on with `/plugins enable`."
    }
    let missing = leaf.memberPermissions.missing(from: interaction.member?.permissions ?? [])
    if !missing.isEmpty { return "You need the permission \(missing.names) for `/\(leaf.name)`." }
    if let own = interaction.appPermissions {
      let missing = leaf.handler.botPermissions.missing(from: own)
      if !missing.isEmpty { return "I need the permission \(missing.names) here for `/\(leaf.name)`." }
    }
    return nil
  }
}

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
