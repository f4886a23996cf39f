import Platform

extension RouteTable {
  static let inviteRoutes: [APIRoute] = [
    APIRoute(.post, "/channels/:channel_id/invites") { world, call in try world.createInvite(call) },
    APIRoute(.get, "/channels/:channel_id/invites") { world, call in
      let (channel, caller) = try world.channel(call)
      try world.require(.manageChannels, of: caller, in: channel)
      return .ok(world.invites { $0.channelID == channel.id })
    },
    APIRoute(.get, "/guilds/:guild_id/invites") { world, call in
      let (guild, caller) = try world.guild(call)
      try world.require(.manageGuild, of: caller, in: guild)
      return .ok(world.invites { $0.guildID == guild.id })
    },
    APIRoute(.get, "/invites/:code", (250, 6), authentication: .none) { world, call in
      let invite = try world.invite(call)
      return .ok(world.inviteJSON(invite, withCounts: call.flag("with_counts"), withUses: false))
    },
    APIRoute(.delete, "/invites/:code") { world, call in try world.deleteInvite(call) },
  ]
}

extension World {
  func inviteJSON(_ invite: Invite, withCounts: Bool = false, withUses: Bool = true) -> JSON {
    let guild = guilds[invite.guildID]
    let channel = channels[invite.channelID]
    var json: JSON = [
      "type": 0, "code": .string(invite.code), "guild_id": invite.guildID.json,
      "expires_at": invite.expiresAt.map { .string($0.discord) } ?? .null,
      "inviter": users[invite.inviterID]?.json ?? .null, "flags": 0,
      "guild": [
        "id": invite.guildID.json, "name": .string(guild?.name ?? ""), "splash": .null, "banner": .null,
        "description": guild?.description.map(JSON.string) ?? .null, "icon": .null, "features": [],
        "verification_level": 0, "vanity_url_code": .null, "nsfw_level": 0, "nsfw": false,
        "premium_subscription_count": 0,
      ],
      "channel": [
        "id": invite.channelID.json, "type": .integer(Int64(channel?.kind.rawValue ?? 0)),
        "name": .string(channel?.name ?? ""),
      ],
    ]
    if withCounts {
      json["approximate_member_count"] = .integer(Int64(guild?.members.count ?? 0))
      json["approximate_presence_count"] = .integer(Int64(guild?.members.count ?? 0))
    }
    if withUses {
      json["uses"] = 0
      json["max_uses"] = .integer(invite.maximumUses)
      json["max_age"] = .integer(invite.maximumAge)
      json["temporary"] = .boolean(invite.isTemporary)
      json["created_at"] = .string(invite.createdAt.discord)
    }
    return json
  }

  private func isValid(_ invite: Invite) -> Bool {
    channels[invite.channelID] != nil && invite.expiresAt.map { $0 > time.timestamp } ?? true
  }

  func invites(where isWanted: (Invite) -> Bool) -> JSON {
    .array(
      invites.all.filter { isWanted($0) && isValid($0) }.sorted { $0.createdAt < $1.createdAt }.map { inviteJSON($0) })
  }

  func invite(_ call: APICall) throws(APIError) -> Invite {
    guard let invite = invites[call.parameters["code"] ?? ""], isValid(invite) else { throw .unknownInvite }
    return invite
  }

  func createInvite(_ call: APICall) throws(APIError) -> APIResponse {
    let (channel, caller) = try channel(call)
    guard let guildID = channel.guildID, channel.thread == nil else { throw .wrongChannelKind }
    try require(.createInvite, of: caller, in: channel)
    var form = FormErrors()
    let age = form.integer(call.body["max_age"], ["max_age"], 0...604_800) ?? 86_400
    let uses = form.integer(call.body["max_uses"], ["max_uses"], 0...100) ?? 0
    try form.check()
    let isTemporary = call.body["temporary"]?.bool ?? false
    if call.body["unique"]?.bool != true,
      let like = invites.all.first(where: {
        $0.channelID == channel.id && $0.inviterID == caller.id && $0.maximumAge == age && $0.maximumUses == uses
          && $0.isTemporary == isTemporary && isValid($0)
      })
    {
      return .ok(inviteJSON(like))
    }
    let invite = Invite(
      code: String(makeSecret().prefix(10)), guildID: guildID, channelID: channel.id, inviterID: caller.id,
      createdAt: time.timestamp, maximumAge: age, maximumUses: uses, isTemporary: isTemporary)
    invites[invite.code] = invite
    var data = inviteJSON(invite)
    for name in ["guild", "channel", "type", "flags"] { data[name] = nil }
    data["channel_id"] = channel.id.json
    emit(Event(name: "INVITE_CREATE", guildID: guildID, intents: .guildInvites, data: data))
    audit(40, by: caller.id, on: nil, in: guildID, call)
    return .ok(inviteJSON(invite))
  }

  func deleteInvite(_ call: APICall) throws(APIError) -> APIResponse {
    let caller = try call.caller()
    let invite = try invite(call)
    guard let guild = guilds[invite.guildID] else { throw .unknownInvite }
    guard guild.members[caller.id] != nil else { throw .missingAccess }
    if !guild.permissions(of: caller.id).contains(.manageGuild), let channel = channels[invite.channelID] {
      try require(.manageChannels, of: caller, in: channel)
    }
    invites[invite.code] = nil
    emit(
      Event(
        name: "INVITE_DELETE", guildID: invite.guildID, intents: .guildInvites,
        data: [
          "channel_id": invite.channelID.json, "guild_id": invite.guildID.json, "code": .string(invite.code),
        ]))
    audit(42, by: caller.id, on: nil, in: invite.guildID, call)
    return .ok(inviteJSON(invite))
  }
}
