import Core
import Gateway
import HTTPAPI
import Platform

/// Discord's side of a login, over the REST client. The access token is dropped as soon as it has told who the user is.
struct DiscordAuthorization: DiscordOAuth {
  let rest: RESTClient
  let client: Snowflake
  let secret: Secret<String>

  func identity(forCode code: Secret<String>, redirectURI: String) async throws -> DiscordIdentity {
    let token: OAuth2Token
    do {
      token = try await rest.exchangeCode(code, redirectURI: redirectURI, client: client, secret: secret)
    } catch DiscordError.refused(let refusal) where refusal.status == 400 {
      throw DiscordLogin.Refusal.code
    }
    let user = try await rest.user(of: token.accessToken)
    return DiscordIdentity(
      id: UserID(user.id), username: user.username, discriminator: user.discriminator ?? "0",
      globalName: user.globalName, avatarURL: user.avatar.map { Self.avatarURL(user.id, $0) })
  }

  /// Discord Reference, "CDN Endpoints"; animated ones begin with `a_`.
  private static func avatarURL(_ user: Snowflake, _ hash: String) -> String {
    "https://cdn.discordapp.com/avatars/\(user)/\(hash).\(hash.hasPrefix("a_") ? "gif" : "png")"
  }

  /// Where people agree: `https://discord.com/oauth2/authorize`, and the same beside any other REST API.
  static func authorizeURL(apiBase: String) -> String {
    let site = apiBase.firstRange(of: "/api").map { String(apiBase[..<$0.lowerBound]) } ?? apiBase
    return site + "/oauth2/authorize"
  }
}
