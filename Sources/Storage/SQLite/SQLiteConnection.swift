import CSQLite

/// One open SQLite connection. This file is the boundary to the library: nothing else calls it.
///
/// Not `Sendable`: used by the one thread that opened it (the library is told not to lock, `SQLITE_OPEN_NOMUTEX`).
final class SQLiteConnection: Connection {
  enum Role { case writer, reader, scanner, copier }

  let engine = DatabaseEngine.sqlite
  private let handle: OpaquePointer  // owned; closed in deinit
  private var cache = StatementCache<String, SQLiteStatement>(capacity: 256)

  /// - Parameter path: a file that exists, or `:memory:`.
  init(path: String, role: Role, busyTimeout: Duration) throws {
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let status = sqlite3_open_v2(path, &opened, flags | (path == ":memory:" ? SQLITE_OPEN_CREATE : 0), nil)
    guard status == SQLITE_OK, let opened else {
      let error = SQLiteConnection.error(status, handle: opened, sql: nil)
      sqlite3_close_v2(opened)  // a failed open gives a handle too
      throw DatabaseError(error.kind, "cannot open \(path): \(error.message)", code: error.code)
    }
    handle = opened
    sqlite3_busy_timeout(handle, Int32(clamping: Int64(busyTimeout / .milliseconds(1))))
    try configure(path: path, role: role)
  }

  deinit {
    for statement in cache.removeAll() { statement.finalize() }
    sqlite3_close_v2(handle)
  }

  private func configure(path: String, role: Role) throws {
    if role == .writer, path != ":memory:" {
      let mode = try run("PRAGMA journal_mode = WAL", [], mayWrite: true).rows.first?.first
      guard mode == .text("wal") else {
        throw DatabaseError(.configuration, "\(path) cannot use a write-ahead log; is it on a network file system?")
      }
    }
    for pragma in [
      "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF", "temp_store = MEMORY",
      "cache_size = \(role == .scanner ? -2000 : -16000)", "journal_size_limit = 67108864",
    ] { _ = try run("PRAGMA \(pragma)", [], mayWrite: true) }
    if role == .writer {
      // Sixteen times the standard: pages that many commits change are written back into the file once. 64 MB of log.
      _ = try run("PRAGMA wal_autocheckpoint = 16000", [], mayWrite: true)
    }
    if role != .writer { _ = try run("PRAGMA query_only = ON", [], mayWrite: true) }
  }

  /// Whether a transaction is open. An error such as a full disk can end it from inside.
  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// How many statements were run that may change the database; nothing was changed while it is the same.
  private(set) var writes = 0

  /// A transaction could not be taken back: only closing the connection does that now.
  private(set) var isUnusable = false

  /// Runs a statement that controls transactions.
  func control(_ sql: String) throws { _ = try run(sql, [], mayWrite: true) }

  /// Takes the open transaction back, if there is one.
  func rollBack() {
    guard isInTransaction else { return }
    do { try control("ROLLBACK") } catch { isUnusable = true }
  }

  func run(_ sql: String, _ parameters: [Parameter], mayWrite: Bool) throws -> StatementResult {
    let statement = try prepared(sql)
    // Reset at once, not at the next use: an unfinished statement would hold its snapshot open.
    defer { statement.reset() }
    guard mayWrite || statement.isReadOnly else {
      throw DatabaseError(.readOnly, "a read transaction cannot change the database", sql: sql)
    }
    if !statement.isReadOnly { writes += 1 }
    try bind(parameters, to: statement, sql: sql)

    let before = sqlite3_total_changes64(handle)
    var rows: [[DatabaseValue]] = []
    while true {
      let status = sqlite3_step(statement.pointer)
      if status == SQLITE_ROW {
        rows.append(statement.row())
        continue
      }
      guard status == SQLITE_DONE else { throw SQLiteConnection.error(status, handle: handle, sql: sql) }
      break
    }
    // sqlite3_changes keeps the number of an earlier statement when this one changed nothing.
    let changes = sqlite3_total_changes64(handle) == before ? 0 : Int(sqlite3_changes64(handle))
    return StatementResult(columns: statement.columns(sql: sql), rows: rows, changes: changes)
  }

  func each(
    _ sql: String, _ parameters: [Parameter], mayWrite: Bool, _ body: (any RowSource) throws -> Void
  ) throws {
    let statement = try prepared(sql)
    defer { statement.reset() }
    guard mayWrite || statement.isReadOnly else {
      throw DatabaseError(.readOnly, "a read transaction cannot change the database", sql: sql)
    }
    if !statement.isReadOnly { writes += 1 }
    try bind(parameters, to: statement, sql: sql)
    let row = SQLiteRow(statement: statement.pointer)
    while true {
      let status = sqlite3_step(statement.pointer)
      if status == SQLITE_DONE { return }
      guard status == SQLITE_ROW else { throw SQLiteConnection.error(status, handle: handle, sql: sql) }
      try body(row)
    }
  }

  /// One prepared statement, run for each row: a statement of many rows would copy every page that it changes, to be
  /// able to take a part of it back.
  func insert(_ values: [DatabaseValue], by insert: RowInsert) throws {
    let sql = insert.single
    let statement = try prepared(sql)
    defer { statement.reset() }
    let positions = statement.positions
    writes += 1
    var row = 0
    while row < values.count {
      for (column, position) in positions.enumerated() {
        let status = statement.bind(values[row + column], at: position)
        guard status == SQLITE_OK else { throw SQLiteConnection.error(status, handle: handle, sql: sql) }
      }
      let status = sqlite3_step(statement.pointer)
      guard status == SQLITE_DONE else { throw SQLiteConnection.error(status, handle: handle, sql: sql) }
      sqlite3_reset(statement.pointer)
      row += positions.count
    }
  }

  // MARK: - Statements

  private func prepared(_ sql: String) throws -> SQLiteStatement {
    if let known = cache.find(sql) { return known }
    let statement = try SQLiteStatement(sql, handle: handle)
    cache.insert(statement, for: sql)?.finalize()
    return statement
  }

  private func bind(_ parameters: [Parameter], to statement: SQLiteStatement, sql: String) throws {
    guard statement.positions.count == parameters.count else {
      throw DatabaseError(
        .syntax, "the statement has \(statement.positions.count) parameters, but \(parameters.count) values were given",
        sql: sql)
    }
    for (parameter, position) in zip(parameters, statement.positions) {
      let status = statement.bind(parameter.value, at: position)
      guard status == SQLITE_OK else { throw SQLiteConnection.error(status, handle: handle, sql: sql) }
    }
  }

  // MARK: - Copies

  /// Copies the database as it is now into the file at `path`, page by page, in one snapshot. Writers go on meanwhile.
  func copy(to path: String) throws {
    var opened: OpaquePointer?
    defer { sqlite3_close_v2(opened) }
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let status = sqlite3_open_v2(path, &opened, flags, nil)
    guard status == SQLITE_OK, let target = opened else {
      throw SQLiteConnection.error(status, handle: opened, sql: nil)
    }
    guard let backup = sqlite3_backup_init(target, "main", handle, "main") else {
      throw SQLiteConnection.error(sqlite3_extended_errcode(target), handle: target, sql: nil)
    }
    let step = sqlite3_backup_step(backup, -1)
    let finish = sqlite3_backup_finish(backup)  // releases `backup` in every case
    guard step == SQLITE_DONE else { throw SQLiteConnection.error(step, handle: nil, sql: nil) }
    guard finish == SQLITE_OK else { throw SQLiteConnection.error(finish, handle: target, sql: nil) }
  }

  // MARK: - Errors

  /// SQLite's messages name tables, columns and tokens of the statement, never values.
  static func error(_ code: Int32, handle: OpaquePointer?, sql: String?) -> DatabaseError {
    // The handle knows more about its latest error than the code alone.
    let message =
      handle.flatMap { sqlite3_errcode($0) == code ? String(cString: sqlite3_errmsg($0)) : nil }
      ?? String(cString: sqlite3_errstr(code))
    return DatabaseError(kind(code, message: message), message, sql: sql, code: String(code))
  }

  private static func kind(_ code: Int32, message: String) -> DatabaseError.Kind {
    switch code & 0xff {
    case SQLITE_CONSTRAINT:
      let rule: DatabaseError.Constraint.Rule =
        switch code >> 8 {
        case 8, 6, 10: .unique  // UNIQUE, PRIMARYKEY, ROWID
        case 3: .foreignKey
        case 5: .notNull
        case 1: .check
        default: .other
        }
      let parts = message.split(separator: "failed: ", maxSplits: 1)
      return .constraint(.init(rule: rule, name: parts.count == 2 ? String(parts[1]) : nil))
    case SQLITE_BUSY, SQLITE_LOCKED: return .busy
    case SQLITE_FULL: return .full
    case SQLITE_CORRUPT, SQLITE_NOTADB: return .corrupt
    case SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_PERM, SQLITE_AUTH, SQLITE_NOMEM, SQLITE_PROTOCOL: return .unavailable
    case SQLITE_READONLY: return .readOnly
    case SQLITE_INTERRUPT: return .timeout
    case SQLITE_MISMATCH, SQLITE_TOOBIG, SQLITE_RANGE: return .value
    case SQLITE_ERROR: return .syntax
    default: return .other
    }
  }
}

/// The row at which a statement stands.
private struct SQLiteRow: RowSource {
  let statement: OpaquePointer

  func integer(_ column: Int) -> Int64? {
    let column = Int32(truncatingIfNeeded: column)
    guard sqlite3_column_type(statement, column) == SQLITE_INTEGER else { return nil }
    return sqlite3_column_int64(statement, column)
  }

  func bytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer?) throws -> Result) rethrows -> Result {
    let column = Int32(truncatingIfNeeded: column)
    guard let start = sqlite3_column_text(statement, column) else { return try body(nil) }
    return try body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
  }
}

/// A prepared statement, owned by its connection's cache.
private final class SQLiteStatement {
  let pointer: OpaquePointer
  /// For `$1`, `$2` … the index that SQLite gave them: it numbers parameters by first appearance.
  let positions: [Int32]
  private var known: (names: ColumnNames, reprepares: Int32)?

  init(_ sql: String, handle: OpaquePointer) throws {
    var prepared: OpaquePointer?
    var copy = sql
    let (status, isSingle) = copy.withUTF8 { text in
      text.withMemoryRebound(to: CChar.self) { text in
        var tail: UnsafePointer<CChar>?
        let status = sqlite3_prepare_v3(
          handle, text.baseAddress, Int32(clamping: text.count), UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, &tail)
        let used = tail.flatMap { tail in text.baseAddress.map { tail - $0 } } ?? text.count
        let rest = text.dropFirst(used)
        return (
          status, rest.allSatisfy { [UInt8(ascii: ";"), UInt8(ascii: " "), UInt8(ascii: "\n")].contains(UInt8($0)) }
        )
      }
    }
    guard status == SQLITE_OK else { throw SQLiteConnection.error(status, handle: handle, sql: sql) }
    guard let prepared else { throw DatabaseError(.syntax, "the statement is empty", sql: sql) }
    do {
      guard isSingle else {
        throw DatabaseError(.syntax, "more than one statement", sql: sql)
      }
      positions = try Self.positions(in: prepared, sql: sql)
    } catch {
      sqlite3_finalize(prepared)
      throw error
    }
    pointer = prepared
  }

  private static func positions(in statement: OpaquePointer, sql: String) throws -> [Int32] {
    let count = sqlite3_bind_parameter_count(statement)
    guard count > 0 else { return [] }
    return try (1...count).map { number in
      let position = sqlite3_bind_parameter_index(statement, "$\(number)")
      guard position > 0 else {
        throw DatabaseError(.syntax, "parameters must be $1 … $\(count) without a gap: $\(number) is missing", sql: sql)
      }
      return position
    }
  }

  var isReadOnly: Bool { sqlite3_stmt_readonly(pointer) != 0 }

  func reset() {
    sqlite3_reset(pointer)
    sqlite3_clear_bindings(pointer)  // large values are not kept until the next use
  }

  func finalize() { sqlite3_finalize(pointer) }

  /// SQLite copies the value before this returns.
  func bind(_ value: DatabaseValue, at position: Int32) -> Int32 {
    switch value {
    case .null: return sqlite3_bind_null(pointer, position)
    case .integer(let value): return sqlite3_bind_int64(pointer, position, value)
    case .double(let value): return sqlite3_bind_double(pointer, position, value)
    case .boolean(let value): return sqlite3_bind_int64(pointer, position, value ? 1 : 0)
    case .text(var value):
      return value.withUTF8 { text in
        guard let length = Int32(exactly: text.count) else { return SQLITE_TOOBIG }
        guard let start = text.baseAddress, length > 0 else { return adj_sqlite_bind_text(pointer, position, "", 0) }
        return start.withMemoryRebound(to: CChar.self, capacity: text.count) {
          adj_sqlite_bind_text(pointer, position, $0, length)
        }
      }
    case .bytes(let value):
      return value.withUnsafeBytes { bytes in
        guard let length = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
        // A null address would bind NULL instead of nothing.
        guard let start = bytes.baseAddress, length > 0 else { return sqlite3_bind_zeroblob(pointer, position, 0) }
        return adj_sqlite_bind_blob(pointer, position, start, length)
      }
    }
  }

  /// The names, read again when SQLite has prepared the statement anew after a change of the schema.
  func columns(sql: String) -> ColumnNames {
    let reprepares = sqlite3_stmt_status(pointer, SQLITE_STMTSTATUS_REPREPARE, 0)
    if let known, known.reprepares == reprepares { return known.names }
    let names = (0..<sqlite3_column_count(pointer)).map { index in
      sqlite3_column_name(pointer, index).map { String(cString: $0) } ?? ""
    }
    let columns = ColumnNames(sql: sql, names: names)
    known = (columns, reprepares)
    return columns
  }

  func row() -> [DatabaseValue] {
    (0..<sqlite3_data_count(pointer)).map(value(at:))
  }

  /// Copied: SQLite's memory is valid until the next step only.
  private func value(at index: Int32) -> DatabaseValue {
    switch sqlite3_column_type(pointer, index) {
    case SQLITE_INTEGER: return .integer(sqlite3_column_int64(pointer, index))
    case SQLITE_FLOAT: return .double(sqlite3_column_double(pointer, index))
    case SQLITE_TEXT:
      guard let start = sqlite3_column_text(pointer, index) else { return .text("") }
      let length = Int(sqlite3_column_bytes(pointer, index))
      return .text(String(decoding: UnsafeBufferPointer(start: start, count: length), as: UTF8.self))
    case SQLITE_BLOB:
      guard let start = sqlite3_column_blob(pointer, index) else { return .bytes([]) }
      let length = Int(sqlite3_column_bytes(pointer, index))
      return .bytes(Array(UnsafeRawBufferPointer(start: start, count: length)))
    default: return .null
    }
  }
}
