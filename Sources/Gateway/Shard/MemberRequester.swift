import Platform

/// Asks the gateway for members and waits for the answers.
actor MemberRequester {
  private let time: any TimeSource
  private let prefix: String
  private var requests = MemberRequests()
  private var waiters: [String: CheckedContinuation<MemberList, any Error>] = [:]
  private var lastNumber = 0
  private var isStopped = false
  private var alarm: Task<Void, Never>?
  /// Sends on the shard that carries the guild.
  private var send: (@Sendable (GatewayCommand, Snowflake) async throws -> Void)?

  init(time: any TimeSource, random: any RandomSource) {
    self.time = time
    // Tells the answers to this process from those to the one before it, which a resume may bring.
    prefix = String(random.next(), radix: 36)
  }

  func setSend(_ send: @escaping @Sendable (GatewayCommand, Snowflake) async throws -> Void) { self.send = send }

  /// - Throws: ``MemberRequestError``, ``GatewaySendError``, `CancellationError`.
  func members(of guild: Snowflake, _ query: MemberQuery, limit: Duration, maximum: Int) async throws -> MemberList {
    let deadline = time.now.advanced(by: limit)
    guard case .users(let users) = query else {
      return try await ask(guild, query, deadline, maximum)
    }
    var all = MemberList()
    for start in stride(from: 0, to: users.count, by: MemberRequests.maximumUsers) {
      let part = Array(users[start..<min(start + MemberRequests.maximumUsers, users.count)])
      let list = try await ask(guild, .users(part), deadline, maximum - all.members.count)
      all.members += list.members
      all.notFound += list.notFound
    }
    return all
  }

  private func ask(
    _ guild: Snowflake, _ query: MemberQuery, _ deadline: ContinuousClock.Instant, _ maximum: Int
  ) async throws -> MemberList {
    lastNumber += 1
    let nonce = "\(prefix)-\(lastNumber)"
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<MemberList, any Error>) in
        if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
        if isStopped { return continuation.resume(throwing: GatewaySendError.stopped) }
        waiters[nonce] = continuation
        perform(
          requests.begin(
            MemberRequests.Request(nonce: nonce, guild: guild, query: query, deadline: deadline, limit: maximum),
            at: time.now))
      }
    } onCancel: {
      Task { await self.end(nonce, .failure(CancellationError())) }
    }
  }

  /// Nothing is sent or received any more: whoever waits hears so, and whoever asks later.
  func stop() {
    isStopped = true
    for nonce in Array(waiters.keys) { end(nonce, .failure(GatewaySendError.stopped)) }
  }

  func received(_ chunks: [GuildMembersChunk]) {
    for chunk in chunks { perform(requests.received(chunk)) }
  }

  func rateLimited(_ refusals: [GatewayRateLimited]) {
    for refusal in refusals { perform(requests.rateLimited(refusal, at: time.now)) }
  }

  /// The sessions of these guilds are new ones.
  func lost(where isLost: @Sendable (Snowflake) -> Bool) { perform(requests.lost(at: time.now, where: isLost)) }

  private func perform(_ actions: [MemberRequests.Action]) {
    for action in actions {
      switch action {
      case .send(let nonce):
        guard let request = requests.request(nonce), let send else { continue }
        Task {
          do {
            try await send(
              .requestGuildMembers(guild: request.guild, query: request.query, nonce: nonce), request.guild)
          } catch {
            end(nonce, .failure(error))
          }
        }
      case .finish(let nonce, let list): waiters.removeValue(forKey: nonce)?.resume(returning: list)
      case .fail(let nonce, let error): waiters.removeValue(forKey: nonce)?.resume(throwing: error)
      }
    }
    schedule()
  }

  private func end(_ nonce: String, _ result: Result<MemberList, any Error>) {
    requests.cancel(nonce)
    waiters.removeValue(forKey: nonce)?.resume(with: result)
    schedule()
  }

  private func schedule() {
    alarm?.cancel()
    alarm = nil
    guard let next = requests.nextTick else { return }
    let time = self.time
    alarm = Task { [weak self] in
      do { try await time.sleep(until: next) } catch { return }
      await self?.tick()
    }
  }

  private func tick() { perform(requests.tick(at: time.now)) }
}
