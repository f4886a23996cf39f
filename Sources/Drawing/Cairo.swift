import CCairo

/// What went wrong in cairo, in its words.
public struct DrawingError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
}

/// A bitmap and cairo's context on it: the only file that knows cairo.
///
/// Owns both pointers from creation to deinit; nobody else ever has them. Everything that cairo hands out besides (font
/// faces, scaled fonts, glyphs, paths of pictures) is given back in the function that got it, fonts at deinit. cairo keeps
/// the first error of a context, and each call after it does nothing; ``png()`` reports it, and no picture comes out.
///
/// Coordinates are in points; `scale` pixels are a point. May be used on any thread, by one at a time.
struct CairoBitmap: ~Copyable {
  enum Weight: Int, Sendable, CaseIterable { case regular, bold }

  struct Extents: Sendable, Equatable {
    /// How far the next text would begin.
    var advance: Double
    /// Of the ink, from the beginning of the line; y goes down, and the baseline is 0.
    var left: Double
    var right: Double
    var top: Double
    var bottom: Double
  }

  let width: Int
  let height: Int
  let scale: Int
  private let surface: OpaquePointer
  private let context: OpaquePointer
  private var fonts = Fonts()

  /// - Parameters:
  ///   - width: in points.
  ///   - height: in points.
  /// - Throws: ``DrawingError`` if there is no memory, or the size is none that cairo can do.
  init(width: Int, height: Int, scale: Int) throws(DrawingError) {
    guard let surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, Int32(width * scale), Int32(height * scale))
    else { throw DrawingError(description: "cairo made no surface") }
    // cairo never returns NULL, but an object that says what is wrong, and is given back like any other.
    if let error = Self.error(cairo_surface_status(surface)) {
      cairo_surface_destroy(surface)
      throw error
    }
    guard let context = cairo_create(surface) else {
      cairo_surface_destroy(surface)
      throw DrawingError(description: "cairo made no context")
    }
    if let error = Self.error(cairo_status(context)) {
      cairo_destroy(context)
      cairo_surface_destroy(surface)
      throw error
    }
    cairo_scale(context, Double(scale), Double(scale))
    self.width = width
    self.height = height
    self.scale = scale
    self.surface = surface
    self.context = context
  }

  deinit {
    fonts.destroy()
    cairo_destroy(context)
    cairo_surface_destroy(surface)
  }

  private static func error(_ status: cairo_status_t) -> DrawingError? {
    guard status != CAIRO_STATUS_SUCCESS else { return nil }
    return DrawingError(description: cairo_status_to_string(status).map { String(cString: $0) } ?? "\(status.rawValue)")
  }

  // MARK: - Shapes

  /// A rectangle, its corners rounded.
  func fill(x: Double, y: Double, width: Double, height: Double, radius: Double, color: Color) {
    trace(x, y, width, height, min(radius, width / 2, height / 2))
    set(color)
    cairo_fill(context)
  }

  func stroke(fromX x: Double, y: Double, toX: Double, toY: Double, width: Double, color: Color) {
    cairo_new_path(context)
    cairo_move_to(context, x, y)
    cairo_line_to(context, toX, toY)
    cairo_set_line_width(context, width)
    set(color)
    cairo_stroke(context)
  }

  func fillCircle(x: Double, y: Double, radius: Double, color: Color) {
    cairo_new_path(context)
    cairo_arc(context, x, y, radius, 0, 2 * .pi)
    set(color)
    cairo_fill(context)
  }

  private func trace(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ radius: Double) {
    cairo_new_path(context)
    guard radius > 0 else {
      cairo_rectangle(context, x, y, width, height)
      return
    }
    let quarter = Double.pi / 2
    cairo_arc(context, x + width - radius, y + radius, radius, -quarter, 0)
    cairo_arc(context, x + width - radius, y + height - radius, radius, 0, quarter)
    cairo_arc(context, x + radius, y + height - radius, radius, quarter, 2 * quarter)
    cairo_arc(context, x + radius, y + radius, radius, 2 * quarter, 3 * quarter)
    cairo_close_path(context)
  }

  private func set(_ color: Color) {
    cairo_set_source_rgba(context, color.red, color.green, color.blue, color.alpha)
  }

  // MARK: - Pictures

  /// Draws a PNG into a circle.
  /// - Returns: false if it is none that can be read, or larger than 1024 pixels; then nothing is drawn.
  func drawCircle(png: [UInt8], x: Double, y: Double, radius: Double) -> Bool {
    guard Self.isSmallPNG(png) else { return false }
    var source = PNGSource(bytes: png)
    // The picture is ours until it is destroyed below; the context keeps a reference of its own while it paints.
    let picture = withUnsafeMutablePointer(to: &source) {
      cairo_image_surface_create_from_png_stream(readPNG, $0)
    }
    guard let picture else { return false }
    defer { cairo_surface_destroy(picture) }
    guard cairo_surface_status(picture) == CAIRO_STATUS_SUCCESS else { return false }
    let (pictureWidth, pictureHeight) = (
      Double(cairo_image_surface_get_width(picture)), Double(cairo_image_surface_get_height(picture))
    )
    guard pictureWidth > 0, pictureHeight > 0 else { return false }
    cairo_save(context)
    cairo_new_path(context)
    cairo_arc(context, x, y, radius, 0, 2 * .pi)
    cairo_clip(context)
    cairo_translate(context, x - radius, y - radius)
    cairo_scale(context, 2 * radius / pictureWidth, 2 * radius / pictureHeight)
    cairo_set_source_surface(context, picture, 0, 0)
    cairo_paint(context)
    cairo_restore(context)
    return true
  }

  /// Width and height stand at a fixed place: what would take much memory is not even begun.
  private static func isSmallPNG(_ bytes: [UInt8]) -> Bool {
    guard bytes.count > 24, bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else { return false }
    func number(_ place: Int) -> Int { bytes[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) } }
    return (1...1_024).contains(number(16)) && (1...1_024).contains(number(20))
  }

  // MARK: - Text

  mutating func extents(of text: String, size: Double, weight: Weight) -> Extents {
    var extents = Extents(advance: 0, left: .infinity, right: -.infinity, top: 0, bottom: 0)
    forEachRun(of: text, size: size, weight: weight) { _, _, run in
      extents.advance += run.x_advance
      guard run.width > 0 else { return }
      let start = extents.advance - run.x_advance
      extents.left = min(extents.left, start + run.x_bearing)
      extents.right = max(extents.right, start + run.x_bearing + run.width)
      extents.top = min(extents.top, run.y_bearing)
      extents.bottom = max(extents.bottom, run.y_bearing + run.height)
    }
    if extents.left > extents.right { (extents.left, extents.right) = (0, 0) }
    return extents
  }

  mutating func draw(
    _ text: String, x: Double, baseline: Double, size: Double, weight: Weight, color: Color
  ) {
    let context = context
    set(color)
    var x = x
    forEachRun(of: text, size: size, weight: weight) { font, glyphs, run in
      let placed = glyphs.map { cairo_glyph_t(index: $0.index, x: $0.x + x, y: $0.y + baseline) }
      cairo_set_scaled_font(context, font)
      cairo_show_glyphs(context, placed, Int32(placed.count))
      x += run.x_advance
    }
  }

  /// The text in pieces, each in a font that has all of its characters; what no font has is the first one's box.
  private mutating func forEachRun(
    of text: String, size: Double, weight: Weight,
    _ body: (_ font: OpaquePointer, _ glyphs: [cairo_glyph_t], _ extents: cairo_text_extents_t) -> Void
  ) {
    var run = ""
    var family = 0
    func flush(_ fonts: inout Fonts) {
      guard !run.isEmpty, let font = fonts.font(family, size, weight) else { return }
      Self.withGlyphs(of: run, in: font) { glyphs in
        var extents = cairo_text_extents_t()
        cairo_scaled_font_glyph_extents(font, glyphs.baseAddress, Int32(glyphs.count), &extents)
        body(font, Array(glyphs), extents)
      }
      run = ""
    }
    for scalar in Writing.visual(text).unicodeScalars where !Self.isInvisible(scalar) {
      let found = fonts.family(for: scalar, size, weight)
      // No font has emoji; a name without them is better than one with boxes.
      if found == nil, scalar.properties.isEmojiPresentation { continue }
      let best = found ?? 0
      if best != family {
        flush(&fonts)
        family = best
      }
      run.unicodeScalars.append(scalar)
    }
    flush(&fonts)
  }

  /// Controls, joiners, directions and variants would be drawn as boxes.
  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator: true
    default: scalar.properties.isVariationSelector
    }
  }

  /// The glyphs are cairo's, and given back behind `body`.
  fileprivate static func withGlyphs(
    of text: String, in font: OpaquePointer, _ body: (UnsafeBufferPointer<cairo_glyph_t>) -> Void
  ) {
    var glyphs: UnsafeMutablePointer<cairo_glyph_t>?
    var count: Int32 = 0
    let status = cairo_scaled_font_text_to_glyphs(font, 0, 0, text, -1, &glyphs, &count, nil, nil, nil)
    guard status == CAIRO_STATUS_SUCCESS, let glyphs else { return }
    defer { cairo_glyph_free(glyphs) }
    body(UnsafeBufferPointer(start: glyphs, count: Int(count)))
  }

  /// The fonts that a bitmap has used. They are its own, until ``destroy()``.
  private struct Fonts {
    /// The first is packaged and has everything that we write ourselves; the second has what people in East Asia are
    /// called. fontconfig gives another font for one that is not installed.
    static let families = ["DejaVu Sans", "WenQuanYi Micro Hei"]

    private struct Key: Hashable {
      var family: Int
      var size: Double
      var weight: Weight
    }
    private var fonts: [Key: OpaquePointer] = [:]
    private var families: [Unicode.Scalar: Int?] = [:]

    mutating func font(_ family: Int, _ size: Double, _ weight: Weight) -> OpaquePointer? {
      let key = Key(family: family, size: size, weight: weight)
      if let known = fonts[key] { return known }
      let face = cairo_toy_font_face_create(
        Self.families[family], CAIRO_FONT_SLANT_NORMAL,
        weight == .bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
      let options = cairo_font_options_create()
      // Letters as far apart at every size, and grey edges: a picture is not a screen with known pixels.
      cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
      cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
      cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
      var (matrix, identity) = (cairo_matrix_t(), cairo_matrix_t())
      cairo_matrix_init_scale(&matrix, size, size)
      cairo_matrix_init_identity(&identity)
      // The font has its own references to what it was made of.
      let font = cairo_scaled_font_create(face, &matrix, &identity, options)
      cairo_font_options_destroy(options)
      cairo_font_face_destroy(face)
      guard let font else { return nil }
      guard cairo_scaled_font_status(font) == CAIRO_STATUS_SUCCESS else {
        cairo_scaled_font_destroy(font)
        return nil
      }
      fonts[key] = font
      return font
    }

    /// The first that has the character; nil if none has.
    mutating func family(for scalar: Unicode.Scalar, _ size: Double, _ weight: Weight) -> Int? {
      if scalar.isASCII { return 0 }
      if let known = families[scalar] { return known }
      let found = Self.families.indices.first { family in
        guard let font = font(family, size, weight) else { return false }
        var isThere = false
        withGlyphs(of: String(Character(scalar)), in: font) { glyphs in
          isThere = !glyphs.isEmpty && glyphs.allSatisfy { $0.index != 0 }
        }
        return isThere
      }
      families[scalar] = .some(found)
      return found
    }

    func destroy() { for font in fonts.values { cairo_scaled_font_destroy(font) } }
  }

  // MARK: - Out

  /// - Throws: ``DrawingError``: what went wrong first, in drawing or here.
  func png() throws(DrawingError) -> [UInt8] {
    cairo_surface_flush(surface)
    if let error = Self.error(cairo_status(context)) { throw error }
    var sink = PNGSink()
    let status = withUnsafeMutablePointer(to: &sink) { cairo_surface_write_to_png_stream(surface, writePNG, $0) }
    if let error = Self.error(status) { throw error }
    return sink.bytes
  }

  /// A pixel, as it is in the bitmap.
  func pixel(x: Int, y: Int) -> Color? {
    cairo_surface_flush(surface)
    guard x >= 0, y >= 0, x < width * scale, y < height * scale, let data = cairo_image_surface_get_data(surface) else {
      return nil
    }
    let place = y * Int(cairo_image_surface_get_stride(surface)) + x * 4
    let value = UnsafeRawPointer(data).loadUnaligned(fromByteOffset: place, as: UInt32.self)
    return Color(Int(value & 0xFF_FFFF), alpha: Double(value >> 24) / 255)
  }
}

/// A PNG that cairo reads.
private struct PNGSource {
  let bytes: [UInt8]
  var position = 0
}

private struct PNGSink {
  var bytes: [UInt8] = []
}

/// Called by cairo with the pointer that it was given, before the call that gave it returns.
private let readPNG: cairo_read_func_t = { closure, data, length in
  guard let source = closure?.assumingMemoryBound(to: PNGSource.self), let data else { return CAIRO_STATUS_READ_ERROR }
  let (position, count) = (source.pointee.position, Int(length))
  guard source.pointee.bytes.count - position >= count else { return CAIRO_STATUS_READ_ERROR }
  source.pointee.bytes.withUnsafeBufferPointer { bytes in
    if count > 0, let base = bytes.baseAddress { data.update(from: base + position, count: count) }
  }
  source.pointee.position += count
  return CAIRO_STATUS_SUCCESS
}

private let writePNG: cairo_write_func_t = { closure, data, length in
  guard let sink = closure?.assumingMemoryBound(to: PNGSink.self), let data else { return CAIRO_STATUS_WRITE_ERROR }
  sink.pointee.bytes.append(contentsOf: UnsafeBufferPointer(start: data, count: Int(length)))
  return CAIRO_STATUS_SUCCESS
}
