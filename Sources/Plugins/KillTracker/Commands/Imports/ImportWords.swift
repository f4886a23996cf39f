import Commands
import Core
import Gateway
import Platform

enum ImportWords {
  static func progress(_ progress: ImportProgress, of total: Int, _ name: String) -> Embed {
    let percent = total > 0 ? min(99, progress.bytes * 100 / total) : 0
    return Embed(
      title: "Reading \(name)",
      description:
        "\(percent)% · \(TrackerWords.number(progress.kills)) kills, \(TrackerWords.number(progress.deaths)) deaths so far",
      color: ReplyColor.notice)
  }

  /// - Parameter keeping: nil: it was kept before.
  static func result(_ outcome: ImportOutcome, _ name: String, _ keeping: LogKeeping?, days: Int) -> Embed {
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
    if let keeping { fields.append(Embed.Field("The log itself", kept(keeping, days: days))) }
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
      not count, and kills of players who proved their handle are left out. `/link start` proves yours; then \
      upload it again, or use `/logs again` if it is kept.
      """
  }

  private static func kept(_ keeping: LogKeeping, days: Int) -> String {
    switch keeping {
    case .kept(let log):
      "Kept for you as `\(log.name)` for \(days) \(days == 1 ? "day" : "days"), or until newer ones need the room. "
        + "`/logs again` reads it again, `/logs delete` deletes it."
    case .notKept(let reason): "Not kept: \(reason)."
    }
  }

  /// `20260218T120000-0123456789abcdef.log` · 3.2 MiB · 5 minutes ago
  static func line(_ log: KeptLog) -> String {
    "`\(log.name)` · \(size(log.size)) · \(TrackerWords.time(log.keptAt))"
  }

  static func size(_ bytes: Int) -> String {
    bytes < 1 << 20
      ? "\(TrackerWords.number((bytes + 1_023) / 1_024)) KiB" : "\(TrackerWords.decimal(Double(bytes) / 1_048_576)) MiB"
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
