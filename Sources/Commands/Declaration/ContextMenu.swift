import Gateway
import Platform

/// A command in the context menu of a user: right click, Apps.
///
/// ```swift
/// struct ShowKills: UserCommand {
///   static let name = "Show kills", summary = "The member's last kills"
///   func run(on target: UserTarget, in context: CommandContext<KillTracker>) async throws -> Reply { … }
/// }
/// ```
///
/// Its name may have spaces and capitals; ``DeclaredCommand/summary`` is for `/help` alone.
public protocol UserCommand<Services>: ContextMenuCommand {
  associatedtype Services
  func run(on target: UserTarget, in context: CommandContext<Services>) async throws -> Reply
}

/// A command in the context menu of a message.
public protocol MessageCommand<Services>: ContextMenuCommand {
  associatedtype Services
  /// - Parameter message: With its content, also without the message content intent.
  func run(on message: Message, in context: CommandContext<Services>) async throws -> Reply
}

public protocol ContextMenuCommand<Services>: DeclaredCommand {
  associatedtype Services: Sendable
  static var category: RateLimitCategory { get }
  static var answer: AnswerStyle { get }
  static var botPermissions: Permissions { get }
  init()
}

extension ContextMenuCommand {
  public static var category: RateLimitCategory { .default }
  public static var answer: AnswerStyle { .ephemeral }
  public static var botPermissions: Permissions { [] }

  static func handler(run: @escaping @Sendable (CommandData, CommandInvocation) async throws -> Reply) -> CommandHandler
  {
    CommandHandler(category: category, answer: answer, botPermissions: botPermissions, options: []) { invocation in
      guard case .command(let data) = invocation.interaction.data else {
        throw OptionError(option: name, problem: .unresolved)
      }
      return try await run(data, invocation)
    }
  }
}

/// On whom a ``UserCommand`` was used.
public struct UserTarget: Sendable {
  public let user: User
  /// Nil for someone who is not in this guild.
  public let member: Member?

  init?(_ data: CommandData) {
    guard let id = data.targetID, let user = data.resolved.users[id] else { return nil }
    self.user = user
    var member = data.resolved.members[id]
    member?.user = user
    self.member = member
  }
}

extension UserCommand {
  public static func command(services: Services) throws -> Command {
    let handler = handler { data, invocation in
      guard let target = UserTarget(data) else { throw OptionError(option: name, problem: .unresolved) }
      return try await Self().run(on: target, in: CommandContext(services: services, invocation: invocation))
    }
    return try Command(Self.self, type: .user, body: .handler(handler))
  }
}

extension MessageCommand {
  public static func command(services: Services) throws -> Command {
    let handler = handler { data, invocation in
      guard let message = data.targetID.flatMap({ data.resolved.messages[$0] }) else {
        throw OptionError(option: name, problem: .unresolved)
      }
      return try await Self().run(on: message, in: CommandContext(services: services, invocation: invocation))
    }
    return try Command(Self.self, type: .message, body: .handler(handler))
  }
}
