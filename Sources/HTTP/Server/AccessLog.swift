import Platform

/// One line for each answer. The fields are these and no others: a query, a header or a body may hold a secret, and a
/// path only where no route has it, because routes may have secrets in their parts.
struct AccessLog: Sendable {
  let log: Log

  struct Entry {
    var id: String
    var client: IPAddress
    var method: HTTPMethod?
    var route: PathPattern?
    var path: String?
    var status: HTTPStatus
    /// Of the content that went out.
    var bytes: Int
    var duration: Duration
    /// Whether the answer was broken off.
    var isBroken = false
  }

  func write(_ entry: Entry) {
    log.info(
      entry.isBroken ? "answer broken off" : "answered",
      [
        "request": .string(entry.id), "client": .of(entry.client),
        "method": .string(String((entry.method?.rawValue ?? "-").prefix(32))),
        "route": .string(entry.route?.description ?? entry.path.map { String($0.prefix(200)) } ?? "-"),
        "status": .integer(Int64(entry.status.rawValue)), "bytes": .integer(Int64(entry.bytes)),
        "ms": .milliseconds(entry.duration),
      ])
  }
}
