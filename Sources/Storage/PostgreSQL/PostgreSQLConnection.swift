import CPostgreSQL
import Platform

/// One connection to a PostgreSQL server. This file is the boundary to libpq: nothing else calls it.
///
/// Every call waits for the server, on the thread that owns the connection. Parameters and results travel as text,
/// whose form is stable across versions and types (`numeric` sums included); only bytes are sent in binary.
///
/// Not `Sendable`: used by the one thread that opened it.
final class PostgreSQLConnection: Connection {
  let engine = DatabaseEngine.postgreSQL
  private let handle: OpaquePointer  // owned; closed in deinit
  private var cache = StatementCache<StatementKey, String>(capacity: 256)
  private var nextStatement = 0

  /// Whether the current transaction met an error after which it must be run again.
  private(set) var mustRetry = false

  private struct StatementKey: Hashable {
    var sql: String
    var types: [DatabaseType]
  }

  /// Connects and waits for it, at most about `timeout`.
  init(url: Secret<String>, timeout: Duration, statementTimeout: Duration) throws {
    // libpq lets a later value win: what stands in the URL goes before our defaults, but not before the encoding.
    let settings = [
      ("connect_timeout", "\(max(2, Int(timeout.inSeconds.rounded(.up))))"),
      ("application_name", "adjutant"), ("keepalives_idle", "30"), ("keepalives_interval", "10"),
      ("keepalives_count", "3"), ("tcp_user_timeout", "30000"),
      ("dbname", url.reveal()), ("client_encoding", "UTF8"),
    ]
    let connection = withCStrings(settings.map(\.0)) { keywords in
      withCStrings(settings.map(\.1)) { values in PQconnectdbParams(keywords, values, 1) }
    }
    guard let connection else { throw DatabaseError(.unavailable, "no memory for a connection") }
    handle = connection
    guard PQstatus(handle) == CONNECTION_OK else {
      // The message may quote host, user and database, but never the password.
      throw DatabaseError(.unavailable, "cannot connect: \(Self.oneLine(PQerrorMessage(handle)))")
    }
    PQsetNoticeProcessor(handle, ignoreNotice, nil)
    // What the server writes as text, and what CURRENT_TIMESTAMP means in a column without a zone, follows from these.
    try control("SET client_min_messages = warning; SET datestyle = ISO; SET timezone = 'UTC'")
    try control("SET statement_timeout = \(Int64(statementTimeout / .milliseconds(1)))")
  }

  deinit { PQfinish(handle) }

  var isBroken: Bool { PQstatus(handle) != CONNECTION_OK }
  var isInTransaction: Bool {
    let status = PQtransactionStatus(handle)
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
  }

  func begin(_ access: Access) throws {
    mustRetry = false
    switch access {
    case .write: try control("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
    // Repeatable read is what makes several queries see one state; read-only, it never fails to serialize.
    case .read, .scan: try control("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }
  }

  /// - Throws: `commitUnknown` if the connection broke before the server's answer came.
  func commit() throws {
    do {
      // A transaction that failed is answered with ROLLBACK, without an error.
      guard try control("COMMIT") == "COMMIT" else { throw DatabaseError(.other, "the server rolled back") }
    } catch {
      guard isBroken else { throw error }
      throw DatabaseError(.commitUnknown, "the connection broke while committing: the change may or may not be stored")
    }
  }

  func rollback() throws { try control("ROLLBACK") }

  /// Runs a statement without parameters that returns no rows.
  /// - Returns: the server's command tag.
  @discardableResult
  private func control(_ sql: String) throws -> String {
    let result = PQexec(handle, sql)
    defer { PQclear(result) }
    guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw failure(result, sql: sql) }
    return PQcmdStatus(result).map { String(cString: $0) } ?? ""
  }

  func run(_ sql: String, _ parameters: [Parameter], mayWrite: Bool) throws -> StatementResult {
    try withResult(of: sql, parameters) { read($0, sql: sql) }
  }

  func each(
    _ sql: String, _ parameters: [Parameter], mayWrite: Bool, _ body: (any RowSource) throws -> Void
  ) throws {
    try withResult(of: sql, parameters) { result in
      for row in 0..<PQntuples(result) { try body(PostgreSQLRow(result: result, row: row)) }
    }
  }

  private func withResult<Result>(
    of sql: String, _ parameters: [Parameter], _ body: (OpaquePointer) throws -> Result
  ) throws -> Result {
    let name = try prepared(sql, types: parameters.map(\.type))
    let result = ParameterBuffer(parameters).withPointers { values, lengths, formats in
      PQexecPrepared(handle, name, Int32(parameters.count), values, lengths, formats, 0)
    }
    defer { PQclear(result) }
    let status = PQresultStatus(result)
    guard let result, status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else {
      throw failure(result, sql: sql)
    }
    return try body(result)
  }

  func insert(_ values: [DatabaseValue], by insert: RowInsert) throws {
    for (sql, part) in insert.statements(for: values) {
      let types = insert.types
      let parameters = part.enumerated().map { Parameter(type: types[$0 % types.count], value: $1) }
      _ = try run(sql, parameters, mayWrite: true)
    }
  }

  // MARK: - Announcements of other processes

  /// The name under which all topics travel; the topic itself is the payload.
  private static let channel = "adjutant"

  /// What makes the server send `topic` to every process that listens, when the transaction commits.
  static let announcement = "SELECT pg_notify('\(channel)', $1)"

  /// From now on the server sends announcements to this connection.
  func listen() throws { try control("LISTEN \(Self.channel)") }

  /// What can be waited on for something to read; owned by libpq, gone with the connection.
  var socket: Int32 { PQsocket(handle) }

  /// Asks the server for a sign of life.
  func ping() throws {
    let result = PQexec(handle, "")
    defer { PQclear(result) }
    guard PQresultStatus(result) == PGRES_EMPTY_QUERY else { throw failure(result, sql: "") }
  }

  /// The topics that were announced since the last call. Does not wait.
  /// - Throws: `unavailable` if the connection broke.
  func announcements() throws -> [String] {
    guard PQconsumeInput(handle) == 1 else {
      throw DatabaseError(.unavailable, "the connection broke: \(Self.oneLine(PQerrorMessage(handle)))")
    }
    var topics: [String] = []
    while let notification = PQnotifies(handle) {
      defer { PQfreemem(notification) }  // ours to free
      if let payload = notification.pointee.extra { topics.append(String(cString: payload)) }
    }
    return topics
  }

  // MARK: - Statements

  private func prepared(_ sql: String, types: [DatabaseType]) throws -> String {
    let key = StatementKey(sql: sql, types: types)
    if let name = cache.find(key) { return name }
    nextStatement += 1
    let name = "s\(nextStatement)"
    let result = PQprepare(handle, name, sql, Int32(types.count), types.map(Self.oid))
    defer { PQclear(result) }
    guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw failure(result, sql: sql) }
    if let evicted = cache.insert(name, for: key) { try control("DEALLOCATE \(evicted)") }
    return name
  }

  /// Forgets all prepared statements: a change of the schema made their plans useless, or a pooler lost them.
  private func forgetStatements() {
    _ = cache.removeAll()
    mustForget = true
  }
  private var mustForget = false

  /// Removes the statements that were forgotten; outside a transaction.
  func tidy() throws {
    guard mustForget else { return }
    try control("DEALLOCATE ALL")
    mustForget = false
  }

  /// Object identifiers of the built-in types (`pg_type.dat`); they never change.
  private static func oid(of type: DatabaseType) -> Oid {
    switch type {
    case .boolean: 16
    case .bytes: 17
    case .integer: 20
    case .text: 25
    case .double: 701
    case .dateTime: 1114
    case .uuid: 2950
    case .json: 3802
    }
  }

  // MARK: - Results

  private func read(_ result: OpaquePointer, sql: String) -> StatementResult {
    let width = PQnfields(result)
    let names = (0..<width).map { PQfname(result, $0).map { String(cString: $0) } ?? "" }
    let types = (0..<width).map { PQftype(result, $0) }
    let rows = (0..<PQntuples(result)).map { row in
      (0..<width).map { column -> DatabaseValue in
        if PQgetisnull(result, row, column) == 1 { return .null }
        guard let start = PQgetvalue(result, row, column) else { return .null }
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, column)))
        return Self.value(bytes, type: types[Int(column)])
      }
    }
    // The tag of a SELECT counts its rows; only changes count here, as with SQLite.
    let tag = PQcmdStatus(result).map { String(cString: $0) } ?? ""
    let isChange = ["INSERT", "UPDATE", "DELETE", "MERGE"].contains { tag.hasPrefix($0) }
    let changes = isChange ? PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0 : 0
    return StatementResult(columns: ColumnNames(sql: sql, names: names), rows: rows, changes: changes)
  }

  private static func value(_ bytes: UnsafeRawBufferPointer, type: Oid) -> DatabaseValue {
    if type == 17 { return .bytes(unhex(bytes)) }
    let text = String(decoding: bytes, as: UTF8.self)
    switch type {
    case 16: return .boolean(text == "t")
    case 20, 21, 23, 26: return Int64(text).map { .integer($0) } ?? .text(text)
    case 700, 701: return Double(text).map { .double($0) } ?? .text(text)
    case 1700:  // numeric, which is what SUM and AVG of integers give
      return Int64(text).map { .integer($0) } ?? Double(text).map { .double($0) } ?? .text(text)
    default: return .text(text)
    }
  }

  /// `\x6869`: the server's `bytea_output = hex`, the default since 9.0.
  private static func unhex(_ text: UnsafeRawBufferPointer) -> [UInt8] {
    func digit(_ byte: UInt8) -> UInt8 { byte < 0x3a ? byte & 0xf : (byte & 0xf) + 9 }
    return stride(from: 2, to: text.count - 1, by: 2).map { digit(text[$0]) << 4 | digit(text[$0 + 1]) }
  }

  // MARK: - Errors

  private func failure(_ result: OpaquePointer?, sql: String) -> DatabaseError {
    func field(_ code: Character) -> String? {
      guard let ascii = code.asciiValue else { return nil }
      return PQresultErrorField(result, Int32(ascii)).map { String(cString: $0) }
    }
    if PQresultStatus(result) == PGRES_EMPTY_QUERY {
      return DatabaseError(.syntax, "the statement is empty", sql: sql)
    }
    guard let state = field("C") else {
      return DatabaseError(
        isBroken ? .unavailable : .other, "the connection broke: \(Self.oneLine(PQerrorMessage(handle)))", sql: sql)
    }
    if ["40001", "40P01"].contains(state) { mustRetry = true }
    let primary = field("M") ?? ""
    // After a change of the schema a cached plan may be refused; a pooler may not have the statement.
    if state == "26000" || (state == "0A000" && primary.contains("cached plan")) {
      mustRetry = true
      forgetStatements()
    }
    // Class 22 quotes the value that it refuses. Details and context may quote values too: they are never read.
    let message = state.hasPrefix("22") ? "a value does not fit the type it is stored as or compared with" : primary
    return DatabaseError(Self.kind(state, name: field("n") ?? field("c")), message, sql: sql, code: state)
  }

  private static func kind(_ state: String, name: String?) -> DatabaseError.Kind {
    func constraint(_ rule: DatabaseError.Constraint.Rule) -> DatabaseError.Kind {
      .constraint(.init(rule: rule, name: name))
    }
    switch state {
    case "23505": return constraint(.unique)
    case "23503": return constraint(.foreignKey)
    case "23502": return constraint(.notNull)
    case "23514": return constraint(.check)
    case "40001", "40P01", "55P03": return .busy
    case "57014": return .timeout
    case "53100": return .full
    case "25006": return .readOnly
    case "XX001", "XX002": return .corrupt
    case "08P01": return .syntax  // what the server calls a wrong number of parameters
    default: break
    }
    switch state.prefix(2) {
    case "22": return .value
    case "23": return constraint(.other)
    case "42": return .syntax
    case "08", "28", "3D", "53", "57", "58": return .unavailable
    default: return .other
    }
  }

  private static func oneLine(_ message: UnsafePointer<CChar>?) -> String {
    guard let message else { return "" }
    return String(cString: message).split(whereSeparator: \.isNewline).joined(separator: "; ")
  }
}

/// One row of a result.
private struct PostgreSQLRow: RowSource {
  let result: OpaquePointer
  let row: Int32

  func integer(_ column: Int) -> Int64? {
    bytes(column) { bytes in
      guard let bytes, var digits = Optional(bytes[...]), let first = digits.first else { return nil }
      let isNegative = first == UInt8(ascii: "-")
      if isNegative { digits = digits.dropFirst() }
      var value: Int64 = 0
      for byte in digits {
        guard (0x30...0x39).contains(byte) else { return nil }
        // Counted downwards, for the smallest number has no positive one.
        let (tens, overflowed) = value.multipliedReportingOverflow(by: 10)
        let (next, ended) = tens.subtractingReportingOverflow(Int64(byte - 0x30))
        guard !overflowed, !ended else { return nil }
        value = next
      }
      guard !digits.isEmpty, isNegative || value != .min else { return nil }
      return isNegative ? value : -value
    }
  }

  func bytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer?) throws -> Result) rethrows -> Result {
    let column = Int32(truncatingIfNeeded: column)
    guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else {
      return try body(nil)
    }
    return try body(UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, column))))
  }
}

/// Called by libpq on the connection's thread.
private func ignoreNotice(_ context: UnsafeMutableRawPointer?, _ message: UnsafePointer<CChar>?) {}

/// The values of one execution in one block of memory, as libpq wants them.
private struct ParameterBuffer {
  private var storage: [CChar] = []
  private var offsets: [Int?] = []
  private var lengths: [Int32] = []
  private var formats: [Int32] = []

  init(_ parameters: [Parameter]) {
    for parameter in parameters {
      switch parameter.value {
      case .null:
        offsets.append(nil)
        lengths.append(0)
        formats.append(0)
      case .integer(let value): append(text: String(value))
      case .double(let value): append(text: "\(value)")
      case .boolean(let value): append(text: value ? "t" : "f")
      case .text(let value): append(text: value)
      case .bytes(let value):
        offsets.append(storage.count)
        lengths.append(Int32(clamping: value.count))
        formats.append(1)
        storage.append(contentsOf: value.lazy.map { CChar(bitPattern: $0) })
      }
    }
    storage.append(0)  // so that an empty value at the end has an address
  }

  private mutating func append(text: String) {
    offsets.append(storage.count)
    lengths.append(0)  // ignored for text, which ends with a NUL
    formats.append(0)
    storage.append(contentsOf: text.utf8.lazy.map { CChar(bitPattern: $0) })
    storage.append(0)
  }

  /// The pointers are valid inside `body` only.
  func withPointers<Result>(
    _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Result
  ) -> Result {
    storage.withUnsafeBufferPointer { storage in
      let pointers = offsets.map { offset in offset.flatMap { offset in storage.baseAddress.map { $0 + offset } } }
      return pointers.withUnsafeBufferPointer { pointers in
        lengths.withUnsafeBufferPointer { lengths in
          formats.withUnsafeBufferPointer { formats in
            body(pointers.baseAddress, lengths.baseAddress, formats.baseAddress)
          }
        }
      }
    }
  }
}

/// A null-terminated array of C strings, valid inside `body` only.
private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
  var storage: [CChar] = []
  var offsets: [Int] = []
  for string in strings {
    offsets.append(storage.count)
    storage.append(contentsOf: string.utf8CString)
  }
  return storage.withUnsafeBufferPointer { storage in
    let pointers = offsets.map { offset in storage.baseAddress.map { $0 + offset } } + [nil]
    return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}
