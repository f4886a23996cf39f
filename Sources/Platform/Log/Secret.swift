/// A value that must never be printed: a token, a password, a key.
///
/// Every way of turning it into text yields `<redacted>`, so neither a log line nor an error message nor a debugger
/// dump can carry it by accident. Only ``reveal()`` gives the value, and that name is easy to search for.
public struct Secret<Value: Sendable>: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  private let value: Value

  public init(_ value: Value) {
    self.value = value
  }

  /// The value itself, for the one place that has to send or compare it.
  public func reveal() -> Value { value }

  public var description: String { "<redacted>" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

extension Secret: Equatable where Value: Equatable {}
extension Secret: Hashable where Value: Hashable {}
