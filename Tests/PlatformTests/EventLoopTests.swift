import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Platform

/// An actor that lives on a loop.
private actor Pinned {
  let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private(set) var values: [Int] = []
  init(loop: EventLoop) { self.loop = loop }
  func add(_ value: Int) { values.append(value) }
  func isOnLoop() async -> Bool {
    let before = loop.isCurrent
    await Task.yield()
    return before && loop.isCurrent
  }
  func shutDownOwnLoop() async -> Bool {
    await loop.shutdown()
    return loop.isCurrent
  }
}

private final class Box<Value: Sendable>: Sendable {
  private let stored: Mutex<Value>
  init(_ value: Value) { stored = Mutex(value) }
  func update(_ change: (inout Value) -> Void) { stored.withLock { change(&$0) } }
  var value: Value { stored.withLock { $0 } }
}

extension EventLoop {
  fileprivate func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in execute { continuation.resume(returning: body()) } }
  }
}

struct EventLoopTests {
  @Test func runsWorkInOrderFromManyThreads() async throws {
    let loop = try EventLoop(name: "test")
    let seen = Box<[Int: [Int]]>([:])
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for number in 0..<2_000 { loop.execute { seen.update { $0[writer, default: []].append(number) } } }
        }
      }
    }
    await loop.shutdown()
    for writer in 0..<4 { #expect(seen.value[writer] == Array(0..<2_000)) }
  }

  @Test func workGivenOnTheLoopRunsLaterAndNeedsNoWakeup() async throws {
    let loop = try EventLoop(name: "test")
    let order = Box<[String]>([])
    await withCheckedContinuation { continuation in
      loop.execute {
        loop.execute {
          order.update { $0.append("inner") }
          continuation.resume()
        }
        order.update { $0.append("outer") }
      }
    }
    #expect(order.value == ["outer", "inner"])
    await loop.shutdown()
  }

  @Test func actorsRunOnTheLoopAndHandlersMayEnterThem() async throws {
    let loop = try EventLoop(name: "test")
    let actor = Pinned(loop: loop)
    #expect(await actor.isOnLoop())
    #expect(!loop.isCurrent)
    await loop.run { actor.assumeIsolated { $0.add(7) } }
    #expect(await actor.values == [7])
    await loop.shutdown()
  }

  @Test func anActorMayOutliveItsLoop() async throws {
    let loop = try EventLoop(name: "test")
    let actor = Pinned(loop: loop)
    #expect(await actor.shutDownOwnLoop())
    for value in 0..<100 { await actor.add(value) }
    #expect(await actor.values == Array(0..<100))
    await loop.shutdown()
  }

  @Test func timersFireInOrderOfDeadlineAndThenOfInsertion() async throws {
    let loop = try EventLoop(name: "test")
    let start = ContinuousClock.now
    let order = Box<[Int]>([])
    await withCheckedContinuation { continuation in
      loop.schedule(at: start + .milliseconds(30)) {
        order.update { $0.append(4) }
        continuation.resume()
      }
      for (place, delay) in [(1, 10), (2, 20), (3, 20), (0, 0)] {
        loop.schedule(at: start + .milliseconds(delay)) { order.update { $0.append(place) } }
      }
    }
    #expect(order.value == [0, 1, 2, 3, 4])
    #expect(start.duration(to: .now) >= .milliseconds(30))
    await loop.shutdown()
  }

  @Test func aTimerIsCancelledFromTheLoopAndFromOutside() async throws {
    let loop = try EventLoop(name: "test")
    let fired = Box(0)
    // The loop is held until the cancelling is done, so that it cannot come too late.
    let isCancelled = DispatchSemaphore(value: 0)
    loop.execute { isCancelled.wait() }
    let outside = loop.schedule(after: .zero) { fired.update { $0 += 1 } }
    outside.cancel()
    outside.cancel()
    isCancelled.signal()
    await loop.run {
      let first = loop.schedule(after: .zero) { fired.update { $0 += 10 } }
      let second = loop.schedule(after: .zero) { fired.update { $0 += 100 } }
      first.cancel()
      loop.execute { second.cancel() }
    }
    await withCheckedContinuation { continuation in
      loop.schedule(after: .milliseconds(10)) { continuation.resume() }
    }
    // Whether the second fires before it is cancelled is open; the others must not.
    #expect(fired.value == 0 || fired.value == 100)
    await loop.shutdown()
  }

  @Test func theHeapYieldsTimersSortedWhateverIsRemoved() async throws {
    let loop = try EventLoop(name: "test")
    let random = SeededRandom(seed: 4)
    await loop.run {
      let start = ContinuousClock.now
      let timers = (0..<500).map { _ in
        EventLoop.Timer.forTest(deadline: start + .milliseconds(random.integer(below: 100)), loop: loop)
      }
      var heap = TimerHeap()
      for timer in timers { heap.insert(timer) }
      let removed = timers.filter { _ in random.integer(below: 3) == 0 }
      for timer in removed { heap.remove(timer) }
      for timer in removed { heap.remove(timer) }
      #expect(heap.count == timers.count - removed.count)
      #expect(heap.popDue(at: start - .seconds(1)) == nil)
      var previous: (ContinuousClock.Instant, UInt64)?
      while let timer = heap.popDue(at: start + .seconds(1)) {
        if let previous { #expect(previous < (timer.deadline, timer.sequence)) }
        previous = (timer.deadline, timer.sequence)
      }
      #expect(heap.count == 0)
    }
    await loop.shutdown()
  }

  @Test func descriptorsAreWatchedUntilTheyAreDeregistered() async throws {
    let loop = try EventLoop(name: "test")
    var pair: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    let (near, far) = (pair[0], pair[1])
    let received = Box<[UInt8]>([])
    await withCheckedContinuation { continuation in
      loop.execute {
        do {
          try loop.register(near, for: .read) { readiness in
            #expect(readiness.contains(.read))
            var byte: UInt8 = 0
            _ = read(near, &byte, 1)
            received.update { $0.append(byte) }
            if received.value.count == 3 {
              loop.deregister(near)
              continuation.resume()
            }
          }
        } catch {
          Issue.record(error)
        }
      }
      _ = write(far, [1, 2, 3, 4] as [UInt8], 4)
    }
    #expect(received.value == [1, 2, 3])
    await loop.run {}
    #expect(received.value == [1, 2, 3])
    await loop.shutdown()
    close(near)
    close(far)
  }

  /// Both descriptors are ready in one batch; whichever handler runs first takes the other off.
  @Test func aHandlerTakenOffInTheSameBatchIsNotCalled() async throws {
    let loop = try EventLoop(name: "test")
    var first: [Int32] = [0, 0]
    var second: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &first) == 0)
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &second) == 0)
    let (one, two) = (first[0], second[0])
    _ = write(first[1], [1], 1)
    _ = write(second[1], [1], 1)
    let calls = Box(0)
    await loop.run {
      do {
        for (descriptor, other) in [(one, two), (two, one)] {
          try loop.register(descriptor, for: .read) { _ in
            calls.update { $0 += 1 }
            loop.deregister(other)
            loop.deregister(descriptor)
            // The number is in use again before the batch ends.
            do { try loop.register(other, for: []) { _ in calls.update { $0 += 1 } } } catch { Issue.record(error) }
          }
        }
      } catch {
        Issue.record(error)
      }
    }
    for _ in 0..<5 { await loop.run {} }
    #expect(calls.value == 1)
    await loop.shutdown()
    for descriptor in first + second { close(descriptor) }
  }

  @Test func aDescriptorThatCannotBeWatchedIsAnError() async throws {
    let loop = try EventLoop(name: "test")
    let file = open("/proc/self/stat", O_RDONLY)
    let error = await loop.run { () -> SystemError? in
      do {
        try loop.register(file, for: .read) { _ in }
        return nil
      } catch {
        return error as? SystemError
      }
    }
    #expect(error == SystemError(call: "epoll_ctl", code: EPERM))
    await loop.shutdown()
    close(file)
  }

  @Test func aGroupUsesItsLoopsInTurn() async throws {
    let group = try EventLoopGroup(count: 3, name: "test")
    let names = (0..<6).map { _ in group.next().name }
    #expect(names == ["test-0", "test-1", "test-2", "test-0", "test-1", "test-2"])
    await group.shutdown()
  }
}

extension EventLoop.Timer {
  fileprivate static func forTest(deadline: ContinuousClock.Instant, loop: EventLoop) -> EventLoop.Timer {
    EventLoop.Timer(deadline: deadline, loop: loop) {}
  }
}
