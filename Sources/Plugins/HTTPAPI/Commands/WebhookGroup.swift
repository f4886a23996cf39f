import Commands
import Core
import Gateway
import Platform

/// `/webhook`: what happens is told to addresses of the invoker. Everything here is for their eyes alone.
enum WebhookGroup: CommandGroup {
  static let name = "webhook"
  static let summary = "Tell your own programs what happens"
  static var subcommands: [any SlashCommand<Webhooks>.Type] {
    [CreateWebhook.self, ListWebhooks.self, TestWebhook.self, ShowWebhookLog.self, DeleteWebhook.self]
  }
}

struct CreateWebhook: SlashCommand {
  static let name = "create"
  static let summary = "Make a webhook. Its secret is shown once"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  @Option("Where to send: https://…", length: 1...2_000) var url: String
  @Option("What of, as in kill.created user.stats_updated", autocomplete: WebhookEventNames.self)
  var events: String
  @Option("What to call it", length: 1...100) var name: String?
  @Option("Only what happens in this server", name: "here") var isHere: Bool = false
  @Option("Whether deliveries are signed with a secret", name: "signed") var isSigned: Bool = true

  func run(in context: CommandContext<Webhooks>) async throws -> Reply {
    let names = events.split(whereSeparator: { $0 == " " || $0 == "," }).map(String.init)
    // Made by us: what is typed into Discord is kept by it.
    let secret = isSigned ? Secret(try Crypto.randomToken()) : nil
    let request = WebhookRequest(
      name: name ?? "Webhook", url: url, events: names,
      guildID: isHere ? GuildID(try context.requireGuild().rawValue) : nil, secret: secret)
    let made = try await WebhookWords.explaining { try await context.services.create(request, for: context.owner) }
    var text = WebhookWords.line(made)
    if let secret {
      text = """
        Copy the secret now: it is not shown again. With it your program can tell that a delivery is ours \
        (`X-Adjutant-Signature-V2`).
        ```
        \(secret.reveal())
        ```
        \(text)
        """
    }
    return Reply(embeds: [
      Embed(
        title: "A new webhook", description: text, color: ReplyColor.success,
        footer: Embed.Footer("/webhook test sends it something."))
    ])
  }
}

struct ListWebhooks: SlashCommand {
  static let name = "list"
  static let summary = "Show your webhooks, but not their secrets"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<Webhooks>) async throws -> Reply {
    let webhooks = try await context.services.list(of: context.owner)
    guard !webhooks.isEmpty else { return "You have no webhooks. `/webhook create` makes one." }
    return Reply(embeds: [
      Embed(
        title: "Your webhooks", description: WebhookWords.joined(webhooks.map(WebhookWords.line)),
        color: ReplyColor.notice)
    ])
  }
}

struct TestWebhook: SlashCommand {
  static let name = "test"
  static let summary = "Send a webhook something, and see what comes of it"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral
  /// How long what comes of it is waited for, and how often it is looked for.
  static let patience = Duration.seconds(12)
  static let interval = Duration.milliseconds(500)

  @Option("Which one", autocomplete: OwnWebhooks.self) var webhook: String

  func run(in context: CommandContext<Webhooks>) async throws -> Reply {
    let id = try WebhookWords.id(webhook)
    let sent = try await WebhookWords.explaining { try await context.services.test(id, of: context.owner) }
    let deadline = context.time.now + Self.patience
    while context.time.now < deadline {
      let known = try await WebhookWords.explaining {
        try await context.services.deliveries(of: id, of: context.owner, limit: 20)
      }.first { $0.id == sent.id }
      if let known, known.state != .pending {
        return Reply(embeds: [
          Embed(
            title: known.state == .delivered ? "It arrived" : "It did not arrive",
            description: WebhookWords.line(known),
            color: known.state == .delivered ? ReplyColor.success : ReplyColor.error)
        ])
      }
      try await context.time.sleep(for: Self.interval)
    }
    return Reply(embeds: [
      Embed(
        title: "It is on its way", description: "No answer so far. `/webhook log` shows what comes of it.",
        color: ReplyColor.notice)
    ])
  }
}

struct ShowWebhookLog: SlashCommand {
  static let name = "log"
  static let summary = "Show the latest deliveries of a webhook"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral
  static let shown = 15

  @Option("Which one", autocomplete: OwnWebhooks.self) var webhook: String

  func run(in context: CommandContext<Webhooks>) async throws -> Reply {
    let id = try WebhookWords.id(webhook)
    let (found, deliveries) = try await WebhookWords.explaining {
      (
        try await context.services.find(id, of: context.owner),
        try await context.services.deliveries(of: id, of: context.owner, limit: Self.shown)
      )
    }
    var lines = deliveries.map(WebhookWords.line)
    if found.droppedEvents > 0 { lines.append("\(found.droppedEvents) events were left out, as too many waited.") }
    return Reply(embeds: [
      Embed(
        title: APIKeyWords.plain(found.name),
        description: lines.isEmpty ? "Nothing was sent so far." : WebhookWords.joined(lines),
        color: ReplyColor.notice)
    ])
  }
}

struct DeleteWebhook: SlashCommand {
  static let name = "delete"
  static let summary = "End a webhook, with its log and all that waits"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  @Option("Which one", autocomplete: OwnWebhooks.self) var webhook: String

  func run(in context: CommandContext<Webhooks>) async throws -> Reply {
    let id = try WebhookWords.id(webhook)
    try await WebhookWords.explaining { try await context.services.delete(id, of: context.owner) }
    return Reply(embeds: [Embed(description: "`\(id)` hears of nothing any more.", color: ReplyColor.success)])
  }
}

/// The invoker's own webhooks.
struct OwnWebhooks: AutocompleteProvider {
  func suggest(for typed: String, in context: AutocompleteContext<Webhooks>) async throws -> [Suggestion<String>] {
    let wanted = typed.lowercased()
    return try await context.services.list(of: .user(UserID(context.user.id.rawValue)))
      .filter { wanted.isEmpty || $0.name.lowercased().contains(wanted) || $0.id.description.hasPrefix(wanted) }
      .map { Suggestion("\($0.name.prefix(70)) (\($0.id))", value: $0.id.description) }
  }
}

/// Names of events, completing the last one of those typed so far.
struct WebhookEventNames: AutocompleteProvider {
  func suggest(for typed: String, in context: AutocompleteContext<Webhooks>) async throws -> [Suggestion<String>] {
    let isSeparator: (Character) -> Bool = { $0 == " " || $0 == "," }
    let words = typed.split(whereSeparator: isSeparator).map(String.init)
    let isOpen = typed.last.map { !isSeparator($0) } ?? false
    let before = isOpen ? Array(words.dropLast()) : words
    let wanted = isOpen ? (words.last ?? "").lowercased() : ""
    return context.services.catalog.events.map(\.name)
      .filter { !before.contains($0) && (wanted.isEmpty || $0.contains(wanted)) }
      .map { (before + [$0]).joined(separator: " ") }
      // Discord's limit for a choice.
      .filter { $0.utf16.count <= 100 }
      .prefix(25).map { Suggestion($0) }
  }
}

extension CommandContext<Webhooks> {
  fileprivate var owner: Subject { .user(UserID(user.id.rawValue)) }
}

enum WebhookWords {
  static let unknown = "You have no such webhook. `/webhook list` shows yours."

  static func id(_ text: String) throws -> WebhookID {
    guard let id = WebhookID(text) else { throw UserError(unknown) }
    return id
  }

  static func line(_ webhook: Webhook) -> String {
    var parts = ["`\(webhook.id)` **\(APIKeyWords.plain(webhook.name))**", "`\(address(webhook.url))`"]
    parts.append(webhook.events.map { "`\($0)`" }.joined(separator: " "))
    if webhook.guildID != nil { parts.append("one server") }
    parts.append(webhook.hasSecret ? "signed" : "not signed")
    if !webhook.isActive {
      parts.append("**switched off**" + (webhook.disabledReason.map { ": \(APIKeyWords.plain($0))" } ?? ""))
    }
    return parts.joined(separator: " · ")
  }

  static func line(_ delivery: WebhookDelivery) -> String {
    var parts = ["`\(delivery.event)`"]
    switch delivery.state {
    case .delivered: parts.append("delivered")
    case .dead: parts.append("**given up**")
    case .pending: parts.append(delivery.attempts.isEmpty ? "waits" : "is tried again")
    }
    if let last = delivery.attempts.last {
      if let status = last.status { parts.append("\(status)") }
      if let error = last.error { parts.append(APIKeyWords.plain(error)) }
      parts.append("\(last.milliseconds) ms")
      if delivery.attempts.count > 1 { parts.append("attempt \(delivery.attempts.count)") }
    }
    parts.append("<t:\((delivery.finishedAt ?? delivery.createdAt).milliseconds / 1_000):R>")
    return parts.joined(separator: " · ")
  }

  /// Without what may be a secret in it: everything behind the path's beginning.
  private static func address(_ url: String) -> String {
    let short = url.prefix { $0 != "?" && $0 != "#" && $0 != "`" }
    return short.count > 60 ? short.prefix(60) + "…" : String(short)
  }

  /// As many lines as an embed holds.
  static func joined(_ lines: [String]) -> String {
    var text = ""
    for (place, line) in lines.enumerated() {
      guard text.utf16.count + line.utf16.count < 4_000 else { return text + "\n… and \(lines.count - place) more" }
      text += (text.isEmpty ? "" : "\n") + line
    }
    return text
  }

  static func explaining<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch let error as WebhookError {
      switch error {
      case .invalid(let field, let reason):
        throw UserError("`\(APIKeyWords.plain(field))` \(APIKeyWords.plain(reason)).")
      case .tooMany(let limit): throw UserError("You have \(limit) webhooks already. `/webhook delete` makes room.")
      case .tooManyWaiting(let limit): throw UserError("\(limit) tests wait to be sent already. Try again later.")
      case .notFound: throw UserError(unknown)
      }
    }
  }
}
