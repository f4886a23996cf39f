import Foundation
import HTTP
import Platform
import Testing

@testable import Bot

/// The Pegasus document against the running program, down to its code samples.
struct PegasusFlowTests {
  private static let ports = [
    "ADJUTANT_PLUGINS_HTTPAPI_ENABLED": "true", "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_MAIN_LISTEN": "127.0.0.1:0",
    "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_TRACKER_LISTEN": "127.0.0.1:0",
    "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_PANEL_LISTEN": "127.0.0.1:0",
    "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_METRICS_LISTEN": "127.0.0.1:0",
  ]

  /// `http://localhost:40001`, as the document writes its addresses.
  private func address(of listener: String, _ bot: RunningBot) async throws -> String {
    try await eventually("the program is connected") { bot.hasBanner }
    let line = bot.printed.split(separator: "\n").first { $0.contains("  \(listener): ") }
    let address = try #require(line?.split(separator: " ").first)
    return "http://localhost:" + address.dropFirst("http://127.0.0.1:".count).dropLast()
  }

  private func get(_ discord: TestDiscord, _ url: String) async throws -> JSON {
    let response = try await discord.client.send(HTTPClientRequest(.get, url))
    try #require(response.status == 200, "\(url)")
    return try JSON(parsing: response.body)
  }

  private static let javaScript = """
    // Example: Fetching bot stats
    async function getBotStats() {
      const response = await fetch('http://localhost:3001/api/stats');
      const data = await response.json();
      return data;
    }

    // Example: Checking health
    async function checkHealth() {
      const response = await fetch('http://localhost:3000/health');
      const data = await response.json();
      return data.status === 'healthy';
    }
    """

  private static let python = """
    import requests

    # Example: Fetching bot stats
    def get_bot_stats():
        response = requests.get('http://localhost:3001/api/stats')
        return response.json()

    # Example: Checking health
    def check_health():
        response = requests.get('http://localhost:3000/health')
        data = response.json()
        return data['status'] == 'healthy'
    """

  private static let shell = """
    # Get health status
    curl http://localhost:3000/health

    # Get bot statistics
    curl http://localhost:3001/api/stats

    # Get Prometheus metrics
    curl http://localhost:9090/metrics
    """

  /// What the program prints; nil if this machine does not have it.
  private func output(of program: String, _ arguments: [String], in directory: URL) throws -> String? {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.currentDirectoryURL = directory
    // A proxy of the environment is not between a program and this machine.
    process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.lowercased().hasSuffix("_proxy") }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
  }

  @Test func theSamplesOfTheDocumentRun() async throws {
    try await withTestDiscord { discord, directory in
      let bot = try RunningBot(environment: discord.environment(Self.ports), in: directory)
      let main = try await address(of: "main", bot)
      let tracker = try await address(of: "tracker", bot)
      let metrics = try await address(of: "metrics", bot)
      try await eventually("commands are registered") { try await discord.commands().contains("help") }
      for _ in 0..<2 { _ = try await discord.type("/help") }
      _ = try await discord.type("/about", as: TestDiscord.member)
      // The line in the log follows the answer.
      try await eventually("three commands are counted") {
        try await self.get(discord, tracker + "/api/stats")["activity"]?["daily_actions"] == 3
      }
      let stats = try await get(discord, tracker + "/api/stats")
      #expect(stats["topCommands"] == [["command": "help", "count": 2], ["command": "about", "count": 1]])
      #expect(stats["activity"]?["daily_active_users"] == 2)
      #expect(stats["database"]?["users"]?.integer ?? 0 > 0)
      #expect(stats["bot"]?["guilds"] == 1)
      #expect(stats["bot"]?["channels"]?.integer ?? 0 > 0)
      let health = try await get(discord, main + "/health")
      #expect(health["status"] == "healthy")
      #expect(health["checks"]?["discord"]?["users"]?.integer ?? 0 > 1)
      #expect(try await get(discord, main + "/ready")["ready"] == true)
      let log = try await get(discord, tracker + "/api/logs?limit=1")
      #expect(log[0]?["action"] == "command_executed")
      #expect(log[0]?["details"]?["command"] == "about")

      func here(_ text: String) -> String {
        text.replacing("http://localhost:3000", with: main).replacing("http://localhost:3001", with: tracker)
          .replacing("http://localhost:9090", with: metrics)
      }
      if try output(of: "node", ["--version"], in: directory) != nil {
        let script =
          here(Self.javaScript)
          + "\ngetBotStats().then(async stats => console.log(stats.topCommands[0].command, await checkHealth()));\n"
        try Data(script.utf8).write(to: directory.appending(path: "sample.mjs"))
        #expect(try output(of: "node", ["sample.mjs"], in: directory) == "help true\n")
      }
      if try output(of: "python3", ["-c", "import requests"], in: directory) != nil {
        let script = here(Self.python) + "\nprint(get_bot_stats()['topCommands'][0]['command'], check_health())\n"
        try Data(script.utf8).write(to: directory.appending(path: "sample.py"))
        #expect(try output(of: "python3", ["sample.py"], in: directory) == "help True\n")
      }
      if try output(of: "curl", ["--version"], in: directory) != nil {
        try Data(here(Self.shell).utf8).write(to: directory.appending(path: "sample.sh"))
        let printed = try #require(try output(of: "sh", ["sample.sh"], in: directory))
        #expect(printed.contains(#"{"status":"healthy""#))
        #expect(printed.contains(#"{"command":"help","count":2}"#))
        #expect(printed.contains("\npegasus_bot_guilds 1\n"))
        #expect(printed.contains(#"pegasus_bot_commands_total{command="help"} 2"#))
        #expect(printed.contains(#"pegasus_bot_commands_total{command="ping"} 0"#))
      }
      #expect(try await bot.stop() == 0)
    }
  }

  @Test func errorsAndTheAuditLogReachTheirChannel() async throws {
    try await withTestDiscord { discord, directory in
      let made = try await discord.client.send(
        HTTPClientRequest(
          .post, "\(discord.addresses.apiBase)/channels/\(TestDiscord.channel)/webhooks",
          headers: ["Authorization": "Bot \(TestDiscord.token)", "Content-Type": "application/json"],
          body: .bytes(Array(#"{"name":"Reports"}"#.utf8))))
      let url = try #require(try JSON(parsing: made.body)["url"]?.string)
      let file = directory.appending(path: "config.json")
      try Data("{}".utf8).write(to: file)
      let bot = try RunningBot(
        environment: discord.environment([
          "ADJUTANT_PLUGINS_HTTPAPI_ERRORWEBHOOK": url, "ADJUTANT_PLUGINS_HTTPAPI_AUDITWEBHOOK": url,
        ]), in: directory)
      try await eventually("the program is connected") { bot.hasBanner }
      try await eventually("commands are registered") { try await discord.commands().contains("about") }
      _ = try await discord.type("/about")
      try Data(#"{"nonsense": true}"#.utf8).write(to: file)
      kill(bot.process.processIdentifier, SIGHUP)
      func titles() async throws -> Set<String> {
        let messages = try await discord.control(
          .get, "messages?channel=\(TestDiscord.channel)&user=\(TestDiscord.owner)")
        let embeds = (messages.array ?? []).flatMap { $0["embeds"]?.array ?? [] }
        return Set(
          embeds.compactMap { embed in
            guard let title = embed["title"]?.string else { return nil }
            return "\(title): \(embed["description"]?.string ?? embed["fields"]?[0]?["value"]?.string ?? "")"
          })
      }
      let expected: Set = [
        "Audit Log Entry: command_executed", "Critical Error: the configuration has mistakes; nothing was changed",
      ]
      try await eventually("both are told") { try await titles().isSuperset(of: expected) }
      #expect(!bot.errors.contains(url.suffix(20)))
      #expect(try await bot.stop() == 0)
    }
  }
}
