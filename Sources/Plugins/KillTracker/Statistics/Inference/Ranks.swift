/// Ranks of values, ties sharing the mean of theirs, and what is made of them.
enum Ranks {
  static func of(_ values: [Double]) -> [Double] {
    var ranks = [Double](repeating: 0, count: values.count)
    for group in groups(values) {
      let mean = Double(group.first + group.first + group.members.count - 1) / 2 + 1
      for index in group.members { ranks[index] = mean }
    }
    return ranks
  }

  /// How many values are equal, for each value that there is more than once.
  static func ties(_ values: [Double]) -> [Int] { groups(values).map(\.members.count).filter { $0 > 1 } }

  static func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }

  /// The places of equal values, in ascending order of value; `first` counts the smaller ones.
  private static func groups(_ values: [Double]) -> [(first: Int, members: [Int])] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var groups: [(first: Int, members: [Int])] = []
    for (place, index) in order.enumerated() {
      if let last = groups.last?.members.last, values[last] == values[index] {
        groups[groups.count - 1].members.append(index)
      } else {
        groups.append((place, [index]))
      }
    }
    return groups
  }
}

/// Whether one group of values tends to be greater than another: Wilcoxon's and Mann and Whitney's rank sum test, with
/// the corrections for ties and continuity.
public struct RankSum: Sendable, Equatable {
  /// Of the smaller and the larger group.
  public static let minimums = (5, 15)

  public var counts: (first: Int, second: Int)
  /// In how many pairs the first group's value is greater; ties count half.
  public var u: Double
  public var z: Double
  /// Two-sided.
  public var pValue: Double

  /// Nil where a group is smaller than ``minimums``, or where all values are equal.
  public init?(_ first: [Double], _ second: [Double]) {
    let (a, b) = (first.count, second.count)
    guard min(a, b) >= Self.minimums.0, max(a, b) >= Self.minimums.1 else { return nil }
    let all = first + second
    let n = Double(all.count)
    let sum = Ranks.of(all).prefix(a).reduce(0, +)
    let product = Double(a) * Double(b)
    let ties = Ranks.ties(all).reduce(0.0) { $0 + Double($1) * (Double($1) * Double($1) - 1) }
    let variance = product / 12 * ((n + 1) - ties / (n * (n - 1)))
    guard variance > 0 else { return nil }
    counts = (a, b)
    u = sum - Double(a) * Double(a + 1) / 2
    let distance = u - product / 2
    let corrected = max(0, abs(distance) - 0.5)
    z = (distance < 0 ? -corrected : corrected) / variance.squareRoot()
    pValue = Normal.twoSided(z)
  }

  public static func == (left: RankSum, right: RankSum) -> Bool {
    left.counts == right.counts && left.u == right.u && left.z == right.z && left.pValue == right.pValue
  }
}

/// Whether any of several groups of values is greater than the others: the test of Kruskal and Wallis (1952), corrected
/// for ties.
public struct KruskalWallis: Sendable, Equatable {
  /// Of each group.
  public static let minimum = 5

  public var h: Double
  public var degrees: Int
  public var pValue: Double
  /// The mean rank of each group.
  public var meanRanks: [Double]

  /// Nil for fewer than two groups, a group smaller than ``minimum``, or where all values are equal.
  public init?(_ groups: [[Double]]) {
    guard groups.count >= 2, groups.allSatisfy({ $0.count >= Self.minimum }) else { return nil }
    let all = groups.flatMap { $0 }
    let n = Double(all.count)
    let ties = Ranks.ties(all).reduce(0.0) { $0 + Double($1) * (Double($1) * Double($1) - 1) }
    let correction = 1 - ties / (n * n * n - n)
    guard correction > 0 else { return nil }
    var ranks = Ranks.of(all)[...]
    var sum = 0.0
    meanRanks = []
    for group in groups {
      let total = ranks.prefix(group.count).reduce(0, +)
      ranks = ranks.dropFirst(group.count)
      sum += total * total / Double(group.count)
      meanRanks.append(total / Double(group.count))
    }
    h = (12 / (n * (n + 1)) * sum - 3 * (n + 1)) / correction
    degrees = groups.count - 1
    pValue = ChiSquare.upperTail(h, degrees: degrees)
  }
}
