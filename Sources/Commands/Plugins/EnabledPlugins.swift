import Gateway

/// Which plugins are on in a guild.
public protocol EnabledPlugins: Sendable {
  /// What the guild chose; where it chose nothing, the default. Not asked for core plugins: they are on everywhere.
  func isEnabled(_ plugin: String, in guild: Snowflake) -> Bool
}
