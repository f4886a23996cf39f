import Platform

extension World {
  /// Notes in the guild's audit log what was done, and tells who listens. Elsewhere than in guilds nothing is noted.
  /// - Parameter action: see Discord "Audit Log", Audit Log Events.
  func audit(
    _ action: Int64, by user: Snowflake, on target: Snowflake?, in guildID: Snowflake?, _ call: APICall,
    changes: [JSON] = []
  ) {
    guard let guildID, guilds[guildID] != nil else { return }
    let entry = AuditEntry(
      id: makeID(), action: action, userID: user, targetID: target, reason: call.request.auditReason, changes: changes)
    guilds[guildID]?.auditLog.append(entry)
    let excess = (guilds[guildID]?.auditLog.count ?? 0) - Self.auditLimit
    if excess > 0 { guilds[guildID]?.auditLog.removeFirst(excess) }
    var data = entry.json
    data["guild_id"] = guildID.json
    emit(Event(name: "GUILD_AUDIT_LOG_ENTRY_CREATE", guildID: guildID, intents: .guildModeration, data: data))
  }

  func listAuditLog(_ call: APICall) throws(APIError) -> APIResponse {
    let (guild, caller) = try guild(call)
    try require(.viewAuditLog, of: caller, in: guild)
    let limit = try call.integer("limit", 1...100, default: 50)
    let user = try call.snowflake(query: "user_id")
    let target = try call.snowflake(query: "target_id")
    let before = try call.snowflake(query: "before")
    let after = try call.snowflake(query: "after")
    let action = call.request.query["action_type"].flatMap { Int64($0) }
    let matching = guild.auditLog.filter { entry in
      (user.map { entry.userID == $0 } ?? true) && (target.map { entry.targetID == $0 } ?? true)
        && (action.map { entry.action == $0 } ?? true) && (before.map { entry.id < $0 } ?? true)
        && (after.map { entry.id > $0 } ?? true)
    }
    let chosen = after == nil ? matching.suffix(limit).reversed() : Array(matching.prefix(limit))
    let named = Set(chosen.flatMap { [$0.userID, $0.targetID].compactMap { $0 } }).sorted()
    var body: JSON = [
      "audit_log_entries": .array(chosen.map(\.json)), "users": .array(named.compactMap { users[$0]?.json }),
    ]
    for name in [
      "integrations", "webhooks", "guild_scheduled_events", "threads", "application_commands", "auto_moderation_rules",
    ] { body[name] = [] }
    return .ok(body)
  }
}
