/// The waiting timers of one loop: a binary heap whose members know their place, so that cancelling frees at once.
struct TimerHeap {
  private var timers: [EventLoop.Timer] = []
  private var nextSequence: UInt64 = 0

  var count: Int { timers.count }
  var earliest: ContinuousClock.Instant? { timers.first?.deadline }

  mutating func insert(_ timer: EventLoop.Timer) {
    timer.sequence = nextSequence
    nextSequence += 1
    timer.place = timers.count
    timers.append(timer)
    siftUp(from: timer.place)
  }

  /// Does nothing if the timer has fired or was removed.
  mutating func remove(_ timer: EventLoop.Timer) {
    let place = timer.place
    guard place >= 0 else { return }
    timer.place = -1
    let last = timers.removeLast()
    guard last !== timer else { return }
    last.place = place
    timers[place] = last
    siftUp(from: place)
    siftDown(from: last.place)
  }

  /// Takes the earliest timer out if it is due at `now`. Timers with the same deadline come in the order of insertion.
  mutating func popDue(at now: ContinuousClock.Instant) -> EventLoop.Timer? {
    guard let first = timers.first, first.deadline <= now else { return nil }
    remove(first)
    return first
  }

  mutating func removeAll() -> [EventLoop.Timer] {
    defer { timers = [] }
    for timer in timers { timer.place = -1 }
    return timers
  }

  private func comesBefore(_ left: EventLoop.Timer, _ right: EventLoop.Timer) -> Bool {
    left.deadline == right.deadline ? left.sequence < right.sequence : left.deadline < right.deadline
  }

  private mutating func siftUp(from start: Int) {
    var place = start
    while place > 0 {
      let parent = (place - 1) / 2
      guard comesBefore(timers[place], timers[parent]) else { return }
      swap(place, parent)
      place = parent
    }
  }

  private mutating func siftDown(from start: Int) {
    var place = start
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2] where child < timers.count {
        if comesBefore(timers[child], timers[least]) { least = child }
      }
      guard least != place else { return }
      swap(place, least)
      place = least
    }
  }

  private mutating func swap(_ left: Int, _ right: Int) {
    timers.swapAt(left, right)
    timers[left].place = left
    timers[right].place = right
  }
}
