import Platform

/// What is counted of commands and components. The labels are names of declared ones only, so that their number is
/// bounded.
struct RouterMetrics: Sendable {
  private let total: Family<Counter>
  private let outcomes: Family<Counter>
  private let refusals: Family<Counter>
  private let components: Family<Counter>
  private let suggestions: Family<Counter>
  private let durations: Family<Histogram>

  init(_ metrics: Metrics) {
    total = metrics.counter(
      "pegasus_bot_commands_total", help: "Total number of commands executed", labels: ["command"])
    outcomes = metrics.counter(
      "adjutant_command_outcomes_total", help: "Commands and components by how they ended",
      labels: ["command", "outcome"])
    refusals = metrics.counter(
      "adjutant_command_refusals_total", help: "Commands and components that did not run, by reason",
      labels: ["reason"])
    components = metrics.counter(
      "adjutant_component_refusals_total", help: "Custom ids that led nowhere, by reason", labels: ["reason"])
    suggestions = metrics.counter(
      "adjutant_autocomplete_total", help: "Suggestions asked for, by how it ended", labels: ["command", "outcome"])
    durations = metrics.histogram(
      "adjutant_command_duration_seconds", help: "From the arrival of an interaction to its answer",
      labels: ["command"])
  }

  /// Shows these commands before their first use, so that the first of them is a step up and not a beginning.
  func expect(_ commands: some Sequence<String>) { for command in commands { _ = total(command) } }

  func record(_ report: CommandReport) {
    outcomes(report.command, report.outcome.rawValue).increment()
    if let refusal = report.refusal { refusals(refusal.reason.rawValue).increment() }
    guard report.outcome != .refused else { return }
    // The document counts commands; a click is none.
    if !report.kind.isComponent {
      total(report.command.prefix { $0 != " " || report.kind != .command }.description).increment()
    }
    durations(report.command).observe(report.duration)
  }

  func record(_ refusal: ComponentRefusal) { components(refusal.rawValue).increment() }

  func recordSuggestions(of command: String, _ outcome: SuggestionOutcome) {
    suggestions(command, outcome.rawValue).increment()
  }
}

/// How the user's typing was answered.
enum SuggestionOutcome: String, Sendable {
  case answered, refused, failed, late
}
