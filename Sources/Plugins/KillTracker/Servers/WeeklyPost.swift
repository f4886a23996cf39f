import Core
import Platform
import Storage

/// The leaderboard of each week in a server's ``ServerRecord/leaderboardChannel``: when it is due.
struct WeeklyPost: Codable, Sendable {
  /// An outage of days is waited out; then that week is left out.
  static let kind = JobKind<WeeklyPost>(
    "killtracker.weekly", retry: JobRetry(first: .seconds(60), longest: .seconds(3_600), attempts: 60), concurrency: 2)
  /// Behind midnight on Monday, in UTC, so that what the week's last minute brought is in it.
  static let delay = Duration.seconds(600)

  var guild: GuildID

  /// The next end of a week.
  static func due(after now: Timestamp) -> Timestamp {
    let monday = Calendar.monday(before: Calendar.day(of: now))
    let thisWeeks = Timestamp(milliseconds: monday * Calendar.day) + delay
    return thisWeeks > now ? thisWeeks : thisWeeks + .seconds(7 * 86_400)
  }

  /// The last day of the week that ended last.
  static func lastDay(before now: Timestamp) -> Int64 { Calendar.monday(before: Calendar.day(of: now)) - 1 }

  /// Begins or ends with the setting, in its transaction.
  static func follow(
    _ record: ServerRecord, of guild: GuildID, jobs: Jobs, at now: Timestamp, in transaction: Transaction
  ) throws {
    if record.leaderboardChannel == nil {
      try jobs.withdraw(kind, key: "\(guild)", in: transaction)
    } else if try !jobs.isScheduled(kind, key: "\(guild)", in: transaction) {
      try jobs.schedule(kind, WeeklyPost(guild: guild), at: due(after: now), key: "\(guild)", in: transaction)
    }
  }
}
