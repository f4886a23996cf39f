import CLinux
import Glibc
import Synchronization

/// One thread that waits for descriptors, timers and work, and runs them one at a time.
///
/// It is a serial executor: an actor whose `unownedExecutor` is a loop runs on that thread only, away from the
/// cooperative pool, and handlers of the loop may enter it with `assumeIsolated`.
///
/// Work given to one loop from one thread runs in the order given. Nothing on a loop may block or compute for long.
/// The thread lives until ``shutdown()``; a loop that is never shut down is never freed.
public final class EventLoop: SerialExecutor, @unchecked Sendable {  // loop-only state is touched on its thread only
  private enum Work {
    case closure(@Sendable () -> Void)
    case job(UnownedJob)
    case taskJob(UnownedJob, UnownedTaskExecutor)
  }

  private enum Phase {
    case running, closing, stopped
    /// Stopped, but a thread was started for work that came too late for the loop.
    case runningLateWork
  }

  /// What other threads put in.
  private struct Inbox {
    var work: [Work] = []
    /// Whether the loop is certain to look into the inbox before it waits.
    var willBeRead = false
    var phase = Phase.running
    var waitingForEnd: [CheckedContinuation<Void, Never>] = []
  }

  /// A descriptor as it is watched. The generation tells apart successive users of one number, so that an event already
  /// fetched for a closed descriptor never reaches the next one.
  private struct Registration {
    let generation: UInt32
    var interest: IOInterest
    let handler: @Sendable (IOReadiness) -> Void
  }

  public let name: String
  private let epoll: Int32  // owned, closed in deinit
  private let wakeup: Int32  // owned, closed in deinit
  private let inbox = Mutex(Inbox())
  private let threadID = Atomic<UInt>(0)

  // Touched on the loop's thread only.
  private var registrations: [Registration?] = []
  private var nextGeneration: UInt32 = 1
  private var timers = TimerHeap()
  private var batch: [Work] = []
  private var hasPreciseWait = true
  private var isOver = false
  /// Shared by all connections of the loop, for the length of one read.
  let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)  // freed in deinit

  private static let wakeupKey = UInt64.max
  private static let eventCapacity = 256
  private static let ignorePipeSignal: Void = { signal(SIGPIPE, SIG_IGN) }()

  /// Starts the thread.
  /// - Parameter name: as debuggers show it; the kernel keeps 15 bytes.
  /// - Throws: ``SystemError`` if the process has no descriptor or thread left.
  public init(name: String) throws {
    // A peer that goes away must be an error of the write, not the end of the process.
    Self.ignorePipeSignal
    self.name = name
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epoll >= 0 else { throw SystemError(call: "epoll_create1", code: errno) }
    wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    // From here on `deinit` runs when this throws, and closes what is open.
    guard wakeup >= 0 else { throw SystemError(call: "eventfd", code: errno) }
    // Edge-triggered, so that nobody ever has to read the counter back.
    var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data(u64: Self.wakeupKey))
    guard epoll_ctl(epoll, EPOLL_CTL_ADD, wakeup, &event) == 0 else {
      throw SystemError(call: "epoll_ctl", code: errno)
    }
    try startThread(eventLoopThread)
  }

  deinit {
    readBuffer.deallocate()
    close(wakeup)
    close(epoll)
  }

  private func startThread(_ body: @escaping @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?)
    throws
  {
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(self)  // the thread releases it
    let code = pthread_create(&thread, nil, body, argument.toOpaque())
    guard code == 0 else {
      argument.release()
      throw SystemError(call: "pthread_create", code: code)
    }
    pthread_detach(thread)
  }

  // MARK: From any thread

  /// Whether the caller runs on this loop's thread.
  public var isCurrent: Bool { threadID.load(ordering: .relaxed) == pthread_self() }

  /// Stops the program if the caller is on another thread.
  public func preconditionOnLoop(_ function: StaticString = #function) {
    precondition(isCurrent, "\(function) must be called on the event loop \(name)")
  }

  /// Runs `work` on the loop, later, also if called on the loop. After ``shutdown()`` it still runs, in order, on a
  /// thread that stands in for the loop.
  public func execute(_ work: @escaping @Sendable () -> Void) { put(.closure(work)) }

  public func enqueue(_ job: consuming ExecutorJob) { put(.job(UnownedJob(job))) }

  /// Runs tasks on a loop although they belong to no actor: what `Task(executorPreference:)` takes.
  public final class TaskRunner: TaskExecutor {
    private let loop: EventLoop

    public init(_ loop: EventLoop) { self.loop = loop }

    public func enqueue(_ job: consuming ExecutorJob) {
      // The task keeps its executor for as long as it has jobs.
      loop.put(.taskJob(UnownedJob(job), asUnownedTaskExecutor()))
    }
  }

  public func checkIsolated() { preconditionOnLoop() }

  public func isIsolatingCurrentContext() -> Bool? { isCurrent }

  /// Runs `work` on the loop at or soon after `deadline`, unless cancelled before. On a loop that was shut down it never
  /// runs.
  @discardableResult
  public func schedule(at deadline: ContinuousClock.Instant, _ work: @escaping @Sendable () -> Void) -> Timer {
    let timer = Timer(deadline: deadline, loop: self, work: work)
    if isCurrent {
      insert(timer)
    } else {
      execute { self.insert(timer) }
    }
    return timer
  }

  private func insert(_ timer: Timer) {
    if isOver { timer.drop() } else { timers.insert(timer) }
  }

  /// Runs `work` on the loop once `delay` has passed, unless cancelled before.
  @discardableResult
  public func schedule(after delay: Duration, _ work: @escaping @Sendable () -> Void) -> Timer {
    schedule(at: .now.advanced(by: delay), work)
  }

  /// Ends the loop: runs all work given so far and whatever that work adds, drops the timers, forgets the descriptors
  /// (without closing them) and ends the thread. Returns when that is done; calling it again waits for the same end.
  public func shutdown() async {
    await withCheckedContinuation { continuation in
      let (isOver, mustWake) = inbox.withLock { inbox in
        guard inbox.phase == .running || inbox.phase == .closing else { return (true, false) }
        inbox.phase = .closing
        inbox.waitingForEnd.append(continuation)
        defer { inbox.willBeRead = true }
        return (false, !inbox.willBeRead)
      }
      if isOver { continuation.resume() }
      if mustWake { wake() }
    }
  }

  private func put(_ work: Work) {
    enum Need { case nothing, wake, thread }
    let need: Need = inbox.withLock { inbox in
      inbox.work.append(work)
      switch inbox.phase {
      case .running, .closing:
        if inbox.willBeRead { return .nothing }
        inbox.willBeRead = true
        return isCurrent ? .nothing : .wake
      case .stopped:
        inbox.phase = .runningLateWork
        return .thread
      case .runningLateWork: return .nothing
      }
    }
    switch need {
    case .nothing: break
    case .wake: wake()
    case .thread:
      do {
        try startThread(lateWorkThread)
      } catch {
        preconditionFailure("event loop \(name) cannot finish its work: \(error)")
      }
    }
  }

  private func wake() {
    var one: UInt64 = 1
    // Fails only with EAGAIN after 2^64 wakeups.
    _ = write(wakeup, &one, 8)
  }

  // MARK: On the loop

  /// Calls `handler` on the loop whenever `descriptor` is ready. Only on the loop.
  ///
  /// The caller keeps owning the descriptor, and must ``deregister(_:)`` before closing it.
  /// - Throws: ``SystemError`` if the kernel cannot watch it (a plain file, too many watches) or the loop has ended.
  public func register(
    _ descriptor: Int32, for interest: IOInterest, handler: @escaping @Sendable (IOReadiness) -> Void
  ) throws(SystemError) {
    preconditionOnLoop()
    guard !isOver else { throw SystemError(call: "epoll_ctl", code: ECANCELED) }
    let slot = Int(descriptor)
    if slot >= registrations.count {
      registrations.append(contentsOf: repeatElement(nil, count: max(slot + 1 - registrations.count, 64)))
    }
    precondition(registrations[slot] == nil, "descriptor \(descriptor) is registered twice")
    let registration = Registration(generation: nextGeneration, interest: interest, handler: handler)
    try control(EPOLL_CTL_ADD, descriptor, registration)
    nextGeneration &+= 1
    if nextGeneration == .max { nextGeneration = 1 }  // keeps clear of the wakeup's key
    registrations[slot] = registration
  }

  /// Changes what a registered descriptor is watched for. An empty interest keeps it registered and quiet, except for
  /// hangup and failure. Only on the loop.
  /// - Throws: ``SystemError``, ENOENT if the descriptor is not registered (any more).
  public func modify(_ descriptor: Int32, for interest: IOInterest) throws(SystemError) {
    preconditionOnLoop()
    let slot = Int(descriptor)
    guard slot < registrations.count, var registration = registrations[slot] else {
      throw SystemError(call: "epoll_ctl", code: ENOENT)
    }
    guard registration.interest != interest else { return }
    registration.interest = interest
    try control(EPOLL_CTL_MOD, descriptor, registration)
    registrations[slot] = registration
  }

  /// Stops watching. The handler is not called again, not even for events that were fetched already. Does nothing if the
  /// descriptor is not registered. Only on the loop.
  public func deregister(_ descriptor: Int32) {
    preconditionOnLoop()
    let slot = Int(descriptor)
    guard slot >= 0, slot < registrations.count, registrations[slot] != nil else { return }
    registrations[slot] = nil
    // Fails only if the descriptor was closed already, and then the kernel has forgotten it by itself.
    var unused = epoll_event()
    _ = epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &unused)
  }

  private func control(_ operation: Int32, _ descriptor: Int32, _ registration: Registration) throws(SystemError) {
    let key = UInt64(registration.generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
    var event = epoll_event(events: registration.interest.epollEvents, data: epoll_data(u64: key))
    guard epoll_ctl(epoll, operation, descriptor, &event) == 0 else {
      throw SystemError(call: "epoll_ctl", code: errno)
    }
  }

  fileprivate func run() {
    adj_name_thread(name)
    threadID.store(pthread_self(), ordering: .relaxed)
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Self.eventCapacity)
    defer { events.deallocate() }
    repeat {
      let count = wait(into: events)
      for index in 0..<count { deliver(events[index]) }
      runDueTimers()
    } while runWork()
    end()
  }

  private func wait(into events: UnsafeMutablePointer<epoll_event>) -> Int {
    let hasWork = inbox.withLock { !$0.work.isEmpty || $0.phase != .running }
    var limit: Duration?
    if hasWork {
      limit = .zero
    } else if let earliest = timers.earliest {
      limit = max(.zero, ContinuousClock.now.duration(to: earliest))
    }
    while true {
      let count = wait(into: events, limit: limit)
      if count >= 0 { return Int(count) }
      switch errno {
      case EINTR: return 0
      case ENOSYS where hasPreciseWait: hasPreciseWait = false  // Linux before 5.11
      default: preconditionFailure("event loop \(name): \(SystemError(call: "epoll_wait", code: errno))")
      }
    }
  }

  private func wait(into events: UnsafeMutablePointer<epoll_event>, limit: Duration?) -> Int32 {
    let capacity = Int32(Self.eventCapacity)
    guard let limit else { return epoll_wait(epoll, events, capacity, -1) }
    let (seconds, attoseconds) = limit.components
    if hasPreciseWait {
      var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
      return epoll_pwait2(epoll, events, capacity, &time, nil)
    }
    // Rounded up, so that the loop does not spin through the last millisecond.
    let milliseconds = min(seconds, 1_000_000) * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    return epoll_wait(epoll, events, capacity, Int32(milliseconds))
  }

  private func deliver(_ event: epoll_event) {
    let key = event.data.u64
    guard key != Self.wakeupKey else { return }
    let slot = Int(UInt32(truncatingIfNeeded: key))
    guard slot < registrations.count, let registration = registrations[slot],
      registration.generation == UInt32(truncatingIfNeeded: key >> 32)
    else { return }
    registration.handler(IOReadiness(epollEvents: event.events))
  }

  private func runDueTimers() {
    guard timers.earliest != nil else { return }
    // One look at the clock: timers set meanwhile with no delay wait for the next round, so that I/O is not starved.
    let now = ContinuousClock.now
    while let timer = timers.popDue(at: now) { timer.fire() }
  }

  /// Runs what is in the inbox at this moment.
  /// - Returns: false once the loop is closing and has nothing left.
  private func runWork() -> Bool {
    let goesOn = inbox.withLock { inbox in
      swap(&inbox.work, &batch)
      inbox.willBeRead = false
      return inbox.phase == .running || !batch.isEmpty
    }
    runBatch()
    return goesOn
  }

  private func runBatch() {
    guard !batch.isEmpty else { return }
    for work in batch {
      switch work {
      case .closure(let closure): closure()
      case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
      case .taskJob(let job, let executor): job.runSynchronously(on: executor)
      }
    }
    batch.removeAll(keepingCapacity: batch.capacity <= 4096)
  }

  private func end() {
    isOver = true
    for timer in timers.removeAll() { timer.drop() }
    for (descriptor, registration) in registrations.enumerated() where registration != nil {
      deregister(Int32(descriptor))
    }
    runRemainingWork()
  }

  fileprivate func runLateWork() {
    threadID.store(pthread_self(), ordering: .relaxed)
    runRemainingWork()
  }

  private func runRemainingWork() {
    while true {
      let waiting: [CheckedContinuation<Void, Never>]? = inbox.withLock { inbox in
        swap(&inbox.work, &batch)
        guard batch.isEmpty else { return nil }
        // Nothing of the loop is touched after this: from here another thread may stand in for it.
        threadID.store(0, ordering: .relaxed)
        inbox.phase = .stopped
        defer { inbox.waitingForEnd = [] }
        return inbox.waitingForEnd
      }
      guard let waiting else {
        runBatch()
        continue
      }
      for continuation in waiting { continuation.resume() }
      return
    }
  }
}

extension EventLoop {
  /// Work that waits for its time on a loop.
  public final class Timer: @unchecked Sendable {  // all but the flag is touched on the loop's thread only
    public let deadline: ContinuousClock.Instant
    private let loop: EventLoop
    private let isCancelled = Atomic(false)
    private var work: (@Sendable () -> Void)?
    /// Where it stands in the heap; negative if it is not in it.
    var place = -1
    var sequence: UInt64 = 0

    init(deadline: ContinuousClock.Instant, loop: EventLoop, work: @escaping @Sendable () -> Void) {
      self.deadline = deadline
      self.loop = loop
      self.work = work
    }

    /// Callable from any thread, any number of times. Called on the loop it is certain that the work does not run
    /// afterwards; from another thread the work may be running at this moment.
    public func cancel() {
      guard !isCancelled.exchange(true, ordering: .relaxed) else { return }
      loop.cancel(self)
    }

    fileprivate func fire() {
      let work = self.work
      drop()
      if !isCancelled.exchange(true, ordering: .relaxed) { work?() }
    }

    fileprivate func drop() { work = nil }
  }

  fileprivate func cancel(_ timer: Timer) {
    if isCurrent {
      timers.remove(timer)
      timer.drop()
    } else {
      execute {
        self.timers.remove(timer)
        timer.drop()
      }
    }
  }
}

private func eventLoopThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().run()
  return nil
}

private func lateWorkThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().runLateWork()
  return nil
}
