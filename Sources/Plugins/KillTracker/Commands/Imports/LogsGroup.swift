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
  static var subcommands: [any SlashCommand<LogCommands>.Type] { [UploadLog.self] }
}

/// `/logs upload`: reads a log while it comes in, and shows how far it is.
struct UploadLog: SlashCommand {
  static let name = "upload"
  static let summary = "Upload a Game.log; its kills are recorded once, however often you upload it"
  static let category = RateLimitCategory.economy
  static let answer = AnswerStyle.ephemeral

  @Option("Game.log, or one of its logbackups") var file: Attachment

  func run(in context: CommandContext<LogCommands>) async throws -> Reply {
    let guild = try context.requireGuild()
    let (services, attachments) = (context.services.services, context.services.attachments)
    guard file.size <= LogImport.maximumBytes else {
      throw UserError(message(.tooLarge(limit: LogImport.maximumBytes)))
    }
    let name = TrackerWords.bare(file.filename, limit: 60)
    let total = file.size
    do {
      let bytes = try await attachments.open(file)
      let outcome = try await services.imports.importLog(
        bytes, by: UserID(context.user.id.rawValue), in: GuildID(guild.rawValue)
      ) { progress in
        do {
          try await context.show(Reply(embeds: [ImportWords.progress(progress, of: total, name)]))
        } catch {
          // The result follows all the same.
          context.log.debug("progress was not shown", ["error": .error(error)])
        }
      }
      return Reply(embeds: [ImportWords.result(outcome, name)])
    } catch let error as LogImportError {
      throw UserError(message(error))
    } catch let error as AttachmentError {
      throw UserError(error.message)
    } catch let error as KillError {
      throw UserError(TrackerWords.message(error))
    }
  }

  private func message(_ error: LogImportError) -> String {
    switch error {
    case .tooLarge(let limit): "Logs of more than \(limit >> 20) MiB are not read. The game's own are much smaller."
    case .notALog: "That is no log of the game: none of its lines is one that the game writes."
    case .busy: "Your other log is still being read. Wait for it, then upload this one."
    }
  }
}

enum ImportWords {
  static func progress(_ progress: ImportProgress, of total: Int, _ name: String) -> Embed {
    let percent = total > 0 ? min(99, progress.bytes * 100 / total) : 0
    return Embed(
      title: "Reading \(name)",
      description:
        "\(percent)% · \(TrackerWords.number(progress.kills)) kills, \(TrackerWords.number(progress.deaths)) deaths so far",
      color: ReplyColor.notice)
  }

  static func result(_ outcome: ImportOutcome, _ name: String) -> Embed {
    var fields = [Embed.Field("Kills", kills(outcome))]
    if outcome.deaths > 0 || outcome.incapacitations > 0 {
      fields.append(Embed.Field("Deaths without a killer", deaths(outcome)))
    }
    if !outcome.confirmedReports.isEmpty {
      let ids = outcome.confirmedReports.prefix(10).map { "`\($0)`" }.joined(separator: " ")
      fields.append(Embed.Field("Reports that it confirms", ids))
    }
    if outcome.isOwn || outcome.addedPlayTime > .zero {
      fields.append(Embed.Field("Play time", playTime(outcome)))
    }
    let summaries = outcome.capabilities.prefix(3).map { "• \($0.summary)" }.joined(separator: "\n")
    if !summaries.isEmpty { fields.append(Embed.Field("What such a log can tell", summaries)) }
    if outcome.unreadableLines > 0 {
      fields.append(
        Embed.Field(
          "Unknown forms",
          "\(outcome.unreadableLines) lines have the name of a known form but another shape: a newer "
            + "build of the game may have changed it."))
    }
    return Embed(
      title: "\(name) is read", description: owner(outcome),
      color: outcome.recorded + outcome.recordedDeaths > 0 ? ReplyColor.success : ReplyColor.notice,
      footer: Embed.Footer(
        "\(TrackerWords.number(outcome.lines)) lines · \(TrackerWords.number(outcome.sessions)) sessions"),
      fields: fields)
  }

  private static func owner(_ outcome: ImportOutcome) -> String {
    let names = outcome.owners.prefix(5).map { "**\(TrackerWords.plain($0))**" }.joined(separator: ", ")
    if outcome.isOwn { return "A log of \(names): yours." }
    let whose = names.isEmpty ? "The log does not say whose it is" : "A log of \(names)"
    return """
      \(whose), which is not a handle that you have proved. So its kills are on nobody's account, play time and deaths do \
      not count, and kills of players who proved their handle are left out. `/link start` proves yours; then upload it again.
      """
  }

  private static func kills(_ outcome: ImportOutcome) -> String {
    var parts = ["\(TrackerWords.number(outcome.recorded)) recorded"]
    if outcome.known > 0 { parts.append("\(TrackerWords.number(outcome.known)) known already") }
    if outcome.foreign > 0 { parts.append("\(TrackerWords.number(outcome.foreign)) left out: not yours to tell") }
    if outcome.refused > 0 {
      let why = outcome.problems.first.map { " (\(TrackerWords.plain($0)))" } ?? ""
      parts.append("\(TrackerWords.number(outcome.refused)) not possible\(why)")
    }
    if outcome.isCutOff { parts.append("the rest of more than \(TrackerWords.number(LogImport.killLimit)) not read") }
    return parts.joined(separator: " · ")
  }

  private static func deaths(_ outcome: ImportOutcome) -> String {
    var parts: [String] = []
    if outcome.deaths > 0 {
      parts.append(
        "\(TrackerWords.number(outcome.deaths)) found, \(TrackerWords.number(outcome.recordedDeaths)) recorded")
    }
    if outcome.incapacitations > 0 {
      parts.append("\(TrackerWords.number(outcome.incapacitations)) times incapacitated")
    }
    return parts.joined(separator: " · ")
  }

  private static func playTime(_ outcome: ImportOutcome) -> String {
    let minutes = outcome.addedPlayTime.components.seconds / 60
    return outcome.addedPlayTime > .zero ? "\(minutes / 60)h \(minutes % 60)m more" : "counted already"
  }
}
