import Platform

/// Which members of a guild are asked for.
public enum MemberQuery: Sendable, Hashable {
  /// Takes the intent GUILD_MEMBERS. Discord allows it once in 30 seconds per guild.
  case all
  /// Whose name or nickname begins so; at most 100.
  case prefix(String, limit: Int = 100)
  /// Any number; asked for in hundreds.
  case users([Snowflake])

  /// See `developers/events/gateway-events`, "Request Guild Members".
  func json(guild: Snowflake, nonce: String) -> JSON {
    var json: JSON = ["guild_id": .string(guild.description), "nonce": .string(nonce)]
    switch self {
    case .all:
      json["query"] = ""
      json["limit"] = 0
    case .prefix(let text, let limit):
      json["query"] = .string(text)
      json["limit"] = .integer(Int64(max(1, min(limit, 100))))
    case .users(let users): json["user_ids"] = .array(users.map { .string($0.description) })
    }
    return json
  }
}

/// The answer to a ``MemberQuery``.
public struct MemberList: Sendable, Equatable {
  public var members: [Member] = []
  /// Users that were asked for and are no members.
  public var notFound: [Snowflake] = []
}

public enum MemberRequestError: Error, Sendable, Equatable, CustomStringConvertible {
  case missingIntent
  /// Discord wants a pause that is longer than the caller's time limit.
  case rateLimited(retryAfter: Duration)
  case timedOut(received: Int, of: Int?)
  case tooManyMembers(limit: Int)
  case tooManyRequests

  public var description: String {
    switch self {
    case .missingIntent: "all members of a guild can only be asked for with the intent GUILD_MEMBERS"
    case .rateLimited(let retryAfter): "Discord allows this request again in \(retryAfter)"
    case .timedOut(let received, let count):
      "the members did not come in time: \(received) of \(count.map(String.init) ?? "an unknown number of") chunks"
    case .tooManyMembers(let limit): "the guild has more than \(limit) members"
    case .tooManyRequests: "too many requests for members are under way"
    }
  }
}

/// One answer to op 8, of at most 1000 members. See `developers/events/gateway-events`, "Guild Members Chunk".
public struct GuildMembersChunk: Sendable, JSONDecodable {
  public let guildID: Snowflake
  public let members: [Member]
  public let index: Int
  public let count: Int
  public let notFound: [Snowflake]
  public let nonce: String?

  public init(json: JSONView) throws {
    guildID = try json.decode("guild_id")
    members = try json.decodeList("members")
    index = try json.decode("chunk_index")
    count = try json.decode("chunk_count")
    // Ids as they were sent, which need not be any.
    notFound = json["not_found"]?.elements.compactMap { $0.string.flatMap { Snowflake($0) } } ?? []
    nonce = try json.decodeIfPresent("nonce")
  }

  init(
    guildID: Snowflake, members: [Member], index: Int, count: Int, notFound: [Snowflake] = [], nonce: String?
  ) {
    self.guildID = guildID
    self.members = members
    self.index = index
    self.count = count
    self.notFound = notFound
    self.nonce = nonce
  }
}

/// A command came too often. See `developers/events/gateway-events`, "Rate Limited".
public struct GatewayRateLimited: Sendable, JSONDecodable {
  public let opcode: Int
  public let retryAfter: Duration
  /// Of a request for members.
  public let guildID: Snowflake?
  public let nonce: String?

  public init(json: JSONView) throws {
    opcode = try json.decode("opcode")
    guard let seconds = json["retry_after"]?.double, seconds >= 0, seconds < 1e9 else {
      throw DecodingFailure(path: ["retry_after"], reason: "not a number of seconds")
    }
    retryAfter = .seconds(seconds)
    guildID = try json["meta"]?.decodeIfPresent("guild_id")
    nonce = try json["meta"]?.decodeIfPresent("nonce")
  }

  init(opcode: Int, retryAfter: Duration, guildID: Snowflake?, nonce: String?) {
    self.opcode = opcode
    self.retryAfter = retryAfter
    self.guildID = guildID
    self.nonce = nonce
  }
}

extension EventType where Payload == GuildMembersChunk {
  public static var guildMembersChunk: EventType { EventType("GUILD_MEMBERS_CHUNK") }
}

extension EventType where Payload == GatewayRateLimited {
  public static var rateLimited: EventType { EventType("RATE_LIMITED") }
}

/// Puts the chunks of member requests together, keeps to their time limits, and asks again where Discord says so. Pure.
struct MemberRequests: Sendable {
  static let opcode = 8
  /// Users in one request.
  static let maximumUsers = 100
  /// Requests under way.
  static let maximumRequests = 1_000

  struct Request: Sendable {
    let nonce: String
    let guild: Snowflake
    let query: MemberQuery
    let deadline: ContinuousClock.Instant
    let limit: Int
    fileprivate var sendAt: ContinuousClock.Instant?
    fileprivate var seen: Set<Int> = []
    fileprivate var count: Int?
    fileprivate var list = MemberList()

    init(
      nonce: String, guild: Snowflake, query: MemberQuery, deadline: ContinuousClock.Instant, limit: Int
    ) {
      self.nonce = nonce
      self.guild = guild
      self.query = query
      self.deadline = deadline
      self.limit = limit
    }
  }

  enum Action: Sendable, Equatable {
    case send(nonce: String)
    case finish(nonce: String, MemberList)
    case fail(nonce: String, MemberRequestError)
  }

  private var requests: [String: Request] = [:]
  /// Until when Discord takes no request for all members of a guild.
  private var blocked: [Snowflake: ContinuousClock.Instant] = [:]

  func request(_ nonce: String) -> Request? { requests[nonce] }
  var isEmpty: Bool { requests.isEmpty }

  mutating func begin(_ request: Request, at now: ContinuousClock.Instant) -> [Action] {
    guard requests.count < Self.maximumRequests else { return [.fail(nonce: request.nonce, .tooManyRequests)] }
    blocked = blocked.filter { $0.value > now }
    requests[request.nonce] = request
    return send(request.nonce, at: now)
  }

  /// Sends the request now, or as soon as Discord takes it.
  private mutating func send(_ nonce: String, at now: ContinuousClock.Instant) -> [Action] {
    guard let request = requests[nonce] else { return [] }
    guard request.query == .all, let free = blocked[request.guild], free > now else {
      requests[nonce]?.sendAt = nil
      return [.send(nonce: nonce)]
    }
    guard free < request.deadline else { return fail(nonce, .rateLimited(retryAfter: now.duration(to: free))) }
    requests[nonce]?.sendAt = free
    return []
  }

  mutating func received(_ chunk: GuildMembersChunk) -> [Action] {
    guard let nonce = chunk.nonce, var request = requests[nonce], request.guild == chunk.guildID, chunk.count > 0,
      (0..<chunk.count).contains(chunk.index), request.seen.insert(chunk.index).inserted
    else { return [] }
    request.count = chunk.count
    request.list.members += chunk.members
    request.list.notFound += chunk.notFound.filter { !request.list.notFound.contains($0) }
    requests[nonce] = request
    if request.list.members.count > request.limit { return fail(nonce, .tooManyMembers(limit: request.limit)) }
    guard request.seen.count == chunk.count else { return [] }
    requests[nonce] = nil
    return [.finish(nonce: nonce, request.list)]
  }

  mutating func rateLimited(_ refusal: GatewayRateLimited, at now: ContinuousClock.Instant) -> [Action] {
    guard refusal.opcode == Self.opcode else { return [] }
    let free = now.advanced(by: refusal.retryAfter)
    if let guild = refusal.guildID { blocked[guild] = max(free, blocked[guild] ?? free) }
    let refused = requests.values.filter { request in
      if let nonce = refusal.nonce { return request.nonce == nonce }
      // Without a nonce: whatever of that guild is unanswered.
      return request.query == .all && request.guild == refusal.guildID && request.seen.isEmpty
    }
    return refused.flatMap { request -> [Action] in
      guard free < request.deadline else {
        return fail(request.nonce, .rateLimited(retryAfter: refusal.retryAfter))
      }
      requests[request.nonce]?.sendAt = free
      return []
    }
  }

  /// The session that was asked is gone: what is unanswered is asked again.
  mutating func lost(at now: ContinuousClock.Instant, where isLost: (Snowflake) -> Bool) -> [Action] {
    requests.values.filter { isLost($0.guild) && $0.sendAt == nil }.sorted { $0.nonce < $1.nonce }.flatMap { request in
      requests[request.nonce]?.seen = []
      requests[request.nonce]?.count = nil
      requests[request.nonce]?.list = MemberList()
      return send(request.nonce, at: now)
    }
  }

  /// The caller has lost interest.
  mutating func cancel(_ nonce: String) { requests[nonce] = nil }

  /// When ``tick(at:)`` has something to do.
  var nextTick: ContinuousClock.Instant? { requests.values.map { min($0.sendAt ?? $0.deadline, $0.deadline) }.min() }

  mutating func tick(at now: ContinuousClock.Instant) -> [Action] {
    var actions: [Action] = []
    for request in requests.values.sorted(by: { $0.nonce < $1.nonce }) {
      if request.deadline <= now {
        actions += fail(request.nonce, .timedOut(received: request.seen.count, of: request.count))
      } else if let sendAt = request.sendAt, sendAt <= now {
        actions += send(request.nonce, at: now)
      }
    }
    return actions
  }

  private mutating func fail(_ nonce: String, _ error: MemberRequestError) -> [Action] {
    requests[nonce] = nil
    return [.fail(nonce: nonce, error)]
  }
}
