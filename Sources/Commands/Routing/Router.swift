import Core
import Gateway
import Platform
import Synchronization

/// Takes interactions to the commands that they name and sees to it that each is answered.
///
/// Each interaction is handled in a task of its own; a limited number run at a time, a limited number wait.
public final class Router: Sendable {
  public struct Options: Sendable {
    /// Commands that run at the same time.
    public var concurrency = 64
    /// Commands that wait for one of those to end; more are told to try again.
    public var queue = 512
    /// When an answer that takes long is deferred. Discord gives up at three seconds.
    public var deferAfter: Duration = .seconds(2)

    public init() {}
  }

  private struct State {
    var isDraining = false
    var lastID = 0
    var tasks: [Int: Task<Void, Never>] = [:]
    var idle: [Int: CheckedContinuation<Bool, Never>] = [:]
  }

  let catalog: CommandCatalog
  let admission: Admission
  let components: ComponentIssuer
  let uses: ComponentUses?
  let responder: any InteractionResponder
  let time: any TimeSource
  let random: any RandomSource
  let log: Log
  let timing: ReplyMachine.Timing
  let gate: Gate
  let metrics: RouterMetrics
  /// Interactions that may be under way: running, waiting, and as many again that are being told to try later.
  let capacity: Int
  private let observe: @Sendable (CommandReport) async -> Void
  private let onUnknownCommand: @Sendable (CommandScope) -> Void
  private let state = Mutex(State())

  /// - Parameter componentKey: Signs the custom ids of components.
  /// - Parameter uses: Remembers what can be used only once.
  /// - Parameter observe: Called after everything that a plugin owns, refused ones included.
  /// - Parameter onUnknownCommand: Called when Discord offers a command in that scope which is not ours any more.
  public init(
    catalog: CommandCatalog, admission: Admission, responder: any InteractionResponder,
    componentKey: ComponentKey, uses: ComponentUses? = nil, options: Options = Options(),
    time: any TimeSource = SystemTime(), random: any RandomSource = SystemRandom(), metrics: Metrics, log: Log,
    observe: @escaping @Sendable (CommandReport) async -> Void = { _ in },
    onUnknownCommand: @escaping @Sendable (CommandScope) -> Void = { _ in }
  ) {
    self.catalog = catalog
    self.admission = admission
    components = ComponentIssuer(key: componentKey, time: time)
    self.uses = uses
    self.onUnknownCommand = onUnknownCommand
    self.responder = responder
    self.time = time
    self.random = random
    self.log = log
    self.observe = observe
    timing = ReplyMachine.Timing(deferAfter: options.deferAfter)
    gate = Gate(limit: options.concurrency, queueLimit: options.queue)
    self.metrics = RouterMetrics(metrics)
    self.metrics.expect(catalog.plugins.flatMap { $0.commands.map(\.name) })
    capacity = 2 * (options.concurrency + options.queue)
  }

  /// Takes an interaction and returns at once.
  /// - Parameter responder: Nil: this router's own.
  /// - Returns: the task that handles it: it ends when the answer is out and reported.
  @discardableResult
  public func submit(
    _ interaction: Interaction, responder: (any InteractionResponder)? = nil
  ) -> Task<Void, Never> {
    state.withLock { state in
      state.lastID += 1
      let id = state.lastID
      let isDraining = state.isDraining
      let task = Task {
        await self.handle(interaction, isDraining: isDraining, responder: responder)
        self.finished(id)
      }
      state.tasks[id] = task
      return task
    }
  }

  /// How many interactions are being handled.
  public var activeCount: Int { state.withLock { $0.tasks.count } }

  /// Lets running commands end, up to a limit, then cancels them and gives them time to tell their users. What comes in
  /// meanwhile is told to try again.
  /// - Returns: how many were cancelled.
  @discardableResult
  public func drain(limit: Duration, grace: Duration = .seconds(2)) async -> Int {
    state.withLock { $0.isDraining = true }
    if await waitUntilIdle(until: time.now + limit) { return 0 }
    let tasks = state.withLock { Array($0.tasks.values) }
    log.warning("commands cancelled", ["count": .integer(Int64(tasks.count))])
    for task in tasks { task.cancel() }
    if await !waitUntilIdle(until: time.now + grace) {
      log.warning("commands do not end", ["count": .integer(Int64(activeCount))])
    }
    return tasks.count
  }

  /// - Returns: whether nothing runs; false at the deadline.
  private func waitUntilIdle(until deadline: ContinuousClock.Instant) async -> Bool {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    let timer = Task { [time] in
      do { try await time.sleep(until: deadline) } catch { return }  // cancelled: everything has ended
      self.state.withLock { $0.idle.removeValue(forKey: id) }?.resume(returning: false)
    }
    defer { timer.cancel() }
    return await withCheckedContinuation { continuation in
      let answer: Bool? = state.withLock { state in
        if state.tasks.isEmpty { return true }
        if time.now >= deadline { return false }
        state.idle[id] = continuation
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  private func finished(_ id: Int) {
    let idle = state.withLock { state in
      state.tasks[id] = nil
      guard state.tasks.isEmpty else { return [] as [CheckedContinuation<Bool, Never>] }
      defer { state.idle = [:] }
      return Array(state.idle.values)
    }
    for continuation in idle { continuation.resume(returning: true) }
  }

  func report(_ report: CommandReport) async { await observe(report) }
  func noteUnknownCommand(_ scope: CommandScope) { onUnknownCommand(scope) }
}
