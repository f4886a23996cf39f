import Platform
import Synchronization
import Testing

@testable import Commands
@testable import Gateway

struct CommandRegistrationTests {
  private struct Basic: SlashCommand {
    static let name = "basic", summary = "s"
    func run(in context: CommandContext<Bench>) async throws -> Reply { "" }
  }
  private struct Extra: SlashCommand {
    static let name = "extra", summary = "s"
    func run(in context: CommandContext<Bench>) async throws -> Reply { "" }
  }

  private let switches = FakeSwitches()
  private let store = FakeStore()

  private func registration() throws -> (CommandRegistration, CommandCatalog) {
    let registry = try PluginRegistry([
      SamplePlugin.with([Basic.self], services: Bench(), name: "core", isCore: true),
      SamplePlugin.with([Extra.self], services: Bench(), name: "extra"),
    ])
    return (CommandRegistration(enabled: switches, store: store, log: .silent), registry.catalog)
  }

  @Test func eachScopeGetsItsCommandsOnce() async throws {
    let (registration, catalog) = try registration()
    try await registration.start(catalog)
    try await registration.synchronize(.guild(1))
    #expect(store.names(.global) == ["basic"])
    #expect(store.names(.guild(1)) == ["extra"])
    #expect(store.writes == [.global, .guild(1)])
    #expect(try await registration.synchronize(.global).differences == [])
    #expect(try await registration.synchronize(.guild(1)).differences == [])
    #expect(store.writes == [.global, .guild(1)])
  }

  @Test func aPluginSwitchedOffLeavesTheGuild() async throws {
    let (registration, catalog) = try registration()
    try await registration.start(catalog)
    try await registration.synchronize(.guild(1))
    switches.disabled.withLock { _ = $0.insert("extra") }
    let outcome = try await registration.synchronize(.guild(1))
    #expect(outcome.differences == [.surplus(name: "extra")])
    #expect(store.names(.guild(1)) == [])
  }

  @Test func anEntryPointSurvivesTheWrite() async throws {
    let (registration, catalog) = try registration()
    store.set([ApplicationCommandDefinition(type: .primaryEntryPoint, name: "launch")], in: .global)
    try await registration.start(catalog)
    #expect(store.names(.global) == ["basic", "launch"])
  }

  @Test func nothingIsRegisteredBeforeTheCommandsAreKnown() async throws {
    let (registration, _) = try registration()
    await #expect(throws: CommandRegistrationError.notStarted) { try await registration.synchronize(.guild(1)) }
    #expect(store.reads == 0)
  }

  @Test func requestsDuringAPassShareOneFurtherPass() async throws {
    let (registration, catalog) = try registration()
    try await registration.start(catalog)
    let readsBefore = store.reads
    store.hold()
    async let first = registration.synchronize(.guild(1))
    await store.waitForHeld()
    // The first pass has decided already: this change needs another one.
    switches.disabled.withLock { _ = $0.insert("extra") }
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<5 { group.addTask { _ = try? await registration.synchronize(.guild(1)) } }
      group.addTask {
        while await registration.waitingCount == 0 { await Task.yield() }
        store.release()
      }
    }
    #expect(try await first.differences == [.missing(name: "extra")])
    #expect(store.names(.guild(1)) == [])
    #expect((2...3).contains(store.reads - readsBefore))
    #expect(store.greatestOverlap == 1)
  }

  // MARK: - What is remembered

  private final class Memory: RegistrationMemory {
    let stored = Mutex<[CommandScope: String]>([:])
    func fingerprint(of scope: CommandScope) async throws -> String? { stored.withLock { $0[scope] } }
    func remember(_ fingerprint: String?, of scope: CommandScope) async throws {
      stored.withLock { $0[scope] = fingerprint }
    }
  }

  private func remembering(
    _ memory: Memory, time: ManualTime = ManualTime(), sink: MemoryLogSink = MemoryLogSink()
  ) throws -> (CommandRegistration, CommandCatalog) {
    let (_, catalog) = try registration()
    let registration = CommandRegistration(
      enabled: switches, store: store, memory: memory, time: time, random: SeededRandom(seed: 1),
      log: Log(label: "commands", sink: sink))
    return (registration, catalog)
  }

  @Test func aStartWithNothingNewAsksNothing() async throws {
    let memory = Memory()
    for start in 1...3 {
      let (registration, catalog) = try remembering(memory)
      let outcome = try await registration.start(catalog)
      try await registration.synchronize(.guild(1))
      #expect(outcome.isAsked == (start == 1))
      #expect(store.reads == 2)
      #expect(store.writes == [.global, .guild(1)])
    }
    // A plugin that is switched off changes what is wanted, in that guild alone.
    switches.disabled.withLock { _ = $0.insert("extra") }
    let (registration, catalog) = try remembering(memory)
    try await registration.start(catalog)
    try await registration.synchronize(.guild(1))
    #expect(store.reads == 3)
    #expect(store.writes == [.global, .guild(1), .guild(1)])
  }

  @Test func aDoubtAsksDiscordAndRepairs() async throws {
    let memory = Memory()
    let time = ManualTime()
    let (registration, catalog) = try remembering(memory, time: time)
    try await registration.start(catalog)
    try await registration.synchronize(.guild(1))
    store.set([], in: .guild(1))
    #expect(try await registration.synchronize(.guild(1)).isAsked == false)
    #expect(try await registration.synchronize(.guild(1), trustsMemory: false).differences == [.missing(name: "extra")])
    // A command that is not ours any more is used: asked once, not with every use.
    store.set([], in: .guild(1))
    let reads = store.reads
    try await registration.repair(.guild(1))
    try await registration.repair(.guild(1))
    #expect(store.reads == reads + 1)
    #expect(store.names(.guild(1)) == ["extra"])
    time.advance(by: CommandRegistration.repairInterval)
    try await registration.repair(.guild(1))
    #expect(store.reads == reads + 2)
    // The bot was removed and invited again.
    try await registration.forget(.guild(1))
    store.set([], in: .guild(1))
    #expect(try await registration.synchronize(.guild(1)).differences == [.missing(name: "extra")])
  }

  @Test func whatFailedIsNotRemembered() async throws {
    let memory = Memory()
    let (registration, catalog) = try remembering(memory)
    try await registration.start(catalog)
    store.failNext()
    await #expect(throws: UserError.self) { try await registration.synchronize(.guild(1)) }
    #expect(memory.stored.withLock { $0[.guild(1)] } == nil)
    #expect(try await registration.synchronize(.guild(1)).isAsked)
  }

  @Test func whatFailsIsTriedAgainLater() async throws {
    let time = ManualTime()
    let (registration, catalog) = try remembering(Memory(), time: time)
    try await registration.start(catalog)
    store.failNext()
    async let settled = registration.settle(.guild(1))
    await time.waitForSleepers()
    #expect(store.names(.guild(1)) == [])
    time.advance(by: .seconds(5))
    #expect(try await settled)
    #expect(store.names(.guild(1)) == ["extra"])
  }

  @Test func commandsThatUsersSawTwiceAreNamedAndRemoved() async throws {
    let sink = MemoryLogSink()
    let (registration, catalog) = try remembering(Memory(), sink: sink)
    let basic = ApplicationCommandDefinition(name: "basic", description: "s")
    store.set([basic, ApplicationCommandDefinition(name: "foreign", description: "s")], in: .guild(1))
    try await registration.start(catalog)
    try await registration.synchronize(.guild(1))
    #expect(store.names(.guild(1)) == ["extra"])
    let line = try #require(sink.records.first { $0.message.contains("twice") })
    #expect(line.fields.contains { $0.key == "commands" && $0.value == .string("/basic") })
  }

  @Test func theFingerprintTellsDifferentCommandsApartAndEqualOnesNot() throws {
    let one = ApplicationCommandDefinition(
      name: "a", nameLocalizations: ["de": "b", "fr": "c", "it": "d"], description: "x")
    var other = one
    other.description = "y"
    let reordered = ApplicationCommandDefinition(
      name: "a", nameLocalizations: ["it": "d", "fr": "c", "de": "b"], description: "x")
    let second = ApplicationCommandDefinition(name: "b", description: "x")
    let print = try [one, second].fingerprint(in: .global)
    #expect(try [second, reordered].fingerprint(in: .global) == print)
    #expect(try [other, second].fingerprint(in: .global) != print)
    #expect(try [one].fingerprint(in: .global) != print)
    #expect(try [one, second].fingerprint(in: .guild(1)) != print)
    #expect(try [one, second].fingerprint(in: .guild(1)) == [one, second].fingerprint(in: .guild(2)))
  }

  private static func refused(_ status: Int, _ code: Int) -> DiscordError {
    .refused(.init(route: "r", status: status, code: DiscordErrorCode(rawValue: code), message: "m", fields: []))
  }

  private static let decisions: [(DiscordError, [RegistrationRetry.Decision?])] = [
    (refused(403, 50_001), [.giveUp(.missingScope)]), (.unauthorized, [.giveUp(.unauthorized)]),
    (refused(400, 30_034), [.wait(.seconds(3_600)), .wait(.seconds(3_600))]),
    (.rateLimited(route: "r", retryAfter: .seconds(77)), [.wait(.seconds(77))]),
    (refused(400, 50_035), [nil, nil, .giveUp(.refused)]), (refused(502, 0), [nil, nil, nil, nil, nil]),
    (.network(route: "r", reason: "x", requestMayHaveBeenSent: true), [nil, nil, nil, nil]),
  ]

  @Test(arguments: decisions)
  func everyFailureHasItsRemedy(error: DiscordError, decisions: [RegistrationRetry.Decision?]) {
    var retry = RegistrationRetry()
    var last = Duration.zero
    for expected in decisions {
      let decision = retry.decide(after: error, random: SeededRandom(seed: 3))
      if let expected {
        #expect(decision == expected)
      } else if case .wait(let wait) = decision {
        #expect(wait > last)
        last = wait
      } else {
        Issue.record("\(decision)")
      }
    }
  }

  @Test func aMissingScopeIsExplainedOnce() async throws {
    let sink = MemoryLogSink()
    let (registration, catalog) = try remembering(Memory(), sink: sink)
    try await registration.start(catalog)
    for guild: Snowflake in [1, 2] {
      store.failNext(with: Self.refused(403, 50_001))
      #expect(try await registration.settle(.guild(guild)) == false)
    }
    #expect(sink.records.count { $0.level == .error && $0.message.contains("applications.commands") } == 1)
  }

  @Test func aFailureIsThrownAndTheNextRequestWorks() async throws {
    let (registration, catalog) = try registration()
    try await registration.start(catalog)
    store.failNext()
    await #expect(throws: UserError.self) { try await registration.synchronize(.guild(1)) }
    #expect(try await registration.synchronize(.guild(1)).differences == [.missing(name: "extra")])
  }
}

/// Discord's lists in memory.
final class FakeStore: CommandStore {
  private struct State {
    var lists: [CommandScope: [ApplicationCommandDefinition]] = [:]
    var writes: [CommandScope] = []
    var reads = 0
    var active = 0
    var greatest = 0
    var failure: (any Error)?
    var isHolding = false
    var held: CheckedContinuation<Void, Never>?
    var watcher: CheckedContinuation<Void, Never>?
  }
  private let state = Mutex(State())

  var writes: [CommandScope] { state.withLock { $0.writes } }
  var reads: Int { state.withLock { $0.reads } }
  var greatestOverlap: Int { state.withLock { $0.greatest } }
  func names(_ scope: CommandScope) -> [String] { state.withLock { ($0.lists[scope] ?? []).map(\.name) } }
  func set(_ commands: [ApplicationCommandDefinition], in scope: CommandScope) {
    state.withLock { $0.lists[scope] = commands }
  }
  func failNext(with error: any Error = UserError("Discord is away")) { state.withLock { $0.failure = error } }
  func hold() { state.withLock { $0.isHolding = true } }

  func waitForHeld() async {
    await withCheckedContinuation { continuation in
      let isHeld = state.withLock { state in
        if state.held != nil { return true }
        state.watcher = continuation
        return false
      }
      if isHeld { continuation.resume() }
    }
  }

  func release() {
    state.withLock { state in
      state.isHolding = false
      defer { state.held = nil }
      return state.held
    }?.resume()
  }

  func commands(in scope: CommandScope) async throws -> [ApplicationCommandDefinition] {
    let (failure, holds) = state.withLock { state in
      state.reads += 1
      state.active += 1
      state.greatest = max(state.greatest, state.active)
      defer { state.failure = nil }
      return (state.failure, state.isHolding)
    }
    if holds {
      await withCheckedContinuation { continuation in
        state.withLock { state in
          state.held = continuation
          defer { state.watcher = nil }
          return state.watcher
        }?.resume()
      }
    }
    state.withLock { $0.active -= 1 }
    if let failure { throw failure }
    return state.withLock { $0.lists[scope] ?? [] }
  }

  func overwrite(_ commands: [ApplicationCommandDefinition], in scope: CommandScope) async throws {
    state.withLock { state in
      state.lists[scope] = commands
      state.writes.append(scope)
    }
  }
}
