import Commands
import Core
import Gateway
import Platform

/// Everything here is for the invoker's eyes alone.
enum APIKeyGroup: CommandGroup {
  static let name = "apikey"
  static let summary = "Keys with which your programs use the HTTP API"
  static var subcommands: [any SlashCommand<APIKeys>.Type] {
    [CreateAPIKey.self, ListAPIKeys.self, RevokeAPIKey.self]
  }
}

struct CreateAPIKey: SlashCommand {
  static let name = "create"
  static let summary = "Make a key. It is shown once"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  @Option("What it is for", length: 1...100) var name: String
  @Option("Whose kills it records: a handle of yours, or one that nobody has", length: 1...64) var player: String?
  @Option("What it may do, as in read:kills write:kills read:stats", length: 1...400) var permissions: String?
  @Option("For how many days; without, until you revoke it", range: 1...3_650) var days: Int?

  func run(in context: CommandContext<APIKeys>) async throws -> Reply {
    let permissions = try (permissions ?? "").split(whereSeparator: { $0 == " " || $0 == "," }).map { text in
      guard let permission = Permission(rawValue: String(text)) else {
        throw UserError("There is no permission `\(APIKeyWords.plain(text))`. They look like `read:kills`.")
      }
      return permission
    }
    let expiry = days.map { context.time.timestamp + .seconds($0 * 86_400) }
    let made = try await APIKeyWords.explaining {
      try await context.services.create(
        APIKeyRequest(name: name, playerName: player, permissions: Set(permissions), expiresAt: expiry),
        for: UserID(rawValue: context.user.id.rawValue))
    }
    let text = """
      Copy it now: it is not shown again, and whoever has it can act for you.
      ```
      \(made.text.reveal())
      ```
      \(APIKeyWords.line(made.key))
      """
    return Reply(embeds: [Embed(title: "A new key", description: text, color: ReplyColor.success)])
  }
}

struct ListAPIKeys: SlashCommand {
  static let name = "list"
  static let summary = "Show your keys, but not what opens with them"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<APIKeys>) async throws -> Reply {
    let keys = try await context.services.list(of: UserID(rawValue: context.user.id.rawValue))
    guard !keys.isEmpty else { return "You have no keys. `/apikey create` makes one." }
    var text = ""
    var rest = keys.count
    for line in keys.map(APIKeyWords.line) {
      // An embed holds 4096 characters.
      guard text.utf16.count + line.utf16.count < 4_000 else { break }
      text += (text.isEmpty ? "" : "\n") + line
      rest -= 1
    }
    if rest > 0 { text += "\n… and \(rest) older ones" }
    return Reply(embeds: [Embed(title: "Your keys", description: text, color: ReplyColor.notice)])
  }
}

struct RevokeAPIKey: SlashCommand {
  static let name = "revoke"
  static let summary = "End a key for good"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  @Option("Which one", autocomplete: OwnAPIKeys.self) var key: String

  func run(in context: CommandContext<APIKeys>) async throws -> Reply {
    guard let id = APIKeyID(key) else { throw UserError(APIKeyWords.unknown) }
    try await APIKeyWords.explaining {
      try await context.services.delete(id, of: UserID(rawValue: context.user.id.rawValue))
    }
    return Reply(embeds: [Embed(description: "The key `\(id)` opens nothing any more.", color: ReplyColor.success)])
  }
}

/// The invoker's own keys.
struct OwnAPIKeys: AutocompleteProvider {
  func suggest(for typed: String, in context: AutocompleteContext<APIKeys>) async throws -> [Suggestion<String>] {
    let wanted = typed.lowercased()
    return try await context.services.list(of: UserID(rawValue: context.user.id.rawValue))
      .filter { wanted.isEmpty || $0.name.lowercased().contains(wanted) || $0.id.description.hasPrefix(wanted) }
      .map { Suggestion("\($0.name.prefix(80)) (\($0.id))", value: $0.id.description) }
  }
}

enum APIKeyWords {
  static let unknown = "You have no such key. `/apikey list` shows yours."

  static func line(_ key: APIKey) -> String {
    var parts = ["`\(key.id)` **\(plain(key.name))**"]
    if let player = key.playerName { parts.append("for \(plain(player))") }
    parts.append(key.permissions.map { "`\($0)`" }.sorted().joined(separator: " "))
    if !key.isActive { parts.append("switched off") }
    if let expiry = key.expiresAt { parts.append("until <t:\(expiry.milliseconds / 1_000):D>") }
    parts.append(key.lastUsedAt.map { "used <t:\($0.milliseconds / 1_000):R>" } ?? "never used")
    return parts.joined(separator: " · ")
  }

  /// What somebody typed, without what would become markdown.
  static func plain(_ text: some StringProtocol) -> String {
    String(text.prefix(100).filter { !"*_`~|<>[]()\\".contains($0) && !$0.isNewline })
  }

  /// Says in the user's terms what the service refuses.
  static func explaining<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch let error as APIKeyError {
      switch error {
      case .invalid(let field, let reason): throw UserError("\(field) \(reason).")
      case .handleTaken: throw UserError("That handle is verified as somebody else's.")
      case .tooMany:
        throw UserError("You have \(APIKeys.maximumPerUser) keys already. `/apikey revoke` makes room.")
      case .notFound: throw UserError(unknown)
      }
    }
  }
}
