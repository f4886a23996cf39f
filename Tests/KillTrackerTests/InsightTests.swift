import Testing

@testable import KillTracker

/// What is told of which figures, and what is not.
@Suite(.timeLimit(.minutes(3)))
struct InsightTests {
  private func counts(_ kills: Int, _ deaths: Int = 0) -> PlayerCounts {
    PlayerCounts(kills: kills, deaths: deaths, pvpKills: kills, pveKills: 0, entries: kills + deaths)
  }

  /// 2026-02-17, a Tuesday, is the last day.
  private func material(
    _ days: [PlayerCounts], of subject: AnalyticsSubject = .player(1, serverID: nil),
    fights: [AnalyticsMaterial.Fight] = [], names: [Int64: String] = [:]
  ) -> AnalyticsMaterial {
    let last: Int64 = 20_501
    return AnalyticsMaterial(
      subject: subject, series: DaySeries(first: last - Int64(days.count) + 1, counts: days), fights: fights,
      names: names)
  }

  @Test func nothingIsToldOfNothing() {
    #expect(Insights.findings(material([])).isEmpty)
    #expect(Insights.findings(material(Array(repeating: counts(0), count: 90))).isEmpty)
    #expect(Insights.findings(material(Array(repeating: counts(3, 2), count: 90))).isEmpty)
  }

  @Test func aBusyWeekIsToldWithItsNumbers() throws {
    // Two or three a day, then six or seven.
    let days = (0..<35).map { counts($0 < 28 ? 2 + $0 % 2 : 6 + $0 % 2, 3) }
    let found = Insights.findings(material(days)).map(\.insight)
    let insight = try #require(found.first { $0.title == "Kill Activity Increasing" })
    #expect(insight.kind == .trend)
    #expect(
      insight.description
        == "Your kill activity has increased by 157% this week: 45 kills in the last 7 days, 17.5 a week in the 28 before (p < 0.001)."
    )
    #expect(insight.evidence.test == "rank sum" && insight.evidence.n == 35)
    #expect(abs(insight.evidence.estimate - (45 / 17.5 - 1)) < 1e-12)
    let (p, adjusted) = (try #require(insight.evidence.pValue), try #require(insight.evidence.adjustedPValue))
    #expect(p <= adjusted && insight.confidence == 1 - adjusted && insight.confidence > 0.95)
    #expect(found.allSatisfy { $0.confidence >= 0.95 && $0.confidence < 1 })
  }

  @Test func aQuietWeekOfAServerAsksForSomething() throws {
    let days = (0..<35).map { counts($0 < 28 ? 20 + $0 % 3 : 5 + $0 % 3, 3) }
    let findings = Insights.findings(material(days, of: .server("1")))
    let insight = try #require(findings.first { $0.title == "Kill Activity Decreasing" })
    #expect(insight.description.hasPrefix("The server's kill activity has decreased by 71% this week"))
    #expect(insight.recommendation?.kind == .activity)
    // For a player, playing less is no matter for advice.
    let own = Insights.findings(material(days)).first { $0.title == "Kill Activity Decreasing" }
    #expect(own != nil && own?.recommendation == nil)
  }

  @Test func aPlayerWhoIsNewHasNoTrend() {
    // Thirteen days of anything are too few for trends, changes and weeks.
    let days = (0..<13).map { counts($0 * 3) }
    #expect(Insights.tests(material(days)).isEmpty)
  }

  @Test func fallingPerformanceIsToldWithAdvice() throws {
    let days = (0..<35).map { $0 < 28 ? counts(6, 4) : counts(2, 8) }
    let finding = try #require(Insights.findings(material(days)).first { $0.kind == .performance })
    #expect(finding.title == "Performance Declining")
    #expect(finding.description.contains("you won 20% of your fights in the last 7 days, 60% in the 28 before"))
    #expect(finding.recommendation?.kind == .performance && finding.recommendation?.priority == .high)
    let interval = try #require(finding.evidence.interval)
    #expect(interval.level == 0.95 && interval.low < 0.2 && interval.high > 0.2)
    // Servers do not win or lose.
    #expect(!Insights.findings(material(days, of: .server("1"))).contains { $0.kind == .performance })
  }

  @Test func aRiseOfMonthsAndAChangeAreTold() {
    let rising = (0..<90).map { counts(1 + $0 / 9 + $0 % 2) }
    let words = Insights.findings(material(rising)).first { $0.title == "Kills Rising" }?.description
    #expect(
      words?.hasPrefix("Your kills have gone up over 90 days, by 0.78 a day each week (95% interval ") == true,
      "\(words ?? "")")
    let changed = (0..<60).map { counts($0 < 40 ? 2 + $0 % 3 : 12 + $0 % 3) }
    let change = Insights.findings(material(changed)).first { $0.kind == .change }
    #expect(change?.title == "More Kills Since 2026-01-29")
    #expect(change?.description.contains("from 3 a day to 13") == true, "\(change?.description ?? "")")
  }

  @Test func theBusiestWeekdayIsTold() throws {
    // The last day is a Tuesday, so the day four places before each seventh is a Saturday.
    let days = (0..<84).map { counts($0 % 7 == 3 ? 15 + $0 % 2 : 4 + $0 % 3) }
    let finding = try #require(Insights.findings(material(days, of: .server("1"))).first { $0.kind == .weekday })
    #expect(finding.title == "Most Active on Saturdays")
    #expect(finding.recommendation?.title == "Plan events for Saturdays")
    #expect(finding.evidence.n == 84)
    #expect(Insights.tests(material(Array(days.suffix(35)))).contains { $0.finding.kind == .weekday })
    #expect(Insights.tests(material(Array(days.suffix(34)))).allSatisfy { $0.finding.kind != .weekday })
  }

  private func fights(_ count: Int, place: Int64, wins: Int, hour: Int = 20) -> [AnalyticsMaterial.Fight] {
    (0..<count).map {
      AnalyticsMaterial.Fight(
        day: 20_420 + Int64($0 % 60), hour: hour, isWon: ($0 * 7) % count < wins, weapon: 9, location: place)
    }
  }

  @Test func placesWhereFightsGoWellOrBadlyAreTold() throws {
    let all = fights(61, place: 1, wins: 12) + fights(61, place: 2, wins: 45)
    let found = Insights.findings(material([], fights: all, names: [1: "Jumptown", 2: "Yela", 9: "FS-9 LMG"]))
    let weak = try #require(found.first { $0.title == "Weak at Jumptown" })
    #expect(weak.description.hasPrefix("At Jumptown you win 20% of 61 fights (95% interval "))
    #expect(weak.description.hasSuffix("otherwise 74%."))
    #expect(weak.recommendation?.title == "Bring company to Jumptown")
    #expect(found.contains { $0.title == "Strong at Yela" && $0.recommendation?.title == "Fight at Yela" })
    // Nineteen are too few to speak, and so are nineteen elsewhere.
    let few = fights(19, place: 1, wins: 10) + fights(19, place: 2, wins: 5)
    let enough = fights(20, place: 1, wins: 10) + fights(20, place: 2, wins: 5)
    #expect(
      Insights.tests(material([], fights: enough, names: [1: "a", 2: "b"])).count { $0.finding.kind == .location } == 2)
    #expect(
      !Insights.tests(material([], fights: few, names: [1: "a", 2: "b"])).contains { $0.finding.kind == .location })
  }

  /// Days that are all won or all lost say less than their fights would, each for itself.
  @Test func goodDaysAtAPlaceAreNoStrength() throws {
    func days(_ place: Int64, wonOf five: Int) -> [AnalyticsMaterial.Fight] {
      (0..<300).map {
        .init(day: 20_420 + Int64($0 / 10), hour: 1, isWon: $0 / 10 % 5 < five, weapon: nil, location: place)
      }
    }
    let all = days(1, wonOf: 2) + days(2, wonOf: 3)
    let candidate = try #require(
      Insights.tests(material([], fights: all, names: [1: "a", 2: "b"])).first { $0.finding.kind == .location })
    // As single fights, 120 of 300 against 180 of 300 would be p < 0.001.
    #expect(candidate.pValue > 0.05, "\(candidate.pValue)")
  }

  /// One wild day makes the sum, all others were less: nothing that could be said of the week.
  @Test func aWeekThatPointsBothWaysIsNotTold() {
    let days = (0..<35).map { counts($0 < 28 ? 5 + $0 % 2 : $0 == 30 ? 200 : 1) }
    #expect(!Insights.tests(material(days)).contains { $0.finding.evidence.test == "rank sum" })
  }

  @Test func hoursAreTold() throws {
    let all = fights(61, place: 1, wins: 12, hour: 3) + fights(61, place: 1, wins: 45, hour: 19)
    let found = Insights.findings(material([], fights: all, names: [:]))
    #expect(Set(found.map(\.title)) == ["Weak at 00:00-06:00 UTC", "Best at 18:00-24:00 UTC"])
  }

  @Test func sharesOfWeaponsStandWithTheirInterval() throws {
    let all = fights(61, place: 1, wins: 31)
    let found = Insights.findings(material([], fights: all, names: [9: "FS-9 LMG"]))
    let favourite = try #require(found.first { $0.title == "Favourite Weapon: FS-9 LMG" })
    #expect(favourite.confidence == 0.95 && favourite.evidence.pValue == nil && favourite.evidence.n == 31)
    #expect(favourite.description == "You make 100% (95% interval 89% to 100%) of your 31 PvP kills with FS-9 LMG.")
    // Thirty deaths, all by one weapon: worth a warning.
    let killer = try #require(found.first { $0.title == "Most Often Killed By FS-9 LMG" })
    #expect(killer.recommendation?.kind == .weapon && killer.recommendation?.priority == .medium)
    #expect(Insights.findings(material([], fights: fights(29, place: 1, wins: 29), names: [9: "x"])).isEmpty)
  }

  @Test func aWeaponThatSpreadsIsTold() {
    var material = material(Array(repeating: counts(40), count: 35), of: .all)
    material.weapons = [
      .init(name: "Ballista", counts: (0..<35).map { ($0 < 28 ? 6 + $0 % 3 : 20 + $0 % 3, 40) }),
      .init(name: "Laser", counts: (0..<35).map { (10 + $0 % 3, 40) }),
    ]
    let found = Insights.findings(material)
    #expect(found.first?.title == "Ballista Used More")
    #expect(found.first?.recommendation?.title == "Prepare against Ballista")
    #expect(!found.contains { $0.title.hasPrefix("Laser Used") })
    #expect(found.last?.title == "Most Used: Ballista")
  }

  /// Players who always play alike, at random: at most one report of twenty says anything that is tested.
  @Test func whereNothingHappensLittleIsTold() async {
    var random = SeededGenerator(seed: 11)
    let runs = 300
    var wrong = 0
    for run in 0..<runs {
      let mean = run.isMultiple(of: 2) ? 1.0 : 5.0
      let days = (0..<90).map { _ in counts(random.poisson(mean), random.poisson(mean)) }
      let fights = (0..<300).map { _ in
        AnalyticsMaterial.Fight(
          day: 20_412 + Int64.random(in: 0..<90, using: &random), hour: Int.random(in: 0..<24, using: &random),
          isWon: Bool.random(using: &random), weapon: nil, location: Int64.random(in: 1...6, using: &random))
      }
      let names = Dictionary(uniqueKeysWithValues: (1...6).map { (Int64($0), "p\($0)") })
      let found = Insights.findings(material(days, fights: fights, names: names))
      if found.contains(where: { $0.evidence.pValue != nil }) { wrong += 1 }
      await Task.yield()
    }
    #expect(Double(wrong) / Double(runs) < 0.07, "\(wrong)")
  }

  @Test func theSameFiguresSayTheSame() {
    let days = (0..<90).map { counts(1 + $0 / 9 + $0 % 2, 2) }
    let all = fights(61, place: 1, wins: 12) + fights(61, place: 2, wins: 45)
    let once = Insights.findings(material(days, fights: all, names: [1: "a", 2: "b", 9: "c"])).map(\.insight)
    for _ in 0..<5 {
      let again = Insights.findings(material(days, fights: all.reversed(), names: [1: "a", 2: "b", 9: "c"]))
      #expect(again.map(\.insight) == once)
    }
  }

  @Test(arguments: [
    (1.0, 1, "1"), (1.25, 1, "1.3"), (0.05, 2, "0.05"), (-2.5, 1, "-2.5"), (-0.04, 1, "0"), (12.0, 0, "12"),
    (99.95, 1, "100"), (0.005, 2, "0.01"),
  ]) func numbersInWords(value: Double, digits: Int, text: String) {
    #expect(Figures.text(value, digits: digits) == text)
  }

  @Test func changesInWords() {
    #expect(TrendReport.changeText(from: 100, to: 115) == "+15%")
    #expect(TrendReport.changeText(from: 100, to: 92) == "-8%")
    #expect(TrendReport.changeText(from: 3, to: 3) == "0%")
    #expect(TrendReport.changeText(from: 1000, to: 1001) == "0%")
    #expect(TrendReport.changeText(from: 0, to: 5) == "n/a")
    #expect(TrendReport.changeText(from: 5, to: 0) == "-100%")
  }
}
