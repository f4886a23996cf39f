import Core
import HTTP
import KillTracker
import Platform

/// The names of servers as they stood at one moment, for an answer that shows them.
struct ServerNames: Sendable {
  /// By what kills say; nil where the bot is not, and the id itself is shown.
  private let names: [String: (guild: GuildID, name: String?)]

  init(of kills: [Kill], _ guilds: any GuildDirectory) {
    var names: [String: (guild: GuildID, name: String?)] = [:]
    for kill in kills where names[kill.serverID] == nil {
      if let guild = kill.guildID { names[kill.serverID] = (guild, guilds.name(of: guild)) }
    }
    self.names = names
  }

  func name(of serverID: String) -> String { names[serverID]?.name ?? serverID }

  /// Whether the servers have the same names now.
  func areRight(_ guilds: any GuildDirectory) -> Bool {
    names.values.allSatisfy { guilds.name(of: $0.guild) == $0.name }
  }
}

/// The answer of a list as it is sent, kept with the page that it tells of.
///
/// A page is what the database holds, as one viewer may see it, and ends with the first transaction that is stored. What
/// an answer shows beside it are the names of servers, which come from Discord: they are compared each time.
///
/// `Document` tells apart what different documents make of the same page.
struct KillListAnswer<Document>: Sendable {
  private let content: KeptContent
  private let names: ServerNames

  /// - Parameter document: what is printed; it knows nothing of the request but what made the page.
  static func response(
    _ kept: KeptKillPage, _ guilds: any GuildDirectory, of document: (KillPage, ServerNames) -> Document
  ) throws -> HTTPResponse where Document: Encodable {
    let answer = try kept.form(isRight: { (answer: KillListAnswer) in answer.names.areRight(guilds) }) { page in
      let names = ServerNames(of: page.kills, guilds)
      return KillListAnswer(
        content: KeptContent(try JSONTextEncoder().encode(document(page, names))), names: names)
    }
    return HTTPResponse(kept: answer.content, contentType: "application/json")
  }
}
