import Core
import Platform
import Storage

/// Kills as CSV (RFC 4180), the oldest first.
///
/// Each page is read, put into bytes and given away before the next: what is in memory does not grow with the export.
struct KillExport {
  static let header =
    "id,timestamp,killer,victim,weapon,location,serverId,kind,isPvP,isSuicide,isEnvironmental,confidence,source\r\n"
  static let pageSize = 4_000

  private let filter: KillFilter
  private let viewer: KillViewer
  private let hidden: Set<Int64>
  /// Names of weapons and places that came up, as fields; at most ``nameLimit``, then they are forgotten.
  private var names: [Int64: [UInt8]] = [:]
  private static let nameLimit = 20_000
  private var cursor: KillCursor?
  /// The date of the row before, which is often that of the next.
  private var date: (day: Int64, text: [UInt8]) = (.min, [])

  private let pageSize: Int

  init(_ filter: KillFilter, for viewer: KillViewer, hidden: Set<Int64>, pageSize: Int = pageSize) {
    self.filter = filter
    self.pageSize = pageSize
    self.viewer = viewer
    self.hidden = hidden
  }

  /// In the order in which ``write(_:_:to:)`` takes them.
  private static let columns = """
    k.id, k.occurred_at, k.server_id, k.killer_name, k.victim_name, k.weapon_id, k.location_id, k.kind, k.confidence,
    k.source, k.killer_id, k.victim_id, k.reporter
    """

  /// The next page as bytes, and whether another may follow.
  mutating func next(in transaction: ReadTransaction) throws -> (bytes: [UInt8], hasMore: Bool) {
    try Kills.checkPrivacy(of: filter.player, for: viewer, in: transaction)
    let selection = try KillList.selection(
      filter, after: cursor, offset: 0, limit: pageSize, backwards: true, in: transaction)
    guard let selection else { return ([], false) }
    if names.count > Self.nameLimit { names = [:] }
    let involved = try Involved(viewer, hidden: hidden, in: transaction)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(pageSize * 160)
    var count = 0
    var last: KillCursor?
    try transaction.forEach(
      "SELECT \(Self.columns) FROM kills k \(selection.text)", parameters: selection.parameters
    ) { row in
      last = try write(row, involved, to: &bytes, in: transaction)
      count += 1
    }
    if let last { cursor = last }
    return (bytes, count == pageSize)
  }

  /// Who of a row must not be named to the viewer.
  private struct Involved {
    private let hidden: Set<Int64>
    private let own: Int64?
    private let user: [UInt8]?

    init(_ viewer: KillViewer, hidden: Set<Int64>, in transaction: ReadTransaction) throws {
      self.hidden = viewer.isAdmin ? [] : hidden
      own = try viewer.user.flatMap { try Players.find(user: $0, in: transaction) }
      user = viewer.user.map { Array("\($0)".utf8) }
    }

    func hides(_ row: PassingRow) -> (killer: Bool, victim: Bool) {
      if hidden.isEmpty { return (false, false) }
      let killer = row.integer(10)
      let victim = row.integer(11)
      let hides = (killer.map(hidden.contains) ?? false, victim.map(hidden.contains) ?? false)
      guard hides.0 || hides.1 else { return hides }
      if let own, killer == own || victim == own { return (false, false) }
      if let user, row.bytes(12, { $0.map(user.elementsEqual) ?? false }) { return (false, false) }
      return hides
    }
  }

  /// - Returns: the place of the row.
  private mutating func write(
    _ row: PassingRow, _ involved: Involved, to bytes: inout [UInt8], in transaction: ReadTransaction
  ) throws -> KillCursor {
    guard let id = row.integer(0), let milliseconds = row.integer(1), let confidence = row.integer(8),
      let kind = row.text(7).flatMap(KillKind.init(rawValue:))
    else { throw DatabaseError(.decoding, "a row of kills has no number, time, kind or confidence") }
    let time = Timestamp(milliseconds: milliseconds)
    let hides = involved.hides(row)
    bytes += Self.prefix
    Self.append(id, width: 0, to: &bytes)
    bytes.append(Self.comma)
    append(time, to: &bytes)
    bytes.append(Self.comma)
    Self.append(row, 3, isHidden: hides.killer, to: &bytes)
    bytes.append(Self.comma)
    Self.append(row, 4, isHidden: hides.victim, to: &bytes)
    for column in [5, 6] {
      bytes.append(Self.comma)
      if let name = row.integer(column) { try append(name: name, to: &bytes, in: transaction) }
    }
    bytes.append(Self.comma)
    row.bytes(2) { if let text = $0 { bytes += text } }
    bytes.append(Self.comma)
    row.bytes(7) { if let text = $0 { bytes += text } }
    for flag in Self.flags { bytes += kind == flag ? Self.yes : Self.no }
    bytes.append(Self.comma)
    bytes.append(confidence == 100 ? 0x31 : 0x30)
    bytes.append(UInt8(ascii: "."))
    Self.append(confidence % 100, width: 2, to: &bytes)
    bytes.append(Self.comma)
    row.bytes(9) { if let text = $0 { bytes += text } }
    bytes.append(0x0D)
    bytes.append(0x0A)
    return KillCursor(occurredAt: time, id: KillID(rawValue: id))
  }

  private mutating func append(name: Int64, to bytes: inout [UInt8], in transaction: ReadTransaction) throws {
    if let known = names[name] {
      bytes += known
      return
    }
    let text = try transaction.queryOne("SELECT name FROM kill_names WHERE id = $1", name) {
      try $0.value("name", as: String.self)
    }
    var field: [UInt8] = []
    if let text { Self.append(text, to: &field) }
    names[name] = field
    bytes += field
  }

  // MARK: - Fields

  private static let comma = UInt8(ascii: ",")
  private static let prefix = Array("kill_".utf8)
  private static let flags = [KillKind.pvp, .suicide, .environment]
  private static let yes = Array(",true".utf8)
  private static let no = Array(",false".utf8)

  private static func append(_ row: PassingRow, _ column: Int, isHidden: Bool, to bytes: inout [UInt8]) {
    if isHidden { return append(KillParty.hidden.name, to: &bytes) }
    row.bytes(column) { if let text = $0 { append(text, to: &bytes) } }
  }

  static func append(_ text: String, to bytes: inout [UInt8]) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0), to: &bytes) }
  }

  /// A field of text: in quotation marks where it needs them, and never a formula to a spreadsheet.
  private static func append(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
    var needsQuotes = false
    for byte in text where byte == comma || byte == 0x22 || byte == 0x0A || byte == 0x0D { needsQuotes = true }
    let isFormula =
      switch text.first {
      case 0x3D, 0x2B, 0x2D, 0x40, 0x09: true
      default: false
      }
    guard needsQuotes || isFormula else {
      bytes += text
      return
    }
    bytes.append(0x22)
    if isFormula { bytes.append(UInt8(ascii: "'")) }
    for byte in text {
      if byte == 0x22 { bytes.append(0x22) }
      bytes.append(byte)
    }
    bytes.append(0x22)
  }

  /// `2024-01-01T00:00:00.000Z`, without a formatter's cost.
  mutating func append(_ time: Timestamp, to bytes: inout [UInt8]) {
    let day = Calendar.day(of: time)
    if day != date.day {
      let (year, month, number) = Calendar.date(ofDay: day)
      var text: [UInt8] = []
      for (value, width, mark) in [(year, 4, UInt8(0x2D)), (month, 2, 0x2D), (number, 2, 0x54)] {
        Self.append(value, width: width, to: &text)
        text.append(mark)
      }
      date = (day, text)
    }
    bytes += date.text
    let rest = time.milliseconds - day * Calendar.day
    Self.append(rest / 3_600_000, width: 2, to: &bytes)
    bytes.append(0x3A)
    Self.append(rest / 60_000 % 60, width: 2, to: &bytes)
    bytes.append(0x3A)
    Self.append(rest / 1_000 % 60, width: 2, to: &bytes)
    bytes.append(0x2E)
    Self.append(rest % 1_000, width: 3, to: &bytes)
    bytes.append(0x5A)
  }

  /// A number of 0 or more, with zeros before it up to that width.
  private static func append(_ value: Int64, width: Int, to bytes: inout [UInt8]) {
    var divisor: Int64 = 1
    var digits = 1
    while value / divisor >= 10 {
      divisor *= 10
      digits += 1
    }
    for _ in digits..<max(digits, width) { bytes.append(0x30) }
    while divisor > 0 {
      bytes.append(0x30 + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }
}

extension Kills {
  /// Everything that matches as CSV, the oldest first, piece by piece; the first piece begins with the header.
  /// - Throws: ``KillError``: `forbidden` for a private player; what `write` throws, which ends it.
  public func exportCSV(
    _ filter: KillFilter = KillFilter(), for viewer: KillViewer, write: ([UInt8]) async throws -> Void
  ) async throws {
    try await exportCSV(filter, for: viewer, pageSize: KillExport.pageSize, write: write)
  }

  func exportCSV(
    _ filter: KillFilter, for viewer: KillViewer, pageSize: Int, write: ([UInt8]) async throws -> Void
  ) async throws {
    var export = KillExport(filter, for: viewer, hidden: try await boards.hiddenPlayers(), pageSize: pageSize)
    var header: [UInt8]? = Array(KillExport.header.utf8)
    while true {
      let current = export
      let (page, advanced) = try await database.scan { transaction in
        var export = current
        return (try export.next(in: transaction), export)
      }
      export = advanced
      if let first = header {
        try await write(first + page.bytes)
        header = nil
      } else if !page.bytes.isEmpty {
        try await write(page.bytes)
      }
      guard page.hasMore else { return }
    }
  }
}
