import Platform
import Testing

@testable import Gateway

/// Holds the takeover by reference, with a clock.
private final class DrivenTakeover {
  private var takeover: Takeover
  private(set) var now: ContinuousClock.Instant
  var old: [Takeover.Condition]
  var new: [Takeover.Condition]

  init(old: Int = 1, new: Int = 2, limit: Duration = .seconds(600)) {
    now = .now
    takeover = Takeover(limit: limit, at: now)
    self.old = Array(repeating: .ready, count: old)
    self.new = Array(repeating: .away, count: new)
  }

  var phase: Takeover.Phase { takeover.phase }
  var owner: Takeover.Side { takeover.owner }

  func tick(after duration: Duration = .zero) -> Takeover.Step? {
    now = now.advanced(by: duration)
    return takeover.tick(old: old, new: new, at: now)
  }

  func pass(_ duration: Duration) { now = now.advanced(by: duration) }
  func admits(_ event: Int, _ side: Takeover.Side, guild: UInt64 = 1) -> Bool {
    takeover.admits(event, in: guild, from: side, at: now)
  }
  var unalignedCount: Int { takeover.unalignedCount }
  func drained() { takeover.drained() }
  func began(_ shard: Int, guilds: Set<Snowflake> = []) {
    takeover.began(ShardID(shard, of: new.count), guilds: guilds, at: now)
  }
  func received(_ guild: Snowflake, _ shard: Int) -> Bool {
    takeover.received(guild, on: ShardID(shard, of: new.count), at: now)
  }

  func comeUp() {
    for shard in new.indices {
      began(shard)
      new[shard] = .ready
    }
    _ = tick()
  }

  func go(to phase: Takeover.Phase) {
    comeUp()
    if phase == .settling { return }
    _ = tick(after: Takeover.settling)
    if phase == .overlapping { return }
    _ = tick(after: Takeover.overlap)
    if phase == .draining { return }
    drained()
    _ = tick()
    if phase == .remembering { return }
    _ = tick(after: Takeover.memory)
  }
}

@Suite struct TakeoverTests {
  @Test func theStepsFollowEachOther() {
    let takeover = DrivenTakeover()
    #expect(takeover.tick() == nil)
    #expect(takeover.phase == .preparing)
    takeover.comeUp()
    #expect(takeover.phase == .settling)
    #expect(takeover.tick(after: .seconds(4.9)) == nil)
    #expect(takeover.phase == .settling)
    #expect(takeover.tick(after: .seconds(0.1)) == nil)
    #expect(takeover.phase == .overlapping)
    #expect(takeover.owner == .old)
    #expect(takeover.tick(after: .seconds(9.9)) == nil)
    #expect(takeover.tick(after: .seconds(0.1)) == .switchOver)
    #expect(takeover.owner == .new)
    // Nothing is closed before the old handlers have ended.
    #expect(takeover.tick(after: .seconds(60)) == nil)
    takeover.drained()
    #expect(takeover.tick() == .retire)
    #expect(takeover.tick(after: .seconds(29)) == nil)
    #expect(takeover.tick(after: .seconds(1)) == .finish)
    #expect(takeover.tick(after: .seconds(1_000)) == nil)
    #expect(takeover.owner == .new)
  }

  /// Phase, and who may dispatch an event that has come to neither side before.
  @Test(arguments: [
    (Takeover.Phase.settling, true, false), (.overlapping, true, true), (.draining, false, true),
    (.remembering, false, true), (.over, false, true),
  ])
  func whoDispatchesDependsOnThePhase(phase: Takeover.Phase, old: Bool, new: Bool) {
    let takeover = DrivenTakeover()
    takeover.go(to: phase)
    #expect(takeover.phase == phase)
    #expect(takeover.admits(1, .old) == old)
    #expect(takeover.admits(2, .new) == new)
  }

  @Test func beforeTheNewShardsAreUpTheOldDispatchAll() {
    let takeover = DrivenTakeover()
    for _ in 0..<3 {
      #expect(takeover.admits(7, .old))
      #expect(!takeover.admits(7, .new))
    }
  }

  @Test func theFirstCopyCountsAndEqualEventsStayTwo() {
    let takeover = DrivenTakeover()
    takeover.go(to: .overlapping)
    #expect(takeover.admits(1, .new))
    #expect(!takeover.admits(1, .old))
    #expect(takeover.admits(2, .old))
    #expect(!takeover.admits(2, .new))
    // Twice the same content: two events.
    #expect(takeover.admits(1, .new))
    #expect(!takeover.admits(1, .old))
    #expect(takeover.admits(3, .old))
    #expect(takeover.admits(3, .old))
    #expect(!takeover.admits(3, .new))
    #expect(!takeover.admits(3, .new))
    #expect(takeover.admits(3, .new))
  }

  @Test func aGuildIsHandedOverWhenBothSidesStandAtTheSamePlace() {
    let takeover = DrivenTakeover()
    takeover.go(to: .settling)
    takeover.pass(.seconds(4))
    // The new side is ahead by one event, in one guild.
    #expect(!takeover.admits(1, .new, guild: 1))
    _ = takeover.tick(after: .seconds(1))
    #expect(takeover.phase == .overlapping)
    #expect(!takeover.admits(2, .new, guild: 1), "before event 1 it would be out of order")
    #expect(takeover.admits(3, .new, guild: 2))
    #expect(takeover.admits(1, .old, guild: 1))
    #expect(takeover.admits(2, .old, guild: 1))
    // Now there.
    #expect(takeover.admits(4, .new, guild: 1))
    #expect(!takeover.admits(4, .old, guild: 1))
    #expect(!takeover.admits(3, .old, guild: 2))
  }

  @Test func theSwitchWaitsForGuildsThatAreNotInStep() {
    let takeover = DrivenTakeover()
    takeover.go(to: .overlapping)
    for second in 0..<8 { _ = (takeover.admits(1, .old), takeover.admits(1, .new), second) }
    let busy = DrivenTakeover()
    busy.go(to: .settling)
    // One side is always ahead.
    for event in 0..<20 {
      #expect(!busy.admits(event + 1, .new))
      #expect(busy.admits(event, .old))
      #expect(busy.tick(after: .seconds(1)) == nil)
    }
    #expect(busy.phase == .overlapping)
    #expect(busy.unalignedCount == 1)
    #expect(busy.admits(20, .old))
    #expect(busy.unalignedCount == 0)
    #expect(busy.tick() == .switchOver)
  }

  @Test func aGuildThatIsNeverInStepIsHandedOverInTheEnd() {
    let takeover = DrivenTakeover()
    takeover.go(to: .settling)
    var step: Takeover.Step?
    var seconds = 0
    while step == nil, seconds < 1_000 {
      #expect(!takeover.admits(seconds + 1, .new))
      #expect(takeover.admits(seconds, .old))
      step = takeover.tick(after: .seconds(1))
      seconds += 1
    }
    #expect(step == .switchOver)
    #expect((125...127).contains(seconds))
    #expect(takeover.admits(-5, .new))
  }

  @Test func aLateSecondCopyIsSuppressedAfterTheSwitch() {
    let takeover = DrivenTakeover()
    takeover.go(to: .overlapping)
    #expect(takeover.admits(1, .old))
    _ = takeover.tick(after: Takeover.overlap)
    #expect(takeover.phase == .draining)
    #expect(!takeover.admits(1, .new))
    #expect(!takeover.admits(2, .old))
    #expect(takeover.admits(2, .new))
    takeover.drained()
    _ = takeover.tick()
    #expect(!takeover.admits(3, .old))
    #expect(takeover.admits(3, .new))
  }

  @Test func memoryHasAnEnd() {
    let takeover = DrivenTakeover()
    takeover.go(to: .overlapping)
    #expect(takeover.admits(1, .old))
    #expect(takeover.admits(2, .old))
    takeover.pass(.seconds(29))
    #expect(!takeover.admits(1, .new))
    takeover.pass(.seconds(2))
    #expect(takeover.admits(2, .new))
  }

  @Test func aFloodShortensTheMemoryInsteadOfGrowing() async {
    let takeover = DrivenTakeover()
    takeover.go(to: .overlapping)
    #expect(takeover.admits(-1, .old))
    let bound = Takeover.maximumUnmatched
    for event in 0..<bound + 10 {
      _ = takeover.admits(event, .old)
      if event.isMultiple(of: 1_000) {
        takeover.pass(.milliseconds(1))
        await Task.yield()
      }
    }
    #expect(takeover.admits(-1, .new), "given up")
    #expect(!takeover.admits(bound, .new), "the youngest are known")
  }

  @Test func guildsThatTheNewSessionBeginsWithAreNews() {
    let takeover = DrivenTakeover(new: 1)
    takeover.began(0, guilds: [5, 6])
    takeover.new = [.ready]
    #expect(takeover.tick() == nil)
    #expect(takeover.phase == .preparing)
    #expect(takeover.received(5, 0))
    #expect(!takeover.received(5, 0), "a second time it is an event")
    #expect(!takeover.received(9, 0), "joined just now")
    _ = takeover.tick()
    #expect(takeover.phase == .preparing)
    #expect(takeover.received(6, 0))
    _ = takeover.tick()
    #expect(takeover.phase == .settling)
  }

  @Test func aGuildThatIsDownIsNotWaitedForForEver() {
    let takeover = DrivenTakeover(new: 1)
    takeover.began(0, guilds: [5, 6])
    takeover.new = [.ready]
    takeover.pass(.seconds(10))
    #expect(takeover.received(5, 0))
    _ = takeover.tick(after: .seconds(14))
    #expect(takeover.phase == .preparing)
    _ = takeover.tick(after: .seconds(1))
    #expect(takeover.phase == .settling)
    // It comes back later, as news for all: whichever copy is first.
    _ = takeover.tick(after: .seconds(5))
    _ = takeover.tick(after: .seconds(10))
    #expect(takeover.owner == .new)
    #expect(!takeover.received(6, 0))
  }

  @Test(arguments: [Takeover.Phase.settling, .overlapping])
  func aShardThatGoesAwayStopsTheClock(phase: Takeover.Phase) {
    for isOld in [true, false] {
      let takeover = DrivenTakeover()
      takeover.go(to: phase)
      if isOld { takeover.old[0] = .away } else { takeover.new[1] = .away }
      #expect(takeover.tick(after: .seconds(60)) == nil)
      #expect(takeover.phase == .preparing)
      #expect(takeover.owner == .old)
      takeover.old[0] = .ready
      takeover.new[1] = .ready
      _ = takeover.tick()
      #expect(takeover.phase == .settling)
      #expect(takeover.tick(after: .seconds(5)) == nil)
      #expect(takeover.tick(after: .seconds(10)) == .switchOver)
    }
  }

  @Test func anOldShardThatStaysAwayIsGivenUpAfterAWhile() {
    let takeover = DrivenTakeover()
    takeover.old[0] = .away
    takeover.comeUp()
    #expect(takeover.phase == .preparing)
    _ = takeover.tick(after: .seconds(119))
    #expect(takeover.phase == .preparing)
    _ = takeover.tick(after: .seconds(1))
    #expect(takeover.phase == .settling)
  }

  @Test func anOldShardThatWasRefusedIsNotWaitedFor() {
    let takeover = DrivenTakeover()
    takeover.old[0] = .failed
    takeover.comeUp()
    #expect(takeover.phase == .settling)
  }

  @Test func aRefusedNewShardLeavesEverythingAsItWas() {
    for phase in [Takeover.Phase.preparing, .settling, .overlapping] {
      let takeover = DrivenTakeover()
      if phase != .preparing { takeover.go(to: phase) }
      takeover.new[1] = .failed
      #expect(takeover.tick() == .abandon("a new shard was refused"))
      #expect(takeover.owner == .old)
      #expect(takeover.admits(1, .old))
      #expect(!takeover.admits(2, .new))
      #expect(takeover.tick(after: .seconds(3_600)) == nil)
    }
  }

  @Test func newShardsThatDoNotComeUpAreGivenUp() {
    let takeover = DrivenTakeover(limit: .seconds(100))
    #expect(takeover.tick(after: .seconds(99)) == nil)
    #expect(takeover.tick(after: .seconds(1)) == .abandon("the new shards were not ready in time"))
  }

  /// Both sets receive the same events with delays of their own, each guild's in order; the new one misses what came
  /// before its session.
  @Test(arguments: 1...60)
  func everyEventIsDispatchedOnceAndInOrder(seed: UInt64) async {
    let random = SeededRandom(seed: seed)
    let takeover = DrivenTakeover(new: 1)
    struct Copy {
      let at: Duration
      let side: Takeover.Side
      let guild: Int
      let event: Int
    }
    // Delays wander slowly, up to a second and a half.
    var copies: [Copy] = []
    var clock: [Takeover.Side: Duration] = [.old: .zero, .new: .zero]
    var lag: [Takeover.Side: Double] = [.old: 0, .new: 0]
    for event in 0..<2_000 {
      let at = Duration.milliseconds(event * 50)
      let guild = random.integer(below: 40)
      for side in [Takeover.Side.old, .new] {
        lag[side] = min(1_500, max(0, (lag[side] ?? 0) + random.unitInterval() * 300 - 150))
        let arrival = max(clock[side] ?? .zero, at + .milliseconds(lag[side] ?? 0))
        clock[side] = arrival
        copies.append(Copy(at: arrival, side: side, guild: guild, event: event))
      }
    }
    copies.sort { ($0.at, $0.event) < ($1.at, $1.event) }
    var dispatched: [Int: [Int]] = [:]
    var expected: [Int: [Int]] = [:]
    // Some events are equal to earlier ones: a reaction that comes and goes, every ten seconds.
    func content(_ event: Int) -> Int { event.isMultiple(of: 5) ? -(event % 200) - 1 : event }
    var elapsed = Duration.zero
    var isUp = false
    let comesUp = Duration.seconds(5) + random.duration(upTo: .seconds(10))
    for copy in copies {
      while elapsed + .milliseconds(100) <= copy.at {
        elapsed += .milliseconds(100)
        if takeover.tick(after: .milliseconds(100)) == .switchOver { takeover.drained() }
      }
      if !isUp, copy.at >= comesUp {
        isUp = true
        takeover.comeUp()
      }
      if copy.side == .old { expected[copy.guild, default: []].append(content(copy.event)) }
      if copy.side == .new, !isUp { continue }
      if takeover.admits(content(copy.event), copy.side, guild: UInt64(copy.guild)) {
        dispatched[copy.guild, default: []].append(content(copy.event))
      }
      await Task.yield()
    }
    #expect(takeover.phase == .remembering || takeover.phase == .over)
    let wrong = expected.keys.filter { dispatched[$0] != expected[$0] }
    #expect(wrong.isEmpty)
  }
}

@Suite struct EventFingerprintTests {
  private func fingerprint(_ name: String, _ json: String) throws -> Int {
    try JSONParser().parse(Array(json.utf8)) { view in
      Array(name.utf8).withUnsafeBufferPointer { EventFingerprint.of(JSONView.Key(utf8: $0), view) }
    }
  }

  @Test func theOrderOfMembersDoesNotMatter() throws {
    let one = try fingerprint("TYPING_START", #"{"a":{"x":1,"y":[1,2]},"b":"text","c":null,"d":1.5,"e":true}"#)
    let two = try fingerprint("TYPING_START", #"{"e":true,"d":1.5,"c":null,"b":"text","a":{"y":[1,2],"x":1}}"#)
    #expect(one == two)
  }

  @Test(arguments: [
    #"{"a":{"x":1,"y":[2,1]},"b":"text"}"#, #"{"a":{"x":2,"y":[1,2]},"b":"text"}"#, #"{"a":{"x":1,"y":[1,2]}}"#,
    #"{"a":{"x":1,"y":[1,2]},"b":"texu"}"#, #"{"b":{"x":1,"y":[1,2]},"a":"text"}"#,
    #"{"a":{"x":1,"y":[1,2,null]},"b":"text"}"#, #"{"a":{"x":true,"y":[1,2]},"b":"text"}"#,
    #"{"a":{"x":1,"y":1},"b":"text"}"#, #"{"a":{"x":1,"y":[[1],2]},"b":"text"}"#,
  ])
  func anythingElseDoes(other: String) throws {
    let base = #"{"a":{"x":1,"y":[1,2]},"b":"text"}"#
    #expect(try fingerprint("TYPING_START", base) != fingerprint("TYPING_START", other))
    #expect(try fingerprint("TYPING_START", base) != fingerprint("TYPING_STOP", base))
  }

  @Test func aMessageIsItsID() throws {
    let one = try fingerprint("MESSAGE_CREATE", #"{"id":"5","nonce":1}"#)
    #expect(try fingerprint("MESSAGE_CREATE", #"{"id":"5"}"#) == one)
    #expect(try fingerprint("MESSAGE_CREATE", #"{"id":"6","nonce":1}"#) != one)
    #expect(try fingerprint("MESSAGE_UPDATE", #"{"id":"5"}"#) != one)
    #expect(
      try fingerprint("MESSAGE_UPDATE", #"{"id":"5","content":"a"}"#)
        != fingerprint("MESSAGE_UPDATE", #"{"id":"5","content":"b"}"#))
  }
}

@Suite struct ShardPlanTests {
  private func stored(_ counts: Int...) -> Set<ShardID> {
    Set(counts.flatMap { count in (0..<count).map { ShardID($0, of: count) } })
  }

  @Test func aWholeSetOfTheLastRunIsTakenUpAgain() {
    #expect(ShardPlan.atStart(.automatic, recommended: 4, stored: []) == ShardPlan(all: 4))
    #expect(ShardPlan.atStart(.automatic, recommended: 4, stored: stored(4)) == ShardPlan(all: 4))
    #expect(ShardPlan.atStart(.automatic, recommended: 5, stored: stored(4)) == ShardPlan(all: 4))
    // Outgrown: it is taken up and replaced while it runs.
    #expect(ShardPlan.atStart(.automatic, recommended: 8, stored: stored(4)) == ShardPlan(all: 4))
    #expect(ShardPlan.atStart(.automatic, recommended: 4, stored: stored(3, 4)) == ShardPlan(all: 4))
    // Far too many cost identifies and memory for nothing.
    #expect(ShardPlan.atStart(.automatic, recommended: 4, stored: stored(6)) == ShardPlan(all: 4))
    #expect(ShardPlan.atStart(.automatic, recommended: 4, stored: stored(5)) == ShardPlan(all: 5))
    // A part of a set is none.
    #expect(
      ShardPlan.atStart(.automatic, recommended: 4, stored: [ShardID(0, of: 3), ShardID(2, of: 3)])
        == ShardPlan(all: 4))
    #expect(ShardPlan.atStart(.automatic, recommended: 0, stored: []) == ShardPlan(all: 1))
  }

  @Test func aChosenShareIsKept() {
    let plan = ShardPlan.atStart(.some(total: 4, ids: [3, 1]), recommended: 9, stored: stored(2))
    #expect(plan == ShardPlan(total: 4, ids: [1, 3]))
    #expect(!plan.isWhole)
    #expect(ShardPlan.atStart(.some(total: 2, ids: [0, 1]), recommended: 9, stored: []).isWhole)
  }

  @Test(arguments: [
    (1, 1, false), (1, 2, true), (2, 3, true), (4, 5, false), (10, 14, false), (10, 15, true), (4, 2, false),
  ])
  func growthIsWorthANewSetFromHalfAsManyMore(total: Int, recommended: Int, isOutgrown: Bool) {
    #expect(ShardPlan.isOutgrown(total: total, recommended: recommended) == isOutgrown)
  }

  @Test(arguments: ["", "1", "1/", "/1", "1/1", "2/1", "-1/2", "a/b", "0/1/2", "0/0"])
  func onlyShardsThatThereAreAreRead(text: String) { #expect(ShardID(text) == nil) }

  @Test func aShardIsReadBack() { #expect(ShardID("3/16") == ShardID(3, of: 16)) }
}
