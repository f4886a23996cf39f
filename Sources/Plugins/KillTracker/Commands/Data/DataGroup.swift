import Commands
import Core
import Gateway
import Platform

/// `/data`: what the bot keeps about the user, to take along or to delete. For their eyes alone.
enum DataGroup: CommandGroup {
  static let name = "data"
  static let summary = "What the bot keeps about you"
  static var subcommands: [any SlashCommand<TrackerServices>.Type] { [ExportData.self, DeleteData.self] }
}

struct ExportData: SlashCommand {
  static let name = "export"
  static let summary = "Get everything that the bot keeps about you, as a file"
  static let category = RateLimitCategory.heavy
  static let answer = AnswerStyle.ephemeral
  /// What Discord takes of a bot everywhere.
  static let limit = 10 << 20

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let user = context.userID
    var bytes: [UInt8] = []
    do {
      try await context.services.personalData.export(of: user, at: context.time.timestamp) { piece in
        guard bytes.count + piece.count <= Self.limit else { throw TooLarge() }
        bytes += piece
      }
    } catch is TooLarge {
      let amount = try await context.services.personalData.summary(of: user).joined(separator: ", ")
      throw UserError(
        """
        That is more than the \(Self.limit >> 20) MiB that Discord takes as one file: \(TrackerWords.plain(amount)). The \
        HTTP API gives all of it piece by piece: make a key with `/apikey create`, then get \
        `/api/v1/kills?userId=\(user)` page by page.
        """)
    }
    return Reply(
      "Everything that the bot keeps about you.",
      files: [FileUpload(name: "killtracker-\(user).json", contentType: "application/json", bytes: bytes)])
  }

  private struct TooLarge: Error {}
}

struct DeleteData: SlashCommand {
  static let name = "delete"
  static let summary = "Delete what the bot keeps about you"
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let amount = try await context.services.personalData.summary(of: context.userID)
    guard !amount.isEmpty else { return "The bot keeps nothing about you." }
    let text = """
      The bot keeps \(amount.map { TrackerWords.plain($0) }.joined(separator: ", ")).

      **Deleted for good:** your profile and proved handle, play time and its sessions, your uploaded logs, your reports and \
      those about you, and how far your word goes.
      **Made nameless:** kills in which you took part. They are the record of whoever you fought, too, so they stay, with \
      "\(TrackerData.deletedName)" in your place; nothing leads from them to you, and you are on no leaderboard.
      **Ended:** your API keys, webhooks and logins: programs that use them stop working.
      **Not touched:** messages in Discord but those of reports, and the audit log, which says for a limited time who used \
      which command.

      This cannot be undone. `/data export` first, if you want a copy.
      """
    return Reply(
      embeds: [Embed(title: "Delete your data?", description: text, color: ReplyColor.error)],
      components: [
        .actionRow([
          .button(try context.components.button("Delete", style: .danger, for: ConfirmDataDeletion())),
          .button(try context.components.button("Keep", for: KeepData())),
        ])
      ])
  }
}

struct ConfirmDataDeletion: ButtonHandler {
  static let name = "killtracker.data.delete"
  static let binding: ComponentBinding = [.user]
  static let lifetime: Duration? = .seconds(900)

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let deleted = try await context.services.personalData.erase(context.userID)
    let text =
      deleted.isEmpty
      ? "There was nothing left to delete."
      : "Deleted or made nameless: \(deleted.map { TrackerWords.plain($0) }.joined(separator: ", "))."
    return Reply(embeds: [Embed(title: "Done", description: text, color: ReplyColor.success)])
  }
}

struct KeepData: ButtonHandler {
  static let name = "killtracker.data.keep"
  static let binding: ComponentBinding = [.user]

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    Reply(embeds: [Embed(description: "Nothing was deleted.", color: ReplyColor.notice)])
  }
}
