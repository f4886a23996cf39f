import Storage

/// The id of a row, with a prefix on the wire that tells what it is: `key_123`.
public protocol NumberedID: Hashable, Sendable, LosslessStringConvertible, DatabaseValueConvertible {
  static var prefix: String { get }
  var number: Int64 { get }
  init(number: Int64)
}

extension NumberedID {
  /// Nil unless the text is exactly what ``description`` gives for some number.
  public init?(_ text: String) {
    guard text.hasPrefix(Self.prefix), let number = Int64(text.dropFirst(Self.prefix.count)), number > 0,
      text == Self.prefix + String(number)
    else { return nil }
    self.init(number: number)
  }

  public var description: String { Self.prefix + String(number) }

  public static var databaseType: DatabaseType { .integer }
  public var databaseValue: DatabaseValue { .integer(number) }
  public init?(databaseValue: DatabaseValue) {
    guard case .integer(let number) = databaseValue else { return nil }
    self.init(number: number)
  }
}
