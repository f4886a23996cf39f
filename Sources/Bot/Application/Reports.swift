import Core
import Gateway
import HTTPAPI
import Platform

/// What this process tells channels of Discord about itself: its errors and the audit log, as far as that is configured.
///
/// Begins before everything else and ends after it, so that the last error is told too.
struct Reports: Sendable {
  /// Where the program logs: the reporter listens.
  let sink: any LogSink
  private let plain: any LogSink
  private let configuration: Configuration
  private let client: HTTPClient?
  /// Of the whole process.
  let metrics: Metrics
  private let reporting: Task<Void, Never>?

  /// - Throws: `HTTPClientError` if the client for the webhooks cannot start.
  static func begin(_ configuration: Configuration, sink: any LogSink) throws -> Reports {
    let metrics = Metrics()
    let api = configuration.httpAPI
    guard api.errorWebhook != nil || api.auditWebhook != nil else {
      return Reports(
        sink: sink, plain: sink, configuration: configuration, client: nil, metrics: metrics, reporting: nil)
    }
    let client = try HTTPClient(
      configuration: .init(name: "reports", usesProxyFromEnvironment: true),
      log: Log(label: ErrorReporter.label, sink: sink), metrics: metrics)
    guard let webhook = api.errorWebhook else {
      return Reports(
        sink: sink, plain: sink, configuration: configuration, client: client, metrics: metrics, reporting: nil)
    }
    let reporter = ErrorReporter(
      webhook: webhook, secrets: secrets(configuration), userAgent: userAgent(configuration),
      transport: HTTPTransport(client: client), sink: sink, metrics: metrics)
    return Reports(
      sink: LogTee(sink) { reporter.observe($0) }, plain: sink, configuration: configuration, client: client,
      metrics: metrics, reporting: Task { await reporter.run() })
  }

  /// Counts the audit log and tells of it until cancelled.
  func follow(_ shared: SharedState) async {
    let api = configuration.httpAPI
    let retention: Duration? = api.auditRetentionDays > 0 ? .seconds(api.auditRetentionDays * 86_400) : nil
    shared.activity.configure(.init(retention: retention, tellsNews: api.auditWebhook != nil))
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await shared.activity.run(log: Log(label: "core", sink: sink)) }
      if let webhook = api.auditWebhook, let client {
        let reporter = AuditReporter(
          webhook: webhook, shared: shared, userAgent: Self.userAgent(configuration),
          transport: HTTPTransport(client: client), sink: plain, metrics: metrics)
        group.addTask { await reporter.run() }
      }
    }
  }

  /// Tells what was not told yet.
  func end() async {
    reporting?.cancel()
    await reporting?.value
    await client?.shutdown()
  }

  private static func userAgent(_ configuration: Configuration) -> String {
    Version.userAgent(
      token: configuration.discord.token ?? Secret(""), publicURL: configuration.httpAPI.publicURL)
  }

  /// What the configuration calls a secret.
  private static func secrets(_ configuration: Configuration) -> [Secret<String>] {
    let api = configuration.httpAPI
    return [
      configuration.discord.token, configuration.discord.clientSecret, api.uidLoginSecret, api.errorWebhook?.token,
      api.auditWebhook?.token, password(of: configuration.databaseURL),
    ].compactMap(\.self)
  }

  /// `postgres://user:PASSWORD@host/name`
  private static func password(of url: Secret<String>) -> Secret<String>? {
    let text = url.reveal()
    guard let start = text.firstRange(of: "://")?.upperBound, let at = text[start...].lastIndex(of: "@"),
      let colon = text[start..<at].firstIndex(of: ":")
    else { return nil }
    return Secret(String(text[text.index(after: colon)..<at]))
  }
}
