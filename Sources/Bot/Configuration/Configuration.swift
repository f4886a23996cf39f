import Gateway
import HTTPAPI
import KillTracker
import Platform

/// Everything an operator can choose, checked.
///
/// The keys and their meaning are documented in `docs/configuration.md`; `config.json` at the repository's root holds
/// all of them with their defaults.
struct Configuration: Sendable, Equatable {
  struct Discord: Sendable, Equatable {
    /// Nil: the program starts its own sandbox and joins that.
    var token: Secret<String>?
    var clientID: UInt64?
    var clientSecret: Secret<String>?
    /// Hex, as Discord's developer portal shows it.
    var publicKey: String?
    var apiBase: String
    var gatewayURL: String?
    var intents: Intents
    var shards: Shards
    var compression: GatewayCompression
    /// Empty for no cache at all.
    var cache: CacheKinds
  }

  enum Shards: Sendable, Equatable {
    case automatic
    case fixed(total: Int, ids: [Int])
  }

  static let defaultDatabaseURL = "sqlite:data/adjutant.db"

  enum LogStyle: String, Sendable, CaseIterable { case automatic = "auto", text, json }

  struct Listener: Sendable, Equatable {
    var name: String
    var listen: String
    var surfaces: [String]
    /// Nil leaves it to the server.
    var maximumConnections: Int?
    var maximumConnectionsPerAddress: Int?
  }

  /// Settings of the HTTP API plugin.
  struct HTTPAPI: Sendable, Equatable {
    var listeners: [Listener]
    /// Whether the process opens them.
    var isEnabled: Bool
    var rateLimits: Bool
    var accessLog: Bool
    var publicURL: String?
    var allowedHosts: [String]
    var allowedOrigins: [String]
    var trustedProxies: [String]
    var exemptAddresses: [String]
    var oauthRedirectURI: String?
    var uidLoginSecret: Secret<String>?
    var allowPrivateWebhookAddresses: Bool
    /// Webhooks of Discord channels that are told of errors and of the audit log.
    var errorWebhook: DiscordWebhook?
    var auditWebhook: DiscordWebhook?
    /// Days after which entries of the audit log are removed; 0 keeps them.
    var auditRetentionDays: Int
  }

  var discord: Discord
  /// Users with the admin role.
  var owners: [UInt64]
  var dataDirectory: String
  var databaseURL: Secret<String>
  var logLevel: Log.Level
  var logStyle: LogStyle
  var sandboxListen: String
  /// The state of each plugin in guilds that chose nothing.
  var pluginDefaults: [String: Bool]
  var httpAPI: HTTPAPI
  var killTracker: TrackerSettings
}

// MARK: - Reading

extension Configuration {
  /// Reads a document and the environment on top of it.
  /// - Parameter plugins: names of the plugins that this build contains.
  /// - Throws: ``ConfigurationErrors`` with everything that is wrong.
  static func read(_ document: JSON, environment: [String: String], plugins: [String]) throws -> Configuration {
    var reader = ConfigurationReader(root: document, environment: environment)
    let configuration = Configuration(from: &reader, plugins: plugins)
    reader.finish()
    guard reader.problems.isEmpty else { throw ConfigurationErrors(problems: reader.problems) }
    return configuration
  }

  private init(from reader: inout ConfigurationReader, plugins: [String]) {
    discord = Discord(
      token: reader.secret("discord.token", alias: "DISCORD_TOKEN"),
      clientID: reader.optionalString("discord.clientId", check: Check.snowflake).flatMap { UInt64($0) },
      clientSecret: reader.secret("discord.clientSecret"),
      publicKey: reader.optionalString("discord.publicKey", check: Check.publicKey),
      apiBase: reader.string(
        "discord.apiBase", default: "https://discord.com/api/v10", check: Check.url(schemes: ["https", "http"])),
      gatewayURL: reader.optionalString("discord.gatewayURL", check: Check.url(schemes: ["wss", "ws"])),
      intents: reader.custom("discord.intents", default: .guilds, decode: Intents.decode),
      shards: reader.custom("discord.shards", default: .automatic, decode: Shards.decode),
      compression: reader.choice("discord.compress", default: .zlibStream),
      cache: reader.custom("discord.cache", default: .standard, decode: CacheKinds.decode))
    if let token = discord.token?.reveal(), token.contains(where: { $0.isWhitespace || $0.isNewline }) {
      reader.report("discord.token", "a bot token contains no white space")
    }
    owners = reader.strings("owners", check: Check.snowflake).compactMap { UInt64($0) }
    dataDirectory = reader.string("dataDirectory", default: "data", check: Check.notEmpty)
    databaseURL = Secret(
      reader.string("database.url", default: Self.defaultDatabaseURL, check: Check.databaseURL))
    logLevel = reader.choice("log.level", default: .info)
    logStyle = reader.choice("log.format", default: .automatic)
    sandboxListen = reader.string("sandbox.listen", default: "127.0.0.1:3080", check: Check.address)
    pluginDefaults = [:]
    for name in plugins where name != "httpapi" {
      pluginDefaults[name] = reader.boolean("plugins.\(name).enabled", default: true)
    }
    httpAPI = HTTPAPI(from: &reader)
    killTracker = TrackerSettings(from: &reader)
  }
}

extension TrackerSettings {
  fileprivate init(from reader: inout ConfigurationReader) {
    let base = "plugins.killtracker"
    self.init(
      logDirectories: reader.strings("\(base).logDirectories", check: Check.absolutePath),
      rsiURL: reader.string(
        "\(base).rsiURL", default: Self.defaultRSIURL, check: Check.url(schemes: ["https", "http"])))
    let kept = KeptLogSettings()
    keptLogs = KeptLogSettings(
      days: reader.optionalInteger("\(base).keptLogs.days", in: 0...3_650) ?? kept.days,
      megabytesPerUser: reader.optionalInteger("\(base).keptLogs.megabytesPerUser", in: 1...1_000_000)
        ?? kept.megabytesPerUser,
      megabytes: reader.optionalInteger("\(base).keptLogs.megabytes", in: 1...1_000_000) ?? kept.megabytes)
    while rsiURL.hasSuffix("/") { rsiURL.removeLast() }
  }
}

extension Configuration.HTTPAPI {
  /// The groups of endpoints that a listener can serve.
  static let surfaces = SurfaceName.allCases.map(\.rawValue)

  /// The ports that the documents print.
  static let defaultListeners: [Configuration.Listener] = [
    .init(name: "main", listen: "127.0.0.1:3000", surfaces: ["aurora", "health", "dashboard", "interactions"]),
    .init(name: "tracker", listen: "127.0.0.1:3001", surfaces: ["killtracker", "monitoring"]),
    .init(name: "panel", listen: "127.0.0.1:3002", surfaces: ["skypanel"]),
    .init(name: "metrics", listen: "127.0.0.1:9090", surfaces: ["metrics"]),
  ]

  fileprivate init(from reader: inout ConfigurationReader) {
    let base = "plugins.httpapi"
    let names = reader.names(in: "\(base).listeners")
    // Those of the documents keep what is not said about them; others say all.
    listeners = (names.isEmpty ? Self.defaultListeners.map(\.name) : names).map { name in
      let path = "\(base).listeners.\(name)"
      let fallback = names.isEmpty ? Self.defaultListeners.first { $0.name == name } : nil
      return Configuration.Listener(
        name: name,
        listen: fallback.map { reader.string("\(path).listen", default: $0.listen, check: Check.address) }
          ?? reader.requiredString("\(path).listen", check: Check.address),
        surfaces: reader.strings("\(path).surfaces", default: fallback?.surfaces ?? []) { surface in
          Self.surfaces.contains(surface)
            ? nil : "no surface is called \"\(surface)\"; there are \(Self.surfaces.joined(separator: ", "))"
        }, maximumConnections: reader.optionalInteger("\(path).maximumConnections", in: 1...100_000),
        maximumConnectionsPerAddress: reader.optionalInteger(
          "\(path).maximumConnectionsPerAddress", in: 1...100_000))
    }
    isEnabled = reader.boolean("\(base).enabled", default: true)
    accessLog = reader.boolean("\(base).accessLog", default: false)
    rateLimits = reader.boolean("\(base).rateLimits", default: true)
    publicURL = reader.optionalString("\(base).publicURL", check: Check.url(schemes: ["https", "http"]))
    allowedHosts = reader.strings("\(base).allowedHosts", check: Check.notEmpty)
    allowedOrigins = reader.strings("\(base).allowedOrigins", check: Check.url(schemes: ["https", "http"]))
    trustedProxies = reader.strings("\(base).trustedProxies", check: Check.addressRange)
    exemptAddresses = reader.strings("\(base).exemptAddresses", check: Check.addressRange)
    oauthRedirectURI = reader.optionalString("\(base).oauthRedirectURI", check: Check.url(schemes: ["https", "http"]))
    uidLoginSecret = reader.secret("\(base).uidLoginSecret")
    allowPrivateWebhookAddresses = reader.boolean("\(base).webhooks.allowPrivateAddresses", default: false)
    errorWebhook = Self.webhook("\(base).errorWebhook", from: &reader)
    auditWebhook = Self.webhook("\(base).auditWebhook", from: &reader)
    auditRetentionDays = reader.optionalInteger("\(base).auditRetentionDays", in: 0...36_500) ?? 365
  }
}

extension Configuration.HTTPAPI {
  private static func webhook(_ path: String, from reader: inout ConfigurationReader) -> DiscordWebhook? {
    guard let address = reader.secret(path) else { return nil }
    let webhook = DiscordWebhook(address)
    // The address is a secret: it is not repeated.
    if webhook == nil { reader.report(path, "expected a webhook's address: https://discord.com/api/webhooks/ID/TOKEN") }
    return webhook
  }
}

extension Intents {
  fileprivate static func decode(_ value: JSON) -> ConfigurationReader.Decoded<Self> {
    let names: [String]
    switch value {
    case .integer(let bits) where bits >= 0: return .success(Self(rawValue: Int(bits)))
    case .string(let list):
      if let bits = Int(list), bits >= 0 { return .success(Self(rawValue: bits)) }
      names = list.split(separator: ",").map(\.trimmed)
    case .array(let elements):
      names = elements.compactMap(\.string)
      guard names.count == elements.count else { return .failure("expected a list of intent names") }
    default: return .wrongType("a list of intent names", value)
    }
    var intents: Intents = []
    for name in names {
      guard let known = Intents(name: name.uppercased()) else {
        return .failure("no intent is called \"\(name)\"; names are as Discord documents them, for example GUILDS")
      }
      intents.insert(known)
    }
    return .success(intents)
  }
}

extension CacheKinds {
  fileprivate static func decode(_ value: JSON) -> ConfigurationReader.Decoded<Self> {
    let names: [String]
    switch value {
    case .string(let list): names = list.split(separator: ",").map(\.trimmed)
    case .array(let elements):
      names = elements.compactMap(\.string)
      guard names.count == elements.count else { return .failure("expected a list of names") }
    default: return .wrongType("a list of names", value)
    }
    var kinds: CacheKinds = []
    for name in names {
      guard let kind = CacheKinds(name: name) else {
        let known = CacheKinds.names.map(\.name).joined(separator: ", ")
        return .failure("nothing called \"\(name)\" can be cached; there are \(known)")
      }
      kinds.formUnion(kind)
    }
    return .success(kinds)
  }
}

extension Configuration.Shards {
  fileprivate static func decode(_ value: JSON) -> ConfigurationReader.Decoded<Self> {
    switch value {
    case .string("auto"): return .success(.automatic)
    case .object(let object):
      guard Set(object.keys).isSubset(of: ["total", "ids"]) else { return .failure(expected) }
      guard let total = object["total"]?.integer, (1...10_000).contains(total) else {
        return .failure("\"total\" must be a number from 1 to 10000")
      }
      guard let listed = object["ids"] else { return .success(.fixed(total: Int(total), ids: Array(0..<Int(total)))) }
      let ids = (listed.array ?? []).compactMap(\.integer).map(Int.init)
      guard !ids.isEmpty, ids.count == listed.array?.count, Set(ids).count == ids.count,
        ids.allSatisfy({ (0..<Int(total)).contains($0) })
      else { return .failure("\"ids\" must be a list of different numbers from 0 to \(total - 1)") }
      return .success(.fixed(total: Int(total), ids: ids.sorted()))
    default: return .failure(expected)
    }
  }

  private static let expected = "expected \"auto\" or { \"total\": N, \"ids\": [..] }"
}
