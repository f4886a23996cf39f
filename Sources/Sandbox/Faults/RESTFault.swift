import HTTP
import Platform

/// What a script ordered for coming requests.
struct RESTFault: Sendable {
  /// Where an answer breaks off.
  enum Cut: String, Sendable {
    /// The request has no effect, and nothing is answered.
    case before
    /// The request has no effect, and of an answer the head is sent.
    case head
    /// The request has its effect, and nothing is answered.
    case after
    /// The request has its effect, and of the answer all but the last byte of the body is sent.
    case body

    var hasEffect: Bool { self == .after || self == .body }
  }

  /// How many requests it still meets.
  var count: Int
  var method: HTTPMethod?
  /// Only paths that begin so, `/api/v10` taken off; empty for all.
  var pathPrefix = ""
  /// nil lets the request through after the delay.
  var status: Int?
  var delay = Duration.zero
  var retryAfter = Duration.seconds(1)
  /// `user`, `global` or `shared`, for 429.
  var scope = "user"
  var cut: Cut?
  /// How far the clock of `Date` and `X-RateLimit-Reset` is wrong.
  var clock: Duration?
  /// Fields of the answer, set or (nil) taken away.
  var headers: [(name: String, value: String?)] = []
  /// The answer's body instead of JSON.
  var text: String?

  func applies(to method: HTTPMethod, path: String) -> Bool {
    count > 0 && (self.method == nil || self.method == method) && path.hasPrefix(pathPrefix)
  }

  /// The answer instead of the API's; nil if the API answers.
  func response(at timestamp: Timestamp) -> APIResponse? {
    guard let status else { return nil }
    guard status == 429 else {
      let message = "\(status): sandbox fault"
      return APIResponse(status: status, body: ["message": .string(message), "code": 0])
    }
    let isGlobal = scope == "global"
    var headers: HTTPHeaders = [
      "Retry-After": RateLimiter.wholeSeconds(retryAfter), "X-RateLimit-Scope": scope,
    ]
    if isGlobal {
      headers["X-RateLimit-Global"] = "true"
    } else {
      headers["X-RateLimit-Limit"] = "5"
      headers["X-RateLimit-Remaining"] = "0"
      headers["X-RateLimit-Reset"] = RateLimiter.decimal(milliseconds: (timestamp + retryAfter).milliseconds)
      headers["X-RateLimit-Reset-After"] = RateLimiter.decimal(milliseconds: Int64(retryAfter.inMilliseconds))
      headers["X-RateLimit-Bucket"] = "sandboxfault5a17b0c5"
    }
    return APIResponse(
      status: 429, headers: headers, body: World.rateLimitBody(wait: retryAfter, isGlobal: isGlobal))
  }

  /// Changes the answer, whoever made it.
  func spoil(_ response: inout APIResponse, at timestamp: Timestamp) {
    if let clock {
      response.headers["Date"] = HTTPDate.text(max(Timestamp(milliseconds: 0), timestamp + clock))
      if let reset = response.headers["X-RateLimit-Reset"].flatMap({ Double($0) }) {
        let wrong = Int64((reset * 1_000).rounded()) + Int64(clock.inMilliseconds)
        response.headers["X-RateLimit-Reset"] = RateLimiter.decimal(milliseconds: wrong)
      }
    }
    for (name, value) in headers { response.headers[name] = value }
    if let text { response.text = text }
  }
}
