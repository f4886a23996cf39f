/// Bars side by side, each of two parts one on the other: kills by day, PvP below and PvE above.
public struct DayChart: Drawable, Equatable {
  public struct Bar: Sendable, Equatable {
    /// `18 Feb`.
    public var label: String
    public var pvp: Int
    public var pve: Int

    public init(label: String, pvp: Int, pve: Int) {
      self.label = label
      self.pvp = pvp
      self.pve = pve
    }
  }

  /// More would be thinner than can be seen.
  public static let limit = 120
  static let size = (width: 800, height: 400)

  public var title: String
  public var subtitle: String
  /// In the order of time; at most ``limit``, of more the last.
  public var bars: [Bar]

  public init(title: String, subtitle: String, bars: [Bar]) {
    self.title = title
    self.subtitle = subtitle
    self.bars = bars.suffix(Self.limit)
  }

  public func picture() throws -> Picture {
    let canvas = try draw()
    return Picture(
      png: try canvas.png(), description: description, width: Self.size.width * Canvas.scale,
      height: Self.size.height * Canvas.scale)
  }

  public var description: String {
    let (pvp, pve) = (bars.reduce(0) { $0 + $1.pvp }, bars.reduce(0) { $0 + $1.pve })
    guard let first = bars.first, let last = bars.last, pvp + pve > 0 else {
      return "\(title), \(subtitle): no kills.".shortened
    }
    var words = "\(title), \(subtitle): \(Numbers.whole(pvp)) PvP and \(Numbers.whole(pve)) PvE kills"
    words += bars.count > 1 ? " from \(first.label) to \(last.label)" : " (\(first.label))"
    if bars.count > 1, let best = bars.max(by: { $0.pvp + $0.pve < $1.pvp + $1.pve }) {
      words += "; the most, \(Numbers.whole(best.pvp + best.pve)), on \(best.label)"
    }
    return (words + ".").shortened
  }

  func draw() throws -> Canvas {
    var canvas = try Canvas(width: Self.size.width, height: Self.size.height)
    let margin = Theme.margin
    let legend = drawLegend(&canvas)
    canvas.text(title, x: margin, baseline: 46, .title, room: legend - margin - 24)
    canvas.text(subtitle, x: margin, baseline: 70, .small, Theme.muted, room: canvas.width - 2 * margin)
    let scale = Scale(upTo: bars.map { $0.pvp + $0.pve }.max() ?? 0)
    let names = scale.lines.map(Numbers.short)
    var gutter = 0.0
    for name in names { gutter = max(gutter, canvas.width(of: name, .small)) }
    let plot = Canvas.Box(
      x: margin + gutter + 10, y: 98, width: canvas.width - 2 * margin - gutter - 10, height: canvas.height - 98 - 52)
    for (line, name) in zip(scale.lines, names) {
      let y = plot.bottom - plot.height * Double(line) / Double(scale.top)
      canvas.line(fromX: plot.x, y: y, toX: plot.right, toY: y, Theme.line)
      canvas.text(name, x: plot.x - 10, baseline: y + 5, .small, Theme.muted, .right)
    }
    guard bars.contains(where: { $0.pvp + $0.pve > 0 }) else {
      canvas.text(
        "No kills yet", x: plot.x + plot.width / 2, baseline: plot.y + plot.height / 2 - 12, .body, Theme.muted, .center
      )
      drawLabels(&canvas, plot)
      return canvas
    }
    for (index, bar) in bars.enumerated() { drawBar(bar, at: index, scale, plot, canvas) }
    drawLabels(&canvas, plot)
    return canvas
  }

  /// - Returns: where it begins.
  private func drawLegend(_ canvas: inout Canvas) -> Double {
    var x = canvas.width - Theme.margin
    for (name, count, color) in [
      ("PvE", bars.reduce(0) { $0 + $1.pve }, Theme.pve), ("PvP", bars.reduce(0) { $0 + $1.pvp }, Theme.pvp),
    ] {
      x -= canvas.text("\(name) \(Numbers.whole(count))", x: x, baseline: 44, .body, Theme.text, .right)
      canvas.circle(x: x - 14, y: 38, radius: 6, color)
      x -= 44
    }
    return x + 22
  }

  private func span(_ plot: Canvas.Box) -> Double { plot.width / Double(max(1, bars.count)) }

  private func middle(of index: Int, _ plot: Canvas.Box) -> Double { plot.x + span(plot) * (Double(index) + 0.5) }

  private func drawBar(_ bar: Bar, at index: Int, _ scale: Scale, _ plot: Canvas.Box, _ canvas: borrowing Canvas) {
    let width = min(56, max(1.5, span(plot) * 0.72))
    let x = middle(of: index, plot) - width / 2
    // A kill among thousands is still seen.
    func height(_ count: Int) -> Double {
      count > 0 ? max(2, plot.height * Double(count) / Double(scale.top)) : 0
    }
    let (pvp, pve) = (height(bar.pvp), height(bar.pve))
    canvas.fill(Canvas.Box(x: x, y: plot.bottom - pvp - pve, width: width, height: pve), Theme.pve)
    canvas.fill(Canvas.Box(x: x, y: plot.bottom - pvp, width: width, height: pvp), Theme.pvp)
  }

  /// As many as there is room for; the last is always among them.
  private func drawLabels(_ canvas: inout Canvas, _ plot: Canvas.Box) {
    guard !bars.isEmpty else { return }
    var widest = 0.0
    for bar in bars { widest = max(widest, canvas.width(of: bar.label, .small)) }
    let every = max(1, Int(((widest + 18) / span(plot)).rounded(.up)))
    for index in stride(from: bars.count - 1, through: 0, by: -every) {
      let width = canvas.width(of: bars[index].label, .small)
      // Within the picture, also under the first and the last bar.
      let x = min(max(middle(of: index, plot), plot.x + width / 2), plot.right - width / 2)
      canvas.text(bars[index].label, x: x, baseline: plot.bottom + 26, .small, Theme.muted, .center)
    }
  }
}

extension String {
  /// As long as Discord takes for the words behind a picture.
  var shortened: String { count <= 1_000 ? self : String(prefix(999)) + "…" }
}
