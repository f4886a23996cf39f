import Platform

extension GatewayClient {
  /// How often a takeover is looked after.
  private static let tick = Duration.milliseconds(100)
  /// For the old set's handlers. Longer ones go on; a crash meanwhile would not repeat their events.
  private static let drainLimit = Duration.seconds(30)
  /// For the new shards to come up, beside their turns to identify.
  private static let comingUpLimit = Duration.seconds(600)

  /// Follows another choice of shards: brings their number up beside the present ones and hands the guilds over, as
  /// ``Takeover`` describes. The choice that is followed already needs nothing. Returns when the old ones are closed and nothing is left of the takeover. Nothing has changed if this throws.
  /// - Throws: ``ReshardError``; ``DiscordError`` if Discord refuses; `CancellationError`.
  public func reshard(to wanted: Shards) async throws {
    if wanted != configuration.shards { try await changeShards(to: wanted) }
  }

  func changeShards(to wanted: Shards) async throws {
    let information = try await askDiscord()
    guard !isResharding else { throw ReshardError.underWay }
    guard let old = current.withLock({ $0 }), let gate, !isStopping else { throw ReshardError.notRunning }
    guard old.plan.isWhole else { throw ReshardError.partial }
    isResharding = true
    defer { isResharding = false }

    let limit = information.sessionStartLimit
    await gate.report(limit)
    let plan = ShardPlan.atStart(wanted, recommended: information.shards, stored: [])
    guard plan.isWhole else { throw ReshardError.partial }
    guard plan.total != old.plan.total else {
      configuration.shards = wanted
      return
    }
    let left = limit.remaining - limit.total / 10
    guard plan.total <= left else {
      throw ReshardError.budget(needed: plan.total, left: max(0, left), resetAfter: limit.resetAfter)
    }
    log.notice(
      "another set of shards starts beside the present one",
      ["present": .integer(Int64(old.plan.total)), "new": .integer(Int64(plan.total))])
    if old.conditions.allSatisfy({ $0 == .failed }) {
      // Nothing is at work that could be taken over from.
      await old.close(keepingSessions: false)
      try await startAfresh(plan, information)
      announce(old, plan)
      await old.shutdown()
    } else {
      let turns = plan.total / max(1, limit.maxConcurrency) + 1
      let takeover = SharedTakeover(limit: Self.comingUpLimit + IdentifyQueue.spacing * turns, time: time)
      let new = try await makeSet(plan, information, keepsSessions: false, filteredBy: takeover)
      for shard in old.shards {
        await shard.setFilter(takeover.filter(for: shard.id, on: .old, hearsGuilds: false))
      }
      await new.start()
      // A task of its own: the caller's cancellation must not leave two sets behind.
      try await Task { try await drive(takeover, from: old, to: new) }.value
    }
    configuration.shards = wanted
  }

  private func announce(_ old: ShardSet, _ new: ShardPlan) {
    log.notice("the new shards have taken over", ["total": .integer(Int64(new.total))])
    onState(.resharded(from: old.plan.total, to: new.total))
  }

  private func drive(_ takeover: SharedTakeover, from old: ShardSet, to new: ShardSet) async throws {
    var isOldClosed = false
    while true {
      let step = takeover.withLock { $0.tick(old: old.conditions, new: new.conditions, at: takeover.time.now) }
      switch step {
      case nil:
        let owner = takeover.withLock { $0.owner }
        if isStopping, owner == .old { return try await abandon("the bot stops", old, new) }
        if isStopping, isOldClosed { return await finish(old, new) }
        try await time.sleep(for: Self.tick)
      case .switchOver:
        current.withLock { $0 = new }
        await requester.lost { _ in true }
        let busy = await old.waitUntilIdle(until: time.now.advanced(by: Self.drainLimit), time: time) { [self] in
          await isStopping
        }
        for shard in busy {
          log.warning("handlers of the old shards are still busy", ["shard": .of(shard.id)])
        }
        // A crash before this resumes the old sessions, one after it the new ones.
        for shard in new.shards { await shard.keepSession() }
        takeover.withLock { $0.drained() }
      case .retire:
        await old.close(keepingSessions: false)
        isOldClosed = true
        announce(old, new.plan)
      case .finish: return await finish(old, new)
      case .abandon(let reason): return try await abandon(reason, old, new)
      }
    }
  }

  private func finish(_ old: ShardSet, _ new: ShardSet) async {
    for shard in new.shards { await shard.setFilter(nil) }
    await old.shutdown()
  }

  private func abandon(_ reason: String, _ old: ShardSet, _ new: ShardSet) async throws {
    for shard in old.shards { await shard.setFilter(nil) }
    await new.close(keepingSessions: false)
    await new.shutdown()
    throw ReshardError.abandoned(reason)
  }

  /// Discord has closed with 4011.
  func tooFewShards(_ error: GatewayFatalError) async {
    guard !isResharding, !isStopping else { return }
    var recommended: Int?
    do {
      let information = try await askDiscord()
      recommended = information.shards
      guard configuration.shards == .automatic, information.shards > error.shard.count else {
        return refuse(error, recommended: recommended)
      }
      // Each of its shards is told so; one of them acts.
      guard !isResharding, current.withLock({ $0?.plan.total }) == error.shard.count else { return }
      log.warning(
        "the bot has outgrown its shards",
        ["total": .integer(Int64(error.shard.count)), "recommended": .integer(Int64(information.shards))])
      try await changeShards(to: .automatic)
    } catch {
      if !(error is CancellationError) { log.error("no more shards could be started", ["error": .error(error)]) }
    }
    if current.withLock({ $0?.plan.total }) == error.shard.count { refuse(error, recommended: recommended) }
  }

  private func refuse(_ error: GatewayFatalError, recommended: Int?) {
    onState(
      .failed(
        GatewayFatalError(
          code: error.code, shard: error.shard, intents: configuration.intents, recommendedShards: recommended)))
  }
}
