/// A row while it is read, by the places of its columns: for what reads very many rows and keeps little of them.
///
/// Nothing is copied and no type is checked beforehand; ``Row`` is the comfortable one. Valid inside of the body that it
/// is given to.
public struct PassingRow {
  let source: any RowSource

  /// - Parameter column: from 0.
  /// - Returns: nil for NULL, and for what is no whole number.
  public func integer(_ column: Int) -> Int64? { source.integer(column) }

  /// The text of a column in UTF-8; nil for NULL. The bytes are valid inside of `body`.
  public func bytes<Result>(
    _ column: Int, _ body: (UnsafeRawBufferPointer?) throws -> Result
  ) rethrows -> Result {
    try source.bytes(column, body)
  }

  /// The text of a column; nil for NULL.
  public func text(_ column: Int) -> String? {
    source.bytes(column) { bytes in bytes.map { String(decoding: $0, as: UTF8.self) } }
  }
}

extension ReadTransaction {
  /// Shows every row of the result as it comes; what `body` throws ends it.
  ///
  /// SQLite's rows are never all in memory; PostgreSQL's are: give it a `LIMIT`.
  public func forEach(
    _ sql: String, parameters: [any DatabaseValueConvertible], _ body: (PassingRow) throws -> Void
  ) throws {
    // What the body throws is no failure of the statement.
    var thrown: (any Error)?
    struct Ended: Error {}
    do {
      try attempt(sql, ignoring: Ended.self) {
        let parameters = try self.parameters(parameters, sql)
        try connection.each(sql, parameters, mayWrite: mayWrite) { source in
          do { try body(PassingRow(source: source)) } catch {
            thrown = error
            throw Ended()
          }
        }
      }
    } catch {
      throw thrown ?? error
    }
  }
}
