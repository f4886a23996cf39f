/// How a record becomes bytes.
public enum LogFormat: Sendable {
  /// For people: `12:30:01.250 INFO  gateway  connected  shard=0 latencyMs=41`, in colour if asked.
  case text(colour: Bool)
  /// For machines: one JSON object per line with `time`, `level`, `label`, `message` and the fields.
  case jsonLines

  /// The line, newline included. Control characters and backslashes in text are escaped, so no
  /// value can forge a second line or look like an escaped one.
  public func line(for record: LogRecord) -> String {
    switch self {
    case .text(let colour): Self.text(record, colour: colour)
    case .jsonLines: Self.json(record)
    }
  }

  private static let reserved: Set<String> = ["time", "level", "label", "message"]

  private static func json(_ record: LogRecord) -> String {
    var members: [(String, JSON)] = [
      ("time", .string(record.time.iso8601)), ("level", .string(record.level.rawValue)),
      ("label", .string(record.label)), ("message", .string(record.message)),
    ]
    for (key, value) in record.fields {
      let name = reserved.contains(key) ? "field.\(key)" : key
      switch value {
      case .string(let text), .failure(_, let text): members.append((name, .string(text)))
      case .integer(let number): members.append((name, .integer(number)))
      case .double(let number): members.append((name, number.isFinite ? .double(number) : .null))
      case .boolean(let flag): members.append((name, .boolean(flag)))
      }
    }
    return JSON.object(JSON.Object(members)).serialized() + "\n"
  }

  private static func text(_ record: LogRecord, colour: Bool) -> String {
    let time = record.time.iso8601.dropFirst(11).dropLast()
    let level = record.level.rawValue.uppercased()
    let padded = level + String(repeating: " ", count: max(0, 7 - level.count))
    let tint = colour ? self.tint(record.level) : ""
    let dim = colour ? "\u{1B}[2m" : ""
    let plain = colour ? "\u{1B}[0m" : ""
    var line = "\(dim)\(time)\(plain) \(tint)\(padded)\(plain) \(dim)\(record.label)\(plain) \(escaped(record.message))"
    for (key, value) in record.fields {
      let text =
        switch value {
        case .string(let text), .failure(_, let text):
          text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) || text.isEmpty
            ? "\"\(escaped(text).replacing("\"", with: "\\\""))\"" : escaped(text)
        case .integer(let number): String(number)
        case .double(let number): String(number)
        case .boolean(let flag): String(flag)
        }
      line += " \(dim)\(key)=\(plain)\(text)"
    }
    return line + "\n"
  }

  private static func tint(_ level: Log.Level) -> String {
    switch level {
    case .trace, .debug: "\u{1B}[2m"
    case .info: "\u{1B}[32m"
    case .notice: "\u{1B}[36m"
    case .warning: "\u{1B}[33m"
    case .error: "\u{1B}[31m"
    }
  }

  private static func escaped(_ text: String) -> String {
    guard
      text.unicodeScalars.contains(where: {
        $0.value < 0x20 || $0 == "\\" || $0.value == 0x7F || (0x80...0x9F).contains($0.value)
      })
    else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F || (0x80...0x9F).contains(scalar.value):
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
