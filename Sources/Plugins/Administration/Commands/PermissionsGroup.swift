import Commands
import Core
import Gateway

enum PermissionsGroup: CommandGroup {
  static let name = "permissions"
  static let summary = "Allow or forbid commands to single members"
  static let memberPermissions: Gateway.Permissions? = .manageGuild
  static var subcommands: [any SlashCommand<Administration>.Type] {
    [GrantPermission.self, DenyPermission.self, ResetPermission.self, ListPermissions.self]
  }
}

struct GrantPermission: SlashCommand {
  static let name = "grant"
  static let summary = "Let a member use a command, whatever their roles say"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  @Option("Who may use it") var member: Gateway.User
  @Option("Which command", autocomplete: CommandNames.self) var command: String

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    try await context.decide(.grant, command, for: member)
  }
}

struct DenyPermission: SlashCommand {
  static let name = "deny"
  static let summary = "Forbid a member a command, whatever their roles say"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  @Option("Who may not use it") var member: Gateway.User
  @Option("Which command", autocomplete: CommandNames.self) var command: String

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    try await context.decide(.deny, command, for: member)
  }
}

struct ResetPermission: SlashCommand {
  static let name = "reset"
  static let summary = "Let a member's roles decide about a command again"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  @Option("Whose exception ends") var member: Gateway.User
  @Option("Which command", autocomplete: CommandNames.self) var command: String

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    try await context.decide(.reset, command, for: member)
  }
}

struct ListPermissions: SlashCommand {
  static let name = "list"
  static let summary = "Show the exceptions made for a member"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  @Option("Whose exceptions") var member: Gateway.User

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    let guild = try context.requireGuild()
    let grants = try await context.services.permissions.list(
      for: UserID(member.id.rawValue), in: GuildID(guild.rawValue))
    let lines = grants.map { grant in
      let verb = grant.allowed ? "may" : "may not"
      let author = grant.grantedBy.map { ", says <@\($0)>" } ?? ""
      return "\(verb) use `\(grant.permission)`\(author) <t:\(grant.grantedAt.milliseconds / 1_000):R>"
    }
    let text = lines.isEmpty ? "Their roles decide about everything." : lines.joined(separator: "\n")
    return Reply(embeds: [
      Embed(
        title: "Exceptions for \(member.username)", description: Wording.shortened(text, to: 4_096),
        color: ReplyColor.notice)
    ])
  }
}

/// The commands by name, groups included.
struct CommandNames: AutocompleteProvider {
  func suggest(for typed: String, in context: AutocompleteContext<Administration>) async throws -> [Suggestion<String>]
  {
    let wanted = typed.lowercased().drop { $0 == "/" }
    let names = Set(
      context.catalog.leaves.filter { !$0.leaf.action.isOwnerOnly }.flatMap(\.leaf.action.permissionNames))
    return names.filter { wanted.isEmpty || $0.lowercased().contains(wanted) }
      .sorted { ($0.lowercased().hasPrefix(wanted) ? 0 : 1, $0) < ($1.lowercased().hasPrefix(wanted) ? 0 : 1, $1) }
      .map { Suggestion($0) }
  }
}

extension CommandContext<Administration> {
  fileprivate func decide(
    _ decision: PermissionService.Decision, _ command: String, for user: Gateway.User
  ) async throws -> Reply {
    let guild = try requireGuild()
    let name = String(command.drop { $0 == "/" || $0 == " " })
    let exceptions = try await services.admission.exceptions(for: interaction)
    let target = resolved.members[user.id]
    let isChanged: Bool
    do {
      isChanged = try await services.permissions.decide(
        decision, name, for: UserID(user.id.rawValue),
        isAdministrator: target?.permissions?.contains(.administrator) == true, in: GuildID(guild.rawValue),
        by: UserID(self.user.id.rawValue), catalog: catalog
      ) { leaf in
        services.admission.access.permits(leaf.action, in: interaction, exceptions: exceptions)
      }
    } catch let failure as PermissionService.Failure {
      throw UserError(failure.message(name))
    }
    let who = "<@\(user.id)>"
    var text =
      switch decision {
      case .grant: "\(who) may use `\(name)` from now on."
      case .deny: "\(who) may not use `\(name)` any more."
      case .reset: "The roles of \(who) decide about `\(name)` again."
      }
    if !isChanged { text = "That was so already: nothing changed." }
    let isHidden = catalog.leaves.contains {
      $0.leaf.action.permissionNames.contains(name) && !$0.leaf.memberPermissions.isEmpty
    }
    if decision == .grant, isHidden {
      text +=
        "\nDiscord shows this command to members with certain permissions only. If they do not see it, allow it in "
        + "**Server Settings › Integrations**, too."
    }
    return Reply(embeds: [
      Embed(description: text, color: isChanged ? ReplyColor.success : ReplyColor.notice)
    ])
  }
}

extension PermissionService.Failure {
  fileprivate func message(_ name: String) -> String {
    let name = name.filter { $0 != "`" && !$0.isNewline }.prefix(100)
    return switch self {
    case .unknownCommand: "There is no command `\(name)`. `/help` lists all."
    case .ownerOnly: "`\(name)` is for those who run this bot; a server cannot decide about it."
    case .beyondOwn(let command): "You may not use `\(command)` yourself, so you cannot decide who else may."
    case .cannotDenyAdministrator: "Administrators cannot be locked out. Take that permission from their role first."
    case .tooMany(let limit): "There are \(limit) exceptions for this member already. Use roles instead."
    }
  }
}
