import Core
import Foundation
import HTTP
import Platform
import Storage
import Testing

@testable import Bot
@testable import HTTPAPI

/// `adjutant token` as a process.
struct TokenCommandTests {
  private struct Outcome {
    var code: Int32
    var lines: [String]
    var errors: String
  }

  private func run(
    _ arguments: [String], in directory: URL, environment: [String: String] = [:]
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = RunningBot.executable
    process.arguments = ["token"] + arguments
    process.environment = environment
    process.currentDirectoryURL = directory
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = try output.fileHandleForReading.readToEnd() ?? Data()
    let errorText = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Outcome(
      code: process.terminationStatus,
      lines: String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init),
      errors: String(decoding: errorText, as: UTF8.self))
  }

  /// What a server in that directory has, once the command made it.
  private func withState(
    _ directory: URL, sandbox: Bool = true, _ body: (Database, TokenService) async throws -> Void
  ) async throws {
    let place = directory.path() + "/data" + (sandbox ? "/sandbox" : "")
    let database = try await Database.open(url: "sqlite:\(place)/adjutant.db")
    let tokens = try await TokenService.open(
      database: database, directory: place, issuer: sandbox ? .sandbox : .adjutant)
    try await body(database, tokens)
    await database.close()
  }

  @Test func aTokenForAUserNobodyHasMet() async throws {
    try await withTemporaryDirectory { directory in
      let outcome = try run(["--user", "100000000000000001", "--ttl", "2h"], in: directory)
      #expect(outcome.code == 0, "\(outcome.errors)")
      let token = try #require(outcome.lines.last)
      #expect(!outcome.errors.contains(token))
      #expect(outcome.lines.first?.hasPrefix("A token for user 100000000000000001 of the sandbox until ") == true)
      try await withState(directory) { _, tokens in
        let claims = try await tokens.verify(Secret(token))
        #expect(claims.subject == .user(UserID(100_000_000_000_000_001)))
        #expect(claims.expiresAt - claims.issuedAt == 7_200)
        #expect(claims.adminUntil == nil)
      }
    }
  }

  @Test func anAdminsTokenOfARealBot() async throws {
    try await withTemporaryDirectory { directory in
      let environment = ["DISCORD_TOKEN": "MTIz.x.y"]
      let outcome = try run(["--user=5", "--admin"], in: directory, environment: environment)
      #expect(outcome.code == 0, "\(outcome.errors)")
      try await withState(directory, sandbox: false) { _, tokens in
        let claims = try await tokens.verify(Secret(outcome.lines.last ?? ""))
        #expect(claims.adminUntil == claims.expiresAt)
        #expect(claims.expiresAt - claims.issuedAt == 86_400)
      }
      // What the sandbox hands out is another's.
      let sandbox = try run(["--user=5", "--admin"], in: directory)
      try await withState(directory, sandbox: false) { _, tokens in
        await #expect(throws: TokenError.self) { try await tokens.verify(Secret(sandbox.lines.last ?? "")) }
      }
    }
  }

  @Test func aClientAndAnAccount() async throws {
    try await withTemporaryDirectory { directory in
      let client = try run(["--client", "Panel"], in: directory)
      #expect(client.code == 0 && client.lines.count == 3, "\(client.errors)")
      let account = try run(["--account", "User@example.com"], in: directory)
      #expect(account.code == 0, "\(account.errors)")
      let again = try run(["--account", "user@example.com"], in: directory)
      try await withState(directory) { database, tokens in
        let clients = OAuthClients(database: database, time: SystemTime())
        let found = try await clients.authenticate(
          id: client.lines[1], secret: Secret(client.lines[2]), scope: "read:servers")
        #expect(found.scopes == ["read:servers"])

        let hasher = PasswordHasher()
        let login = PasswordLogin(
          accounts: Accounts(database: database, hasher: hasher, time: SystemTime()), hasher: hasher, tokens: tokens,
          attempts: LoginAttempts(database: database, time: SystemTime()))
        let group = try #require(IPAddress("127.0.0.1")).site
        await #expect(throws: PasswordLogin.Refusal.invalidCredentials) {
          try await login.logIn(
            email: "user@example.com", password: Secret(account.lines.last ?? ""), from: group)
        }
        _ = try await login.logIn(email: "user@example.com", password: Secret(again.lines.last ?? ""), from: group)
      }
      let wrong = try run(["--account", "nonsense"], in: directory)
      #expect(wrong.code == 64)
      #expect(wrong.errors.contains("adjutant: email: Must be a valid email address"))
    }
  }

  @Test func itWorksBesideARunningBot() async throws {
    try await withTemporaryDirectory { directory in
      let listen = ["ADJUTANT_SANDBOX_LISTEN": "127.0.0.1:0"]
      let bot = try RunningBot(environment: listen, in: directory)
      try await bot.waitForLog("this bot is", limit: .seconds(60))
      let outcome = try run(["--user", "100000000000000001"], in: directory, environment: listen)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(try await bot.stop() == 0)
      try await withState(directory) { _, tokens in _ = try await tokens.verify(Secret(outcome.lines.last ?? "")) }
    }
  }

  @Test func keysThatOthersCanReadAreRefused() async throws {
    try await withTemporaryDirectory { directory in
      _ = try run(["--user", "5"], in: directory)
      let keys = directory.path() + "/data/sandbox/signing-keys.json"
      try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: keys)
      let outcome = try run(["--user", "5"], in: directory)
      #expect(outcome.code == 74)
      #expect(outcome.errors.contains("can be read by others"))
      #expect(outcome.lines.isEmpty)
    }
  }
}
