import Platform

/// Discord's limits as the sandbox applies them: a fixed window per token, bucket and major parameter, and 50 requests
/// per second and token over all. Source: Discord "Rate Limits".
struct RateLimiter: Sendable {
  /// One kind of limit. Routes that share it share its windows within one major parameter.
  struct Bucket: Hashable, Sendable {
    let name: String
    let limit: Int
    let window: Duration

    /// What `X-RateLimit-Bucket` says; opaque to clients.
    var hash: String {
      let digits = String(BotToken.stableHash(name), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits + "5a17b0c5"
    }
  }

  enum Decision: Equatable, Sendable {
    case allowed(headers: HTTPHeaders)
    case refused(headers: HTTPHeaders, retryAfter: Duration, isGlobal: Bool)
  }

  private struct Key: Hashable {
    let token: String
    let bucket: Bucket
    let major: String
  }

  private struct Window {
    var used = 0
    let end: ContinuousClock.Instant
    let endTimestamp: Timestamp
  }

  static let globalLimit = 50

  let isEnabled: Bool
  private var windows: [Key: Window] = [:]
  private var global: [String: Window] = [:]

  init(isEnabled: Bool) { self.isEnabled = isEnabled }

  /// - Parameters:
  ///   - bucket: nil for a route without a bucket.
  ///   - countsGlobally: false for interaction endpoints.
  mutating func admit(
    token: String, bucket: Bucket?, major: String, countsGlobally: Bool, now: ContinuousClock.Instant,
    timestamp: Timestamp
  ) -> Decision {
    sweep(now)
    if isEnabled, countsGlobally {
      var window = current(global[token], .seconds(1), now, timestamp)
      window.used += 1
      global[token] = window
      if window.used > Self.globalLimit {
        let wait = now.duration(to: window.end)
        return .refused(
          headers: [
            "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global", "Retry-After": Self.wholeSeconds(wait),
          ], retryAfter: wait, isGlobal: true)
      }
    }
    guard let bucket else { return .allowed(headers: [:]) }
    let key = Key(token: token, bucket: bucket, major: major)
    var window = current(windows[key], bucket.window, now, timestamp)
    let isOver = isEnabled && window.used >= bucket.limit
    if !isOver { window.used += 1 }
    windows[key] = window
    let wait = now.duration(to: window.end)
    var headers: HTTPHeaders = [
      "X-RateLimit-Limit": String(bucket.limit),
      "X-RateLimit-Remaining": String(max(0, bucket.limit - window.used)),
      "X-RateLimit-Reset": Self.decimal(milliseconds: window.endTimestamp.milliseconds),
      "X-RateLimit-Reset-After": Self.decimal(milliseconds: Int64(wait.inMilliseconds.rounded(.up))),
      "X-RateLimit-Bucket": bucket.hash,
    ]
    guard isOver else { return .allowed(headers: headers) }
    headers["X-RateLimit-Scope"] = "user"
    headers["Retry-After"] = Self.wholeSeconds(wait)
    return .refused(headers: headers, retryAfter: wait, isGlobal: false)
  }

  private func current(
    _ window: Window?, _ length: Duration, _ now: ContinuousClock.Instant, _ timestamp: Timestamp
  ) -> Window {
    if let window, now < window.end { return window }
    return Window(end: now.advanced(by: length), endTimestamp: timestamp + length)
  }

  private mutating func sweep(_ now: ContinuousClock.Instant) {
    if windows.count > 2_000 { windows = windows.filter { $0.value.end > now } }
    if global.count > 200 { global = global.filter { $0.value.end > now } }
  }

  static func decimal(milliseconds: Int64) -> String {
    let digits = String(milliseconds % 1_000)
    return "\(milliseconds / 1_000).\(String(repeating: "0", count: 3 - digits.count))\(digits)"
  }

  static func wholeSeconds(_ wait: Duration) -> String { String(max(1, Int(wait.inSeconds.rounded(.up)))) }
}
