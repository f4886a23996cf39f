/// One row of a result, read by column name.
///
/// ```swift
/// try transaction.query("SELECT id, joined_at FROM guilds WHERE id = $1", id) { row in
///   Guild(id: try row["id"], joinedAt: try row["joined_at"])
/// }
/// ```
public struct Row: Sendable {
  let columns: ColumnNames
  let values: [DatabaseValue]

  /// The value of that column as the type that the context asks for.
  /// - Throws: ``DatabaseError`` of kind `decoding`, naming column, statement and expected type.
  public subscript<Value: DatabaseValueConvertible>(name: String) -> Value {
    get throws {
      guard let index = columns.index(of: name) else {
        throw DatabaseError(
          .decoding, "no column \"\(name)\"; the result has \(columns.names.joined(separator: ", "))", sql: columns.sql)
      }
      let stored = values[index]
      guard let value = Value(databaseValue: stored) else {
        throw DatabaseError(
          .decoding, "column \"\(name)\" should be \(Value.self), but is \(stored.kindName)", sql: columns.sql)
      }
      return value
    }
  }

  /// The same, where the context does not tell the type.
  public func value<Value: DatabaseValueConvertible>(_ name: String, as type: Value.Type) throws -> Value {
    try self[name]
  }
}

/// The column names of one statement, shared by all its rows.
final class ColumnNames: Sendable {
  let sql: String
  let names: [String]

  init(sql: String, names: [String]) {
    self.sql = sql
    self.names = names
  }

  /// Results are narrow: a linear search beats hashing.
  func index(of name: String) -> Int? { names.firstIndex(of: name) }
}

/// Everything that one statement gave back.
struct StatementResult {
  var columns: ColumnNames
  var rows: [[DatabaseValue]] = []
  var changes = 0
}
