/// An `INSERT` that is given many rows at once, with what follows their values.
///
/// ```swift
/// static let counts = RowInsert(
///   into: "counts", ["day": .integer, "name": .text, "entries": .integer],
///   then: "ON CONFLICT (day, name) DO UPDATE SET entries = counts.entries + excluded.entries")
/// try transaction.insert([.integer(1), .text("a"), .integer(5)], by: counts)
/// ```
///
/// Make one for good, not for each use. SQLite runs one prepared statement for each row, PostgreSQL gets statements of
/// many rows, in few sizes, so that few are prepared; so a row may not be there twice under one key of `ON CONFLICT`.
public struct RowInsert: Sendable {
  private static let sizes = [64, 16, 4]

  let types: [DatabaseType]
  /// For one row.
  let single: String
  /// For each of ``sizes``.
  private let many: [String]

  public init(into table: String, _ columns: KeyValuePairs<String, DatabaseType>, then conflict: String = "") {
    types = columns.map(\.value)
    let head = "INSERT INTO \(table) (\(columns.map(\.key).joined(separator: ", "))) VALUES "
    func statement(_ rows: Int) -> String {
      let tuples = (0..<rows).map { row in
        "(" + (1...columns.count).map { "$\(row * columns.count + $0)" }.joined(separator: ", ") + ")"
      }
      return head + tuples.joined(separator: ", ") + " " + conflict
    }
    single = statement(1)
    many = Self.sizes.map(statement)
  }

  /// The values in portions, each with the statement that takes so many rows.
  func statements(for values: [DatabaseValue]) -> [(sql: String, values: ArraySlice<DatabaseValue>)] {
    var result: [(String, ArraySlice<DatabaseValue>)] = []
    var rest = values[...]
    for (size, sql) in zip(Self.sizes + [1], many + [single]) {
      while rest.count >= size * types.count {
        result.append((sql, rest.prefix(size * types.count)))
        rest = rest.dropFirst(size * types.count)
      }
    }
    return result
  }
}

extension Transaction {
  /// Inserts rows.
  /// - Parameter values: of all rows, in the order of the columns, one row behind the other.
  public func insert(_ values: [DatabaseValue], by statement: RowInsert) throws {
    try attempt(statement.single) {
      guard values.count.isMultiple(of: statement.types.count) else {
        throw DatabaseError(
          .syntax, "\(values.count) values are no whole rows of \(statement.types.count)", sql: statement.single)
      }
      for (index, value) in values.enumerated() {
        try value.validate(position: index % statement.types.count + 1, sql: statement.single)
      }
      guard !values.isEmpty else { return }
      try connection.insert(values, by: statement)
    }
  }

  /// Numbers that the next rows of a table may have, for rows that must know their own before they are stored.
  ///
  /// They are this transaction's alone. Those that it does not use are lost on PostgreSQL and given again on SQLite, so
  /// insert the rows before asking anew.
  /// - Parameter table: one whose `id` is ``ColumnType/identity``; a name of our own, never a caller's.
  public func identities(of table: String, count: Int) throws -> [Int64] {
    guard count > 0 else { return [] }
    switch engine {
    case .sqlite:
      let last = try queryOne("SELECT seq FROM sqlite_sequence WHERE name = $1", table) {
        try $0.value("seq", as: Int64.self)
      }
      return (1...Int64(count)).map { (last ?? 0) + $0 }
    case .postgreSQL:
      return try query(
        "SELECT nextval(pg_get_serial_sequence($1, 'id')) AS id FROM generate_series(1, $2)", table, count
      ) { try $0["id"] }
    }
  }
}
