import Platform

/// What the local Discord looks like and how strict it is.
public struct SandboxOptions: Sendable {
  /// The address to listen on, `host:port`; port 0 takes a free one.
  public var listen = "127.0.0.1:3080"
  /// Members of every guild besides the three fixed ones and the bots.
  public var extraMembers = 0
  /// Guilds besides the fixed one.
  public var extraGuilds = 0
  /// What `/gateway/bot` recommends as `shards`.
  public var shards = 1
  public var maxConcurrency = 1
  /// Guilds that one shard may carry; an IDENTIFY for more is closed with 4011.
  public var guildsPerShard = 2_500
  /// Identifies that a token has per 24 hours. One more resets the token, as at Discord.
  public var sessionStartLimit = 1_000
  public var heartbeatInterval = Duration.milliseconds(41_250)
  /// How long a session whose connection is lost can be resumed.
  public var resumeWindow = Duration.seconds(300)
  /// How many dispatches a session keeps for a resume.
  public var resumeBuffer = 2_000
  /// How long an interaction waits for its first answer. Discord's three seconds are too few for a test on a machine
  /// that stands still for longer.
  public var firstAnswerLimit = Duration.seconds(3)
  /// Privileged intents that no application has: an IDENTIFY that asks for one is closed with 4014.
  public var disallowedIntents: UInt64 = 0
  /// Whether REST answers 429 on its own (faults that a script orders always work).
  public var rateLimits = true
  /// What the first bot is called; further ones get a number.
  public var botName = "Sandbox Bot"

  public init() {}
}
