/// A picture in the making, in points; two pixels to a point, so that it is sharp on dense screens.
///
/// Not to be drawn on the cooperative threads: see ``DrawingQueue``.
struct Canvas: ~Copyable {
  static let scale = 2

  struct Font: Sendable, Equatable {
    var size: Double
    var weight: CairoBitmap.Weight = .regular

    static let title = Font(size: 24, weight: .bold)
    static let body = Font(size: 16)
    static let small = Font(size: 14)
  }

  enum Alignment: Sendable { case left, center, right }

  struct Box: Sendable, Equatable {
    var x: Double
    var y: Double
    var width: Double
    var height: Double
    var right: Double { x + width }
    var bottom: Double { y + height }
  }

  private var bitmap: CairoBitmap
  var width: Double { Double(bitmap.width) }
  var height: Double { Double(bitmap.height) }
  /// Where ink of text has gone; what tests look at.
  private(set) var texts: [(text: String, box: Box)] = []

  init(width: Int, height: Int) throws(DrawingError) {
    bitmap = try CairoBitmap(width: width, height: height, scale: Self.scale)
    // The corners stay clear, so that the picture sits on any background.
    fill(Box(x: 0, y: 0, width: Double(width), height: Double(height)), radius: 14, Theme.background)
  }

  func fill(_ box: Box, radius: Double = 0, _ color: Color) {
    guard box.width > 0, box.height > 0 else { return }
    bitmap.fill(x: box.x, y: box.y, width: box.width, height: box.height, radius: radius, color: color)
  }

  func line(fromX x: Double, y: Double, toX: Double, toY: Double, _ color: Color) {
    bitmap.stroke(fromX: x, y: y, toX: toX, toY: toY, width: 1, color: color)
  }

  func circle(x: Double, y: Double, radius: Double, _ color: Color) {
    bitmap.fillCircle(x: x, y: y, radius: radius, color: color)
  }

  /// - Returns: false if that is no picture that can be drawn.
  func picture(_ png: [UInt8], x: Double, y: Double, radius: Double) -> Bool {
    bitmap.drawCircle(png: png, x: x, y: y, radius: radius)
  }

  mutating func width(of text: String, _ font: Font) -> Double {
    let extents = bitmap.extents(of: text, size: font.size, weight: font.weight)
    return max(extents.advance, extents.right)
  }

  /// Draws a line of text, shortened with "…" if it is wider than there is room.
  /// - Parameter x: where it begins, ends, or has its middle.
  /// - Returns: its width.
  @discardableResult
  mutating func text(
    _ text: String, x: Double, baseline: Double, _ font: Font, _ color: Color = Theme.text,
    _ alignment: Alignment = .left,
    room: Double = .infinity
  ) -> Double {
    let shown = shortened(text, font, room)
    let extents = bitmap.extents(of: shown, size: font.size, weight: font.weight)
    let width = max(extents.advance, extents.right)
    let start =
      switch alignment {
      case .left: x
      case .center: x - width / 2
      case .right: x - width
      }
    bitmap.draw(shown, x: start, baseline: baseline, size: font.size, weight: font.weight, color: color)
    texts.append(
      (
        shown,
        Box(
          x: start + extents.left, y: baseline + extents.top, width: extents.right - extents.left,
          height: extents.bottom - extents.top)
      ))
    return width
  }

  /// As much of the text as there is room for.
  mutating func shortened(_ text: String, _ font: Font, _ room: Double) -> String {
    // What nobody could read is not even measured.
    let text = text.count > 200 ? String(text.prefix(200)) + "…" : text
    guard width(of: text, font) > room else { return text }
    var (fits, tooLong) = (0, text.count)
    while tooLong - fits > 1 {
      let middle = (fits + tooLong) / 2
      if width(of: text.prefix(middle) + "…", font) <= room { fits = middle } else { tooLong = middle }
    }
    return text.prefix(fits) + "…"
  }

  /// A pixel.
  func color(x: Double, y: Double) -> Color? {
    bitmap.pixel(x: Int(x * Double(Self.scale)), y: Int(y * Double(Self.scale)))
  }

  func png() throws(DrawingError) -> [UInt8] { try bitmap.png() }
}

/// A finished picture and what it shows.
public struct Picture: Sendable, Equatable {
  public var png: [UInt8]
  /// In words, for those who do not see it; at most 1024 characters.
  public var description: String
  /// In pixels.
  public var width: Int
  public var height: Int
}

/// Something that can be drawn.
public protocol Drawable: Sendable {
  /// Takes some ten milliseconds of computing, so it is done by ``DrawingQueue``.
  func picture() throws -> Picture
}
