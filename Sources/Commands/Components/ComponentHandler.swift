import Gateway
import Platform

/// How often a component does its work.
public enum ComponentUse: Sendable, Hashable {
  case unlimited
  /// The first click on this component wins, whoever clicks and in whichever process.
  case once
  /// The first click on any component of this handler in the message wins: accept or decline.
  case oncePerMessage
  /// Each user once.
  case oncePerUser
}

/// What a button, a select or a dialog leads to, declared as a type whose stored properties travel in the custom id.
///
/// ```swift
/// struct Claim: ButtonHandler {
///   static let name = "giveaway.claim"
///   static let binding: ComponentBinding = [.guild]
///   static let use = ComponentUse.once
///   let giveaway: Int64
///   func run(in context: CommandContext<Giveaways>) async throws -> Reply { … }
/// }
/// ```
///
/// The state is signed: what arrives in `run` is what the bot once sent. About 40 bytes fit: numbers, ids, short texts,
/// enums with raw values, lists of these. When the properties change, raise ``version`` and read the old ones in
/// ``migrated(from:version:)``, so that buttons on old messages go on working.
public protocol ComponentHandler<Services>: Codable, Sendable {
  associatedtype Services: Sendable
  /// Unique among all plugins, and never changed: 1 to 64 of `a-z 0-9 . - _`.
  static var name: String { get }
  static var version: UInt8 { get }
  static var category: RateLimitCategory { get }
  static var answer: AnswerStyle { get }
  static var memberPermissions: Permissions? { get }
  static var botPermissions: Permissions { get }
  static var contexts: CommandContexts { get }
  static var binding: ComponentBinding { get }
  static var use: ComponentUse { get }
  /// After that it is refused; nil: never. What can be used only once expires after a year at the latest.
  static var lifetime: Duration? { get }

  /// Reads the state as an older version of this handler wrote it.
  /// - Throws: anything: the user is told that the component is outdated. That is also what happens by default.
  static func migrated(from state: OutdatedState, version: UInt8) throws -> Self
}

extension ComponentHandler {
  public static var version: UInt8 { 1 }
  public static var category: RateLimitCategory { .api }
  public static var answer: AnswerStyle { .update }
  public static var memberPermissions: Permissions? { nil }
  public static var botPermissions: Permissions { [] }
  public static var contexts: CommandContexts { .guildsAndDirectMessages }
  public static var binding: ComponentBinding { [] }
  public static var use: ComponentUse { .unlimited }
  public static var lifetime: Duration? { nil }
  public static func migrated(from state: OutdatedState, version: UInt8) throws -> Self {
    throw CompactCodingError.invalid("version \(version) is not known any more")
  }

  /// What is remembered of single uses must end some day.
  static var effectiveLifetime: Duration? {
    let longest = Duration.seconds(365 * 86_400)
    guard use != .unlimited else { return lifetime }
    return min(lifetime ?? longest, longest)
  }

  static func action(_ kind: Action.Kind) -> Action {
    Action(
      kind: kind, name: name, category: category, answer: answer, memberPermissions: memberPermissions ?? [],
      botPermissions: botPermissions, contexts: contexts)
  }

  static func component(
    _ kind: Action.Kind, run: @escaping @Sendable (Self, CommandInvocation) async throws -> Reply
  ) -> ComponentRoute {
    ComponentRoute(action: action(kind), binding: binding, use: use) { token in
      let handler =
        token.version == version
        ? try CompactDecoder.decode(Self.self, from: token.state)
        : try migrated(from: OutdatedState(bytes: token.state), version: token.version)
      return { try await run(handler, $0) }
    }
  }
}

/// The state in a custom id that an older version of a handler wrote.
public struct OutdatedState: Sendable {
  let bytes: [UInt8]
  /// - Parameter type: Has the properties that the handler had then, in their order.
  public func decode<State: Decodable>(_ type: State.Type = State.self) throws -> State {
    try CompactDecoder.decode(type, from: bytes)
  }
}

public protocol ButtonHandler: ComponentHandler {
  associatedtype Services
  func run(in context: CommandContext<Services>) async throws -> Reply
}

public protocol SelectHandler: ComponentHandler {
  associatedtype Services
  associatedtype Selection: SelectionValue
  func run(_ selection: [Selection], in context: CommandContext<Services>) async throws -> Reply
}

/// What happens when a dialog is sent off.
public protocol ModalHandler: ComponentHandler {
  associatedtype Services
  associatedtype Form: ModalForm
  func run(_ form: Form, in context: CommandContext<Services>) async throws -> Reply
}

extension ButtonHandler {
  public static func component(services: Services) throws -> ComponentRoute {
    component(.button) { handler, invocation in
      try await handler.run(in: CommandContext(services: services, invocation: invocation))
    }
  }
}

extension SelectHandler {
  public static func component(services: Services) throws -> ComponentRoute {
    component(.select) { handler, invocation in
      guard case .component(let data) = invocation.interaction.data else { throw SelectionError() }
      let selection = try data.values.map { text in
        guard let value = Selection(selected: text, resolved: data.resolved) else { throw SelectionError() }
        return value
      }
      return try await handler.run(selection, in: CommandContext(services: services, invocation: invocation))
    }
  }
}

extension ModalHandler {
  public static var answer: AnswerStyle { .ephemeral }

  public static func component(services: Services) throws -> ComponentRoute {
    if let problem = Form.problems.first {
      throw DeclarationError(command: name, option: problem.field, problem: problem.problem)
    }
    return component(.modal) { handler, invocation in
      guard case .modal(let data) = invocation.interaction.data else { throw SelectionError() }
      let form = try Form(data)
      return try await handler.run(form, in: CommandContext(services: services, invocation: invocation))
    }
  }
}

/// A handler without its type: what the router finds behind a custom id.
public struct ComponentRoute: Sendable {
  public let action: Action
  let binding: ComponentBinding
  let use: ComponentUse
  /// Reads the state, and gives what is to be run.
  /// - Throws: anything, for a state that cannot be read.
  let prepare: @Sendable (ComponentToken) throws -> @Sendable (CommandInvocation) async throws -> Reply

  public var name: String { action.name }
}

/// What was selected is not what the handler takes: the message's select is of an older kind.
struct SelectionError: UserFacingError {
  var userMessage: String { "What you chose is not available any more." }
}
