import Gateway
import Platform

/// A declared command without its type: what the router runs and the registration sends.
public struct Command: Sendable {
  public enum Body: Sendable {
    case handler(CommandHandler)
    case members([Command])
  }

  public let name: String
  public let summary: String
  public let memberPermissions: Permissions?
  public let contexts: CommandContexts
  public let body: Body

  /// What Discord is told in a scope. For a global command it says where it may be used and that the bot must be
  /// installed to a server: both have defaults that depend on the application's settings.
  public func definition(in scope: CommandScope) -> ApplicationCommandDefinition {
    ApplicationCommandDefinition(
      name: name, description: summary, options: optionDefinitions, defaultMemberPermissions: memberPermissions,
      contexts: scope == .global ? contexts.wireValue : nil,
      integrationTypes: scope == .global ? [.guildInstall] : nil)
  }

  private var optionDefinitions: [ApplicationCommandOption] {
    switch body {
    case .handler(let handler): handler.options
    case .members(let members):
      members.map { member in
        let type: ApplicationCommandOptionType =
          switch member.body {
          case .handler: .subcommand
          case .members: .subcommandGroup
          }
        return ApplicationCommandOption(
          type: type, name: member.name, description: member.summary, options: member.optionDefinitions)
      }
    }
  }

  /// Everything of this command that can be run.
  public var leaves: [CommandLeaf] { leaves(path: [], permissions: []) }

  private func leaves(path: [String], permissions: Permissions) -> [CommandLeaf] {
    let path = path + [name]
    let permissions = permissions.union(memberPermissions ?? [])
    switch body {
    case .handler(let handler):
      return [CommandLeaf(path: path, summary: summary, memberPermissions: permissions, handler: handler)]
    case .members(let members):
      return members.flatMap { $0.leaves(path: path, permissions: permissions) }
    }
  }
}

/// A command, or subcommand, that can be run.
public struct CommandLeaf: Sendable {
  /// `["plugins", "enable"]`.
  public let path: [String]
  public let summary: String
  /// What a member needs, with what the groups above need.
  public let memberPermissions: Permissions
  public let handler: CommandHandler

  /// `plugins enable`.
  public var name: String { path.joined(separator: " ") }
}

/// What runs a command, and what has to be known before it runs.
public struct CommandHandler: Sendable {
  public let category: RateLimitCategory
  public let answer: AnswerStyle
  public let botPermissions: Permissions
  /// Required ones before optional ones.
  public let options: [ApplicationCommandOption]
  let run: @Sendable (CommandInvocation) async throws -> Reply
}
