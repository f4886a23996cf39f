import FoundationEssentials
import Platform
import Testing

@testable import Bot

struct ConfigurationTests {
  private func read(_ text: String, environment: [String: String] = [:]) throws -> Configuration {
    try Configuration.read(JSON(parsing: text), environment: environment, plugins: Adjutant.pluginNames)
  }

  private func problem(_ text: String, environment: [String: String] = [:]) -> String? {
    do {
      _ = try read(text, environment: environment)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func emptyMeansTheDefaults() throws {
    let configuration = try read("{}")
    #expect(configuration.discord.token == nil)
    #expect(configuration.discord.apiBase == "https://discord.com/api/v10")
    #expect(configuration.discord.shards == .automatic)
    #expect(configuration.databaseURL.reveal() == "sqlite:data/adjutant.db")
    #expect(configuration.pluginDefaults == ["administration": true, "killtracker": true])
    #expect(configuration.httpAPI.listeners == Configuration.HTTPAPI.defaultListeners)
  }

  /// Each row: a document and the one line that it earns.
  @Test(arguments: [
    ("[]", "expected an object, found a list"),
    (#"{"discrod":{}}"#, #"discrod: unknown key (did you mean "discord"?)"#),
    (#"{"discord":{"intent":[]}}"#, #"discord.intent: unknown key (did you mean "intents"?)"#),
    (#"{"discord":5}"#, "discord: expected an object, found a number"),
    (#"{"dataDirectory":7}"#, "dataDirectory: expected a string, found a number"),
    (
      #"{"discord":{"intents":["GUILD"]}}"#,
      "discord.intents: no intent is called \"GUILD\"; names are as Discord documents them, for example GUILDS"
    ),
    (#"{"discord":{"shards":{"total":0}}}"#, "discord.shards: \"total\" must be a number from 1 to 10000"),
    (
      #"{"discord":{"shards":{"total":2,"ids":[2]}}}"#,
      "discord.shards: \"ids\" must be a list of different numbers from 0 to 1"
    ),
    (#"{"discord":{"shards":"many"}}"#, "discord.shards: expected \"auto\" or { \"total\": N, \"ids\": [..] }"),
    (
      #"{"discord":{"compress":"gzip"}}"#,
      "discord.compress: expected one of \"none\", \"zlib-stream\", \"zstd-stream\", found \"gzip\""
    ),
    (
      #"{"discord":{"cache":["guilds","users"]}}"#,
      "discord.cache: nothing called \"users\" can be cached; there are guilds, channels, roles, members, voiceStates, "
        + "presences"
    ),
    (#"{"discord":{"cache":true}}"#, "discord.cache: expected a list of names, found true"),
    (
      #"{"discord":{"apiBase":"discord.com"}}"#,
      "discord.apiBase: \"discord.com\" is not a URL that begins with https:// or http://"
    ),
    (#"{"owners":["me"]}"#, "owners: \"me\" is not a Discord id (15 to 20 digits)"),
    (#"{"owners":[100000000000000001]}"#, "owners: expected a list of strings, found a number in it"),
    (
      #"{"database":{"url":"mysql://x"}}"#,
      "database.url: expected sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME"
    ),
    (
      #"{"plugins":{"administration":{"enabled":"yes"}}}"#,
      "plugins.administration.enabled: expected true or false, found a string"
    ),
    (#"{"plugins":{"tickets":{"enabled":true}}}"#, "plugins.tickets: unknown key"),
    (
      #"{"plugins":{"httpapi":{"listeners":{"a":{"listen":"80"}}}}}"#,
      "plugins.httpapi.listeners.a.listen: \"80\" is not an address with a port, such as 127.0.0.1:3000"
    ),
    (
      #"{"plugins":{"httpapi":{"exemptAddresses":["10.0.0.0/8","::1","10.0.0.0/99"]}}}"#,
      "plugins.httpapi.exemptAddresses: \"10.0.0.0/99\" is neither an address nor a block such as 10.0.0.0/8"
    ),
    (
      #"{"plugins":{"httpapi":{"listeners":{"a":{"listen":"127.0.0.1:1","surfaces":["x"]}}}}}"#,
      "plugins.httpapi.listeners.a.surfaces: no surface is called \"x\"; there are aurora, killtracker, monitoring, health, metrics, skypanel, dashboard, interactions"
    ),
    (#"{"plugins":{"httpapi":{"listeners":{"a":{"surfaces":[]}}}}}"#, "plugins.httpapi.listeners.a.listen: is missing"),
    (#"{"discord":{"token":{"file":"/nonexistent"}}}"#, "discord.token.file: the file /nonexistent cannot be read"),
    (#"{"discord":{"token":"a b"}}"#, "discord.token: a bot token contains no white space"),
  ])
  func eachMistakeEarnsOneLineWithItsPath(document: String, line: String) {
    #expect(problem(document) == line)
  }

  @Test func allMistakesAreShownAtOnce() {
    #expect(problem(#"{"a":1,"owners":5}"#)?.split(separator: "\n").count == 2)
  }

  @Test func theEnvironmentOverridesEveryValue() throws {
    let configuration = try read(
      #"{"database":{"url":"sqlite:a.db"},"plugins":{"httpapi":{"listeners":{"main":{"listen":"127.0.0.1:1"}}}}}"#,
      environment: [
        "ADJUTANT_DATABASE_URL": "postgres://u:p@h/n", "ADJUTANT_PLUGINS_HTTPAPI_RATELIMITS": "false",
        "ADJUTANT_OWNERS": "100000000000000001, 100000000000000002", "ADJUTANT_DISCORD_SHARDS": #"{"total":4}"#,
        "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_MAIN_LISTEN": "127.0.0.1:2",
        "ADJUTANT_DISCORD_INTENTS": "GUILDS,GUILD_MEMBERS", "ADJUTANT_DISCORD_CACHE": "guilds, members",
        "ADJUTANT_LOG_LEVEL": "debug", "HOME": "/",
      ])
    #expect(configuration.databaseURL.reveal() == "postgres://u:p@h/n")
    #expect(configuration.httpAPI.rateLimits == false)
    #expect(configuration.owners == [100_000_000_000_000_001, 100_000_000_000_000_002])
    #expect(configuration.discord.shards == .fixed(total: 4, ids: [0, 1, 2, 3]))
    #expect(configuration.httpAPI.listeners.map(\.listen) == ["127.0.0.1:2"])
    #expect(configuration.discord.intents.rawValue == 3)
    #expect(configuration.discord.cache == [.guilds, .members])
    #expect(try read(#"{"discord":{"cache":[]}}"#).discord.cache == [])
    #expect(try read("{}").discord.cache == .standard)
    #expect(configuration.logLevel == .debug)
  }

  @Test func aMistakeInTheEnvironmentNamesTheVariable() {
    #expect(
      problem("{}", environment: ["ADJUTANT_LOG_LEVEL": "loud"])?.hasPrefix("ADJUTANT_LOG_LEVEL: expected one of")
        == true)
    #expect(
      problem("{}", environment: ["ADJUTANT_DATABSE_URL": "x"])
        == "ADJUTANT_DATABSE_URL: no setting has this name (did you mean \"ADJUTANT_DATABASE_URL\"?)")
  }

  @Test func secretsComeFromEnvironmentOrFileAndAreNeverPrinted() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "adjutant-\(UInt64.random(in: 0 ... .max))")
    try Data(" from-file\n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let rows: [(String, [String: String], String)] = [
      (#"{"discord":{"token":"in-document"}}"#, [:], "in-document"),
      (#"{"discord":{"token":"in-document"}}"#, ["DISCORD_TOKEN": "alias"], "alias"),
      ("{}", ["DISCORD_TOKEN": "alias", "ADJUTANT_DISCORD_TOKEN": "first"], "first"),
      ("{}", ["DISCORD_TOKEN_FILE": file.path()], "from-file"),
      (#"{"discord":{"token":{"file":"\#(file.path())"}}}"#, [:], "from-file"),
    ]
    for (document, environment, token) in rows {
      let configuration = try read(document, environment: environment)
      #expect(configuration.discord.token?.reveal() == token)
      #expect(!"\(configuration)".contains(token))
    }
  }

  @Test func aDatabasePasswordIsNeverRepeated() {
    #expect(problem(#"{"database":{"url":"pg://u:hunter2@h/n"}}"#)?.contains("hunter2") == false)
  }

  @Test func theShippedFileHoldsEveryKeyWithItsDefault() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "config.json")
    let shipped = try read(String(contentsOf: file, encoding: .utf8))
    #expect(try shipped == read("{}"))
  }

  @Test func aBrokenFileNamesTheLine() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "adjutant-\(UInt64.random(in: 0 ... .max)).json")
    try Data("{\n  \"owners\": [,]\n}".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    do {
      _ = try ConfigurationFile(path: file.path()).load(environment: [:], plugins: [])
      Issue.record("a broken file was accepted")
    } catch {
      #expect("\(error)".contains("line 2"))
      #expect("\(error)".split(separator: "\n").count == 1)
    }
    #expect(throws: ConfigurationErrors.self) {
      try ConfigurationFile(path: "/nonexistent.json").load(environment: [:], plugins: [])
    }
  }
}

struct JSONSyntaxTests {
  @Test(arguments: [
    ("{\n  \"owners\": [,]\n}", 2, 14), ("{\"a\":1,}", 1, 8), ("{\"a\" 1}", 1, 6), ("", 1, 1), ("[1\n2]", 2, 1),
    ("tru", 1, 1), ("[\"a\nb\"]", 1, 4), ("{} x", 1, 4), ("[1.]", 1, 2), ("[\"\\q\"]", 1, 3), ("[1", 1, 3),
  ])
  func findsTheFirstMistake(text: String, line: Int, column: Int) {
    let place = JSONSyntax.firstError(in: Array(text.utf8))
    #expect(place?.line == line)
    #expect(place?.column == column)
  }

  @Test(arguments: ["{}", " [1, -2.5e3, \"x\\n\\u00e9\", null, true, {\"a\": []}] ", "0", "\"\""])
  func findsNothingInJSON(text: String) {
    #expect(JSONSyntax.firstError(in: Array(text.utf8)) == nil)
  }
}
