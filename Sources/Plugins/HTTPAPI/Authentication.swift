import Core
import HTTP
import Platform
import Storage

/// Everything that says who somebody is and how often they may ask, put together over one database.
public final class Authentication: Sendable {
  public struct Settings: Sendable {
    /// Where the signing keys are.
    public var directory: String
    public var issuer: TokenIssuer
    /// Users with the admin role.
    public var owners: [UserID]
    public var uidLoginSecret: Secret<String>?
    public var limitsRates: Bool
    public var exemptAddresses: [NetworkBlock]

    public init(
      directory: String, issuer: TokenIssuer, owners: [UserID] = [], uidLoginSecret: Secret<String>? = nil,
      limitsRates: Bool = true, exemptAddresses: [NetworkBlock] = []
    ) {
      self.directory = directory
      self.issuer = issuer
      self.owners = owners
      self.uidLoginSecret = uidLoginSecret
      self.limitsRates = limitsRates
      self.exemptAddresses = exemptAddresses
    }
  }

  static let cleaningInterval = Duration.seconds(300)

  public let tokens: TokenService
  public let keys: APIKeys
  public let accounts: Accounts
  public let clients: OAuthClients
  public let users: APIUsers
  public let passwordLogin: PasswordLogin
  public let uidLogin: UIDLogin
  public let limits: RateLimits
  public let authenticator: Authenticator
  private let attempts: LoginAttempts
  private let database: Database
  private let time: any TimeSource
  private let log: Log

  /// The tables (``HTTPAPITables``) and those of Core must exist.
  /// - Throws: ``KeyFileError``; `DatabaseError`.
  public static func open(
    _ settings: Settings, database: Database, handles: any HandleOwnership, hasher: PasswordHasher = PasswordHasher(),
    time: any TimeSource = SystemTime(), log: Log = .silent
  ) async throws -> Authentication {
    let log = log.labelled("httpapi")
    let tokens = try await TokenService.open(
      database: database, directory: settings.directory, issuer: settings.issuer, time: time, log: log)
    return try Authentication(
      settings, tokens: tokens, database: database, handles: handles, hasher: hasher, time: time, log: log)
  }

  private init(
    _ settings: Settings, tokens: TokenService, database: Database, handles: any HandleOwnership,
    hasher: PasswordHasher, time: any TimeSource, log: Log
  ) throws {
    self.tokens = tokens
    self.database = database
    self.time = time
    self.log = log
    keys = APIKeys(database: database, handles: handles, time: time, log: log)
    accounts = Accounts(database: database, hasher: hasher, time: time)
    clients = OAuthClients(database: database, time: time)
    users = APIUsers(database: database, time: time)
    attempts = LoginAttempts(database: database, time: time)
    passwordLogin = PasswordLogin(accounts: accounts, hasher: hasher, tokens: tokens, attempts: attempts, log: log)
    uidLogin = UIDLogin(secret: settings.uidLoginSecret, database: database, tokens: tokens, time: time)
    limits = try RateLimits(
      isOn: settings.limitsRates, exempt: settings.exemptAddresses, database: database, time: time, log: log)
    authenticator = Authenticator(
      tokens: tokens, keys: keys, accounts: accounts, clients: clients, owners: settings.owners, time: time)
  }

  /// Logging in with Discord, for an installation that Discord can send people back to.
  public func discordLogin(
    oauth: any DiscordOAuth, authorizeURL: String, clientID: String, redirectURIs: [String]
  ) -> DiscordLogin {
    DiscordLogin(
      oauth: oauth, database: database, tokens: tokens, users: users, authorizeURL: authorizeURL, clientID: clientID,
      redirectURIs: redirectURIs, time: time)
  }

  /// Follows other processes, shares rate limits, writes down uses and removes what is over, until cancelled; what was
  /// not written down yet is then.
  public func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.tokens.run() }
      group.addTask { await self.keys.run() }
      group.addTask { await self.limits.run() }
      group.addTask { await self.clean() }
    }
    // Cancelled: the last write needs a task that is not.
    await Task { [keys, log] in
      do { try await keys.flushUsage() } catch {
        log.warning("the last use of API keys could not be stored", ["error": "\(error)"])
      }
    }.value
  }

  private func clean() async {
    repeat {
      do {
        try await LoginMarks.clean(database, at: time.timestamp)
        try await attempts.clean()
      } catch is CancellationError {} catch {
        log.warning("old logins could not be removed; trying again soon", ["error": "\(error)"])
      }
    } while (try? await time.sleep(for: Self.cleaningInterval)) != nil
  }
}
