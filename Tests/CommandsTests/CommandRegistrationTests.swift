import Gateway
import Platform
import Synchronization
import Testing

@testable import Commands

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
    var fails = false
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
  func failNext() { state.withLock { $0.fails = true } }
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
    let (fails, holds) = state.withLock { state in
      state.reads += 1
      state.active += 1
      state.greatest = max(state.greatest, state.active)
      defer { state.fails = false }
      return (state.fails, state.isHolding)
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
    if fails { throw UserError("Discord is away") }
    return state.withLock { $0.lists[scope] ?? [] }
  }

  func overwrite(_ commands: [ApplicationCommandDefinition], in scope: CommandScope) async throws {
    state.withLock { state in
      state.lists[scope] = commands
      state.writes.append(scope)
    }
  }
}
