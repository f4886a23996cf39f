/// Red, green, blue and alpha, each from 0 to 1.
public struct Color: Sendable, Equatable {
  public var red: Double
  public var green: Double
  public var blue: Double
  public var alpha: Double

  /// - Parameter rgb: as in CSS: `0xFF8800`.
  public init(_ rgb: Int, alpha: Double = 1) {
    red = Double(rgb >> 16 & 0xFF) / 255
    green = Double(rgb >> 8 & 0xFF) / 255
    blue = Double(rgb & 0xFF) / 255
    self.alpha = alpha
  }
}

/// The look of all pictures: dark, so that they are the same in Discord's dark and light themes.
enum Theme {
  static let background = Color(0x1E1F22)
  static let panel = Color(0x2B2D31)
  static let line = Color(0x3F4147)
  static let text = Color(0xF2F3F5)
  static let muted = Color(0xB5BAC1)
  /// Told apart by brightness too, for those who do not see red and green.
  static let pvp = Color(0xF2545B)
  static let pve = Color(0x8FD3E8)
  static let accent = Color(0xF5B841)
  static let margin = 28.0
}
