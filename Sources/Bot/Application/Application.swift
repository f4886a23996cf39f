import Administration
import Commands
import Core
import Gateway
import Glibc
import HTTP
import HTTPAPI
import KillTracker
import Platform
import Sandbox
import Storage

/// The running bot: what `adjutant run` starts, from the database up to the gateway, and ends in the reverse order.
struct Application {
  /// How long running commands may go on once the program was told to stop.
  static let stopLimit = Duration.seconds(10)
  /// How long the ports of the HTTP API wait for leaderboards, of which large ones take seconds to add up.
  static let preparationLimit = Duration.seconds(8)

  let configuration: Configuration
  let file: ConfigurationFile
  let environment: [String: String]
  let sink: StreamLogSink
  let reports: Reports
  let time = SystemTime()
  let restart = Restart()

  private var metrics: Metrics { reports.metrics }
  private var log: Log { Log(label: "bot", sink: reports.sink) }

  /// How the run came to its end.
  enum Ending: Equatable {
    case exit(ExitCode)
    /// Everything is closed, for the same program to begin again.
    case restart
  }

  /// Runs until a signal, or until Discord refuses the bot for good. Told to start anew, it returns only if that fails.
  func run() async throws -> ExitCode {
    guard case .exit(let code) = try await runOnce() else {
      log.notice("starting anew")
      await reports.end()
      sink.flush()
      throw restart.execute()
    }
    return code
  }

  private func runOnce() async throws -> Ending {
    metrics.addProcess(startedAt: time.timestamp)
    metrics.gauge("adjutant_build_info", help: "Always 1; the labels say what runs", labels: ["version"])(
      Version.current
    )
    .set(1)
    let signals = Signals()
    let target = try await DiscordTarget.choose(configuration, time: time, log: Log(label: "", sink: sink))
    do {
      let ending = try await run(against: target, signals: signals)
      await target.sandbox?.stop()
      return ending == .restart && signals.toldToEnd.value ? .exit(.success) : ending
    } catch {
      await target.sandbox?.stop()
      throw error
    }
  }

  private func run(against target: DiscordTarget, signals: Signals) async throws -> Ending {
    let database = try await Database.open(
      url: target.databaseURL.reveal(), log: Log(label: "storage", sink: reports.sink), metrics: metrics)
    do {
      let shared = try await SharedState.open(
        database, modules: ProgramTables.modules, time: time, log: Log(label: "", sink: reports.sink), metrics: metrics)
      try await DatabaseOwner.claim(shared.state, for: target.sandbox == nil ? .discord : .sandbox)
      // Events that others wait for are published in every process.
      let publishing = Task {
        async let published: Void = shared.events.run()
        async let followed: Void = shared.switches.run(log: Log(label: "core", sink: reports.sink))
        await reports.follow(shared)
        _ = await (published, followed)
      }
      let code: Ending
      do {
        code = try await run(against: target, shared: shared, signals: signals)
      } catch {
        publishing.cancel()
        await publishing.value
        throw error
      }
      publishing.cancel()
      await publishing.value
      await database.close()
      return code
    } catch {
      await database.close()
      throw error
    }
  }

  private func run(against target: DiscordTarget, shared: SharedState, signals: Signals) async throws -> Ending {
    let http = try HTTPClient(
      configuration: .init(name: "discord", usesProxyFromEnvironment: target.sandbox == nil),
      log: Log(label: "", sink: sink), metrics: metrics)
    var surroundings = Bot.Surroundings(
      target: target, configuration: configuration, shared: shared, http: http, sink: reports.sink, metrics: metrics,
      time: time
    )
    let rest = surroundings.makeREST()
    let handle = BotHandle()
    let (events, continuation) = AsyncStream.makeStream(of: Event.self)
    let administration = BotAdministration(shared: shared, bot: handle) { continuation.yield(.restart) }
    surroundings.control = administration
    let tracker = killTracker(shared, directory: target.stateDirectory(configuration), bot: handle)
    try await tracker.load()
    let following = Task { await tracker.run() }
    defer { following.cancel() }
    surroundings.plugins.append(killTracker(tracker, rest: rest, bot: handle, http: http, apiBase: target.apiBase))
    do {
      // Before the bot: how it is doing can be asked while Discord does not answer.
      let api = try await openAPI(&surroundings, tracker: tracker, rest: rest, bot: handle, administration)
      let code = await supervise(
        surroundings, rest: rest, bot: handle, api: api, signals: signals, (events, continuation))
      await http.shutdown()
      return code
    } catch {
      await http.shutdown()
      throw error
    }
  }

  private func killTracker(_ shared: SharedState, directory: String, bot: BotHandle) -> TrackerServices {
    TrackerServices(
      shared: shared, settings: configuration.killTracker, directory: directory,
      isOn: { [standard = configuration.pluginDefaults[KillTrackerPlugin.id] ?? true] guild in
        bot.bot?.isOn(KillTrackerPlugin.id, in: guild)
          ?? shared.switches.isEnabled(KillTrackerPlugin.id, in: guild, default: standard)
      },
      // Before there is a bot, its start will do it.
      onSwitch: { bot.bot?.registerCommands(of: $0) }, log: Log(label: "", sink: reports.sink), metrics: metrics)
  }

  private func killTracker(
    _ services: TrackerServices, rest: RESTClient, bot: BotHandle, http: HTTPClient, apiBase: String
  ) -> KillTrackerPlugin {
    KillTrackerPlugin(
      services,
      in: .init(
        rest: rest,
        isOn: { bot.bot?.isOn(KillTrackerPlugin.id, in: GuildID($0.rawValue)) ?? false },
        cache: { bot.bot?.cache }, http: http, apiBase: apiBase))
  }

  /// Opens the ports of the HTTP API, all or none; nil if the configuration wants none.
  private func openAPI(
    _ surroundings: inout Bot.Surroundings, tracker: TrackerServices, rest: RESTClient, bot: BotHandle,
    _ administration: BotAdministration
  ) async throws -> OpenAPIHouse? {
    guard configuration.httpAPI.isEnabled else { return nil }
    let house = try await APIHouse.open(
      surroundings, tracker: tracker, rest: rest, bot: bot, administration: administration)
    tracker.personalData.add(HTTPAPIData(house.authentication, webhooks: house.webhooks))
    surroundings.plugins.append(HTTPAPIPlugin(keys: house.authentication.keys, webhooks: house.webhooks))
    await tracker.kills.prepareBoards(limit: Self.preparationLimit, log: tracker.log)
    do {
      return OpenAPIHouse(house: house, listeners: try await house.start())
    } catch let failure as HTTPListeners.Failure {
      throw ListenerUnavailable(failure, configuration.httpAPI.listeners)
    }
  }

  /// The HTTP API with its ports open.
  private struct OpenAPIHouse {
    let house: APIHouse
    let listeners: [APIServer.Opened]
  }

  /// Starts the bot, waits for whatever ends it, and ends it.
  private func supervise(
    _ surroundings: Bot.Surroundings, rest: RESTClient, bot handle: BotHandle, api: OpenAPIHouse?, signals: Signals,
    _ happenings: (AsyncStream<Event>, AsyncStream<Event>.Continuation)
  ) async -> Ending {
    let (events, continuation) = happenings
    let starting = Task {
      do {
        let bot = try await Bot.assemble(surroundings, rest: rest) { state in
          switch state {
          case .ready: continuation.yield(.ready)
          case .failed(let error): continuation.yield(.refused(error.message))
          case .disconnected, .resharded: break  // the gateway says so in the log
          }
        }
        handle.set(bot)
        continuation.yield(.assembled(bot))
        try await bot.start()
      } catch is CancellationError {
        // Told to stop before everything was under way.
      } catch DiscordError.unauthorized {
        continuation.yield(.refused(GatewayFatalError.refusedToken))
      } catch {
        continuation.yield(.failed(error))
      }
    }
    let watching = Task { [stream = signals.stream] in
      for await signal in stream { continuation.yield(.signal(signal)) }
    }
    defer { watching.cancel() }

    var ending = Ending.exit(.success)
    var bot: Bot?
    var hasBanner = false
    var resharding: Task<Void, Never>?
    let news = BotNews(shared: surroundings.shared, log: log)
    var online: Task<Void, Never>?
    waiting: for await event in events {
      switch event {
      case .assembled(let assembled): bot = assembled
      case .ready where hasBanner || bot?.isReady != true: break
      case .ready:
        hasBanner = true
        online = Task { await news.status(isOnline: true) }
        showBanner(surroundings.target, api?.listeners ?? [])
      case .signal(.hangUp):
        guard let new = reload(bot)?.discord.shards, let bot else { continue }
        // One after the other; what the last signal asked for holds.
        resharding = Task { [earlier = resharding] in
          await earlier?.value
          await bot.reshard(to: new)
        }
      case .signal(let signal):
        log.notice("stopping", ["signal": .string(signal.name)])
        break waiting
      case .restart:
        log.notice("stopping, to start anew")
        ending = .restart
        break waiting
      case .refused(let reason):
        Terminal.complain("adjutant: \(reason)")
        ending = .exit(.refused)
        break waiting
      case .failed(let error):
        Terminal.complain("adjutant: the bot cannot go on: \(error)")
        log.error("the bot cannot go on", ["error": .error(error)])
        ending = .exit(.internalError)
        break waiting
      }
    }
    // Asked a second time, the operator means at once; on the way to a new start the first time means the end.
    let insisting = Task { [patience = ending == .restart ? 1 : 0] in
      var patience = patience
      for await event in events {
        guard case .signal(let signal) = event, signal != .hangUp else { continue }
        if patience == 0 { endAtOnce(signal) }
        patience -= 1
      }
    }
    starting.cancel()
    resharding?.cancel()
    _ = await starting.value
    if let online {
      await online.value
      // While listeners are still there to hear it.
      await news.status(isOnline: false)
    }
    // Side by side: each may take all of the limit. Requests that still run can use the bot until it has gone.
    async let closed: Void? = api?.house.server.stop(grace: Self.stopLimit)
    await bot?.stop(limit: Self.stopLimit)
    _ = await closed
    handle.set(nil)
    insisting.cancel()
    log.notice("stopped")
    return ending
  }

  private enum Event: Sendable {
    case assembled(Bot)
    /// A shard is ready, perhaps the last one.
    case ready
    case signal(ProcessSignal)
    /// An owner wants the program to start anew.
    case restart
    /// Discord does not take this bot; the text says what to do.
    case refused(String)
    case failed(any Error)
  }

  private func endAtOnce(_ signal: ProcessSignal) {
    sink.flush()
    exit(128 + signal.rawValue)
  }

  private func showBanner(_ target: DiscordTarget, _ listeners: [APIServer.Opened]) {
    var lines = ["Adjutant \(Version.current) is connected."]
    if !listeners.isEmpty {
      lines.append("The HTTP API listens at")
      for listener in listeners {
        let surfaces = listener.surfaces.map(\.rawValue).joined(separator: ", ")
        lines.append("  http://\(listener.address)/  \(listener.name): \(surfaces); described at /docs")
      }
    }
    if let addresses = target.addresses {
      lines += [
        "No token is configured, so this is the sandbox, a local Discord:",
        "  playground  \(addresses.playground)",
        "  REST        \(addresses.apiBase)",
        "  gateway     \(addresses.gatewayURL)",
        "Set DISCORD_TOKEN to run the bot at Discord.",
      ]
    }
    Terminal.show(lines.joined(separator: "\n"))
  }

  // MARK: Reloading

  /// - Returns: the new configuration, of which the shards are yet to be brought up; nil if it has mistakes.
  private func reload(_ bot: Bot?) -> Configuration? {
    do {
      let new = try file.load(environment: environment, plugins: Adjutant.pluginNames)
      sink.setLevel(new.logLevel)
      bot?.setPluginDefaults(new.pluginDefaults)
      log.notice("configuration read again")
      var comparable = configuration
      comparable.logLevel = new.logLevel
      comparable.pluginDefaults = new.pluginDefaults
      comparable.discord.shards = new.discord.shards
      if comparable != new { log.warning("some changes of the configuration wait for a restart") }
      return new
    } catch {
      log.error("the configuration has mistakes; nothing was changed", ["error": .error(error)])
      return nil
    }
  }
}
