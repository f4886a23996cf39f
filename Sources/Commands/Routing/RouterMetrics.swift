import Platform

/// What is counted of commands. The labels are names of declared commands only, so that their number is bounded.
struct RouterMetrics: Sendable {
  private let total: Family<Counter>
  private let outcomes: Family<Counter>
  private let durations: Family<Histogram>

  init(_ metrics: Metrics) {
    total = metrics.counter(
      "pegasus_bot_commands_total", help: "Total number of commands executed", labels: ["command"])
    outcomes = metrics.counter(
      "adjutant_command_outcomes_total", help: "Commands by how they ended", labels: ["command", "outcome"])
    durations = metrics.histogram(
      "adjutant_command_duration_seconds", help: "From the arrival of an interaction to its answer",
      labels: ["command"])
  }

  func record(_ report: CommandReport) {
    outcomes(report.command, report.outcome.rawValue).increment()
    guard report.outcome != .refused else { return }
    total(report.command.prefix { $0 != " " }.description).increment()
    durations(report.command).observe(report.duration)
  }
}
