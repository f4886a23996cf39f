/// What went wrong in the database, in the caller's terms.
///
/// Carries the text of the statement but never the values bound to it or read from it: they may be secrets.
public struct DatabaseError: Error, Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// A rule of the schema refused the change.
    case constraint(Constraint)
    /// Somebody else held the database, or kept deadlocking with this transaction, for too long.
    case busy
    /// The queue of waiting transactions is full: the caller should shed load.
    case overloaded
    /// The statement ran longer than its limit.
    case timeout
    /// The database cannot be reached or opened. Nothing of the transaction was stored.
    case unavailable
    /// The connection broke while committing: the change may or may not be stored.
    case commitUnknown
    /// The file or the cluster is damaged.
    case corrupt
    /// The disk is full.
    case full
    /// A write was attempted where only reading is allowed.
    case readOnly
    /// The statement is wrong, or names something that does not exist.
    case syntax
    /// A bound value cannot be stored as the column's type.
    case value
    /// A result does not have the column, or not of the type, that the code asked for.
    case decoding
    /// The recorded migrations and the program's do not fit together.
    case migration
    /// The database was closed.
    case closed
    /// The configuration cannot be used: a malformed URL, an operation that this engine does not have.
    case configuration
    case other
  }

  public struct Constraint: Sendable, Equatable {
    public enum Rule: String, Sendable { case unique, foreignKey, notNull, check, other }
    public var rule: Rule
    /// For people: PostgreSQL gives the constraint's name, SQLite the columns (`guilds.id`) or nothing.
    public var name: String?
  }

  public var kind: Kind
  public var message: String
  public var sql: String?
  /// The engine's own code: an SQLSTATE, or SQLite's extended result code.
  public var code: String?

  public init(_ kind: Kind, _ message: String, sql: String? = nil, code: String? = nil) {
    self.kind = kind
    self.message = message
    self.sql = sql
    self.code = code
  }

  /// Whether a unique index or a primary key refused the change.
  public var isUniqueViolation: Bool { violates(.unique) }
  public var isForeignKeyViolation: Bool { violates(.foreignKey) }

  /// Whether any rule of the schema refused the change.
  var isConstraint: Bool { if case .constraint = kind { true } else { false } }

  private func violates(_ rule: Constraint.Rule) -> Bool {
    guard case .constraint(let constraint) = kind else { return false }
    return constraint.rule == rule
  }
}

extension DatabaseError: CustomStringConvertible {
  public var description: String {
    var text = "database: \(message)"
    if let code { text += " [\(code)]" }
    if let sql { text += " in: \(sql)" }
    return text
  }
}
