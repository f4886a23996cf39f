import Core
import HTTPAPI
import Platform
import Storage

/// `adjutant token`: gives access to the HTTP API without a login, to whoever may read the data directory.
///
/// Works while the bot runs: it uses the same database and signing keys. What is secret is printed alone on the last line
/// and never again.
enum TokenCommand {
  enum Request: Equatable {
    /// A token for a user of Discord, known to the bot or not.
    case user(UInt64, isAdmin: Bool, life: Duration)
    /// An OAuth client for SkyPANEL.
    case client(name: String)
    /// A SkyPANEL account with a new password; an account that exists gets the password.
    case account(email: String)
  }

  static func run(_ request: Request, configuration: Configuration, log: Log) async throws {
    // Without a token the bot joins its own sandbox, whose state is apart from a real bot's.
    let isSandbox = configuration.discord.token == nil
    let url = isSandbox ? DiscordTarget.sandboxDatabase(configuration) : configuration.databaseURL
    let database = try await Database.open(url: url.reveal(), log: log.labelled("storage"))
    do {
      let shared = try await SharedState.open(database, modules: ProgramTables.modules, log: log)
      try await DatabaseOwner.claim(shared.state, for: isSandbox ? .sandbox : .discord)
      let tokens = try await TokenService.open(
        database: database, directory: configuration.dataDirectory + (isSandbox ? "/sandbox" : ""),
        issuer: isSandbox ? .sandbox : .adjutant, log: log)
      try await carryOut(request, database: database, tokens: tokens, place: isSandbox ? " of the sandbox" : "")
    } catch {
      await database.close()
      throw error
    }
    await database.close()
  }

  private static func carryOut(
    _ request: Request, database: Database, tokens: TokenService, place: String
  ) async throws {
    let time = SystemTime()
    switch request {
    case .user(let id, let isAdmin, let life):
      let token = try await tokens.issue(for: .user(UserID(id)), life: life, isAdmin: isAdmin)
      let role = isAdmin ? ", with the admin role," : ""
      Terminal.show("A token for user \(id)\(place)\(role) until \(token.claims.expiry.iso8601):")
      Terminal.show(token.text.reveal())
    case .client(let name):
      let (client, secret) = try await OAuthClients(database: database, time: time).create(name: name)
      Terminal.show("An OAuth client\(place) for grant_type=client_credentials; its id, then its secret:")
      Terminal.show(client.id.description)
      Terminal.show(secret.reveal())
    case .account(let email):
      let accounts = Accounts(database: database, hasher: PasswordHasher(), time: time)
      let password = Secret(try Crypto.randomToken(byteCount: 16))
      if let account = try await accounts.find(email: email) {
        try await accounts.setPassword(password, of: account.id)
        try await tokens.endAllSessions(of: .account(account.id))
        Terminal.show("The account \(account.id)\(place) exists; its sessions are ended. Its new password:")
      } else {
        let name = String(email.prefix { $0 != "@" })
        let account = try await accounts.create(email: email, name: name, password: password)
        Terminal.show("The account \(account.id)\(place) for \(account.email). Its password:")
      }
      Terminal.show(password.reveal())
    }
  }
}
