/// Bars below each other, the longest first: weapons by kills.
public struct RankingChart: Drawable, Equatable {
  public struct Row: Sendable, Equatable {
    public var name: String
    public var count: Int
    /// In percent of all, also of what is not shown.
    public var percentage: Double

    public init(name: String, count: Int, percentage: Double) {
      self.name = name
      self.count = count
      self.percentage = percentage
    }
  }

  public static let limit = 10
  static let width = 800
  private static let rowHeight = 36.0
  private static let head = 98.0
  private static let nameWidth = 250.0

  public var title: String
  public var subtitle: String
  /// At most ``limit``, of more the first.
  public var rows: [Row]
  /// What is said where there is nothing.
  public var emptiness: String

  public init(title: String, subtitle: String, rows: [Row], emptiness: String = "No kills yet") {
    self.title = title
    self.subtitle = subtitle
    self.rows = Array(rows.prefix(Self.limit))
    self.emptiness = emptiness
  }

  var height: Int { Int(Self.head + Self.rowHeight * Double(max(3, rows.count)) + 20) }

  public func picture() throws -> Picture {
    let canvas = try draw()
    return Picture(
      png: try canvas.png(), description: description, width: Self.width * Canvas.scale, height: height * Canvas.scale)
  }

  public var description: String {
    guard !rows.isEmpty else { return "\(title), \(subtitle): nothing yet.".shortened }
    let words = rows.map { "\($0.name) \(Numbers.whole($0.count)) (\(Self.percent($0.percentage)))" }
    return "\(title), \(subtitle): \(words.joined(separator: ", ")).".shortened
  }

  private static func percent(_ value: Double) -> String { Numbers.tenths(value) + "%" }

  func draw() throws -> Canvas {
    var canvas = try Canvas(width: Self.width, height: height)
    let margin = Theme.margin
    canvas.text(title, x: margin, baseline: 46, .title, room: canvas.width - 2 * margin)
    canvas.text(subtitle, x: margin, baseline: 70, .small, Theme.muted, room: canvas.width - 2 * margin)
    guard let most = rows.map(\.count).max(), most > 0 else {
      canvas.text(
        emptiness, x: canvas.width / 2, baseline: (Self.head + canvas.height) / 2 - 8, .body, Theme.muted, .center)
      return canvas
    }
    var names = 0.0
    var counts = 0.0
    for row in rows {
      names = max(names, canvas.width(of: canvas.shortened(row.name, .body, Self.nameWidth), .body))
      counts = max(counts, canvas.width(of: words(row), .small))
    }
    let plot = Canvas.Box(
      x: margin + names + 16, y: Self.head, width: canvas.width - 2 * margin - names - 16 - counts - 14, height: 0)
    for (index, row) in rows.enumerated() {
      let y = plot.y + Self.rowHeight * Double(index)
      let middle = y + Self.rowHeight / 2
      canvas.text(row.name, x: margin + names, baseline: middle + 6, .body, Theme.text, .right, room: names)
      let length = max(3, plot.width * Double(row.count) / Double(most))
      canvas.fill(
        Canvas.Box(x: plot.x, y: y + 7, width: length, height: Self.rowHeight - 14), radius: 4,
        index == 0 ? Theme.accent : Theme.pve)
      canvas.text(words(row), x: plot.x + length + 12, baseline: middle + 5, .small, Theme.muted)
    }
    return canvas
  }

  private func words(_ row: Row) -> String { "\(Numbers.whole(row.count)) · \(Self.percent(row.percentage))" }
}

extension Numbers {
  /// `36`, `4.5`.
  static func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }
}
