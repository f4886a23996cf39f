/// Draws insights from figures, and only those that figures bear: all tests of a report together are wrong about
/// nothing going on in at most one report of twenty (``level``, Holm's correction).
enum Insights {
  static let level = 0.95
  /// The days of "this week", and those before that they are compared with: so many whole weeks, so that weekdays do not
  /// matter.
  static let week = 7
  static let before = 28
  static let comparedDays = week + before
  /// Days, from which trends and changes are told.
  static let minimumDays = 14
  /// Weeks, from which weekdays are compared.
  static let minimumWeeks = 5
  /// Fights of a place or of hours, from which they are compared with the others.
  static let minimumFights = 20
  /// Kills or deaths, from which the share of a weapon is told.
  static let minimumShare = 30
  static let placeLimit = 5

  /// A test that was made, and what there is to tell if it is significant.
  struct Candidate {
    var pValue: Double
    var finding: Finding
  }

  /// The surest first; then what rests on an interval alone.
  static func findings(_ material: AnalyticsMaterial) -> [Finding] {
    let candidates = tests(material)
    let adjusted = Multiplicity.holm(candidates.map(\.pValue))
    let significant = zip(candidates, adjusted).filter { $0.1 <= 1 - level }
      .sorted { ($0.1, $0.0.pValue) < ($1.1, $1.0.pValue) }
      .map { candidate, p in
        var finding = candidate.finding
        finding.evidence.adjustedPValue = p
        return finding
      }
    return significant + shares(material)
  }

  /// Every test for which there is enough data.
  static func tests(_ material: AnalyticsMaterial) -> [Candidate] {
    var candidates = [
      thisWeek(material), performance(material), longTrend(material), change(material), weekday(material),
    ].compactMap { $0 }
    candidates += places(material)
    candidates += hours(material)
    candidates += weaponTrends(material)
    return candidates
  }

  // MARK: - Activity

  private static func thisWeek(_ material: AnalyticsMaterial) -> Candidate? {
    let recent = material.series.last(comparedDays)
    guard recent.counts.count == comparedDays else { return nil }
    let kills = recent.counts.map { Double($0.kills) }
    let (old, new) = (Array(kills.prefix(before)), Array(kills.suffix(week)))
    guard let test = RankSum(new, old) else { return nil }
    let (sum, usual) = (new.reduce(0, +), old.reduce(0, +) * Double(week) / Double(before))
    let rises = test.z > 0
    // Ranks and sums can point in two directions, where one wild day makes the sum.
    guard rises == (sum > usual) else { return nil }
    let change = usual > 0 ? sum / usual - 1 : 0
    let amount = usual > 0 ? "\(rises ? "increased" : "decreased") by \(Figures.percent(abs(change)))" : "begun"
    let counts =
      "\(Figures.text(sum)) kills in the last \(week) days, \(Figures.text(usual)) a week in the \(before) before"
    var advice: Finding.Advice?
    if !rises, !material.subject.isPlayer {
      advice = .init(
        kind: .activity, title: "Bring people back",
        description: "There were \(counts). An event or a reminder may help.")
    }
    return Candidate(
      pValue: test.pValue,
      finding: Finding(
        kind: .trend, title: rises ? "Kill Activity Increasing" : "Kill Activity Decreasing",
        description:
          "\(material.subject.possessive) kill activity has \(amount) this week: \(counts) (\(Figures.pValue(test.pValue))).",
        evidence: Evidence(
          test: "rank sum", n: comparedDays, statistic: test.z, pValue: test.pValue, estimate: change),
        advice: advice))
  }

  private static func longTrend(_ material: AnalyticsMaterial) -> Candidate? {
    let points = material.series.points(.totalKills)
    guard points.count >= minimumDays, let slope = SenSlope(points, level: level),
      let test = MannKendall(points, slope: slope.perUnit)
    else { return nil }
    let rises = test.s > 0
    var words = "\(material.subject.possessive) kills have gone \(rises ? "up" : "down") over \(points.count) days"
    if slope.perUnit != 0 {
      words +=
        ", by \(Figures.text(abs(slope.perUnit) * 7, digits: 2)) a day each week"
        + " (\(Figures.percent(level)) interval \(Figures.text(slope.low * 7, digits: 2)) to \(Figures.text(slope.high * 7, digits: 2)))"
    }
    return Candidate(
      pValue: test.pValue,
      finding: Finding(
        kind: .trend, title: rises ? "Kills Rising" : "Kills Falling",
        description: words + " (\(Figures.pValue(test.pValue))).",
        evidence: Evidence(
          test: "Mann-Kendall", n: test.count, statistic: test.z, pValue: test.pValue, estimate: slope.perUnit,
          interval: .init(low: slope.low, high: slope.high, level: level))))
  }

  private static func change(_ material: AnalyticsMaterial) -> Candidate? {
    let kills = material.series.counts.map { Double($0.kills) }
    guard kills.count >= minimumDays, let test = Pettitt(kills) else { return nil }
    let date = Calendar.text(ofDay: material.series.first + Int64(test.place))
    let (old, new) = (kills[..<test.place], kills[test.place...])
    let means = (old.reduce(0, +) / Double(old.count), new.reduce(0, +) / Double(new.count))
    return Candidate(
      pValue: test.pValue,
      finding: Finding(
        kind: .change, title: means.1 > means.0 ? "More Kills Since \(date)" : "Fewer Kills Since \(date)",
        description:
          "\(material.subject.possessive) kills changed around \(date): from \(Figures.text(means.0)) a day to \(Figures.text(means.1)) (\(Figures.pValue(test.pValue))).",
        evidence: Evidence(
          test: "Pettitt", n: test.count, statistic: Double(test.k), pValue: test.pValue, estimate: means.1 - means.0)))
  }

  private static func weekday(_ material: AnalyticsMaterial) -> Candidate? {
    let weeks = material.series.counts.count / 7
    guard weeks >= minimumWeeks else { return nil }
    let days = material.series.last(weeks * 7)
    var groups = [[Double]](repeating: [], count: 7)
    for (offset, counts) in days.counts.enumerated() {
      groups[Calendar.weekday(of: days.first + Int64(offset))].append(Double(counts.kills))
    }
    guard let test = KruskalWallis(groups),
      let best = test.meanRanks.indices.max(by: { test.meanRanks[$0] < test.meanRanks[$1] })
    else { return nil }
    let mean = groups[best].reduce(0, +) / Double(weeks)
    let others = groups.enumerated().filter { $0.offset != best }.flatMap(\.element)
    let usual = others.reduce(0, +) / Double(others.count)
    let name = Calendar.weekdays[best]
    let numbers = "\(Figures.text(mean)) kills a day against \(Figures.text(usual)) on other days, over \(weeks) weeks"
    return Candidate(
      pValue: test.pValue,
      finding: Finding(
        kind: .weekday, title: "Most Active on \(name)s",
        description:
          "\(material.subject.possessive) busiest day is \(name) (UTC): \(numbers) (\(Figures.pValue(test.pValue))).",
        evidence: Evidence(
          test: "Kruskal-Wallis", n: weeks * 7, statistic: test.h, pValue: test.pValue, estimate: mean),
        advice: material.subject.isPlayer
          ? nil
          : .init(
            kind: .schedule, title: "Plan events for \(name)s",
            description: "Most happens on \(name)s (UTC): \(numbers).")))
  }

  // MARK: - Performance

  private static func performance(_ material: AnalyticsMaterial) -> Candidate? {
    let recent = material.series.last(comparedDays)
    guard material.subject.isPlayer, recent.counts.count > week else { return nil }
    let days = recent.counts.map { (successes: $0.kills, trials: $0.kills + $0.deaths) }
    let new = Proportion.clustered(Array(days.suffix(week)))
    let old = Proportion.clustered(Array(days.dropLast(week)))
    guard let test = TwoProportions(new, old) else { return nil }
    let rises = test.z > 0
    let n = days.reduce(0) { $0 + $1.trials }
    let numbers =
      "you won \(Figures.percent(new.value)) of your fights in the last \(week) days, \(Figures.percent(old.value)) in the \(days.count - week) before"
    return Candidate(
      pValue: test.pValue,
      finding: Finding(
        kind: .performance, title: rises ? "Performance Improving" : "Performance Declining",
        description:
          "Your performance has \(rises ? "improved" : "declined") this week: \(numbers) (\(Figures.pValue(test.pValue))).",
        evidence: Evidence(
          test: "two proportions", n: n, statistic: test.z, pValue: test.pValue, estimate: new.value - old.value,
          interval: interval(of: new)),
        advice: rises
          ? nil
          : .init(
            kind: .performance, title: "Look through your last fights",
            description: "Of late \(numbers). What changed: the ship, the place, the hour?")))
  }

  private static func places(_ material: AnalyticsMaterial) -> [Candidate] {
    var counts: [Int64: Int] = [:]
    for fight in material.fights { if let place = fight.location { counts[place, default: 0] += 1 } }
    let places = counts.filter { $0.value >= minimumFights }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return places.prefix(placeLimit).compactMap { place, _ in
      guard let name = material.names[place] else { return nil }
      return comparison(material.fights, isInside: { $0.location == place }) { numbers, isBetter in
        Finding(
          kind: .location, title: isBetter ? "Strong at \(name)" : "Weak at \(name)",
          description: "At \(name) you win \(numbers).", evidence: Evidence(test: "", n: 0, estimate: 0),
          advice: isBetter
            ? .init(kind: .location, title: "Fight at \(name)", description: "There you win \(numbers).")
            : .init(kind: .location, title: "Bring company to \(name)", description: "There you win only \(numbers)."))
      }
    }
  }

  /// A day in four parts.
  private static func hours(_ material: AnalyticsMaterial) -> [Candidate] {
    (0..<4).compactMap { part in
      let span = part == 0 ? "00:00-06:00" : part == 1 ? "06:00-12:00" : part == 2 ? "12:00-18:00" : "18:00-24:00"
      return comparison(material.fights, isInside: { $0.hour / 6 == part }) { numbers, isBetter in
        Finding(
          kind: .hours, title: isBetter ? "Best at \(span) UTC" : "Weak at \(span) UTC",
          description: "Between \(span) UTC you win \(numbers).", evidence: Evidence(test: "", n: 0, estimate: 0),
          advice: isBetter
            ? .init(kind: .schedule, title: "Fight at \(span) UTC", description: "Then you win \(numbers).")
            : .init(kind: .schedule, title: "Take care at \(span) UTC", description: "Then you win only \(numbers)."))
      }
    }
  }

  /// Compares the fights that were won inside of something with those outside, day by day, as days are good or bad.
  private static func comparison(
    _ fights: [AnalyticsMaterial.Fight], isInside: (AnalyticsMaterial.Fight) -> Bool,
    _ make: (_ numbers: String, _ isBetter: Bool) -> Finding
  ) -> Candidate? {
    var (inside, outside) = (FightDays(fights), FightDays(fights))
    for fight in fights {
      if isInside(fight) { inside.add(fight, fight.isWon) } else { outside.add(fight, fight.isWon) }
    }
    guard inside.count >= minimumFights, outside.count >= minimumFights else { return nil }
    let (here, elsewhere) = (Proportion.clustered(inside.days), Proportion.clustered(outside.days))
    guard let test = TwoProportions(here, elsewhere) else { return nil }
    let range = here.interval(level: level)
    let numbers =
      "\(Figures.percent(here.value)) of \(inside.count) fights (\(Figures.percent(level)) interval \(Figures.percent(range.lowerBound)) to \(Figures.percent(range.upperBound))), otherwise \(Figures.percent(elsewhere.value))"
    var finding = make(numbers, test.z > 0)
    finding.evidence = Evidence(
      test: "two proportions", n: fights.count, statistic: test.z, pValue: test.pValue, estimate: here.value,
      interval: interval(of: here))
    return Candidate(pValue: test.pValue, finding: finding)
  }

  // MARK: - Weapons

  private static func weaponTrends(_ material: AnalyticsMaterial) -> [Candidate] {
    material.weapons.compactMap { weapon in
      guard weapon.counts.count == comparedDays else { return nil }
      let old = Proportion.clustered(Array(weapon.counts.prefix(before)))
      let new = Proportion.clustered(Array(weapon.counts.suffix(week)))
      guard let test = TwoProportions(new, old) else { return nil }
      let rises = test.z > 0
      let numbers =
        "\(Figures.percent(new.value)) of kills this week, \(Figures.percent(old.value)) in the \(before) days before"
      return Candidate(
        pValue: test.pValue,
        finding: Finding(
          kind: .weapon, title: "\(weapon.name) Used \(rises ? "More" : "Less")",
          description: "\(weapon.name): \(numbers) (\(Figures.pValue(test.pValue))).",
          evidence: Evidence(
            test: "two proportions", n: weapon.counts.reduce(0) { $0 + $1.trials }, statistic: test.z,
            pValue: test.pValue, estimate: new.value - old.value, interval: interval(of: new)),
          advice: rises
            ? .init(
              kind: .weapon, title: "Prepare against \(weapon.name)", description: "It is used more: \(numbers).")
            : nil))
    }
  }

  /// What is told without a comparison: how large a share is, with the interval in which it lies.
  private static func shares(_ material: AnalyticsMaterial) -> [Finding] {
    if let weapon = material.weapons.first {
      let all = weapon.counts.reduce(0) { $0 + $1.trials }
      let own = weapon.counts.reduce(0) { $0 + $1.successes }
      return share(own, of: all, weapon.counts, "Most Used: \(weapon.name)") {
        "\(weapon.name) is behind \($0) of \(all) kills of the last \(weapon.counts.count) days."
      }.map { [$0.finding] } ?? []
    }
    return [true, false].compactMap { isWon in
      let armed = material.fights.filter { $0.isWon == isWon && $0.weapon != nil }
      var counts: [Int64: Int] = [:]
      for fight in armed { counts[fight.weapon ?? 0, default: 0] += 1 }
      guard let (weapon, count) = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }),
        let name = material.names[weapon]
      else { return nil }
      var days = FightDays(armed)
      for fight in armed { days.add(fight, fight.weapon == weapon) }
      let told = share(
        count, of: armed.count, days.days, isWon ? "Favourite Weapon: \(name)" : "Most Often Killed By \(name)"
      ) {
        isWon
          ? "You make \($0) of your \(armed.count) PvP kills with \(name)."
          : "\(name) is behind \($0) of your \(armed.count) deaths by players."
      }
      guard var told else { return nil }
      // One death in five, at the least that is likely.
      if !isWon, told.low > 0.2 {
        told.finding.advice = .init(
          kind: .weapon, title: "Prepare against \(name)", description: told.finding.description)
      }
      return told.finding
    }
  }

  private static func share(
    _ count: Int, of all: Int, _ days: [(successes: Int, trials: Int)], _ title: String, _ words: (String) -> String
  ) -> (finding: Finding, low: Double)? {
    guard all >= minimumShare else { return nil }
    let part = Proportion.clustered(days)
    let range = part.interval(level: level)
    let numbers =
      "\(Figures.percent(part.value)) (\(Figures.percent(level)) interval \(Figures.percent(range.lowerBound)) to \(Figures.percent(range.upperBound)))"
    return (
      Finding(
        kind: .weapon, title: title, description: words(numbers),
        evidence: Evidence(test: "Wilson interval", n: all, estimate: part.value, interval: interval(of: part))),
      range.lowerBound
    )
  }

  /// Fights counted by day, in the order of the days, so that the same fights always give the same numbers to the last
  /// bit. Days without fights say nothing.
  private struct FightDays {
    private let first: Int64
    private(set) var days: [(successes: Int, trials: Int)]
    private(set) var count = 0

    /// - Parameter fights: all that will be added.
    init(_ fights: [AnalyticsMaterial.Fight]) {
      var (first, last) = (Int64.max, Int64.min)
      for fight in fights { (first, last) = (min(first, fight.day), max(last, fight.day)) }
      self.first = first
      days = Array(repeating: (0, 0), count: fights.isEmpty ? 0 : Int(last - first) + 1)
    }

    mutating func add(_ fight: AnalyticsMaterial.Fight, _ isSuccess: Bool) {
      let place = Int(fight.day - first)
      days[place].trials += 1
      if isSuccess { days[place].successes += 1 }
      count += 1
    }
  }

  private static func interval(of proportion: Proportion) -> Evidence.Interval {
    let range = proportion.interval(level: level)
    return .init(low: range.lowerBound, high: range.upperBound, level: level)
  }
}

extension AnalyticsSubject {
  var isPlayer: Bool { if case .player = self { true } else { false } }
}

extension Calendar {
  static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

  /// 0 for a Monday.
  static func weekday(of day: Int64) -> Int { Int(day - monday(before: day)) }
}
