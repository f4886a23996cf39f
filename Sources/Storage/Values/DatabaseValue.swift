/// One value as the engines hold it.
public enum DatabaseValue: Sendable, Hashable {
  case null
  case integer(Int64)
  case double(Double)
  case boolean(Bool)
  case text(String)
  case bytes([UInt8])

  /// The kind of value, for error messages, without the value itself.
  var kindName: String {
    switch self {
    case .null: "NULL"
    case .integer: "an integer"
    case .double: "a floating-point number"
    case .boolean: "a boolean"
    case .text: "text"
    case .bytes: "bytes"
    }
  }
}

/// How a parameter is declared to the engine. PostgreSQL needs it where the statement alone does not tell, as in
/// `$1 IS NULL`; SQLite types its values, not its parameters.
public enum DatabaseType: Sendable, Hashable {
  case integer, double, boolean, text, bytes, json, uuid, dateTime
}

/// A parameter on its way to the engine: a null has a type too.
struct Parameter: Sendable {
  var type: DatabaseType
  var value: DatabaseValue

  init(_ value: any DatabaseValueConvertible) {
    self.type = Swift.type(of: value).databaseType
    self.value = value.databaseValue
  }

  init(type: DatabaseType, value: DatabaseValue) {
    self.type = type
    self.value = value
  }

  func validate(position: Int, sql: String) throws { try value.validate(position: position, sql: sql) }
}

extension DatabaseValue {
  /// What neither engine stores faithfully is refused before it gets there.
  func validate(position: Int, sql: String) throws {
    switch self {
    case .double(let number) where !number.isFinite:
      throw DatabaseError(.value, "parameter $\(position) is not a finite number", sql: sql)
    case .text(let text) where text.utf8.contains(0):
      throw DatabaseError(.value, "parameter $\(position) contains a NUL character", sql: sql)
    default: break
    }
  }
}
