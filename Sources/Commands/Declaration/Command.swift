import Gateway
import Platform

/// A declared command without its type: what the router runs and the registration sends.
public struct Command: Sendable {
  public enum Body: Sendable {
    case handler(CommandHandler)
    case members([Command])
  }

  public let type: ApplicationCommandType
  public let name: String
  public let summary: String
  public let memberPermissions: Permissions?
  public let contexts: CommandContexts
  public let integrationTypes: [IntegrationType]
  public let isAgeRestricted: Bool
  public let isOwnerOnly: Bool
  public let localizations: [CommandLocale: Localization]
  public let body: Body

  init<Declaration: DeclaredCommand>(
    _ declaration: Declaration.Type, type: ApplicationCommandType = .chatInput, body: Body
  ) throws {
    self.type = type
    name = declaration.name
    summary = declaration.summary
    memberPermissions = declaration.isOwnerOnly ? declaration.memberPermissions ?? [] : declaration.memberPermissions
    contexts = declaration.contexts
    integrationTypes = declaration.integrationTypes
    isAgeRestricted = declaration.isAgeRestricted
    isOwnerOnly = declaration.isOwnerOnly
    localizations = declaration.localizations
    self.body = body
  }

  /// What Discord is told in a scope. For a global command it says where it may be used and that the bot must be
  /// installed to a server: both have defaults that depend on the application's settings.
  public func definition(in scope: CommandScope) -> ApplicationCommandDefinition {
    ApplicationCommandDefinition(
      type: type, name: name, nameLocalizations: localizations.texts(\.name),
      description: type == .chatInput ? summary : "",
      descriptionLocalizations: type == .chatInput ? localizations.texts(\.summary) : [:], options: optionDefinitions,
      defaultMemberPermissions: memberPermissions,
      contexts: scope == .global ? contexts.wireValue : nil,
      integrationTypes: scope == .global ? integrationTypes : nil, isNSFW: isAgeRestricted)
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
          type: type, name: member.name, nameLocalizations: member.localizations.texts(\.name),
          description: member.summary, descriptionLocalizations: member.localizations.texts(\.summary),
          options: member.optionDefinitions)
      }
    }
  }

  /// Everything of this command that can be run.
  public var leaves: [CommandLeaf] {
    leaves(path: [], permissions: [], contexts: contexts, isOwnerOnly: isOwnerOnly, kind: kind)
  }

  private var kind: Action.Kind {
    switch type {
    case .user: .userCommand
    case .message: .messageCommand
    default: .command
    }
  }

  private func leaves(
    path: [String], permissions: Permissions, contexts: CommandContexts, isOwnerOnly: Bool, kind: Action.Kind
  ) -> [CommandLeaf] {
    let path = path + [name]
    let permissions = permissions.union(memberPermissions ?? [])
    let isOwnerOnly = isOwnerOnly || self.isOwnerOnly
    switch body {
    case .handler(let handler):
      let action = Action(
        kind: kind, name: path.joined(separator: " "), category: handler.category, answer: handler.answer,
        memberPermissions: permissions, botPermissions: handler.botPermissions, contexts: contexts,
        isOwnerOnly: isOwnerOnly)
      return [CommandLeaf(path: path, summary: summary, action: action, handler: handler)]
    case .members(let members):
      return members.flatMap {
        $0.leaves(path: path, permissions: permissions, contexts: contexts, isOwnerOnly: isOwnerOnly, kind: kind)
      }
    }
  }
}

/// A command, or subcommand, that can be run.
public struct CommandLeaf: Sendable {
  /// `["plugins", "enable"]`.
  public let path: [String]
  public let summary: String
  public let action: Action
  public let handler: CommandHandler

  /// `plugins enable`.
  public var name: String { action.name }
  public var memberPermissions: Permissions { action.memberPermissions }
}

/// What runs a command, and what has to be known before it runs.
public struct CommandHandler: Sendable {
  public let category: RateLimitCategory
  public let answer: AnswerStyle
  public let botPermissions: Permissions
  /// Required ones before optional ones.
  public let options: [ApplicationCommandOption]
  let run: @Sendable (CommandInvocation) async throws -> Reply
  /// By option name.
  var completions: [String: @Sendable (CompletionRequest) async throws -> [ApplicationCommandChoice]] = [:]
}
