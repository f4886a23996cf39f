import Core
import FoundationEssentials
import Gateway
import Platform

/// Sends the entries of the audit log to a Discord webhook (Pegasus document, "Audit Webhook"): ten in a message, in
/// order, each at least once, over restarts and outages (``AuditNews``).
///
/// Of several processes on one database one sends at a time, as long as its lease lasts.
public final class AuditReporter: Sendable {
  static let interval = Duration.seconds(2)
  static let leaseName = "audit_webhook.lease"
  static let lease = Duration.seconds(60)
  static let firstPause = Duration.seconds(5)
  static let longestPause = Duration.seconds(300)

  private let sender: any EmbedSender
  private let news: AuditNews
  private let state: KeyedState
  private let time: any TimeSource
  private let log: Log
  private let process = UUID().uuidString

  public convenience init(
    webhook: DiscordWebhook, shared: SharedState, userAgent: String, transport: any RESTTransport,
    time: any TimeSource = SystemTime(), sink: any LogSink, metrics: Metrics
  ) {
    let log = Log(label: ErrorReporter.label, sink: sink)
    self.init(
      sender: WebhookSender(
        webhook, userAgent: userAgent, transport: transport, time: time, log: log, metrics: metrics),
      shared: shared, time: time, log: log)
  }

  init(sender: any EmbedSender, shared: SharedState, time: any TimeSource, log: Log) {
    self.sender = sender
    self.time = time
    self.log = log
    news = AuditNews(database: shared.database)
    state = shared.state
  }

  /// Until cancelled.
  public func run() async {
    var failures = 0
    repeat {
      do {
        if try await send() { failures = 0 }
      } catch is CancellationError {
        break
      } catch {
        failures += 1
        let pause = min(Self.firstPause * (1 << min(failures - 1, 10)), Self.longestPause)
        if failures == 1 {
          log.warning("audit entries wait to be sent", ["error": .error(error), "retryAfterMs": .milliseconds(pause)])
        }
        guard (try? await time.sleep(for: pause)) != nil else { break }
      }
    } while (try? await time.sleep(for: Self.interval)) != nil
  }

  /// Sends one message, if there is something to send and it is this process's turn.
  /// - Returns: whether one was sent.
  @discardableResult
  func send() async throws -> Bool {
    guard let batch = try await news.next(limit: ReportEmbeds.perMessage), try await hasLease() else { return false }
    if !batch.records.isEmpty {
      do {
        try await sender.send(batch.records.map(ReportEmbeds.audit))
      } catch let error as DiscordError where Self.isAboutTheMessage(error) {
        // It will never be taken, and those behind it wait.
        log.warning("audit entries were refused and are left out", ["error": .error(error)])
      }
    }
    try await news.remove(batch)
    return true
  }

  private static func isAboutTheMessage(_ error: DiscordError) -> Bool {
    switch error {
    case .invalid: true
    case .refused(let refusal): refusal.status == 400
    default: false
    }
  }

  private func hasLease() async throws -> Bool {
    let (process, lease) = (process, Int64(Self.lease.inMilliseconds))
    return try await state.change(Self.leaseName) { value, now in
      if let owner = value?["process"]?.string, owner != process, let until = value?["until"]?.integer,
        until > now.milliseconds
      {
        return false
      }
      value = ["process": .string(process), "until": .integer(now.milliseconds + lease)]
      return true
    }
  }
}
