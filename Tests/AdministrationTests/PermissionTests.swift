import Commands
import Core
import Gateway
import Platform
import Testing

@testable import Administration

struct PermissionTests {
  private static let bob = Gateway.User(id: 7, username: "bob")
  private static let guild = GuildID(AdministrationBench.guild.rawValue)

  private func decide(
    _ bench: AdministrationBench, _ verb: String, _ command: String? = nil,
    permissions: DiscordPermissions = .manageGuild, target: DiscordPermissions = []
  ) async throws -> Answer {
    var options = [CommandOptionData(name: "member", type: .user, value: .string("7"))]
    if let command { options.append(CommandOptionData(name: "command", type: .string, value: .string(command))) }
    return try await bench.give(
      "permissions", options: [CommandOptionData(name: verb, type: .subcommand, options: options)],
      resolved: ResolvedData(users: [7: Self.bob], members: [7: Gateway.Member(user: nil, permissions: target)]),
      permissions: permissions)
  }

  private func bench(owners: Set<Snowflake> = []) async throws -> AdministrationBench {
    try await AdministrationBench(others: [CoinsPlugin()], defaults: ["coins": true], owners: owners)
  }

  @Test func anExceptionIsMadeListedAuditedAndTakenBack() async throws {
    let bench = try await bench()
    #expect(try await decide(bench, "list").text.contains("Their roles decide about everything."))
    #expect(try await decide(bench, "grant", "pay").text == "<@7> may use `pay` from now on.")
    #expect(try await decide(bench, "deny", "/plugins list").text == "<@7> may not use `plugins list` any more.")
    #expect(try await decide(bench, "grant", "pay").text == "That was so already: nothing changed.")
    let list = try await decide(bench, "list").text
    #expect(list.contains("may use `pay`, says <@100000000000000001>"))
    #expect(list.contains("may not use `plugins list`"))
    let stored = try await bench.shared.permissions.all(for: UserID(7), in: Self.guild)
    #expect(stored.map { "\($0.permission) \($0.allowed)" } == ["pay true", "plugins list false"])
    #expect(try await decide(bench, "reset", "pay").text == "The roles of <@7> decide about `pay` again.")
    #expect(try await decide(bench, "reset", "pay").text == "That was so already: nothing changed.")
    #expect(try await bench.shared.permissions.lookUp("pay", for: UserID(7), in: Self.guild) == nil)
    let audited = try await bench.shared.auditLog.recent(in: Self.guild).map(\.entry)
    #expect(audited.map(\.action) == ["permission_changed", "permission_changed", "permission_changed"])
    #expect(
      Set(audited.map { "\($0.details["decision"]?.string ?? "") \($0.details["permission"]?.string ?? "")" })
        == ["grant pay", "deny plugins list", "reset pay"])
  }

  @Test func nobodyGivesMoreThanTheyHave() async throws {
    let bench = try await bench()
    let refusal = "You may not use `fine` yourself, so you cannot decide who else may."
    for verb in ["grant", "deny", "reset"] {
      #expect(try await decide(bench, verb, "fine").text == refusal)
    }
    let granted = try await decide(bench, "grant", "fine", permissions: [.manageGuild, .moderateMembers]).text
    #expect(granted.hasPrefix("<@7> may use `fine` from now on.\nDiscord shows this command to members with certain"))
    // Who was forbidden a command cannot give it back to themselves or to others.
    let me = UserID(AdministrationBench.user.rawValue)
    try await bench.shared.permissions.set("pay", allowed: false, for: me, in: Self.guild, by: UserID(1))
    #expect(
      try await decide(bench, "grant", "pay").text
        == "You may not use `pay` yourself, so you cannot decide who else may.")
    #expect(try await decide(bench, "grant", "pay", permissions: .administrator).text.contains("may use"))
  }

  @Test func theCommandNeedsManageServer() async throws {
    let bench = try await bench()
    #expect(
      try await decide(bench, "grant", "pay", permissions: []).text
        == "You need the permission **Manage Server** for `/permissions grant`.")
  }

  @Test func whatCannotBeDecidedIsSaid() async throws {
    let bench = try await bench(owners: [9])
    #expect(try await decide(bench, "grant", "no`thing").text == "There is no command `nothing`. `/help` lists all.")
    #expect(try await decide(bench, "grant", "maintenance on").text.contains("for those who run this bot"))
    #expect(try await decide(bench, "deny", "pay", target: .administrator).text.contains("cannot be locked out"))
    for number in 0..<PermissionService.limit {
      try await bench.shared.permissions.set("x\(number)", allowed: true, for: UserID(7), in: Self.guild, by: UserID(1))
    }
    #expect(try await decide(bench, "grant", "pay").text.hasPrefix("There are 100 exceptions"))
    // What is left of a command that is gone can be taken back.
    #expect(try await decide(bench, "reset", "x5").text.contains("again"))
    #expect(try await decide(bench, "grant", "pay").text.contains("may use"))
  }

  @Test func anExceptionBindsItsUser() async throws {
    let bench = try await bench()
    let me = UserID(AdministrationBench.user.rawValue)
    try await bench.shared.permissions.set("fine", allowed: true, for: me, in: Self.guild, by: UserID(1))
    try await bench.shared.permissions.set("pay", allowed: false, for: me, in: Self.guild, by: UserID(1))
    #expect(try await bench.give("fine", permissions: []).text == "fined")
    #expect(
      try await bench.give("pay", permissions: []).text
        == "A manager of this server has forbidden you to use `/pay`.")
    let help = try await bench.give("help", permissions: [])
    #expect(help.fields["Coins"]?.contains("/fine") == true)
    #expect(help.fields["Coins"]?.contains("/pay") == false)
  }
}

struct MaintenanceCommandTests {
  private func give(_ bench: AdministrationBench, _ verb: String, reason: String? = nil) async throws -> Answer {
    let options = reason.map { [CommandOptionData(name: "reason", type: .string, value: .string($0))] } ?? []
    return try await bench.give(
      "maintenance", options: [CommandOptionData(name: verb, type: .subcommand, options: options)], permissions: [])
  }

  @Test func ownersLetTheBotRest() async throws {
    let bench = try await AdministrationBench(others: [], owners: [AdministrationBench.user])
    #expect(bench.store.definition("maintenance", in: .global)?.defaultMemberPermissions == [])
    #expect(try await give(bench, "status").text == "The bot takes commands.")
    #expect(try await give(bench, "off").text == "The bot does not rest.")
    #expect(try await give(bench, "on", reason: "New disks.").text.hasPrefix("The bot rests now"))
    #expect(try await give(bench, "status").text.contains("New disks."))
    #expect(try await bench.give("about").text.contains("Adjutant"))
    #expect(try await give(bench, "off").text == "The bot takes commands again.")
  }

  @Test func itIsNoCommandWithoutOwnersAndNoneForOthers() async throws {
    let none = try await AdministrationBench(others: [])
    #expect(none.store.definition("maintenance", in: .global) == nil)
    let bench = try await AdministrationBench(others: [], owners: [5])
    #expect(try await give(bench, "on").text == "`/maintenance on` is for those who run this bot.")
    #expect(try await bench.shared.maintenance.current() == nil)
  }
}
