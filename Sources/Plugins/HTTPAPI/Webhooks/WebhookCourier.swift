import Core
import Platform

/// Makes one attempt: signs, sends, and says what came of it.
///
/// The client judges each address when it connects (``PublicAddress``), follows no redirect, uses no proxy, and makes a
/// connection of its own for each attempt.
struct WebhookCourier: Sendable {
  struct Limits: Sendable {
    var connect = Duration.seconds(5)
    var total = Duration.seconds(10)
    /// Of the answer's body; the rest is not read.
    var responseBytes = 4096
  }
  /// How much of it the log keeps.
  static let keptResponseBytes = 1024

  let client: HTTPClient
  let limits: Limits
  let time: any TimeSource

  static func client(
    allowsPrivateAddresses: Bool, userAgent: String, log: Log, metrics: Metrics
  ) throws -> HTTPClient {
    let allow: @Sendable (ConnectAddress) -> Bool = { address in
      allowsPrivateAddresses || PublicAddress.isPublic(address.bytes)
    }
    return try HTTPClient(
      configuration: .init(
        name: "webhooks", userAgent: userAgent, maximumConnectionsPerHost: 4, usesProxyFromEnvironment: false,
        allowAddress: allow,
        reusesConnections: false),
      log: log, metrics: metrics)
  }

  /// - Throws: `CancellationError`, if told to stop in the middle.
  func send(_ delivery: WebhookDelivery, to webhook: Webhook, secret: Secret<String>?) async throws -> WebhookAttempt {
    let start = time.now
    var attempt = WebhookAttempt(at: time.timestamp, status: nil, milliseconds: 0, error: nil, response: nil)
    do {
      let body = Array(delivery.body.utf8)
      let headers = try Self.headers(
        of: delivery, own: webhook.headers, body: body, secret: secret, at: attempt.at)
      let response = try await client.open(
        HTTPClientRequest(
          .post, webhook.url, headers: headers, body: .bytes(body),
          timeouts: .init(connect: limits.connect, total: limits.total, idle: limits.total), maximumResponseBytes: nil))
      attempt.status = response.status
      if !(200..<300).contains(response.status) { attempt.error = "the answer was \(response.status)" }
      attempt.response = try await beginning(of: response.body)
    } catch let error as HTTPClientError {
      try Task.checkCancellation()
      attempt.error = Self.text(for: error)
    }
    attempt.milliseconds = Int64((time.now - start).inMilliseconds)
    return attempt
  }

  /// The status has come: what happens to the body changes nothing.
  private func beginning(of body: HTTPClientBody) async throws -> String? {
    var bytes: [UInt8] = []
    do {
      for try await piece in body {
        bytes += piece
        if bytes.count >= limits.responseBytes { break }
      }
    } catch is HTTPClientError {
      try Task.checkCancellation()
    }
    guard !bytes.isEmpty else { return nil }
    let text = String(decoding: bytes.prefix(Self.keptResponseBytes), as: UTF8.self)
    // PostgreSQL has no NUL in JSON.
    return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
  }

  /// For the webhook's owner: nothing about our own network.
  private static func text(for error: HTTPClientError) -> String {
    switch error.reason {
    case .cannotResolve: "the host's name cannot be resolved"
    case .cannotConnect: "no connection could be made"
    case .addressRefused: "the host's address is private or local"
    case .timeout: "there was no answer in time"
    case .tls: "TLS failed"
    case .connectionLost, .protocolViolation: "the connection ended without an answer"
    case .invalidRequest: "the request cannot be sent"
    case .responseTooLarge, .uploadFailed, .cancelled, .shutDown, .failed: "the request failed"
    }
  }

  /// - Parameter own: those that the webhook's owner chose; they never replace ours.
  static func headers(
    of delivery: WebhookDelivery, own: HTTPHeaders, body: [UInt8], secret: Secret<String>?, at now: Timestamp
  ) throws -> HTTPHeaders {
    var headers: HTTPHeaders = [
      "Content-Type": "application/json", "X-Adjutant-Event": delivery.event, "X-Adjutant-Delivery": delivery.id,
    ]
    if let secret {
      let timestamp = String(now.milliseconds / 1000)
      let key = Array(secret.reveal().utf8)
      headers["X-Adjutant-Timestamp"] = timestamp
      headers["X-Adjutant-Signature"] = "sha256=" + Hex.encode(try Crypto.hmacSHA256(body, key: key))
      headers["X-Adjutant-Signature-V2"] =
        "sha256=" + Hex.encode(try Crypto.hmacSHA256(Array(timestamp.utf8) + Array(".".utf8) + body, key: key))
    }
    for (name, value) in own where !WebhookRules.isReserved(name) { headers.add(name, value) }
    return headers
  }
}
