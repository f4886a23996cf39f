import Platform

/// Discord's limits as the sandbox applies them: a window per token, bucket and major parameter, limits on single
/// operations within it, and 50 requests per second and token over all. Source: Discord "Rate Limits".
struct RateLimiter: Sendable {
  /// One kind of limit. Routes that share it share its windows within one major parameter.
  struct Bucket: Hashable, Sendable {
    let name: String
    var limit: Int
    var window: Duration
    /// Whether requests come back one by one instead of all at the window's end.
    var isSliding = false

    /// What `X-RateLimit-Bucket` says; opaque to clients.
    var hash: String {
      let digits = String(BotToken.stableHash(name), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits + "5a17b0c5"
    }
  }

  /// A limit on requests whose body has one of these fields, which the headers do not show.
  struct SubLimit: Hashable, Sendable {
    let method: HTTPMethod
    let template: String
    let fields: [String]
    let limit: Int
    let window: Duration
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
  private var subWindows: [SubKey: Window] = [:]
  /// What a script set instead of a route's own limit, by bucket name.
  private var overrides: [String: Bucket] = [:]
  private var subLimits = RateLimiter.documentedSubLimits

  private struct SubKey: Hashable {
    let token: String
    let limit: SubLimit
    let major: String
  }

  /// A channel's name and topic can be changed twice in ten minutes.
  static let documentedSubLimits = [
    SubLimit(
      method: .patch, template: "/channels/:channel_id", fields: ["name", "topic"], limit: 2, window: .seconds(600))
  ]

  mutating func override(_ bucket: Bucket) { overrides[bucket.name] = bucket }
  mutating func add(_ limit: SubLimit) { subLimits.append(limit) }
  mutating func forgetChanges() {
    overrides = [:]
    subLimits = Self.documentedSubLimits
  }
  var changes: Int { overrides.count + subLimits.count - Self.documentedSubLimits.count }

  init(isEnabled: Bool) { self.isEnabled = isEnabled }

  /// - Parameters:
  ///   - bucket: nil for a route without a bucket.
  ///   - countsGlobally: false for interaction endpoints.
  ///   - route: method and template, with the fields of the body, for limits within the bucket.
  mutating func admit(
    token: String, bucket: Bucket?, route: (HTTPMethod, String, fields: [String]) = (.get, "", []), major: String,
    countsGlobally: Bool, now: ContinuousClock.Instant,
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
    guard let own = bucket else { return .allowed(headers: [:]) }
    let bucket = overrides[own.name] ?? own
    let key = Key(token: token, bucket: bucket, major: major)
    var window = windows[key].flatMap { now < $0.end ? $0 : nil }
    let length = bucket.isSliding ? bucket.window / bucket.limit : bucket.window
    var isOver = false
    if bucket.isSliding {
      // Each request moves the end by what it takes to come back.
      let end = max(window?.end ?? now, now).advanced(by: length)
      isOver = isEnabled && now.duration(to: end) > bucket.window
      if !isOver { window = Window(end: end, endTimestamp: timestamp + now.duration(to: end)) }
      let out = now.duration(to: window?.end ?? now)
      window?.used = Int((out / length).rounded(.up))
    } else {
      var fixed = current(window, length, now, timestamp)
      isOver = isEnabled && fixed.used >= bucket.limit
      if !isOver { fixed.used += 1 }
      window = fixed
    }
    guard let window else { return .allowed(headers: [:]) }
    windows[key] = window
    let wait = now.duration(to: window.end)
    var headers: HTTPHeaders = [
      "X-RateLimit-Limit": String(bucket.limit),
      "X-RateLimit-Remaining": String(max(0, bucket.limit - window.used)),
      "X-RateLimit-Reset": Self.decimal(milliseconds: window.endTimestamp.milliseconds),
      "X-RateLimit-Reset-After": Self.decimal(milliseconds: Int64(wait.inMilliseconds.rounded(.up))),
      "X-RateLimit-Bucket": bucket.hash,
    ]
    if isOver {
      // In a sliding one there is room again as soon as one is back.
      let pause = bucket.isSliding ? max(.zero, wait - length * (bucket.limit - 1)) : wait
      headers["X-RateLimit-Scope"] = "user"
      headers["Retry-After"] = Self.wholeSeconds(pause)
      return .refused(headers: headers, retryAfter: pause, isGlobal: false)
    }
    guard isEnabled else { return .allowed(headers: headers) }
    for limit in subLimits
    where limit.method == route.0 && limit.template == route.1
      && !limit.fields.allSatisfy({ !route.fields.contains($0) })
    {
      let key = SubKey(token: token, limit: limit, major: major)
      var window = current(subWindows[key], limit.window, now, timestamp)
      defer { subWindows[key] = window }
      guard window.used >= limit.limit else {
        window.used += 1
        continue
      }
      let pause = now.duration(to: window.end)
      headers["X-RateLimit-Scope"] = "user"
      headers["Retry-After"] = Self.wholeSeconds(pause)
      return .refused(headers: headers, retryAfter: pause, isGlobal: false)
    }
    return .allowed(headers: headers)
  }

  private func current(
    _ window: Window?, _ length: Duration, _ now: ContinuousClock.Instant, _ timestamp: Timestamp
  ) -> Window {
    if let window, now < window.end { return window }
    return Window(end: now.advanced(by: length), endTimestamp: timestamp + length)
  }

  private mutating func sweep(_ now: ContinuousClock.Instant) {
    if windows.count > 2_000 { windows = windows.filter { $0.value.end > now } }
    if subWindows.count > 2_000 { subWindows = subWindows.filter { $0.value.end > now } }
    if global.count > 200 { global = global.filter { $0.value.end > now } }
  }

  static func decimal(milliseconds: Int64) -> String {
    let digits = String(milliseconds % 1_000)
    return "\(milliseconds / 1_000).\(String(repeating: "0", count: 3 - digits.count))\(digits)"
  }

  static func wholeSeconds(_ wait: Duration) -> String { String(max(1, Int(wait.inSeconds.rounded(.up)))) }
}
