import Gateway
import Platform
import Synchronization

/// Sends the program's errors to a Discord webhook (Pegasus document, "Error Webhook").
///
/// A critical error is a line of the log at level `error`: nothing is logged so that somebody need not look at. They are
/// collapsed (``ErrorDigest``), sent up to ten in a message, and never about the reporter itself: its own lines carry
/// its label and are passed over, or a Discord that is away would be reported to Discord for ever. What cannot be
/// delivered is tried ``attempts`` times and then left to the log, which has it too.
public final class ErrorReporter: Sendable {
  /// Of its own lines, and of the client it sends with.
  public static let label = "reporter"
  static let attempts = 5
  /// How much may wait for a Discord that is away.
  static let maximumWaiting = 100
  static let tick = Duration.seconds(1)
  /// How long the end of the program waits for the last message.
  static let farewell = Duration.seconds(3)

  private let sender: any EmbedSender
  private let filter: SecretFilter
  private let time: any TimeSource
  private let log: Log
  private let digest = Mutex(ErrorDigest())
  private let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

  /// - Parameters:
  ///   - secrets: must not be in what is sent.
  ///   - log: the reporter's own; labelled by it.
  public convenience init(
    webhook: DiscordWebhook, secrets: [Secret<String>], userAgent: String, transport: any RESTTransport,
    time: any TimeSource = SystemTime(), sink: any LogSink, metrics: Metrics
  ) {
    let log = Log(label: Self.label, sink: sink)
    self.init(
      sender: WebhookSender(
        webhook, userAgent: userAgent, transport: transport, time: time, log: log, metrics: metrics),
      secrets: secrets + [webhook.token], time: time, log: log)
  }

  init(sender: any EmbedSender, secrets: [Secret<String>], time: any TimeSource, log: Log) {
    self.sender = sender
    self.time = time
    self.log = log
    filter = SecretFilter(secrets)
  }

  /// For a ``LogTee`` around the program's sink. Costs a comparison for lines that are no errors.
  public func observe(_ record: LogRecord) {
    guard record.level == .error, record.label != Self.label, !record.label.hasPrefix(Self.label + "."),
      let error = CriticalError(record)
    else { return }
    digest.withLock { $0.take(error, at: time.now) }
    signal.yield()
  }

  /// Reports until cancelled; then what was not told yet, once.
  public func run() async {
    var queue = Queue()
    for await _ in signals {
      repeat {
        guard (try? await time.sleep(for: Self.tick)) != nil else { break }
        queue.add(digest.withLock { $0.due(at: time.now) }.map(embed))
        await deliver(&queue)
      } while !queue.isEmpty || digest.withLock { !$0.isEmpty }
    }
    queue.add(digest.withLock { $0.due(at: time.now, isLast: true) }.map(embed))
    guard let message = queue.next() else { return }
    // Cancelled: the last message needs a task that is not.
    await Task { [sender, time, log] in
      do {
        try await withTimeLimit(Self.farewell, time: time) { try await sender.send(message) }
      } catch {
        log.warning("the last errors were not reported", ["error": .error(error)])
      }
    }.value
  }

  private func deliver(_ queue: inout Queue) async {
    while time.now >= queue.notBefore, let message = queue.next() {
      do {
        try await sender.send(message)
        queue.removeFirst(message.count)
      } catch is CancellationError {
        return
      } catch {
        guard queue.failed(at: time.now) else { return }
        log.warning(
          "errors could not be reported; they are in the log alone",
          ["errors": .integer(Int64(message.count)), "error": .error(error)])
        queue.removeFirst(message.count)
      }
    }
  }

  private func embed(_ report: ErrorDigest.Report) -> Embed {
    ReportEmbeds.error(
      type: filter.clean(report.error.kind.type), description: filter.clean(report.description),
      trace: filter.clean(report.error.trace), at: report.error.time)
  }

  /// What waits to be sent, in order.
  struct Queue: Sendable {
    private var embeds: [Embed] = []
    private var failures = 0
    private(set) var notBefore = ContinuousClock.Instant.now - .seconds(1_000_000)

    var isEmpty: Bool { embeds.isEmpty }

    /// The oldest give way.
    mutating func add(_ new: [Embed]) {
      embeds += new
      embeds.removeFirst(max(0, embeds.count - ErrorReporter.maximumWaiting))
    }

    func next() -> [Embed]? {
      embeds.isEmpty ? nil : Array(embeds.prefix(max(1, ReportEmbeds.fitting(embeds))))
    }

    mutating func removeFirst(_ count: Int) {
      embeds.removeFirst(min(count, embeds.count))
      failures = 0
    }

    /// - Returns: whether the message is given up.
    mutating func failed(at now: ContinuousClock.Instant) -> Bool {
      failures += 1
      notBefore = now + .seconds(5) * (1 << min(failures - 1, 6))
      return failures >= ErrorReporter.attempts
    }
  }
}
