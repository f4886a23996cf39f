import Commands
import Core
import Gateway
import Platform

/// What `/logs` works with.
struct LogCommands: Sendable {
  let services: TrackerServices
  let attachments: AttachmentSource
}

enum LogsGroup: CommandGroup {
  static let name = "logs"
  static let summary = "Record what the game wrote to its log"
  static var subcommands: [any SlashCommand<LogCommands>.Type] {
    [UploadLog.self, ListKeptLogs.self, ReadLogAgain.self, DeleteKeptLog.self]
  }
}

/// `/logs upload`: reads a log while it comes in, and shows how far it is. It is kept for its uploader.
struct UploadLog: SlashCommand {
  static let name = "upload"
  static let summary = "Upload a Game.log; its kills are recorded once, however often you upload it"
  static let category = RateLimitCategory.economy
  static let answer = AnswerStyle.ephemeral

  @Option("Game.log, or one of its logbackups") var file: Attachment

  func run(in context: CommandContext<LogCommands>) async throws -> Reply {
    let (services, attachments) = (context.services.services, context.services.attachments)
    _ = try context.requireGuild()
    guard file.size <= LogImport.maximumBytes else {
      throw UserError(LogReading.message(.tooLarge(limit: LogImport.maximumBytes)))
    }
    let reading = LogReading(name: TrackerWords.bare(file.filename, limit: 60), size: file.size)
    return try await LogReading.explaining {
      let bytes = try await attachments.open(file)
      let (outcome, keeping) = try await services.keptLogs.keeping(bytes, of: context.userID) { bytes in
        try await reading.record(bytes, in: context)
      }
      return Reply(
        embeds: [ImportWords.result(outcome, reading.name, keeping, days: services.keptLogs.settings.days)])
    }
  }
}

/// `/logs list`: what is kept of the user's logs.
struct ListKeptLogs: SlashCommand {
  static let name = "list"
  static let summary = "Show which of your uploaded logs are kept"
  static let answer = AnswerStyle.ephemeral
  static let shown = 20

  func run(in context: CommandContext<LogCommands>) async throws -> Reply {
    let kept = try await context.services.services.keptLogs.list(of: context.userID)
    guard !kept.isEmpty else { return "None of your logs is kept. `/logs upload` brings one." }
    var lines = kept.prefix(Self.shown).map(ImportWords.line)
    if kept.count > Self.shown { lines.append("-# … and \(kept.count - Self.shown) older ones.") }
    return Reply(
      embeds: [Embed(title: "Your uploaded logs", description: lines.joined(separator: "\n"), color: ReplyColor.notice)]
    )
  }
}

/// `/logs again`: after the handle was proved, or when a newer version understands more.
struct ReadLogAgain: SlashCommand {
  static let name = "again"
  static let summary = "Read one of your kept logs again, for instance after you proved your handle"
  static let category = RateLimitCategory.economy
  static let answer = AnswerStyle.ephemeral

  @Option("Which; yours are offered", autocomplete: KeptLogSuggestions.self) var log: String

  func run(in context: CommandContext<LogCommands>) async throws -> Reply {
    let services = context.services.services
    let (user, name) = (context.userID, log)
    _ = try context.requireGuild()
    return try await LogReading.explaining {
      let bytes = try await services.keptLogs.open(name, of: user)
      let reading = LogReading(name: TrackerWords.bare(name, limit: 60), size: bytes.file.size)
      let outcome = try await reading.record(bytes, in: context)
      return Reply(embeds: [ImportWords.result(outcome, reading.name, nil, days: services.keptLogs.settings.days)])
    }
  }
}

struct DeleteKeptLog: SlashCommand {
  static let name = "delete"
  static let summary = "Delete one of your kept logs; what was recorded from it stays"
  static let answer = AnswerStyle.ephemeral

  @Option("Which; yours are offered", autocomplete: KeptLogSuggestions.self) var log: String

  func run(in context: CommandContext<LogCommands>) async throws -> Reply {
    guard try await context.services.services.keptLogs.delete(log, of: context.userID) else {
      throw UserError(LogReading.missing)
    }
    return "Deleted. What was recorded from it stays."
  }
}

struct KeptLogSuggestions: AutocompleteProvider {
  func suggest(for typed: String, in context: AutocompleteContext<LogCommands>) async throws -> [Suggestion<String>] {
    let kept = try await context.services.services.keptLogs.list(of: UserID(context.user.id.rawValue))
    return kept.filter { typed.isEmpty || $0.name.lowercased().contains(typed.lowercased()) }.prefix(25).map { log in
      Suggestion("\(log.name) (\(ImportWords.size(log.size)))", value: log.name)
    }
  }
}

/// A log that is being read for somebody at Discord.
private struct LogReading {
  static let missing = "You have no such log. `/logs list` shows yours."

  let name: String
  let size: Int

  func record<Bytes: AsyncSequence & Sendable>(
    _ bytes: Bytes, in context: CommandContext<LogCommands>
  ) async throws -> ImportOutcome where Bytes.Element == [UInt8] {
    let guild = try context.requireGuild()
    return try await context.services.services.imports.importLog(
      bytes, by: context.userID, in: GuildID(guild.rawValue)
    ) { progress in
      do {
        try await context.show(Reply(embeds: [ImportWords.progress(progress, of: size, name)]))
      } catch {
        // The result follows all the same.
        context.log.debug("progress was not shown", ["error": .error(error)])
      }
    }
  }

  /// Says in the user's terms what went wrong.
  static func explaining<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch let error as LogImportError {
      throw UserError(message(error))
    } catch let error as AttachmentError {
      throw UserError(error.message)
    } catch let error as KillError {
      throw UserError(TrackerWords.message(error))
    } catch is LogShelfError {
      throw UserError(missing)
    }
  }

  static func message(_ error: LogImportError) -> String {
    switch error {
    case .tooLarge(let limit): "Logs of more than \(limit >> 20) MiB are not read. The game's own are much smaller."
    case .notALog: "That is no log of the game: none of its lines is one that the game writes."
    case .busy: "Your other log is still being read. Wait for it, then upload this one."
    }
  }
}
