import Core
import Platform

/// Who listens, as far as it decides what they may see.
public struct HubViewer: Sendable, Equatable {
  /// Nil for a panel account without a Discord user: it sees what everybody sees.
  public var user: UserID?
  public var isAdmin: Bool
  /// The guilds that the user manages.
  public var managedGuilds: Set<GuildID>
  /// When the token ends; nil for one without an end.
  public var expiresAt: Timestamp?

  public init(
    user: UserID?, isAdmin: Bool = false, managedGuilds: Set<GuildID> = [], expiresAt: Timestamp? = nil
  ) {
    self.user = user
    self.isAdmin = isAdmin
    self.managedGuilds = managedGuilds
    self.expiresAt = expiresAt
  }

  /// - Parameter managedGuilds: ignored where the login is a limited one: somebody else vouched for it, so it is a plain
  ///   user's.
  /// - Returns: nil for nobody and for OAuth clients, who are no viewers of kills.
  public init?(_ principal: Principal, managedGuilds: Set<GuildID>) {
    switch principal.identity {
    case .anonymous, .client: return nil
    case .user, .account: break
    }
    let expiresAt: Timestamp? = if case .token(let claims) = principal.credential { claims.expiry } else { nil }
    self.init(
      user: principal.user, isAdmin: principal.isAdmin, managedGuilds: principal.isLimited ? [] : managedGuilds,
      expiresAt: expiresAt)
  }
}

/// Who may see an event.
public struct HubAudience: Sendable, Equatable {
  /// Whether everybody may who is logged in: what those whom it concerns have made public.
  public var isPublic: Bool
  /// Whom it concerns.
  public var users: Set<UserID>
  /// Whose managers may.
  public var guild: GuildID?
  /// Who may not, though everybody else may, because they get a fuller version of it: these users, and admins. Nil for
  /// an event that is the same for everybody.
  public var except: Set<UserID>?

  public init(isPublic: Bool = false, users: Set<UserID> = [], guild: GuildID? = nil, except: Set<UserID>? = nil) {
    self.isPublic = isPublic
    self.users = users
    self.guild = guild
    self.except = except
  }

  public static let everybody = HubAudience(isPublic: true)

  /// Admins see everything.
  public func includes(_ viewer: HubViewer) -> Bool {
    if let except, viewer.isAdmin || viewer.user.map(except.contains) ?? false { return false }
    if isPublic || viewer.isAdmin { return true }
    if let user = viewer.user, users.contains(user) { return true }
    return guild.map(viewer.managedGuilds.contains) ?? false
  }
}
