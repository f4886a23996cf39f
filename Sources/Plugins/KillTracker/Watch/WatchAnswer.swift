import Platform

/// What the server's answer to a kill means for the watch.
enum WatchAnswer: Sendable, Equatable {
  case taken(isNew: Bool)
  /// This kill will never be taken; the next may.
  case refused(String)
  /// No kill will be taken until somebody changes something.
  case hopeless(String)
  /// Later: after so long, if the server says.
  case later(String, after: Duration?)

  init(status: Int, headers: HTTPHeaders, body: [UInt8]) {
    let error = (try? JSON(parsing: body))?["error"]
    let message = error?["message"]?.string.map { String($0.prefix(200)) } ?? "status \(status)"
    let pause = headers["Retry-After"].flatMap { Int64($0) }.map { Duration.seconds(max(0, min($0, 3_600))) }
    switch status {
    case 200...299: self = .taken(isNew: status == 201)
    case 401: self = .hopeless("the server does not know the key: \(message)")
    case 403: self = .hopeless("the key may not record kills: \(message)")
    case 404, 405: self = .hopeless("there is no kill tracker at this address")
    case 300...399: self = .hopeless("the server sends elsewhere (\(headers["Location"] ?? "\(status)"))")
    case 408, 425, 429: self = .later(message, after: pause)
    case 400...499:
      let details = error?["details"]
      let reason = [details?["field"]?.string, details?["reason"]?.string].compactMap { $0 }.joined(separator: " ")
      let text = reason.isEmpty ? message : String(reason.prefix(200))
      self = details?["field"]?.string == "killerId" ? .hopeless(text) : .refused(text)
    default: self = .later(message, after: pause)
    }
  }
}
