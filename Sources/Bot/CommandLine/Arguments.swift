import Platform

/// What the command line asks for.
enum Invocation: Equatable {
  case run(config: String?)
  case sandbox(config: String?, listen: String?, options: SandboxArguments)
  case checkConfiguration(config: String?)
  case migrateDatabase(config: String?)
  case backUpDatabase(config: String?, file: String)
  case token(config: String?, request: TokenCommand.Request)
  case parseLog(file: String, asJSON: Bool)
  case watchLog(config: String?, request: WatchCommand.Request)
  case help
  case version
}

/// How large the sandbox's world is, beyond what it always holds.
struct SandboxArguments: Equatable {
  var guilds = 1
  var members = 0
  var shards = 1
}

/// The command line does not make sense; the process ends with exit code 64.
struct UsageError: Error, Equatable, CustomStringConvertible {
  var description: String
}

/// Reads the command line: words that name the command, then options as `--name value` or `--name=value`.
struct ArgumentParser {
  static let usage = """
    Adjutant, a Discord bot for gaming communities.

    usage: adjutant [COMMAND] [OPTIONS]

      run                      start the bot (the default). Without a token it starts a sandbox, a local Discord,
                               in the same process and joins that
      sandbox                  start the sandbox alone
          --listen ADDRESS     where it listens (default: sandbox.listen of the configuration, 127.0.0.1:3080)
          --guilds N           guilds in its world (default 1)
          --members N          members beside the three that are always there (default 0)
          --shards N           shards that it recommends (default 1)
      token                    print what opens the HTTP API, alone on the last line; works beside a running bot
          --user ID            a token for that user of Discord
          --admin              with the admin role
          --ttl TIME           for so long, as in 90s, 30m, 24h, 7d (default 24h, at most 365d)
          --client NAME        instead: an OAuth client; its id, then its secret
          --account EMAIL      instead: a SkyPANEL account, or a new password for one that exists
      logs parse FILE          say what a Game.log of Star Citizen tells; - reads standard input
          --json               as JSON Lines, one object per event
      logs watch FILE          follow a Game.log while it grows, and record the kills and deaths of its player at a
                               running bot; keeps what it saw while the bot is away
          --server URL         the bot's Kill Tracker API, as http://127.0.0.1:3001
          --key KEY            an API key for that player, from /apikey create; @FILE reads it from a file
          --guild ID           the Discord server that the kills are for
      config check             read the configuration and say what is wrong with it
      database migrate         bring the database up to date
      database backup FILE     write a copy of the database while it is in use (SQLite)

      --config FILE            the configuration (default config.json, which may be absent)
      --help, --version

    Every setting can also come from the environment: discord.token is ADJUTANT_DISCORD_TOKEN (or DISCORD_TOKEN),
    database.url is ADJUTANT_DATABASE_URL. docs/configuration.md lists all of them.

    exit codes: 0 done, 64 wrong command line, 69 an address is in use, 70 internal error, 74 database or file trouble,
                77 Discord refuses the token or an intent, 78 wrong configuration
    """

  private var words: [String] = []
  private var options: [String: String] = [:]
  private var flags: Set<String> = []

  static func parse(_ arguments: [String]) throws -> Invocation {
    var parser = ArgumentParser()
    try parser.split(arguments)
    return try parser.invocation()
  }

  private static let valued: Set<String> = [
    "--config", "--listen", "--guilds", "--members", "--shards", "--user", "--ttl", "--client", "--account",
    "--server", "--key", "--guild",
  ]

  private mutating func split(_ arguments: [String]) throws {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("-"), argument != "-" else {
        words.append(argument)
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let name = parts[0]
      if ["--help", "-h", "--version", "--admin", "--json"].contains(name) {
        flags.insert(name)
      } else if Self.valued.contains(name) {
        guard let value = parts.count == 2 ? parts[1] : rest.popFirst(), !value.isEmpty else {
          throw UsageError(description: "\(name) needs a value")
        }
        guard options.updateValue(value, forKey: name) == nil else {
          throw UsageError(description: "\(name) is given twice")
        }
      } else {
        throw UsageError(description: "there is no option \(name)")
      }
    }
  }

  private func invocation() throws -> Invocation {
    if flags.contains("--help") || flags.contains("-h") || words == ["help"] { return .help }
    if flags.contains("--version") { return .version }
    let config = options["--config"]
    switch words {
    case [], ["run"]:
      try allow([])
      return .run(config: config)
    case ["sandbox"]:
      try allow(["--listen", "--guilds", "--members", "--shards"])
      if let listen = options["--listen"], let reason = Check.address(listen) {
        throw UsageError(description: "--listen: \(reason)")
      }
      let sizes = try SandboxArguments(
        guilds: number("--guilds", in: 1...10_000, default: 1),
        members: number("--members", in: 0...1_000_000, default: 0),
        shards: number("--shards", in: 1...1_000, default: 1))
      return .sandbox(config: config, listen: options["--listen"], options: sizes)
    case ["token"]: return .token(config: config, request: try tokenRequest())
    case ["config", "check"]:
      try allow([])
      return .checkConfiguration(config: config)
    case ["database", "migrate"]:
      try allow([])
      return .migrateDatabase(config: config)
    case ["database", "backup"]:
      throw UsageError(description: "database backup needs the FILE to write")
    case let words where words.count == 3 && words.starts(with: ["database", "backup"]):
      try allow([])
      return .backUpDatabase(config: config, file: words[2])
    case ["logs", "parse"]: throw UsageError(description: "logs parse needs the FILE to read")
    case let words where words.count == 3 && words.starts(with: ["logs", "parse"]):
      try allow([], flags: ["--json"])
      return .parseLog(file: words[2], asJSON: flags.contains("--json"))
    case ["logs", "watch"]: throw UsageError(description: "logs watch needs the FILE to follow")
    case let words where words.count == 3 && words.starts(with: ["logs", "watch"]):
      try allow(["--server", "--key", "--guild"])
      return .watchLog(config: config, request: try watchRequest(words[2]))
    case ["logs"]: throw UsageError(description: "logs what? There are: logs parse FILE, logs watch FILE")
    case ["config"]: throw UsageError(description: "config what? There is: config check")
    case ["database"]: throw UsageError(description: "database what? There are: database migrate, database backup FILE")
    default: throw UsageError(description: "there is no command \"\(words.joined(separator: " "))\"")
    }
  }

  private func watchRequest(_ file: String) throws -> WatchCommand.Request {
    guard var server = options["--server"] else {
      throw UsageError(description: "logs watch needs --server, as in --server http://127.0.0.1:3001")
    }
    if let reason = Check.url(schemes: ["https", "http"])(server) {
      throw UsageError(description: "--server: \(reason)")
    }
    while server.hasSuffix("/") { server.removeLast() }
    guard let key = options["--key"] else {
      throw UsageError(description: "logs watch needs --key with an API key, which /apikey create makes")
    }
    if let guild = options["--guild"], let reason = Check.snowflake(guild) {
      throw UsageError(description: "--guild: \(reason)")
    }
    return WatchCommand.Request(file: file, server: server, key: Secret(key), guild: options["--guild"])
  }

  private func tokenRequest() throws -> TokenCommand.Request {
    let kinds = ["--user", "--client", "--account"].filter { options[$0] != nil }
    guard kinds.count == 1, let kind = kinds.first, let value = options[kind] else {
      throw UsageError(description: "token needs one of --user ID, --client NAME, --account EMAIL")
    }
    guard kind == "--user" else {
      try allow([kind])
      return kind == "--client" ? .client(name: value) : .account(email: value)
    }
    try allow(["--user", "--ttl"], flags: ["--admin"])
    guard value.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let id = UInt64(value),
      id > 0
    else { throw UsageError(description: "--user takes the id of a Discord user, digits alone") }
    return .user(id, isAdmin: flags.contains("--admin"), life: try duration("--ttl", default: .seconds(86_400)))
  }

  /// A number and a unit: `90s`, `30m`, `24h`, `7d`; at most a year.
  private func duration(_ name: String, default fallback: Duration) throws -> Duration {
    guard let text = options[name] else { return fallback }
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), let number = Int(text.dropLast()),
      (1...31_536_000).contains(number),
      number * unit <= 365 * 86_400
    else { throw UsageError(description: "\(name) takes a time such as 90s, 30m, 24h or 7d, at most 365d") }
    return .seconds(number * unit)
  }

  private func allow(_ names: Set<String>, flags allowed: Set<String> = []) throws {
    if let other = flags.subtracting(allowed).sorted().first {
      throw UsageError(description: "\(words.first ?? "run") does not take \(other)")
    }
    if let other = options.keys.filter({ $0 != "--config" && !names.contains($0) }).sorted().first {
      throw UsageError(description: "\(words.first ?? "run") does not take \(other)")
    }
  }

  private func number(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws -> Int {
    guard let text = options[name] else { return fallback }
    guard let value = Int(text), range.contains(value) else {
      throw UsageError(description: "\(name) takes a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }
}
