import Commands

/// `/kill`: what a person records, looks at and takes back by hand. A further subcommand is added to the list.
enum KillGroup: CommandGroup {
  static let name = "kill"
  static let summary = "Record, report, show or delete a kill"
  static var subcommands: [any SlashCommand<TrackerServices>.Type] {
    [RecordKill.self, ReportKill.self, ListClaims.self, ShowKill.self, DeleteKill.self]
  }
}
