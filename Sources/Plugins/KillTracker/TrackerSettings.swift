/// What an operator chooses for the kill tracker.
public struct TrackerSettings: Sendable, Equatable {
  /// Where players' pages are, as `https://host`, without a slash at the end.
  public static let defaultRSIURL = "https://robertsspaceindustries.com"

  /// Directories whose logs the HTTP API may read. Nothing outside of them is, not even through links.
  public var logDirectories: [String]
  /// Where handles are proved: a player's page is `/citizens/HANDLE` there.
  public var rsiURL: String
  /// What is kept of the logs that people upload.
  public var keptLogs: KeptLogSettings

  public init(
    logDirectories: [String] = [], rsiURL: String = Self.defaultRSIURL, keptLogs: KeptLogSettings = KeptLogSettings()
  ) {
    self.logDirectories = logDirectories
    self.rsiURL = rsiURL
    self.keptLogs = keptLogs
  }
}
