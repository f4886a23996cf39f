import Core
import Gateway
import Platform

/// Writes every executed command to the core's audit log.
///
/// The entry has the documented form: action `command_executed`, category `user_action`, and as details `command` and
/// `subcommand` (Pegasus API document, "GET /api/logs"), with the outcome and, if there is one, the error id.
public struct CommandAuditor: Sendable {
  private let auditLog: AuditLog
  private let log: Log

  public init(auditLog: AuditLog, log: Log) {
    self.auditLog = auditLog
    self.log = log
  }

  /// For ``Router``'s `observe`. What was refused did not run and is not written, but for the first refusal of a user who
  /// is too fast (`rate_limit_exceeded`) and for the lack of a permission (`permission_denied`).
  public func record(_ report: CommandReport) async {
    let action: String
    switch report.refusal?.reason {
    case .rateLimit where report.refusal?.isNoteworthy == true: action = "rate_limit_exceeded"
    case .permission: action = "permission_denied"
    default:
      guard report.outcome != .refused else { return }
      action = report.kind.isComponent ? "component_used" : "command_executed"
    }
    var details: JSON.Object = [:]
    if report.kind == .command {
      let names = report.command.split(separator: " ", maxSplits: 1).map(String.init)
      details["command"] = .string(names[0])
      if names.count > 1 { details["subcommand"] = .string(names[1]) }
    } else {
      details[report.kind.isComponent ? "component" : "command"] = .string(report.command)
    }
    if report.outcome != .refused { details["outcome"] = .string(report.outcome.rawValue) }
    details["errorId"] = report.errorID.map { .string($0) }
    let entry = AuditEntry(
      userID: UserID(report.userID.rawValue), guildID: report.guildID.map { GuildID($0.rawValue) },
      action: action, category: report.outcome == .refused ? "security" : "user_action", details: details)
    do {
      if let user = report.user {
        // Who uses the bot is a user that it has met.
        try await auditLog.append(
          entry, byUserNamed: user.globalName ?? user.username,
          avatarURL: user.avatar.map { "https://cdn.discordapp.com/avatars/\(user.id)/\($0).png" })
      } else {
        try await auditLog.append(entry)
      }
    } catch {
      log.error("command not in the audit log", ["command": .string(report.command), "error": .error(error)])
    }
  }
}
