import Platform

/// What a response says about the bucket it was counted in. See `developers/topics/rate-limits`, "Header Format".
struct RateLimitHeaders: Sendable, Equatable {
  var bucket: String
  var limit: Int
  var remaining: Int
  /// Relative, so that it needs no agreement between two clocks.
  var resetAfter: Duration

  init(bucket: String, limit: Int, remaining: Int, resetAfter: Duration) {
    self.bucket = bucket
    self.limit = limit
    self.remaining = remaining
    self.resetAfter = resetAfter
  }

  /// Nil for a response without them, as many have none.
  init?(_ headers: HTTPHeaders) {
    guard let bucket = headers["X-RateLimit-Bucket"], !bucket.isEmpty,
      let limit = headers["X-RateLimit-Limit"].flatMap({ Int($0) }), limit > 0,
      let remaining = headers["X-RateLimit-Remaining"].flatMap({ Int($0) }),
      let resetAfter = headers["X-RateLimit-Reset-After"].flatMap(Self.seconds)
    else { return nil }
    self.init(bucket: bucket, limit: limit, remaining: max(0, remaining), resetAfter: resetAfter)
  }

  /// Decimal seconds, at most a day.
  static func seconds(_ text: String) -> Duration? {
    guard let value = Double(text), value.isFinite, value >= 0 else { return nil }
    return .seconds(min(value, 86_400))
  }
}

/// Whom a 429 concerns.
enum RateLimitScope: Sendable, Equatable {
  /// This bot in this bucket, or in a part of it that the headers do not show.
  case user
  /// All requests of this bot.
  case global
  /// Everybody who uses the resource: not our fault, not counted as invalid.
  case shared
  /// Not Discord but what stands in front of it: this address has sent too much that was invalid.
  case edge
}
