import Commands
import Core
import Gateway
import Platform

/// `/link`: proves that a handle in the game is the user's. Everything here is for their eyes alone.
enum LinkGroup: CommandGroup {
  static let name = "link"
  static let summary = "Prove that a handle in the game is yours"
  static var subcommands: [any SlashCommand<TrackerServices>.Type] {
    [StartLink.self, CheckLink.self, ShowLink.self, RemoveLink.self]
  }
}

struct StartLink: SlashCommand {
  static let name = "start"
  static let summary = "Get a token for the bio of your page"
  static let answer = AnswerStyle.ephemeral

  @Option("Your handle, as in the address of your page", length: 1...64) var handle: String

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let proof = try await LinkWords.explaining {
      try await context.services.proofs.start(handle, for: context.userID)
    }
    return try LinkWords.instructions(proof, in: context)
  }
}

struct CheckLink: SlashCommand {
  static let name = "check"
  static let summary = "Look for the token in your bio"
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply { try await LinkWords.check(context) }
}

struct ShowLink: SlashCommand {
  static let name = "show"
  static let summary = "Which handle is yours"
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let services = context.services
    let profile = try await services.players.profile(of: context.userID)
    var lines: [String] = []
    switch profile.handle {
    case let handle? where profile.isVerified: lines.append("**\(TrackerWords.plain(handle))** is proved to be yours.")
    case let handle?:
      lines.append("You say that you are **\(TrackerWords.plain(handle))**. `/link start` proves it.")
    case nil: lines.append("You have no handle. `/link start` proves one.")
    }
    if let proof = try await services.proofs.pending(context.userID), proof.expiresAt > context.time.timestamp {
      lines.append(
        "A proof of **\(TrackerWords.plain(proof.handle))** is under way: put `\(proof.token)` into your bio and use "
          + "`/link check`, \(TrackerWords.time(proof.expiresAt)) at the latest.")
    }
    return Reply(embeds: [
      Embed(title: "Your handle", description: lines.joined(separator: "\n"), color: ReplyColor.notice)
    ])
  }
}

struct RemoveLink: SlashCommand {
  static let name = "remove"
  static let summary = "Give up your handle; your kills stay yours"
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    guard try await context.services.proofs.remove(of: context.userID) else {
      throw UserError("You have no handle to give up.")
    }
    return Reply(embeds: [
      Embed(
        description:
          "Your handle is yours no longer. Kills that were recorded for you so far stay yours; new ones under "
          + "that name are nobody's until somebody proves it.", color: ReplyColor.success)
    ])
  }
}

/// The same as `/link check`, below the instructions.
struct CheckLinkButton: ButtonHandler {
  static let name = "killtracker.link.check"
  static let binding: ComponentBinding = [.user]
  static let lifetime: Duration? = HandleProofs.lifetime

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply { try await LinkWords.check(context) }
}

enum LinkWords {
  static func instructions(_ proof: HandleProof, in context: CommandContext<TrackerServices>) throws -> Reply {
    let text = """
      1. Open [your profile at the game's site](<\(site(of: proof))/account/profile>) and put this anywhere into **Bio**:
      ```
      \(proof.token)
      ```
      2. Save, then press the button, or use `/link check`.
      It is good until \(TrackerWords.time(proof.expiresAt, .full)). Afterwards you can take it out again.
      """
    return Reply(
      embeds: [
        Embed(
          title: "Is \(TrackerWords.bare(proof.handle)) yours?", description: text, url: proof.pageURL,
          color: ReplyColor.notice, footer: Embed.Footer(TrackerWords.fanProject))
      ],
      components: [
        .actionRow([.button(try context.components.button("Check", style: .success, for: CheckLinkButton()))])
      ])
  }

  private static func site(of proof: HandleProof) -> String {
    proof.pageURL.firstRange(of: "/citizens/").map { String(proof.pageURL[..<$0.lowerBound]) } ?? proof.pageURL
  }

  static func check(_ context: CommandContext<TrackerServices>) async throws -> Reply {
    let profile = try await explaining { try await context.services.proofs.check(context.userID) }
    let handle = TrackerWords.plain(profile.handle ?? "")
    return Reply(embeds: [
      Embed(
        title: "It is you",
        description: "**\(handle)** is yours from now on, with all kills that were recorded under it. "
          + "You can take the token out of your bio.", color: ReplyColor.success)
    ])
  }

  static func explaining<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    do { return try await body() } catch let error as HandleProofError { throw UserError(message(error)) }
  }

  static func message(_ error: HandleProofError) -> String {
    switch error {
    case .invalid(let reason): reason
    case .handleTaken: "That handle is proved to be somebody else's."
    case .alreadyProved(let handle): "**\(TrackerWords.plain(handle))** is proved to be yours already."
    case .notStarted: "No proof is under way. `/link start` begins one."
    case .expired: "That token is too old. `/link start` gives a new one."
    case .tokenMissing(let proof, let hasBio, let wait):
      (hasBio ? "The token is not in the bio of your page yet." : "Your page shows no bio yet.")
        + " Put `\(proof.token)` into it and save. The site may show an older page for a few minutes; it is read again "
        + (wait > .zero ? "in \(seconds(wait)) seconds at the earliest." : "when you check again.")
    case .page(.noSuchHandle, let handle):
      "The game's site has no page of **\(TrackerWords.plain(handle))**. Is it spelled as in the address of your page?"
    case .page(.unavailable(let status?), _):
      "The game's site does not answer as it should (\(status)). Try again later."
    case .page(.unavailable(nil), _): "The game's site cannot be reached now. Try again later."
    case .page(.notUnderstood, _): "The game's site answered with a page that is not understood. Try again later."
    case .page(.tooOften(let wait), _): "The game's site was asked often enough. Try again in \(seconds(wait)) seconds."
    }
  }

  private static func seconds(_ duration: Duration) -> Int64 { Int64(duration.inSeconds.rounded(.up)) }
}
