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
  /// Names of weapons and places that came up; at most ``nameLimit``, then they are forgotten.
  private var names: [Int64: [UInt8]] = [:]
  private static let nameLimit = 20_000
  private var cursor: KillCursor?

  private let pageSize: Int

  init(_ filter: KillFilter, for viewer: KillViewer, hidden: Set<Int64>, pageSize: Int = pageSize) {
    self.filter = filter
    self.pageSize = pageSize
    self.viewer = viewer
    self.hidden = hidden
  }

  /// One row as it is stored.
  private struct Line {
    var id: KillID
    var time: Timestamp
    var server: String
    var killer: String
    var victim: String
    var weapon: Int64?
    var location: Int64?
    var kind: KillKind
    var confidence: Int
    var source: String
  }

  /// The next page as bytes, and whether another may follow.
  mutating func next(in transaction: ReadTransaction) throws -> (bytes: [UInt8], hasMore: Bool) {
    try Kills.checkPrivacy(of: filter.player, for: viewer, in: transaction)
    let own = try viewer.user.flatMap { try Players.find(user: $0, in: transaction) }
    let selection = try KillList.selection(
      filter, after: cursor, offset: 0, limit: pageSize, backwards: true, in: transaction)
    guard let selection else { return ([], false) }
    let lines = try transaction.query(
      """
      SELECT k.id, k.occurred_at, k.server_id, k.killer_name, k.victim_name, k.weapon_id, k.location_id, k.kind,
        k.confidence, k.source, k.killer_id, k.victim_id, k.reporter
      FROM kills k \(selection.text)
      """, parameters: selection.parameters
    ) { row in
      var line = Line(
        id: try row["id"], time: try row["occurred_at"], server: try row["server_id"], killer: try row["killer_name"],
        victim: try row["victim_name"], weapon: try row["weapon_id"], location: try row["location_id"],
        kind: try row["kind"], confidence: try row["confidence"], source: try row["source"])
      guard !hidden.isEmpty, !viewer.isAdmin else { return line }
      let killer: Int64? = try row["killer_id"]
      let victim: Int64? = try row["victim_id"]
      let isInvolved =
        try (own != nil && (killer == own || victim == own))
        || (viewer.user.map { try row.value("reporter", as: String.self) == "\($0)" } ?? false)
      if !isInvolved, let killer, hidden.contains(killer) { line.killer = KillParty.hidden.name }
      if !isInvolved, let victim, hidden.contains(victim) { line.victim = KillParty.hidden.name }
      return line
    }
    if names.count > Self.nameLimit { names = [:] }
    try findNames(of: lines, in: transaction)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(lines.count * 160)
    for line in lines { write(line, to: &bytes) }
    if let last = lines.last { cursor = KillCursor(occurredAt: last.time, id: last.id) }
    return (bytes, lines.count == pageSize)
  }

  private mutating func findNames(of lines: [Line], in transaction: ReadTransaction) throws {
    var missing: Set<Int64> = []
    for line in lines {
      if let weapon = line.weapon, names[weapon] == nil { missing.insert(weapon) }
      if let location = line.location, names[location] == nil { missing.insert(location) }
    }
    try transaction.inChunks(Array(missing)) { list, values in
      let found = try transaction.query("SELECT id, name FROM kill_names WHERE id IN (\(list))", parameters: values) {
        (try $0.value("id", as: Int64.self), try $0.value("name", as: String.self))
      }
      for (id, name) in found {
        var field: [UInt8] = []
        Self.append(name, to: &field)
        names[id] = field
      }
    }
  }

  private func write(_ line: Line, to bytes: inout [UInt8]) {
    bytes += "kill_".utf8
    Self.append(line.id.rawValue, width: 0, to: &bytes)
    bytes.append(Self.comma)
    Self.append(line.time, to: &bytes)
    bytes.append(Self.comma)
    Self.append(line.killer, to: &bytes)
    bytes.append(Self.comma)
    Self.append(line.victim, to: &bytes)
    bytes.append(Self.comma)
    if let weapon = line.weapon.flatMap({ names[$0] }) { bytes += weapon }
    bytes.append(Self.comma)
    if let location = line.location.flatMap({ names[$0] }) { bytes += location }
    bytes.append(Self.comma)
    bytes += line.server.utf8
    bytes.append(Self.comma)
    bytes += line.kind.rawValue.utf8
    for flag in [KillKind.pvp, .suicide, .environment] { bytes += line.kind == flag ? Self.yes : Self.no }
    bytes.append(Self.comma)
    bytes += line.confidence == 100 ? "1.00".utf8 : "0.".utf8
    if line.confidence != 100 { Self.append(Int64(line.confidence), width: 2, to: &bytes) }
    bytes.append(Self.comma)
    bytes += line.source.utf8
    bytes.append(0x0D)
    bytes.append(0x0A)
  }

  // MARK: - Fields

  private static let comma = UInt8(ascii: ",")
  private static let yes = Array(",true".utf8)
  private static let no = Array(",false".utf8)

  /// A field of text: in quotation marks where it needs them, and never a formula to a spreadsheet.
  static func append(_ text: String, to bytes: inout [UInt8]) {
    var needsQuotes = false
    for byte in text.utf8 where byte == comma || byte == 0x22 || byte == 0x0A || byte == 0x0D { needsQuotes = true }
    let isFormula = text.utf8.first.map { [0x3D, 0x2B, 0x2D, 0x40, 0x09].contains($0) } ?? false
    guard needsQuotes || isFormula else {
      bytes += text.utf8
      return
    }
    bytes.append(0x22)
    if isFormula { bytes.append(UInt8(ascii: "'")) }
    for byte in text.utf8 {
      if byte == 0x22 { bytes.append(0x22) }
      bytes.append(byte)
    }
    bytes.append(0x22)
  }

  /// `2024-01-01T00:00:00.000Z`, without a formatter's cost.
  static func append(_ time: Timestamp, to bytes: inout [UInt8]) {
    let day = Calendar.day(of: time)
    let (year, month, date) = Calendar.date(ofDay: day)
    let rest = time.milliseconds - day * Calendar.day
    let parts: [(Int64, Int, UInt8)] = [
      (year, 4, 0x2D), (month, 2, 0x2D), (date, 2, 0x54), (rest / 3_600_000, 2, 0x3A), (rest / 60_000 % 60, 2, 0x3A),
      (rest / 1_000 % 60, 2, 0x2E), (rest % 1_000, 3, 0x5A),
    ]
    for (value, width, mark) in parts {
      append(value, width: width, to: &bytes)
      bytes.append(mark)
    }
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
      let (page, advanced) = try await database.read { transaction in
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
