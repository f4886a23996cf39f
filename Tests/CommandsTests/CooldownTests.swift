import Gateway
import Platform
import Testing

@testable import Commands

struct CooldownTests {
  private let time = ManualTime()

  @Test(arguments: RateLimitCategory.allCases)
  func everyCategoryHasTheDocumentedLimit(category: RateLimitCategory) {
    let cooldowns = Cooldowns(time: time)
    for _ in 0..<category.limit { #expect(cooldowns.use(category, by: 1) == .allowed) }
    let end = time.timestamp + category.window
    #expect(cooldowns.use(category, by: 1) == .wait(until: end, isFirst: true))
    #expect(cooldowns.use(category, by: 1) == .wait(until: end, isFirst: false))
    #expect(cooldowns.use(category, by: 2) == .allowed)
    time.advance(by: category.window - .milliseconds(1))
    #expect(cooldowns.use(category, by: 1) == .wait(until: end, isFirst: false))
    time.advance(by: .milliseconds(1))
    #expect(cooldowns.use(category, by: 1) == .allowed)
  }

  @Test func theWindowSlides() {
    let cooldowns = Cooldowns(time: time)
    for _ in 0..<3 {
      #expect(cooldowns.use(.economy, by: 1) == .allowed)
      time.advance(by: .seconds(10))
    }
    #expect(cooldowns.use(.economy, by: 1) == .wait(until: time.timestamp + .seconds(30), isFirst: true))
    time.advance(by: .seconds(30))
    #expect(cooldowns.use(.economy, by: 1) == .allowed)
    #expect(cooldowns.use(.economy, by: 1) == .wait(until: time.timestamp + .seconds(10), isFirst: true))
    #expect(cooldowns.use(.default, by: 1) == .allowed)
  }

  @Test func aHeavyUseIsRememberedOverItsWholeWindow() {
    let cooldowns = Cooldowns(time: time)
    time.advance(by: .seconds(299))
    #expect(cooldowns.use(.default, by: 9) == .allowed)
    time.advance(by: .seconds(290))
    #expect(cooldowns.use(.heavy, by: 1) == .allowed)
    for _ in 0..<29 {
      time.advance(by: .seconds(10))
      _ = cooldowns.use(.default, by: 9)
      guard case .wait = cooldowns.use(.heavy, by: 1) else {
        Issue.record("forgotten")
        return
      }
    }
    time.advance(by: .seconds(10))
    #expect(cooldowns.use(.heavy, by: 1) == .allowed)
  }

  @Test func aFloodOfUsersStaysWithinBounds() async {
    let cooldowns = Cooldowns(time: time)
    for user in 1...(Cooldowns.generationLimit * 3) {
      if user.isMultiple(of: 5_000) { await Task.yield() }
      _ = cooldowns.use(.default, by: Snowflake(rawValue: UInt64(user)))
    }
    #expect(cooldowns.figures().entries <= Cooldowns.generationLimit * 2)
    time.advance(by: .seconds(700))
    _ = cooldowns.use(.default, by: 1)
    #expect(cooldowns.figures().entries == 1)
  }

  @Test func whoIsRefusedMostOftenIsKnown() async {
    let cooldowns = Cooldowns(time: time)
    func refuse(_ user: UInt64, times: Int) {
      for _ in 0..<(times + 1) { _ = cooldowns.use(.heavy, by: Snowflake(rawValue: user)) }
    }
    refuse(1, times: 50)
    refuse(2, times: 80)
    #expect(cooldowns.figures().blocked == 2)
    for user in 0..<UInt64(Cooldowns.offenderLimit + 500) {
      if user.isMultiple(of: 100) { await Task.yield() }
      refuse(1_000 + user, times: 1)
    }
    let offenders = cooldowns.figures(top: 2).offenders
    #expect(offenders == [.init(user: 2, refusals: 80), .init(user: 1, refusals: 50)])
    #expect(cooldowns.figures(top: .max).offenders.count == Cooldowns.offenderLimit)
    time.advance(by: .seconds(300))
    #expect(cooldowns.figures().blocked == 0)
  }
}
