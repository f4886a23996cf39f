import Core
import Gateway
import Platform

/// What is asked before anything runs, in this order: is it offered here, is the plugin on, does the bot rest, may the
/// user, has the user asked too often, and then the application's own checks.
public struct Admission: Sendable {
  public let access: CommandAccess
  let exceptions: (any PermissionExceptionSource)?
  let maintenance: MaintenanceMode?
  let cooldowns: Cooldowns?
  let checks: [any CommandCheck]

  /// - Parameter maintenance: Nil: the bot never rests. Likewise for the others.
  public init(
    enabled: any EnabledPlugins, owners: Set<Snowflake> = [], exceptions: (any PermissionExceptionSource)? = nil,
    maintenance: MaintenanceMode? = nil, cooldowns: Cooldowns? = nil, checks: [any CommandCheck] = []
  ) {
    access = CommandAccess(enabled: enabled, owners: owners)
    self.exceptions = exceptions
    self.maintenance = maintenance
    self.cooldowns = cooldowns
    self.checks = checks
  }

  func refusal(of request: CommandRequest) async throws -> Refusal? {
    if let refusal = try await refusalButLimits(of: request) { return refusal }
    if let cooldowns, case .wait(let until, let isFirst) = cooldowns.use(request.action.category, by: request.user.id) {
      let seconds = (until.milliseconds + 999) / 1_000
      return Refusal(
        .rateLimit, "You are too fast for me. You can use \(request.action.title) again <t:\(seconds):R>.",
        isNoteworthy: isFirst)
    }
    for check in checks {
      do {
        try await check.check(request)
      } catch let refusal as Refusal {
        return refusal
      } catch let error as any UserFacingError {
        return Refusal(.other, error.userMessage)
      }
    }
    return nil
  }

  /// What holds for suggestions too: they come with every key that is pressed.
  func refusalButLimits(of request: CommandRequest) async throws -> Refusal? {
    if let refusal = access.placeRefusal(
      of: request.action, plugin: request.plugin, interaction: request.interaction)
    {
      return refusal
    }
    if !access.isOwner(request.user.id), let rest = try await maintenance?.current() {
      let reason = rest.reason.map { " \($0)" } ?? ""
      return Refusal(.maintenance, "The bot is being worked on and takes no commands for the moment.\(reason)")
    }
    return access.permissionRefusal(
      of: request.action, interaction: request.interaction, exceptions: try await exceptions(for: request.interaction))
  }

  /// What the guild decided for who asks.
  public func exceptions(for interaction: Interaction) async throws -> PermissionExceptions {
    guard let exceptions, let guild = interaction.guildID, let user = interaction.user?.id else { return [:] }
    return try await exceptions.exceptions(for: user, in: guild)
  }
}

/// The exceptions in the core's table `user_permissions`.
public struct StoredPermissionExceptions: PermissionExceptionSource {
  private let permissions: Core.Permissions

  public init(_ permissions: Core.Permissions) { self.permissions = permissions }

  public func exceptions(for user: Snowflake, in guild: Snowflake) async throws -> PermissionExceptions {
    let grants = try await permissions.all(for: UserID(user.rawValue), in: GuildID(guild.rawValue))
    return Dictionary(grants.map { ($0.permission, $0.allowed) }, uniquingKeysWith: { $1 })
  }
}
