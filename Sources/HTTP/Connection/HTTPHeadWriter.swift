import Platform

/// Writes the head of a response.
struct HTTPHeadWriter {
  private var text: [UInt8] = []

  /// What only the server may say.
  private static let own: Set<String> = ["content-length", "transfer-encoding", "connection", "keep-alive", "trailer"]
  private static let ownLengths = Set(own.map(\.utf8.count))

  /// Most names have another length than all of those, and need no copy in lower case.
  private static func isOwn(_ name: String) -> Bool {
    ownLengths.contains(name.utf8.count) && own.contains(name.lowercased())
  }

  init(status: HTTPStatus) {
    text.reserveCapacity(512)
    if Self.lines.indices.contains(status.rawValue) {
      text += Self.lines[status.rawValue]
    } else {
      text += Self.line(status)
    }
  }

  /// By status, made once.
  private static let lines = (0..<600).map { line(HTTPStatus(rawValue: $0)) }

  private static func line(_ status: HTTPStatus) -> [UInt8] {
    Array("HTTP/1.1 \(status.rawValue) \(status.reasonPhrase)\r\n".utf8)
  }

  /// All fields but those of the framing.
  mutating func add(_ headers: HTTPHeaders) {
    for (name, value) in headers where !Self.isOwn(name) {
      // A name that is no token can only be a mistake of this program, and would break the head.
      guard !name.isEmpty, name.utf8.allSatisfy(HTTPCharacters.isToken) else { continue }
      add(name, value)
    }
  }

  mutating func add(_ name: String, _ value: String) {
    text += name.utf8
    text.append(UInt8(ascii: ":"))
    text.append(UInt8(ascii: " "))
    let start = text.count
    text += value.utf8
    // A line break in a value would let whoever chose it write the rest of the answer.
    for place in start..<text.count where !HTTPCharacters.isFieldContent(text[place]) {
      text[place] = UInt8(ascii: " ")
    }
    text.append(UInt8(ascii: "\r"))
    text.append(UInt8(ascii: "\n"))
  }

  consuming func finished(reserving extra: Int = 0) -> [UInt8] {
    text.reserveCapacity(text.count + extra + 2)
    text.append(UInt8(ascii: "\r"))
    text.append(UInt8(ascii: "\n"))
    return text
  }
}

/// Dates as HTTP writes them (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
  private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  package static func text(_ timestamp: Timestamp) -> String {
    let seconds = Int(timestamp.milliseconds / 1_000)
    let day = seconds / 86_400
    let (year, month, dayOfMonth) = date(day)
    let time = seconds % 86_400
    return "\(days[day % 7]), \(two(dayOfMonth)) \(months[month - 1]) \(year) "
      + "\(two(time / 3_600)):\(two(time / 60 % 60)):\(two(time % 60)) GMT"
  }

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }

  /// The civil date of a day since 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  private static func date(_ day: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let part = (5 * dayOfYear + 2) / 153
    let month = part < 10 ? part + 3 : part - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
  }
}
