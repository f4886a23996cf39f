import Platform

/// Why a player's page could not be read.
public enum CitizenPageError: Error, Sendable, Equatable {
  /// The site has no player of that handle.
  case noSuchHandle
  /// The site did not answer, or not with a page; `status` if it answered at all.
  case unavailable(status: Int?)
  /// The site sent us elsewhere, or its answer is none that we know.
  case notUnderstood
  /// This user, or all together, asked too often.
  case tooOften(retryAfter: Duration)
}

/// Reads players' pages from the game's site, seldom and bounded.
///
/// A page that was read is kept for ``memory``; who asks meanwhile, or while it is being read, gets the same. A user
/// makes us read at most ``userLimit`` pages in ``userWindow``, all together ``totalLimit`` in ``totalWindow``.
actor CitizenPages {
  static let memory = Duration.seconds(60)
  static let pageLimit = 200
  static let userLimit = 6
  static let userWindow = Duration.seconds(600)
  static let totalLimit = 30
  static let totalWindow = Duration.seconds(60)
  static let maximumBytes = 2 << 20
  static let maximumRedirects = 3

  struct Reading: Sendable, Equatable {
    var page: CitizenPage
    var at: ContinuousClock.Instant
  }

  private let site: String
  private let time: any TimeSource
  private let log: Log
  private let metrics: Metrics
  private let usesProxy: Bool
  /// Made when it is first needed: it has a thread of its own.
  private var client: HTTPClient?
  private var pages: [String: Result<Reading, CitizenPageError>] = [:]
  private var readAt: [String: ContinuousClock.Instant] = [:]
  private var underway: [String: Task<Result<CitizenPage, CitizenPageError>, Never>] = [:]
  private var uses: [UInt64: [ContinuousClock.Instant]] = [:]
  private var allUses: [ContinuousClock.Instant] = []

  /// - Parameter site: `https://host`, without a slash at the end.
  init(site: String, usesProxy: Bool, time: any TimeSource, log: Log, metrics: Metrics) {
    self.site = site
    self.time = time
    self.log = log
    self.metrics = metrics
    self.usesProxy = usesProxy
  }

  /// - Parameters:
  ///   - handle: of letters, digits, `-` and `_`.
  ///   - user: on whose account it is read.
  /// - Throws: ``CitizenPageError``.
  func page(of handle: String, for user: UInt64) async throws -> Reading {
    let key = handle.lowercased()
    let now = time.now
    if let at = readAt[key], now - at < Self.memory, let known = pages[key] { return try known.get() }
    if let task = underway[key] {
      let result = await task.value
      return try result.map { Reading(page: $0, at: readAt[key] ?? now) }.get()
    }
    try admit(user, now: now)
    let task = Task { await fetch(handle) }
    underway[key] = task
    let result = await task.value
    underway[key] = nil
    let reading = result.map { Reading(page: $0, at: now) }
    keep(reading, of: key, at: now)
    return try reading.get()
  }

  private func keep(_ reading: Result<Reading, CitizenPageError>, of key: String, at now: ContinuousClock.Instant) {
    if pages.count >= Self.pageLimit {
      for (old, at) in readAt where now - at >= Self.memory { forget(old) }
    }
    if pages.count >= Self.pageLimit, let oldest = readAt.min(by: { $0.value < $1.value })?.key { forget(oldest) }
    // What failed on the way may work at once.
    if case .failure(let error) = reading, error != .noSuchHandle { return forget(key) }
    pages[key] = reading
    readAt[key] = now
  }

  private func forget(_ key: String) {
    pages[key] = nil
    readAt[key] = nil
  }

  private func admit(_ user: UInt64, now: ContinuousClock.Instant) throws {
    allUses.removeAll { now - $0 >= Self.totalWindow }
    if uses.count > 1_000 { uses = uses.filter { now - ($0.value.last ?? now) < Self.userWindow } }
    let own = (uses[user] ?? []).filter { now - $0 < Self.userWindow }
    if own.count >= Self.userLimit, let first = own.first {
      throw CitizenPageError.tooOften(retryAfter: Self.userWindow - (now - first))
    }
    if allUses.count >= Self.totalLimit, let first = allUses.first {
      throw CitizenPageError.tooOften(retryAfter: Self.totalWindow - (now - first))
    }
    uses[user] = own + [now]
    allUses.append(now)
  }

  // MARK: - The site

  private func fetch(_ handle: String) async -> Result<CitizenPage, CitizenPageError> {
    var url = "\(site)/citizens/\(handle)"
    do {
      let client = try madeClient()
      for _ in 0...Self.maximumRedirects {
        let response = try await client.send(
          HTTPClientRequest(
            .get, url, headers: ["Accept": "text/html", "Accept-Language": "en"],
            timeouts: .init(connect: .seconds(5), total: .seconds(15), idle: .seconds(10)),
            maximumResponseBytes: Self.maximumBytes, decompresses: true))
        switch response.status {
        case 200:
          let page = CitizenPage(response.body)
          return page.handle?.lowercased() == handle.lowercased() ? .success(page) : .failure(.notUnderstood)
        case 404, 410: return .failure(.noSuchHandle)
        case 301, 302, 303, 307, 308:
          guard let next = response.headers["Location"].flatMap({ sameSite($0, handle) }) else {
            return .failure(.notUnderstood)
          }
          url = next
        default: return .failure(.unavailable(status: response.status))
        }
      }
      return .failure(.notUnderstood)
    } catch {
      log.warning("a player's page was not read", ["error": .error(error)])
      if case .responseTooLarge = (error as? HTTPClientError)?.reason { return .failure(.notUnderstood) }
      return .failure(.unavailable(status: nil))
    }
  }

  /// Where we are sent: another address of the same page at the same site, or nil.
  private func sameSite(_ location: String, _ handle: String) -> String? {
    let path: Substring
    if location.hasPrefix("/"), !location.hasPrefix("//") {
      path = location[...]
    } else if location.hasPrefix(site + "/") {
      path = location.dropFirst(site.count)
    } else {
      return nil
    }
    let bare = path.prefix { $0 != "?" && $0 != "#" }.lowercased()
    guard bare.hasSuffix("/citizens/\(handle.lowercased())"),
      path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "@") && $0 != UInt8(ascii: "\\") })
    else { return nil }
    return site + path
  }

  private func madeClient() throws -> HTTPClient {
    if let client { return client }
    let made = try HTTPClient(
      configuration: .init(
        name: "rsi", userAgent: "Adjutant (a Discord bot; proof of handles)", maximumConnections: 4,
        usesProxyFromEnvironment: usesProxy), log: log, metrics: metrics)
    client = made
    return made
  }
}
