import Commands

/// Everything that the kill tracker offers at Discord: the place where a command or a button is added.
enum KillTrackerCommands {
  static func commands(_ services: TrackerServices) throws -> [Command] {
    [
      try ChartGroup.command(services: services), try ShowCard.command(services: services),
      try ShowStatistics.command(services: services), try ShowMyKills.command(services: services),
      try ShowLeaderboard.command(services: services), try KillGroup.command(services: services),
      try PrivacyGroup.command(services: services), try ShowShip.command(services: services),
      try ShowLocation.command(services: services), try KillTrackerGroup.command(services: services),
      try LinkGroup.command(services: services), try DataGroup.command(services: services),
    ]
  }

  static func components(_ services: TrackerServices) throws -> [ComponentRoute] {
    [
      try MyKillsPage.component(services: services), try LeaderboardPage.component(services: services),
      try AskToDeleteKill.component(services: services), try ConfirmKillDeletion.component(services: services),
      try KeepKill.component(services: services),
      try ConfirmClaim.component(services: services), try DisputeClaim.component(services: services),
      try WithdrawClaim.component(services: services), try DecideClaim.component(services: services),
      try ShowClaim.component(services: services), try CheckLinkButton.component(services: services),
      try ConfirmDataDeletion.component(services: services), try KeepData.component(services: services),
    ]
  }
}
