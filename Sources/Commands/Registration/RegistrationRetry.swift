import Gateway
import Platform

/// When a registration that failed is tried again.
///
/// Source: Discord, Opcodes and Status Codes, "JSON Error Codes"; Application Commands, "Registering a Command".
struct RegistrationRetry {
  enum Decision: Equatable {
    case wait(Duration)
    /// Waiting does not help; what does is said in the log.
    case giveUp(Reason)
  }

  enum Reason: Equatable {
    /// 50001: the guild did not give the scope `applications.commands`.
    case missingScope
    case unauthorized
    /// Discord does not take what it is sent.
    case refused
  }

  /// 200 new commands a day and guild; Discord says when it goes on, and if not, this long is waited.
  static let dailyLimitWait = Duration.seconds(3_600)
  /// A refusal without a known reason may pass, but not often.
  static let refusals = 3

  private let backoff = Backoff(first: .seconds(5), limit: .seconds(900))
  private var failures = 0
  private var refused = 0

  mutating func decide(after error: any Error, random: any RandomSource) -> Decision {
    failures += 1
    let wait = Decision.wait(backoff.delay(failures: failures, random: random))
    guard let error = error as? DiscordError else { return wait }
    switch error {
    case .unauthorized: return .giveUp(.unauthorized)
    case .rateLimited(_, let retryAfter): return .wait(max(retryAfter, .seconds(1)))
    case .invalid: return .giveUp(.refused)
    case .network, .bodyUsedUp, .unreadable, .overloaded: return wait
    case .refused(let refusal):
      switch refusal.code {
      case 50_001: return .giveUp(.missingScope)
      case 30_034: return .wait(Self.dailyLimitWait)
      default:
        guard refusal.status < 500 else { return wait }
        refused += 1
        return refused < Self.refusals ? wait : .giveUp(.refused)
      }
    }
  }
}
