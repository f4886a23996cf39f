import Core
import Gateway
import Platform
import Storage
import Testing

@testable import Commands

struct CommandAuditorTests {
  private func report(
    _ command: String, _ outcome: CommandOutcome, guild: Snowflake? = 9, errorID: String? = nil,
    kind: Action.Kind = .command, refusal: Refusal? = nil
  ) -> CommandReport {
    CommandReport(
      kind: kind, command: command, plugin: "p", userID: 7, guildID: guild, channelID: 3, outcome: outcome,
      refusal: refusal, duration: .seconds(1), errorID: errorID, undelivered: nil)
  }

  @Test func refusalsThatMatterAreWrittenOnce() async throws {
    let database = try await Database.open(url: "sqlite::memory:")
    let time = ManualTime()
    let shared = try await SharedState.open(database, time: time)
    let auditor = CommandAuditor(auditLog: shared.auditLog, log: .silent)
    for report in [
      report("pay", .refused, refusal: Refusal(.rateLimit, "wait")),
      report("pay", .refused, refusal: Refusal(.rateLimit, "wait", isNoteworthy: false)),
      report("ban", .refused, refusal: Refusal(.permission, "no")),
      report("ban", .refused, refusal: Refusal(.maintenance, "later")),
      report("giveaway.claim", .succeeded, kind: .button), report("Report message", .succeeded, kind: .messageCommand),
    ] {
      await auditor.record(report)
      time.advance(by: .seconds(1))
    }
    let entries = try await shared.auditLog.recent().map(\.entry)
    #expect(
      entries.map { "\($0.category) \($0.action)" } == [
        "user_action command_executed", "user_action component_used", "security permission_denied",
        "security rate_limit_exceeded",
      ])
    #expect(
      entries.map(\.details) == [
        ["command": "Report message", "outcome": "succeeded"],
        ["component": "giveaway.claim", "outcome": "succeeded"], ["command": "ban"], ["command": "pay"],
      ])
    await database.close()
  }

  @Test func executedCommandsStandInTheAuditLog() async throws {
    let database = try await Database.open(url: "sqlite::memory:")
    let time = ManualTime()
    let shared = try await SharedState.open(database, time: time)
    let auditor = CommandAuditor(auditLog: shared.auditLog, log: .silent)
    for report in [
      report("giveaway create", .succeeded), report("ping", .succeeded, guild: nil), report("ping", .refused),
      report("a b c", .failed, errorID: "7KQ2M9XD"),
    ] {
      await auditor.record(report)
      time.advance(by: .seconds(1))
    }
    let entries = try await shared.auditLog.recent().map(\.entry)
    #expect(
      entries.map(\.details) == [
        ["command": "a", "subcommand": "b c", "outcome": "failed", "errorId": "7KQ2M9XD"],
        ["command": "ping", "outcome": "succeeded"],
        ["command": "giveaway", "subcommand": "create", "outcome": "succeeded"],
      ])
    #expect(entries.map(\.guildID) == [GuildID(9), nil, GuildID(9)])
    #expect(entries.allSatisfy { $0.action == "command_executed" && $0.category == "user_action" })
    #expect(entries.allSatisfy { $0.userID == UserID(7) })
    await database.close()
  }

  @Test func aFailureOfTheDatabaseIsLogged() async throws {
    let database = try await Database.open(url: "sqlite::memory:")
    let shared = try await SharedState.open(database)
    await database.close()
    let sink = MemoryLogSink()
    await CommandAuditor(auditLog: shared.auditLog, log: Log(label: "", sink: sink))
      .record(report("ping", .succeeded))
    #expect(sink.records.map(\.message) == ["command not in the audit log"])
  }

  @Test func whoUsesTheBotIsMet() async throws {
    let database = try await Database.open(url: "sqlite::memory:")
    let shared = try await SharedState.open(database, time: ManualTime())
    let auditor = CommandAuditor(auditLog: shared.auditLog, log: .silent)
    var known = report("help", .succeeded)
    known.user = Gateway.User(id: 7, username: "grace", globalName: "Grace", avatar: "a_1")
    await auditor.record(known)
    await auditor.record(report("help", .succeeded))
    let user = try #require(try await shared.users.find(UserID(7)))
    #expect(user.globalName == "Grace")
    #expect(user.avatarURL == "https://cdn.discordapp.com/avatars/7/a_1.png")
    #expect(try await shared.users.count() == 1)
    #expect(try await shared.auditLog.recent().count == 2)
    await database.close()
  }
}
