import Glibc
import Platform

/// Reads a `Game.log`, whole or as it grows: bytes in, at any split, and what they tell out.
///
/// A value without I/O. What is not a line of a known form is passed over without becoming a `String`; what looks like
/// one but cannot be read is counted (``unreadable``), so that a new form of the game shows.
public struct GameLogParser: Sendable {
  /// A longer line is cut off here; the lines that matter have less than 2 KB.
  static let lineLimit = 64 * 1_024
  /// A notice whose text has line breaks is given up after so many lines.
  static let noticeLineLimit = 16

  /// Lines that were read to their end.
  public private(set) var lines = 0
  /// Lines that had the tag of a form that matters but another shape.
  public private(set) var unreadable = 0

  private var state = LogState()
  /// What came after the last line break.
  private var tail: [UInt8] = []
  private var isCuttingLine = false
  /// A notice whose quotation mark is still open, with its time as written.
  private var openNotice: (bytes: [UInt8], lines: Int)?
  /// The beginning of the latest line that has a time.
  private var latestTime: [UInt8] = []

  public init() {}

  /// Whose log this is, as far as it has said.
  public var player: LoggedPlayer? { state.player }
  public var build: GameBuild { state.build }

  /// Takes the next bytes of the log and appends what they tell.
  public mutating func read(_ bytes: UnsafeRawBufferPointer, into events: inout [GameLogEvent]) {
    guard var start = bytes.baseAddress else { return }
    let end = start + bytes.count
    var timed: UnsafeRawPointer?
    if !tail.isEmpty || isCuttingLine {
      guard let newline = memchr(start, 0x0A, end - start) else { return keep(from: start, to: end) }
      let next = UnsafeRawPointer(newline)
      keep(from: start, to: next)
      let line = tail
      tail.removeAll(keepingCapacity: true)
      isCuttingLine = false
      line.withUnsafeBytes { buffer in
        guard let base = buffer.baseAddress else { return }
        take(base, base + buffer.count, timed: nil, into: &events)
        if Self.hasTime(buffer) { latestTime = Array(buffer.prefix(LogTime.length)) }
      }
      start = next + 1
    }
    while start < end, let newline = memchr(start, 0x0A, end - start) {
      let next = UnsafeRawPointer(newline)
      take(start, next, timed: timed, into: &events)
      if next - start >= LogTime.length, start.load(as: UInt8.self) == UInt8(ascii: "<") { timed = start }
      start = next + 1
    }
    if let timed { latestTime = Array(UnsafeRawBufferPointer(start: timed, count: LogTime.length)) }
    if start < end { keep(from: start, to: end) }
  }

  /// The same for bytes in an array.
  public mutating func read(_ bytes: some ContiguousBytesSource) -> [GameLogEvent] {
    var events: [GameLogEvent] = []
    bytes.withBytes { read($0, into: &events) }
    return events
  }

  /// Tells that no more will come. A last line without its end counts if it can be read as it stands.
  public mutating func finish() -> [GameLogEvent] {
    var events: [GameLogEvent] = []
    let line = tail
    tail = []
    isCuttingLine = false
    if !line.isEmpty {
      line.withUnsafeBytes { buffer in
        guard let base = buffer.baseAddress else { return }
        take(base, base + buffer.count, timed: nil, into: &events)
        if Self.hasTime(buffer) { latestTime = Array(buffer.prefix(LogTime.length)) }
      }
    }
    closeNotice(into: &events)
    state.end("end of log", at: latestTime.withUnsafeBytes { LogTime.read($0) }, into: &events)
    return events
  }

  // MARK: - Lines

  private static func hasTime(_ line: UnsafeRawBufferPointer) -> Bool {
    line.count >= LogTime.length && line[0] == UInt8(ascii: "<")
  }

  private mutating func keep(from start: UnsafeRawPointer, to end: UnsafeRawPointer) {
    let room = Self.lineLimit - tail.count
    tail.append(contentsOf: UnsafeRawBufferPointer(start: start, count: min(room, end - start)))
    if end - start > room { isCuttingLine = true }
  }

  /// One line without its line break. Decides by the first bytes whether it can matter; most lines end here.
  @inline(__always)
  private mutating func take(
    _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, timed: UnsafeRawPointer?, into events: inout [GameLogEvent]
  ) {
    lines += 1
    var count = end - start
    // The shortest that matters has a time and a word; it needs 8 bytes to look at behind its severity.
    guard count >= LogTime.length + 8 else {
      if openNotice != nil { lookAgain(start, end, into: &events) }
      return
    }
    if openNotice != nil || state.hasPendingDeath { return lookAgain(start, end, into: &events) }
    var place = LogTime.length
    while let length = LineFilter.severity(start + place, count - place) { place += length }
    guard count - place >= 8, LineFilter.mayMatter(start + place) else { return }
    if end.load(fromByteOffset: -1, as: UInt8.self) == 0x0D { count -= 1 }
    if let timed { latestTime = Array(UnsafeRawBufferPointer(start: timed, count: LogTime.length)) }
    read(UnsafeRawBufferPointer(start: start, count: count), payload: place, into: &events)
  }

  /// The careful way, while something is open that any line can close.
  private mutating func lookAgain(
    _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, into events: inout [GameLogEvent]
  ) {
    var count = end - start
    if count > 0, end.load(fromByteOffset: -1, as: UInt8.self) == 0x0D { count -= 1 }
    let line = UnsafeRawBufferPointer(start: start, count: count)
    if continueNotice(line, into: &events) { return }
    guard count >= LogTime.length, let time = LogTime.read(line) else { return }
    state.pass(to: time, into: &events)
    var place = LogTime.length
    while let length = LineFilter.severity(start + place, count - place) { place += length }
    guard count - place >= 8, LineFilter.mayMatter(start + place) else { return }
    read(line, payload: place, into: &events)
  }

  private mutating func read(
    _ line: UnsafeRawBufferPointer, payload: Int, into events: inout [GameLogEvent]
  ) {
    guard let time = LogTime.read(line) else { return }
    let content = ByteLine(UnsafeRawBufferPointer(rebasing: line[payload...]))
    if content.starts(with: "<SHUDEvent_OnNotification> Added"), content.count(of: UInt8(ascii: "\"")) % 2 == 1 {
      openNotice = (Array(line), 1)
      return
    }
    guard let known = LogLine.read(content) else {
      if LineFilter.mustBeReadable(content) { unreadable += 1 }
      return
    }
    state.take(
      known, at: time, line: lines, latest: latestTime.withUnsafeBytes { LogTime.read($0) }, into: &events)
  }

  // MARK: - Notices over several lines

  /// Whether the line belongs to the notice that is open: it has the same time and is no entry of its own.
  private mutating func continueNotice(
    _ line: UnsafeRawBufferPointer, into events: inout [GameLogEvent]
  ) -> Bool {
    guard var notice = openNotice else { return false }
    let time = notice.bytes.prefix(LogTime.length)
    var text = line
    if line.count >= LogTime.length, line[0] == UInt8(ascii: "<"), LogTime.read(line) != nil {
      guard line.prefix(LogTime.length).elementsEqual(time) else {
        closeNotice(into: &events)
        return false
      }
      text = UnsafeRawBufferPointer(rebasing: line.dropFirst(LogTime.length))
      // Whoever chose the notice's words must not be able to write an entry into it.
      if let base = text.baseAddress, LineFilter.severity(base, text.count) != nil {
        closeNotice(into: &events)
        return false
      }
    }
    notice.bytes.append(0x0A)
    notice.bytes.append(contentsOf: text)
    notice.lines += 1
    openNotice = notice
    if ByteLine(text).count(of: UInt8(ascii: "\"")) % 2 == 1 || notice.lines >= Self.noticeLineLimit
      || notice.bytes.count >= Self.lineLimit
    {
      closeNotice(into: &events)
    }
    return true
  }

  private mutating func closeNotice(into events: inout [GameLogEvent]) {
    guard let notice = openNotice else { return }
    openNotice = nil
    notice.bytes.withUnsafeBytes { line in
      guard let base = line.baseAddress, let time = LogTime.read(line) else { return }
      var place = LogTime.length
      while let length = LineFilter.severity(base + place, line.count - place) { place += length }
      guard let known = LogLine.read(ByteLine(UnsafeRawBufferPointer(rebasing: line[place...]))) else { return }
      state.take(known, at: time, line: lines, latest: nil, into: &events)
    }
  }
}

/// What a parser can be fed with.
public protocol ContiguousBytesSource {
  func withBytes(_ body: (UnsafeRawBufferPointer) -> Void)
}

extension [UInt8]: ContiguousBytesSource {
  public func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }
}

extension ArraySlice<UInt8>: ContiguousBytesSource {
  public func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }
}

/// Decides by eight bytes whether a line can be one of those that ``LogLine`` reads.
enum LineFilter {
  /// How long the bracketed word with its blank is that stands between time and tag: `[Notice] `, `[SPAM 12] `.
  @inline(__always)
  static func severity(_ start: UnsafeRawPointer, _ count: Int) -> Int? {
    guard count >= 9 else { return nil }
    let head = start.loadUnaligned(as: UInt64.self)
    if head == word("[Notice]") { return 9 }
    if head == word("[Trace] ") || head == word("[Error] ") { return 8 }
    if head == word("[Warning"), count >= 10 { return 10 }
    if UInt32(truncatingIfNeeded: head) == UInt32(truncatingIfNeeded: word("[SPA\0\0\0\0")) {
      guard let end = memchr(start, 0x5D, min(count, 20)) else { return nil }
      return UnsafeRawPointer(end) - start + 2 <= count ? UnsafeRawPointer(end) - start + 2 : nil
    }
    return nil
  }

  @inline(__always)
  static func mayMatter(_ start: UnsafeRawPointer) -> Bool {
    let head = start.loadUnaligned(as: UInt64.self)
    if UInt8(truncatingIfNeeded: head) == UInt8(ascii: "<") {
      return head == word("<Actor D") || head == word("<Vehicle") || head == word("<[ActorS")
        || head == word("<SHUDEve") || head == word("<Adding ") || head == word("<Recv Un")
        || head == word("<FatalCo") || head == word("<Corpse>") || head == word("<Legacy ")
        || head == word("<Account") || head == word("<Attachm") || head == word("<EndMiss")
        || head == word("<Context") || head == word("<[EALobb") || head == word("<Jump Dr")
        || head == word("<SystemQ") || head == word("<Channel") || head == word("<CDiscip")
    }
    return head == word("BackupNa") || head == word("Log star") || head == word("FileVers")
      || head == word("Branch: ") || head == word("Changeli") || head == word("@env_ses")
      || head == word("@session")
      || UInt32(truncatingIfNeeded: head) == UInt32(truncatingIfNeeded: word("Mode\0\0\0\0"))
      || head == word("Loading ") || head == word("[CSessio") || head == word("Logged a") || head == word("[VEHICLE")
  }

  /// Whether a line of that beginning has one shape only, so that another is news.
  static func mustBeReadable(_ line: ByteLine) -> Bool {
    line.starts(with: "<Actor Death>") || line.starts(with: "<Vehicle Destruction>")
      || line.starts(with: "<[ActorState] Dead>") || line.starts(with: "<FatalCollision>")
  }

  /// Eight characters as they stand in memory.
  @inline(__always)
  private static func word(_ text: StaticString) -> UInt64 {
    UnsafeRawPointer(text.utf8Start).loadUnaligned(as: UInt64.self)
  }
}
