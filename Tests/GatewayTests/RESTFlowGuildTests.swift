import Platform
import Sandbox
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2))) struct RESTFlowGuildTests {
  private let guild = RESTFlow.guild

  @Test func channelsAreMadeChangedAndDeleted() async throws {
    try await RESTFlow.run { flow in
      let rest = flow.rest
      let channel = try await rest.createChannel(
        ChannelBody(
          name: "squad", topic: .set("talk"), slowmode: 5, parentID: .set(900_000_000_000_000_010),
          permissionOverwrites: [
            PermissionOverwrite(id: RESTFlow.memberRole, kind: .role, allow: [.viewChannel], deny: [.sendMessages])
          ]), in: guild, reason: "new squad")
      #expect(try await flow.lastReason() == "new squad")
      #expect(channel.permissionOverwrites.first?.deny == [.sendMessages])
      #expect(try await rest.channels(of: guild).contains { $0.id == channel.id })
      let edited = try await rest.editChannel(
        channel.id, to: ChannelBody(name: "wing", topic: .remove, parentID: .remove))
      #expect(edited.name == "wing")
      #expect(edited.topic == nil)
      #expect(edited.parentID == nil)
      try await rest.setPermissions(
        PermissionOverwrite(id: RESTFlow.nadia, kind: .member, allow: [], deny: [.viewChannel]), in: channel.id)
      #expect(try await rest.channel(channel.id).permissionOverwrites.count == 2)
      try await rest.deletePermissions(of: RESTFlow.nadia, in: channel.id, reason: "back")
      await flow.expect(DiscordErrorCode.unknownPermissionOverwrite) {
        try await rest.deletePermissions(of: RESTFlow.nadia, in: channel.id)
      }
      try await rest.deleteChannel(channel.id)
      await flow.expect(DiscordErrorCode.unknownChannel) { _ = try await rest.channel(channel.id) }
      await #expect(throws: DiscordError.self) { _ = try await rest.createChannel(ChannelBody(), in: guild) }
    }
  }

  @Test func aThirdRenameWaitsAsideWhileOtherChangesPass() async throws {
    try await RESTFlow.run { flow in
      var rest = flow.rest
      rest = flow.rig.rest { $0.maximumWait = .seconds(60) }
      let channel = RESTFlow.general
      for name in ["one", "two"] { _ = try await rest.editChannel(channel, to: ChannelBody(name: name)) }
      let error = await #expect(throws: DiscordError.self) {
        _ = try await rest.editChannel(channel, to: ChannelBody(name: "three"))
      }
      guard case .rateLimited(_, let retryAfter) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(retryAfter > .seconds(500))
      #expect(try await rest.editChannel(channel, to: ChannelBody(slowmode: 3)).name == "two")
    }
  }

  @Test func threadsLiveAndEnd() async throws {
    try await RESTFlow.run { flow in
      let (rest, channel) = (flow.rest, RESTFlow.general)
      let message = try await rest.createMessage(MessageBody(content: "start"), in: channel).id
      let thread = try await rest.startThread(ThreadBody(name: "talk", autoArchive: .day), at: message, in: channel)
      #expect(thread.id == message)
      #expect(thread.autoArchive == .day)
      await flow.expect(.threadAlreadyCreated) {
        _ = try await rest.startThread(ThreadBody(name: "again"), at: message, in: channel)
      }
      let hidden = try await rest.startThread(
        ThreadBody(name: "hidden", type: .privateThread, isInvitable: false), in: channel, reason: "quiet")
      #expect(hidden.channel.type == .privateThread)
      #expect(try await rest.activeThreads(of: guild).threads.count == 2)
      try await rest.addMember(RESTFlow.marcus, toThread: thread.id)
      #expect(try await rest.threadMember(RESTFlow.marcus, of: thread.id).member != nil)
      #expect(try await rest.threadMembers(of: thread.id, limit: 10).count == 2)
      try await rest.removeMember(RESTFlow.marcus, fromThread: thread.id)
      try await rest.leaveThread(thread.id)
      try await rest.joinThread(thread.id)
      _ = try await rest.createMessage(MessageBody(content: "inside"), in: thread.id)
      _ = try await rest.editChannel(thread.id, to: ChannelBody(isArchived: true, isLocked: true))
      _ = try await rest.editChannel(hidden.id, to: ChannelBody(isArchived: true))
      let archived = try await rest.archivedThreads(of: channel)
      #expect(archived.threads.map(\.id) == [thread.id])
      #expect(archived.threads.first?.isLocked == true)
      #expect(try await rest.archivedThreads(of: channel, isPrivate: true, limit: 5).threads.map(\.id) == [hidden.id])
      #expect(try await rest.joinedArchivedThreads(of: channel).threads.map(\.id) == [hidden.id])
      try await rest.deleteChannel(hidden.id)
      let forum = try await rest.createChannel(ChannelBody(name: "questions", type: .guildForum), in: guild)
      let post = try await rest.startThread(
        ThreadBody(
          name: "how?",
          message: MessageBody(
            content: "like so", files: [FileUpload(name: "x.txt", contentType: "text/plain", bytes: [1])])),
        in: forum.id)
      #expect(post.message?.content == "like so")
      #expect(post.message?.attachments.count == 1)
    }
  }

  @Test func membersAreFoundChangedAndSentAway() async throws {
    try await RESTFlow.run { flow in
      let rest = flow.rest
      #expect(try await rest.members(of: guild, limit: 100).count == 4)
      #expect(try await rest.members(of: guild, after: RESTFlow.owner, limit: 1).first?.user?.id == RESTFlow.marcus)
      #expect(try await rest.searchMembers(of: guild, "nad", limit: 5).first?.user?.id == RESTFlow.nadia)
      #expect(try await rest.member(RESTFlow.nadia, of: guild).roles == [RESTFlow.memberRole])
      let end = flow.rig.time.timestamp + .seconds(600)
      let edited = try await rest.editMember(
        RESTFlow.nadia, of: guild, to: MemberBody(nick: .set("Nad"), roles: [], timeoutUntil: .set(end)),
        reason: "calm down")
      #expect(edited.nick == "Nad")
      #expect(edited.roles == [])
      #expect(edited.communicationDisabledUntil == end)
      let back = try await rest.editMember(
        RESTFlow.nadia, of: guild, to: MemberBody(nick: .remove, timeoutUntil: .remove))
      #expect(back.nick == nil)
      #expect(back.communicationDisabledUntil == nil)
      await #expect(throws: DiscordError.self) {
        _ = try await rest.editMember(
          RESTFlow.nadia, of: guild, to: MemberBody(timeoutUntil: .set(end + .seconds(29 * 86_400))))
      }
      await flow.expect(40_032) {
        _ = try await rest.editMember(RESTFlow.nadia, of: guild, to: MemberBody(isMuted: true))
      }
      #expect(try await rest.editOwnNick(.set("Adj"), in: guild).nick == "Adj")
      try await rest.addRole(RESTFlow.memberRole, to: RESTFlow.nadia, of: guild, reason: "member")
      try await rest.removeRole(RESTFlow.memberRole, from: RESTFlow.nadia, of: guild)
      try await rest.kickMember(RESTFlow.nadia, from: guild, reason: "bye")
      await flow.expect(.unknownMember) { _ = try await rest.member(RESTFlow.nadia, of: guild) }
      // The owner stands above every bot.
      await flow.expect(.missingPermissions) { try await rest.kickMember(RESTFlow.owner, from: guild) }
      let log = try await rest.auditLog(of: guild, actionType: 20, limit: 5)
      #expect(log.entries.first?.reason == "bye")
      #expect(log.entries.first?.targetID == RESTFlow.nadia.description)
      #expect(log.users.contains { $0.id == RESTFlow.nadia })
    }
  }

  @Test func bansAreListedPageByPage() async throws {
    try await RESTFlow.run { flow in
      let rest = flow.rest
      try await flow.rig.say("spam")
      try await rest.createBan(of: RESTFlow.marcus, in: guild, deleteMessageSeconds: 3_600, reason: "spam & more")
      #expect(try await rest.messages(in: RESTFlow.general).isEmpty)
      #expect(try await rest.ban(of: RESTFlow.marcus, in: guild).reason == "spam & more")
      let bulk = try await rest.bulkBan([RESTFlow.nadia, RESTFlow.owner], in: guild, reason: "raid")
      #expect(bulk.banned == [RESTFlow.nadia])
      #expect(bulk.failed == [RESTFlow.owner])
      #expect(try await rest.bans(of: guild).map(\.user.id) == [RESTFlow.marcus, RESTFlow.nadia])
      #expect(try await rest.bans(of: guild, .after(RESTFlow.marcus), limit: 1).map(\.user.id) == [RESTFlow.nadia])
      #expect(try await rest.bans(of: guild, .before(RESTFlow.nadia)).map(\.user.id) == [RESTFlow.marcus])
      try await rest.deleteBan(of: RESTFlow.marcus, in: guild, reason: "sorry")
      await flow.expect(.unknownBan) { _ = try await rest.ban(of: RESTFlow.marcus, in: guild) }
      #expect(try await rest.auditLog(of: guild, user: nil, actionType: 22).entries.count == 2)
    }
  }

  @Test func rolesAreMadeMovedAndDeleted() async throws {
    try await RESTFlow.run { flow in
      let rest = flow.rest
      let role = try await rest.createRole(
        RoleBody(name: "Pilot", permissions: [.viewChannel], color: 0x12_34_56, isHoisted: true), in: guild)
      #expect(role.permissions == [.viewChannel])
      #expect(role.isHoisted)
      let edited = try await rest.editRole(role.id, of: guild, to: RoleBody(name: "Ace", isMentionable: true))
      #expect(edited.name == "Ace")
      #expect(edited.isMentionable)
      let moved = try await rest.moveRoles([(role.id, 2), (RESTFlow.memberRole, 1)], of: guild, reason: "order")
      #expect(moved.first { $0.id == role.id }?.position == 2)
      try await rest.deleteRole(role.id, of: guild)
      #expect(try await rest.roles(of: guild).contains { $0.id == role.id } == false)
      await flow.expect(.unknownRole) { try await rest.deleteRole(role.id, of: guild) }
      let named = try await rest.editGuild(guild, to: GuildBody(name: "Org", description: .set("us")), reason: "name")
      #expect(named.name == "Org")
      #expect(try await rest.guild(guild, withCounts: true).memberCount == 4)
    }
  }

  @Test func emojisAndInvitesComeAndGo() async throws {
    try await RESTFlow.run { flow in
      let rest = flow.rest
      let image = ImageData([0x89, 0x50, 0x4E, 0x47], mediaType: "image/png")
      let emoji = try await rest.createEmoji("ship", image, in: guild, reason: "pretty")
      let id = try #require(emoji.id)
      #expect(try await rest.emojis(of: guild).map(\.name) == ["ship"])
      #expect(try await rest.emoji(id, of: guild).user?.isBot == true)
      #expect(try await rest.editEmoji(id, of: guild, name: "cutter").name == "cutter")
      let message = try await rest.createMessage(MessageBody(content: "x"), in: RESTFlow.general).id
      try await rest.addReaction(.custom(id, name: "cutter"), to: message, in: RESTFlow.general)
      try await rest.deleteEmoji(id, of: guild)
      let application = try await rest.currentApplication().id
      let own = try await rest.createEmoji("logo", image, forApplication: application)
      let ownID = try #require(own.id)
      #expect(try await rest.emojis(ofApplication: application).count == 1)
      #expect(try await rest.emoji(ownID, ofApplication: application).name == "logo")
      #expect(try await rest.editEmoji(ownID, ofApplication: application, name: "mark").name == "mark")
      try await rest.deleteEmoji(ownID, ofApplication: application)

      let invite = try await rest.createInvite(
        InviteBody(maximumAge: 0, maximumUses: 3, isTemporary: true, isUnique: true), to: RESTFlow.general)
      #expect(invite.maximumUses == 3)
      #expect(invite.expiresAt == nil)
      #expect(try await rest.invites(to: RESTFlow.general).map(\.code) == [invite.code])
      #expect(try await rest.invites(of: guild).count == 1)
      #expect(try await rest.invite(invite.code, withCounts: true).approximateMemberCount == 4)
      try await rest.deleteInvite(invite.code, reason: "over")
      await flow.expect(.unknownInvite) { _ = try await rest.invite(invite.code) }
    }
  }
}
