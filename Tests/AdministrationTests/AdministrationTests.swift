import Commands
import Core
import Gateway
import Platform
import Testing

@testable import Administration

struct AdministrationTests {
  @Test func pingMeasuresHeartbeatRestAndItself() async throws {
    let bench = try await AdministrationBench(others: [])
    let answer = try await bench.give("ping")
    #expect(answer.text == "Pong")
    #expect(answer.fields == ["Gateway heartbeat": "41 ms", "REST": "7.0 ms", "This answer": "7.0 ms"])
    #expect(bench.responder.answers.map(\.text) == ["Measuring …", "Pong"])
    #expect(try await bench.give("ping", permissions: nil).text == "Pong")
  }

  @Test func aboutTellsVersionUptimeGuildsAndPlugins() async throws {
    let bench = try await AdministrationBench(others: [CoinsPlugin()], defaults: ["coins": false])
    #expect(
      try await bench.give("about").fields == [
        "Version": "1.2.3", "Uptime": "1 d 2 h", "Servers": "42", "Plugins": "Administration, Coins (off here)",
        "Source": "https://example.org/adjutant",
      ])
  }

  @Test func coreCommandsAreGlobalAndThePluginsCommandsAreTheGuilds() async throws {
    let bench = try await AdministrationBench(others: [CoinsPlugin()], defaults: ["coins": true])
    #expect(bench.store.names(.global) == ["ping", "help", "about", "plugins", "permissions"])
    #expect(bench.store.names(.guild(AdministrationBench.guild)) == ["pay", "fine"])
    let plugins = try #require(bench.store.definition("plugins", in: .global))
    #expect(plugins.defaultMemberPermissions == .manageGuild)
    #expect(plugins.contexts == [.guild])
    #expect(bench.store.definition("help", in: .global)?.contexts == [.guild, .botDirectMessage])
    let choices = plugins.options.map { $0.options.flatMap(\.choices).map(\.name) }
    #expect(choices == [[], ["Coins"], ["Coins"]])
  }

  @Test func switchingAPluginIsStoredAuditedAndRegistered() async throws {
    let bench = try await AdministrationBench(others: [CoinsPlugin()], defaults: ["coins": true])
    let guild = CommandScope.guild(AdministrationBench.guild)
    let core = GuildID(AdministrationBench.guild.rawValue)

    var answer = try await bench.switchPlugin("disable", "coins")
    #expect(answer.text == "**Coins** is now off in this server.")
    #expect(answer.isEphemeral)
    #expect(bench.store.names(guild) == [])
    #expect(bench.shared.switches.choice(of: core, for: "coins") == false)
    #expect(
      try await bench.give("pay").text.hasPrefix("**Coins** is switched off in this server."))

    answer = try await bench.switchPlugin("disable", "coins")
    #expect(answer.text == "**Coins** was off already: nothing changed.")

    answer = try await bench.switchPlugin("enable", "coins")
    #expect(answer.text == "**Coins** is now on in this server.")
    #expect(bench.store.names(guild) == ["pay", "fine"])

    // What stands in the database, not only in memory.
    try await bench.shared.switches.reload()
    #expect(bench.shared.switches.choice(of: core, for: "coins") == true)
    let entries = try await bench.shared.auditLog.recent(in: core).map(\.entry)
    #expect(Set(entries.map(\.action)) == ["plugin_enabled", "plugin_disabled"])
    #expect(entries.count == 2)
    for entry in entries {
      #expect(entry.userID == UserID(AdministrationBench.user.rawValue))
      #expect(entry.category == "admin_action")
      #expect(entry.details == ["plugin": "coins"])
    }
  }

  @Test func whatDiscordDidNotTakeIsRepairedByAskingAgain() async throws {
    let bench = try await AdministrationBench(others: [CoinsPlugin()])
    bench.store.set(isAway: true)
    #expect(
      try await bench.switchPlugin("enable", "coins").text
        == "**Coins** is now on in this server.\n"
        + "Discord did not take the new list of commands. Give this command again to try once more.")
    bench.store.set(isAway: false)
    #expect(try await bench.switchPlugin("enable", "coins").text == "**Coins** was on already: nothing changed.")
    #expect(bench.store.names(.guild(AdministrationBench.guild)) == ["pay", "fine"])
  }

  @Test func onlyManagersSwitchPlugins() async throws {
    let bench = try await AdministrationBench(others: [CoinsPlugin()])
    let answer = try await bench.switchPlugin("enable", "coins", permissions: [.banMembers, .manageRoles])
    #expect(answer.text == "You need the permission **Manage Server** for `/plugins enable`.")
    #expect(bench.store.names(.guild(AdministrationBench.guild)) == [])
    #expect(try await bench.switchPlugin("enable", "coins", permissions: .administrator).text.contains("now on"))
  }

  @Test func aBotWithoutPluginsSaysSo() async throws {
    let bench = try await AdministrationBench(others: [])
    let plugins = try #require(bench.store.definition("plugins", in: .global))
    #expect(plugins.options.allSatisfy { $0.options.allSatisfy(\.choices.isEmpty) })
    #expect(
      try await bench.switchPlugin("enable", "coins").text
        == "This bot has no plugin that can be switched on or off.")
    #expect(try await bench.switchPlugin("disable", "administration").text == "This plugin is always on.")
  }

  @Test func listShowsWhatIsOn() async throws {
    let bench = try await AdministrationBench(others: [CoinsPlugin()])
    let answer = try await bench.give("plugins", options: [CommandOptionData(name: "list", type: .subcommand)])
    #expect(answer.text.contains("**Administration** (`administration`): always on"))
    #expect(answer.text.contains("**Coins** (`coins`): off\nMoney of the server."))
  }

  @Test func helpShowsOnlyWhatTheMemberMayUseHere() async throws {
    let bench = try await AdministrationBench(others: [CoinsPlugin()], defaults: ["coins": true])
    let member = try await bench.give("help", permissions: [])
    #expect(member.isEphemeral)
    #expect(member.fields["Coins"] == "`/pay` Send coins")
    #expect(member.fields["Administration"]?.contains("/ping") == true)
    #expect(member.fields["Administration"]?.contains("/plugins") == false)

    let manager = try await bench.give("help", permissions: [.manageGuild, .moderateMembers])
    #expect(manager.fields["Coins"] == "`/pay` Send coins\n`/fine` Take coins")
    #expect(manager.fields["Administration"]?.contains("`/plugins enable` Switch a plugin on") == true)

    #expect(try await bench.give("help", permissions: nil).fields.keys.sorted() == ["Administration"])
    _ = try await bench.switchPlugin("disable", "coins")
    #expect(try await bench.give("help").fields["Coins"] == nil)
  }

  @Test(arguments: [
    ("pay", "/pay | Send coins"), ("/pay", "/pay | Send coins"),
    ("Plugins Enable", "/plugins enable | Switch a plugin on in this server"),
    ("fine", "You need the permission **Timeout Members** for `/fine`."),
    ("no`pe", "There is no command `nope`. `/help` lists all."),
    ("plugins nope", "There is no command `plugins nope`. `/help command:plugins` lists what there is."),
    ("", "The option `command` must have at least 1 characters."),
  ])
  func helpExplainsOneCommand(name: String, text: String) async throws {
    let bench = try await AdministrationBench(others: [CoinsPlugin()], defaults: ["coins": true])
    let answer = try await bench.give(
      "help", options: [CommandOptionData(name: "command", type: .string, value: .string(name))])
    #expect(answer.text == text)
    if name == "pay" {
      #expect(
        answer.fields == ["amount": "How many\nFrom 1 to 9", "note (optional)": "What for\nAt most 50 characters"])
    }
  }

  @Test func helpKeepsDiscordsLimits() {
    let pages = Help.pages(of: (0..<40).map { "\($0) " + String(repeating: "x", count: 97) })
    #expect(pages.allSatisfy { $0.utf16.count <= 1_024 })
    #expect(pages.joined(separator: "\n").split(separator: "\n").count == 40)
    #expect(Help.pages(of: [String(repeating: "y", count: 2_000)]).map(\.utf16.count) == [1_024])
  }

  @Test(arguments: [
    (Duration.milliseconds(4.24), "4.2 ms"), (.milliseconds(9.96), "10 ms"), (.milliseconds(41), "41 ms"),
    (.zero, "0.0 ms"), (.seconds(2), "2000 ms"),
  ])
  func latenciesAreReadable(duration: Duration, text: String) {
    #expect(Wording.milliseconds(duration) == text)
  }

  @Test(arguments: [
    (0, "0 s"), (5, "5 s"), (65, "1 min 5 s"), (3_600, "1 h 0 min"), (93_784, "1 d 2 h"), (-5, "0 s"),
  ])
  func spansAreReadable(seconds: Int, text: String) {
    #expect(Wording.span(.seconds(seconds)) == text)
  }
}
