import FoundationEssentials
import Platform

/// A Swift type that can be bound to a parameter and read from a column.
///
/// Enums with a raw value and wrapper types get the conformance for free:
/// `enum Status: String, DatabaseValueConvertible { case open, closed }`.
public protocol DatabaseValueConvertible: Sendable {
  static var databaseType: DatabaseType { get }
  var databaseValue: DatabaseValue { get }
  /// Nil if the value is not of this type.
  init?(databaseValue: DatabaseValue)
}

extension DatabaseValueConvertible where Self: RawRepresentable, RawValue: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { RawValue.databaseType }
  public var databaseValue: DatabaseValue { rawValue.databaseValue }
  public init?(databaseValue: DatabaseValue) {
    guard let rawValue = RawValue(databaseValue: databaseValue) else { return nil }
    self.init(rawValue: rawValue)
  }
}

extension Int64: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { .integer }
  public var databaseValue: DatabaseValue { .integer(self) }
  public init?(databaseValue: DatabaseValue) {
    guard case .integer(let value) = databaseValue else { return nil }
    self = value
  }
}

extension Int: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { .integer }
  public var databaseValue: DatabaseValue { .integer(Int64(self)) }
  public init?(databaseValue: DatabaseValue) {
    guard case .integer(let value) = databaseValue else { return nil }
    self.init(exactly: value)
  }
}

/// Must be finite: SQLite would store NaN as NULL. A whole number is read as a double too.
extension Double: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { .double }
  public var databaseValue: DatabaseValue { .double(self) }
  public init?(databaseValue: DatabaseValue) {
    switch databaseValue {
    case .double(let value): self = value
    case .integer(let value): self = Double(value)
    default: return nil
    }
  }
}

/// SQLite keeps 0 and 1.
extension Bool: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { .boolean }
  public var databaseValue: DatabaseValue { .boolean(self) }
  public init?(databaseValue: DatabaseValue) {
    switch databaseValue {
    case .boolean(let value): self = value
    case .integer(0): self = false
    case .integer(1): self = true
    default: return nil
    }
  }
}

/// Must not contain a NUL character: PostgreSQL cannot store it.
extension String: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { .text }
  public var databaseValue: DatabaseValue { .text(self) }
  public init?(databaseValue: DatabaseValue) {
    guard case .text(let value) = databaseValue else { return nil }
    self = value
  }
}

extension [UInt8]: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { .bytes }
  public var databaseValue: DatabaseValue { .bytes(self) }
  public init?(databaseValue: DatabaseValue) {
    guard case .bytes(let value) = databaseValue else { return nil }
    self = value
  }
}

/// Stored as whole milliseconds since 1970: the one form that sorts, compares and adds alike on both engines.
extension Timestamp: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { .integer }
  public var databaseValue: DatabaseValue { .integer(milliseconds) }
  public init?(databaseValue: DatabaseValue) {
    guard case .integer(let value) = databaseValue else { return nil }
    self.init(milliseconds: value)
  }
}

/// Text on SQLite, `jsonb` on PostgreSQL (which keeps neither the order of members nor duplicates).
extension JSON: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { .json }
  public var databaseValue: DatabaseValue { .text(serialized()) }
  public init?(databaseValue: DatabaseValue) {
    guard case .text(let text) = databaseValue, let value = try? JSON(parsing: text) else { return nil }
    self = value
  }
}

/// Lower-case text on SQLite, `uuid` on PostgreSQL; both sort alike.
extension UUID: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { .uuid }
  public var databaseValue: DatabaseValue { .text(uuidString.lowercased()) }
  public init?(databaseValue: DatabaseValue) {
    guard case .text(let text) = databaseValue else { return nil }
    self.init(uuidString: text)
  }
}

extension Optional: DatabaseValueConvertible where Wrapped: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { Wrapped.databaseType }
  public var databaseValue: DatabaseValue { self?.databaseValue ?? .null }
  public init?(databaseValue: DatabaseValue) {
    if databaseValue == .null {
      self = .none
    } else {
      guard let value = Wrapped(databaseValue: databaseValue) else { return nil }
      self = .some(value)
    }
  }
}
