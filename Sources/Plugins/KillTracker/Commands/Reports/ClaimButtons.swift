import Commands
import Core
import Gateway
import Platform

/// What the buttons of a report have in common: they act, and the message shows what came of it. Pressed twice, or by two
/// at once, they do their work once: the service sees to it, so nothing here is good for one use only.
protocol ClaimButton: ButtonHandler where Services == TrackerServices {
  var claim: ClaimID { get }
  func act(_ claims: KillClaims, by caller: ClaimCaller) async throws -> Claim
}

extension ClaimButton {
  static var binding: ComponentBinding { [.guild] }
  static var contexts: CommandContexts { .guilds }

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let guild = GuildID(try context.requireGuild().rawValue)
    let claims = context.services.claims
    await context.rememberMember()
    // A claim of another server never gets a button here; but ids are numbers.
    let known = try await ClaimWords.explaining { try await claims.find(claim, in: guild) }
    await context.services.claimMessages?.note(context.message, of: known, in: context)
    let manages = context.permissions.contains(.manageGuild) || context.permissions.contains(.administrator)
    let caller = ClaimCaller(user: context.userID, isBot: context.user.isBot) { manages && $0 == guild }
    do {
      let now = try await ClaimWords.explaining(except: true) { try await act(claims, by: caller) }
      return try await ClaimCard(now, in: context).reply()
    } catch ClaimError.refused(let refusal) {
      // The message may show how it stood long ago: it follows, and whoever pressed is told why nothing happened.
      try await context.followUp(Reply(refusal.message).ephemeral)
      return try await ClaimCard(try await claims.find(claim), in: context).reply()
    }
  }
}

struct ConfirmClaim: ClaimButton {
  static let name = "killtracker.report.confirm"
  let claim: ClaimID
  func act(_ claims: KillClaims, by caller: ClaimCaller) async throws -> Claim {
    try await claims.confirm(claim, by: caller)
  }
}

struct DisputeClaim: ClaimButton {
  static let name = "killtracker.report.dispute"
  let claim: ClaimID
  func act(_ claims: KillClaims, by caller: ClaimCaller) async throws -> Claim {
    try await claims.dispute(claim, by: caller)
  }
}

struct WithdrawClaim: ClaimButton {
  static let name = "killtracker.report.withdraw"
  let claim: ClaimID
  func act(_ claims: KillClaims, by caller: ClaimCaller) async throws -> Claim {
    try await claims.withdraw(claim, by: caller)
  }
}

struct DecideClaim: ClaimButton {
  static let name = "killtracker.report.decide"
  static let memberPermissions: Gateway.Permissions? = .manageGuild
  let claim: ClaimID
  let isAccepted: Bool
  func act(_ claims: KillClaims, by caller: ClaimCaller) async throws -> Claim {
    try await claims.decide(claim, isAccepted: isAccepted, by: caller)
  }
}

/// Shows a report again, for everybody, with its buttons: messages are lost in busy channels.
struct ShowClaim: ButtonHandler {
  static let name = "killtracker.report.show"
  static let binding: ComponentBinding = [.guild]
  static let answer = AnswerStyle.visible
  let claim: ClaimID

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let guild = GuildID(try context.requireGuild().rawValue)
    let found = try await ClaimWords.explaining { try await context.services.claims.find(claim, in: guild) }
    let reply = try await ClaimCard(found, in: context).reply()
    return try await context.services.claimMessages?.show(reply, of: found, in: context) ?? reply
  }
}

enum ClaimWords {
  /// Says in the user's terms what the service refuses.
  /// - Parameter leavesRefusals: whether a `refused` is for the caller to tell.
  static func explaining<Result: Sendable>(
    except leavesRefusals: Bool = false, _ body: () async throws -> Result
  ) async throws -> Result {
    do {
      return try await TrackerWords.explaining(body)
    } catch let error as ClaimError {
      if leavesRefusals, case .refused = error { throw error }
      throw UserError(message(error))
    }
  }

  static func message(_ error: ClaimError) -> String {
    switch error {
    case .invalid(_, let reason): reason
    case .notFound: "There is no such report any more."
    case .refused(let refusal): refusal.message
    case .alreadyReported(let id): "You reported that already, as `\(id)`. `/kill reports` shows what waits."
    case .alreadyRecorded(let id): "That kill is known already: `\(id)`."
    case .tooMany(let limit, perDay: true): "You reported \(limit) kills here within a day. Try again tomorrow."
    case .tooMany(let limit, perDay: false):
      "\(limit) of your reports wait to be confirmed here. Withdraw one, or wait until one is decided."
    }
  }
}
