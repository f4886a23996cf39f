import Platform
import Sandbox
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2))) struct RESTFlowUserTests {
  private static let redirect = "http://127.0.0.1:3000/callback?from=discord"
  private static let secret = Secret("s3cret")

  private func code(_ flow: RESTFlow, _ application: Snowflake, scope: String) async throws -> Secret<String> {
    let answer = try await flow.rig.control(
      .post, "/oauth2/authorize",
      [
        "user": .string(RESTFlow.owner.description), "application": .string(application.description),
        "redirectURI": .string(Self.redirect), "scope": .string(scope), "state": "a b",
      ])
    let code = try #require(answer["code"]?.string)
    #expect(answer["location"]?.string == "\(Self.redirect)&code=\(code)&state=a%20b")
    return Secret(code)
  }

  @Test func usersAndDirectMessages() async throws {
    try await RESTFlow.run { flow in
      let rest = flow.rest
      #expect(try await rest.user(RESTFlow.nadia).username == "nadia")
      #expect(try await rest.editCurrentUser(username: "Helper").username == "Helper")
      let direct = try await rest.createDirectChannel(with: RESTFlow.nadia)
      #expect(try await rest.createDirectChannel(with: RESTFlow.nadia).id == direct.id)
      _ = try await rest.createMessage(MessageBody(content: "hello"), in: direct.id)
      #expect(try await rest.currentGuilds().map(\.id) == [RESTFlow.guild])
      #expect(try await rest.currentGuilds(.after(RESTFlow.guild), limit: 5).isEmpty)
      #expect(try await rest.gatewayInformation().shards == 1)
      try await rest.leaveGuild(RESTFlow.guild)
      #expect(try await rest.currentGuilds().isEmpty)
    }
  }

  @Test func aUserAuthorizesTheApplication() async throws {
    try await RESTFlow.run { flow in
      let rest = flow.rest
      let application = try await rest.currentApplication().id
      let (secret, redirect) = (Self.secret, Self.redirect)
      let code = try await code(flow, application, scope: "identify guilds")
      await #expect(throws: DiscordError.self) {
        _ = try await rest.exchangeCode(code, redirectURI: redirect + "x", client: application, secret: secret)
      }
      let again = try await self.code(flow, application, scope: "identify guilds")
      let token = try await rest.exchangeCode(again, redirectURI: redirect, client: application, secret: secret)
      #expect(token.scopes == ["identify", "guilds"])
      let reused = await #expect(throws: DiscordError.self) {
        _ = try await rest.exchangeCode(again, redirectURI: redirect, client: application, secret: secret)
      }
      #expect(reused?.description.contains("Invalid \"code\"") == true)
      #expect(try await rest.user(of: token.accessToken).id == RESTFlow.owner)
      #expect(try await rest.currentGuilds(of: token.accessToken).first?.isOwner == true)
      let authorization = try await rest.authorization(of: token.accessToken)
      #expect(authorization.applicationID == application)
      #expect(authorization.user?.id == RESTFlow.owner)
      let refresh = try #require(token.refreshToken)
      let fresh = try await rest.refresh(refresh, client: application, secret: secret)
      #expect(fresh.refreshToken?.reveal() != refresh.reveal())
      await #expect(throws: DiscordError.self) { _ = try await rest.user(of: token.accessToken) }
      // A user's refused token says nothing of the bot's.
      #expect(try await rest.currentUser().isBot)
      try await rest.revoke(fresh.accessToken, client: application, secret: secret)
      await #expect(throws: DiscordError.self) { _ = try await rest.user(of: fresh.accessToken) }
      let own = try await rest.clientCredentials(scopes: ["identify"], client: application, secret: secret)
      #expect(own.refreshToken == nil)
      #expect(try await rest.user(of: own.accessToken).id == RESTFlow.owner)
      await flow.expect(.missingOAuth2Scope) { _ = try await rest.currentGuilds(of: own.accessToken) }
      try await flow.rig.control(.post, "/oauth2/expire", ["application": .string(application.description)])
      await #expect(throws: DiscordError.self) { _ = try await rest.user(of: own.accessToken) }
    }
  }

  /// As a browser does it: the page, the button, the way back.
  @Test func thePageSendsTheUserBackWithACode() async throws {
    try await RESTFlow.run { flow in
      let application = try await flow.rest.currentApplication().id
      let base = "\(flow.rig.addresses.playground)oauth2/authorize"
      let query =
        "client_id=\(application)&response_type=code&scope=identify&state=%3Cx%3E&redirect_uri=http%3A%2F%2Flocalhost%2Fback"
      let page = try await flow.rig.http.send(HTTPClientRequest(.get, "\(base)?\(query)"))
      let html = String(decoding: page.body, as: UTF8.self)
      #expect(page.status == 200)
      #expect(html.contains("value=\"&lt;x&gt;\""))
      #expect(html.contains("<button name=\"decision\" value=\"authorize\">"))
      #expect(page.headers["Content-Security-Policy"]?.contains("form-action 'self' http://localhost;") == true)
      func decide(_ decision: String) async throws -> String {
        let answer = try await flow.rig.http.send(
          HTTPClientRequest(
            .post, base, headers: ["Content-Type": "application/x-www-form-urlencoded"],
            body: .bytes(Array("\(query)&user=\(RESTFlow.nadia)&decision=\(decision)".utf8))))
        #expect(answer.status == 302)
        return answer.headers["Location"] ?? ""
      }
      #expect(try await decide("cancel").hasPrefix("http://localhost/back?error=access_denied"))
      let location = try await decide("authorize")
      #expect(location.hasSuffix("&state=%3Cx%3E"))
      let code = try #require(location.split(separator: "code=").last?.split(separator: "&").first.map(String.init))
      let token = try await flow.rest.exchangeCode(
        Secret(code), redirectURI: "http://localhost/back", client: application, secret: Self.secret)
      #expect(try await flow.rest.user(of: token.accessToken).id == RESTFlow.nadia)
      // Only registered addresses, once there are some.
      try await flow.rig.control(
        .post, "/applications",
        [
          "application": .string(application.description), "redirectURIs": ["http://localhost/other"],
          "secret": "right",
        ])
      #expect(try await flow.rig.http.send(HTTPClientRequest(.get, "\(base)?\(query)")).status == 400)
      let refused = await #expect(throws: DiscordError.self) {
        _ = try await flow.rest.clientCredentials(scopes: ["identify"], client: application, secret: Secret("wrong"))
      }
      #expect(refused?.description.contains("invalid_client") == true)
    }
  }

  @Test func aUserSaysWhoMayUseACommand() async throws {
    try await RESTFlow.run { flow in
      let rest = flow.rest
      let application = try await rest.currentApplication().id
      let command = try await rest.createCommand(
        ApplicationCommandDefinition(name: "pay", description: "d"), of: application, guild: RESTFlow.guild)
      #expect(try await rest.commands(of: application, guild: RESTFlow.guild).map(\.id) == [command.id])
      await flow.expect(.unknownCommandPermissions) {
        _ = try await rest.commandPermissions(of: application, guild: RESTFlow.guild, command: command.id)
      }
      let code = try await code(flow, application, scope: "applications.commands.permissions.update")
      let token = try await rest.exchangeCode(
        code, redirectURI: Self.redirect, client: application, secret: Self.secret)
      let entry = CommandPermissions.Entry(id: RESTFlow.memberRole, kind: .role, isAllowed: false)
      let set = try await rest.setCommandPermissions(
        [entry], of: application, guild: RESTFlow.guild, command: command.id, accessToken: token.accessToken)
      #expect(set.permissions == [entry])
      #expect(try await rest.commandPermissions(of: application, guild: RESTFlow.guild).map(\.id) == [command.id])
      let one = try await rest.commandPermissions(of: application, guild: RESTFlow.guild, command: command.id)
      #expect(one.permissions == [entry])
      try await rest.deleteCommand(command.id, of: application, guild: RESTFlow.guild)
    }
  }

  @Test(arguments: [false, true]) func aScriptedLimitIsKeptWithoutARefusal(isSliding: Bool) async throws {
    try await RESTFlow.run { flow in
      try await flow.rig.control(
        .post, "/limits",
        [
          "method": "GET", "path": "/users/:user_id", "limit": 4, "window": 400, "sliding": .boolean(isSliding),
        ])
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 1...14 { group.addTask { _ = try await flow.rest.user(RESTFlow.nadia) } }
        try await group.waitForAll()
      }
      #expect(try await flow.rig.requests("/users").map { $0["status"]?.integer } == Array(repeating: 200, count: 14))
    }
  }
}
