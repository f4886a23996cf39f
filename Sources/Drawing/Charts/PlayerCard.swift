/// A player on one card.
public struct PlayerCard: Drawable, Equatable {
  static let size = (width: 800, height: 336)

  public var name: String
  /// Below the name.
  public var subtitle: String
  /// A PNG; without one, the first letter of the name.
  public var avatar: [UInt8]?
  /// Among all by kills.
  public var rank: Int?
  public var kills: Int
  public var deaths: Int
  public var ratio: Double
  /// Kills since the last death, and the most that ever were between two.
  public var currentStreak: Int
  public var bestStreak: Int
  public var favouriteWeapon: String?
  public var nemesis: String?
  public var prey: String?

  public init(
    name: String, subtitle: String, avatar: [UInt8]? = nil, rank: Int? = nil, kills: Int, deaths: Int, ratio: Double,
    currentStreak: Int, bestStreak: Int, favouriteWeapon: String? = nil, nemesis: String? = nil, prey: String? = nil
  ) {
    self.name = name
    self.subtitle = subtitle
    self.avatar = avatar
    self.rank = rank
    self.kills = kills
    self.deaths = deaths
    self.ratio = ratio
    self.currentStreak = currentStreak
    self.bestStreak = bestStreak
    self.favouriteWeapon = favouriteWeapon
    self.nemesis = nemesis
    self.prey = prey
  }

  public func picture() throws -> Picture {
    let canvas = try draw()
    return Picture(
      png: try canvas.png(), description: description, width: Self.size.width * Canvas.scale,
      height: Self.size.height * Canvas.scale)
  }

  public var description: String {
    var words = "\(name)\(rank.map { ", rank \(Numbers.whole($0))" } ?? ""): \(Numbers.whole(kills)) kills, "
    words += "\(Numbers.whole(deaths)) deaths, K/D \(Numbers.ratio(ratio))"
    words += ", streak \(Numbers.whole(currentStreak)), best \(Numbers.whole(bestStreak))"
    for (title, value) in [("favourite weapon", favouriteWeapon), ("nemesis", nemesis), ("prey", prey)] {
      if let value { words += ", \(title) \(value)" }
    }
    return (words + ".").shortened
  }

  func draw() throws -> Canvas {
    var canvas = try Canvas(width: Self.size.width, height: Self.size.height)
    let margin = Theme.margin
    drawAvatar(&canvas, x: margin + 44, y: 74, radius: 44)
    var right = canvas.width - margin
    if let rank {
      let text = "#\(Numbers.whole(rank))"
      let width = canvas.width(of: text, .init(size: 30, weight: .bold))
      canvas.text(text, x: right, baseline: 76, .init(size: 30, weight: .bold), Theme.accent, .right)
      canvas.text("by kills", x: right, baseline: 98, .small, Theme.muted, .right)
      right -= max(width, canvas.width(of: "by kills", .small)) + 24
    }
    let left = margin + 88 + 22
    canvas.text(name, x: left, baseline: 74, .init(size: 30, weight: .bold), room: right - left)
    canvas.text(subtitle, x: left, baseline: 100, .body, Theme.muted, room: right - left)
    drawTiles(&canvas, y: 142)
    drawNames(&canvas, y: 236)
    return canvas
  }

  private func drawAvatar(_ canvas: inout Canvas, x: Double, y: Double, radius: Double) {
    if let avatar, canvas.picture(avatar, x: x, y: y, radius: radius) { return }
    canvas.circle(x: x, y: y, radius: radius, Theme.line)
    let letter = name.first { $0.isLetter || $0.isNumber }.map { String($0).uppercased() } ?? "?"
    canvas.text(letter, x: x, baseline: y + 14, .init(size: 38, weight: .bold), Theme.text, .center, room: 2 * radius)
  }

  private static let gap = 14.0

  private func drawTiles(_ canvas: inout Canvas, y: Double) {
    let tiles = [
      ("Kills", Numbers.whole(kills)), ("Deaths", Numbers.whole(deaths)), ("K/D", Numbers.ratio(ratio)),
      ("Streak", Numbers.whole(currentStreak)), ("Best streak", Numbers.whole(bestStreak)),
    ]
    let width = (canvas.width - 2 * Theme.margin - Self.gap * Double(tiles.count - 1)) / Double(tiles.count)
    for (index, (title, value)) in tiles.enumerated() {
      let box = Canvas.Box(x: Theme.margin + (width + Self.gap) * Double(index), y: y, width: width, height: 80)
      canvas.fill(box, radius: 8, Theme.panel)
      canvas.text(title, x: box.x + 14, baseline: y + 26, .small, Theme.muted, room: width - 28)
      canvas.text(value, x: box.x + 14, baseline: y + 62, fitted(value, width - 28, &canvas), room: width - 28)
    }
  }

  /// Long numbers are written smaller rather than cut off.
  private func fitted(_ text: String, _ room: Double, _ canvas: inout Canvas) -> Canvas.Font {
    for size in [28.0, 22, 18, 14] {
      let font = Canvas.Font(size: size, weight: .bold)
      if canvas.width(of: text, font) <= room { return font }
    }
    return Canvas.Font(size: 12, weight: .bold)
  }

  private func drawNames(_ canvas: inout Canvas, y: Double) {
    let names = [("Favourite weapon", favouriteWeapon), ("Nemesis", nemesis), ("Prey", prey)]
    let width = (canvas.width - 2 * Theme.margin - Self.gap * Double(names.count - 1)) / Double(names.count)
    for (index, (title, value)) in names.enumerated() {
      let box = Canvas.Box(x: Theme.margin + (width + Self.gap) * Double(index), y: y, width: width, height: 72)
      canvas.fill(box, radius: 8, Theme.panel)
      canvas.text(title, x: box.x + 14, baseline: y + 26, .small, Theme.muted, room: width - 28)
      canvas.text(
        value ?? "–", x: box.x + 14, baseline: y + 54, .init(size: 18, weight: .bold),
        value == nil ? Theme.muted : Theme.text, room: width - 28)
    }
  }
}
