/// The value of one structured field of a log line.
public enum LogValue: Sendable, Equatable {
  case string(String)
  case integer(Int64)
  case double(Double)
  case boolean(Bool)
  /// An error, with the name of its type; the line shows its text alone.
  case failure(type: String, text: String)

  /// Whatever prints itself; a ``Secret`` prints `<redacted>`.
  public static func of(_ value: some CustomStringConvertible) -> LogValue { .string(value.description) }

  /// The text of an error as it should stand in a log line.
  public static func error(_ error: any Error) -> LogValue {
    .failure(type: String(describing: type(of: error)), text: String(describing: error))
  }

  /// As it stands in a line.
  public var text: String {
    switch self {
    case .string(let text), .failure(_, let text): text
    case .integer(let number): String(number)
    case .double(let number): String(number)
    case .boolean(let flag): String(flag)
    }
  }

  /// A span of time in milliseconds.
  public static func milliseconds(_ duration: Duration) -> LogValue { .double(duration.inMilliseconds) }
}

extension LogValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
}
