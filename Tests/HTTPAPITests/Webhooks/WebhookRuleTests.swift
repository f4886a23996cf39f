import Core
import Platform
import Testing

@testable import HTTPAPI

/// What can be told without a database or a socket.
struct WebhookRuleTests {
  private let rules = WebhookRules(catalog: WebhookRig.catalog, allowsPrivateAddresses: false)

  private func field(_ body: () throws -> Void) -> String? {
    do { try body() } catch WebhookError.invalid(let field, _) { return field } catch { return "\(error)" }
    return nil
  }

  @Test func waitsGrowByTheMultiplierAndEnd() {
    let standard = WebhookRetry.standard
    #expect((1...4).map(standard.wait) == [.seconds(1), .seconds(2), .seconds(4), nil])
    #expect(WebhookRetry(maxRetries: 0, delayMilliseconds: 1000, multiplier: 2).wait(after: 1) == nil)
    let flat = WebhookRetry(maxRetries: 2, delayMilliseconds: 250, multiplier: 1)
    #expect((1...3).map(flat.wait) == [.milliseconds(250), .milliseconds(250), nil])
    let uneven = WebhookRetry(maxRetries: 3, delayMilliseconds: 1000, multiplier: 1.5)
    #expect((1...3).map(uneven.wait) == [.seconds(1), .milliseconds(1500), .milliseconds(2250)])
  }

  @Test(
    arguments: [
      (3, 1000, 2.0, nil), (0, 100, 1, nil), (10, 1000, 2, nil), (-1, 1000, 2, "maxRetries"),
      (11, 1000, 2, "maxRetries"),
      (3, 99, 2, "retryDelay"), (3, 3_600_001, 2, "retryDelay"), (3, 1000, 0.9, "backoffMultiplier"),
      (3, 1000, 10.1, "backoffMultiplier"), (3, 1000, .nan, "backoffMultiplier"),
      (10, 3_600_000, 10, "backoffMultiplier"),
      (0, 3_600_000, 10, nil),
    ] as [(Int, Int64, Double, String?)])
  func retryPoliciesHaveBounds(retries: Int, delay: Int64, multiplier: Double, field: String?) {
    let retry = WebhookRetry(maxRetries: retries, delayMilliseconds: delay, multiplier: multiplier)
    #expect(self.field { _ = try rules.retry(retry) } == field)
  }

  @Test(arguments: [
    "X-Adjutant-Signature", "x-adjutant-anything", "Content-Type", "content-length", "Host", "Transfer-Encoding",
    "Connection", "User-Agent", "Proxy-Authorization", "Expect", "", "X Y", "X:Y", "X\r\nY", "Ä",
  ])
  func headersThatCannotBeSet(name: String) {
    var headers = HTTPHeaders()
    headers.add(name, "x")
    #expect(field { _ = try rules.headers(headers) } == "headers.\(name)")
  }

  @Test func headersAreFewAndPlain() throws {
    #expect(try rules.headers(["X-Custom-Header": "value", "Authorization": "Bearer x"]).count == 2)
    #expect(field { _ = try rules.headers(["X-A": "1", "x-a": "2"]) } == "headers.x-a")
    for value in ["a\r\nX-Evil: 1", "a\nb", "a\0", "ä", "\u{7F}"] {
      #expect(field { _ = try rules.headers(["X-A": value]) } == "headers.X-A")
    }
    var many = HTTPHeaders()
    for number in 0...WebhookRules.maximumHeaders { many.add("X-\(number)", "") }
    #expect(field { _ = try rules.headers(many) } == "headers")
    let long = String(repeating: "x", count: WebhookRules.maximumHeaderBytes)
    #expect(field { _ = try rules.headers(["X-A": long]) } == "headers")
  }

  @Test func namesEventsAndSecretsAreChecked() throws {
    #expect(try rules.events(["thing.seen", "thing.made", "thing.seen"]) == ["thing.seen", "thing.made"])
    #expect(field { _ = try rules.events([]) } == "events")
    #expect(field { _ = try rules.events(["thing.seen", "thing.unknown"]) } == "events[1]")
    #expect(field { _ = try rules.events(["test"]) } == "events[0]")
    #expect(field { _ = try rules.name("  ") } == "name")
    #expect(field { _ = try rules.name(String(repeating: "x", count: 101)) } == "name")
    #expect(try rules.name(" a ") == "a")
    #expect(field { _ = try rules.secret(Secret("")) } == "secret")
    #expect(field { _ = try rules.secret(Secret(String(repeating: "x", count: 257))) } == "secret")
    #expect(field { _ = try rules.url("http://10.0.0.1/") } == "url")
  }

  @Test func attemptsMakeADeliveryDeliveredDeadOrWait() {
    let retry = WebhookRetry(maxRetries: 2, delayMilliseconds: 1000, multiplier: 3)
    let now = Timestamp(seconds: 100)
    func attempt(_ error: String?) -> WebhookAttempt {
      WebhookAttempt(at: now, status: nil, milliseconds: 1, error: error, response: nil)
    }
    var delivery = WebhookDelivery(
      sequence: 1, id: "a", webhook: WebhookID(number: 1), event: "e", body: "{}", state: .pending, isAside: false,
      tries: 0, nextAt: now, createdAt: now, finishedAt: nil, attempts: [])
    let fresh = delivery
    delivery.note(attempt("no"), retry: retry, at: now)
    #expect(delivery.state == .pending && delivery.nextAt == now + .seconds(1) && delivery.tries == 1)
    delivery.note(attempt("no"), retry: retry, at: now)
    #expect(delivery.state == .pending && delivery.nextAt == now + .seconds(3))
    var dead = delivery
    dead.note(attempt("no"), retry: retry, at: now)
    #expect(dead.state == .dead && dead.finishedAt == now && dead.attempts.count == 3)
    delivery.note(attempt(nil), retry: retry, at: now)
    #expect(delivery.state == .delivered && delivery.finishedAt == now)
    var aside = fresh
    aside.isAside = true
    aside.note(attempt("no"), retry: retry, at: now)
    #expect(aside.state == .dead, "aside there is one attempt")
    var long = fresh
    for _ in 0..<50 { long.note(attempt("no"), retry: retry, at: now) }
    #expect(long.attempts.count == WebhookDelivery.keptAttempts)
  }

  /// Against `openssl dgst -sha256 -hmac webhook_secret`.
  @Test func signaturesAreThoseThatOthersCompute() throws {
    let body = #"{"type":"kill.created","data":{}}"#
    let delivery = WebhookDelivery(
      sequence: 1, id: "11111111-2222-3333-4444-555555555555", webhook: WebhookID(number: 1), event: "kill.created",
      body: body, state: .pending, isAside: false, tries: 0, nextAt: .now, createdAt: .now, finishedAt: nil,
      attempts: [])
    let headers = try WebhookCourier.headers(
      of: delivery, own: ["X-Custom-Header": "value", "x-adjutant-event": "forged", "Content-Type": "text/html"],
      body: Array(body.utf8), secret: Secret("webhook_secret"), at: Timestamp(milliseconds: 1_700_000_000_999))
    #expect(
      headers == [
        "Content-Type": "application/json", "X-Adjutant-Event": "kill.created",
        "X-Adjutant-Delivery": "11111111-2222-3333-4444-555555555555", "X-Adjutant-Timestamp": "1700000000",
        "X-Adjutant-Signature": "sha256=3dbac1ceccbc7060f77b5b7cb655f8d348ee9da96a3628d9d399269ae09ff049",
        "X-Adjutant-Signature-V2": "sha256=8ad4fc86c0277cd5e5d5d5694322cf278f8642b92135a25c94d6c52bad7bd004",
        "X-Custom-Header": "value",
      ])
    let unsigned = try WebhookCourier.headers(of: delivery, own: [:], body: Array(body.utf8), secret: nil, at: .now)
    #expect(unsigned.map(\.name) == ["Content-Type", "X-Adjutant-Event", "X-Adjutant-Delivery"])
  }

  @Test func whatIsSealedOpensWithItsKeyAndContextAlone() throws {
    let key = [UInt8](repeating: 7, count: Crypto.sealingKeyLength)
    for text in [[], Array("webhook_secret".utf8), [UInt8](repeating: 0, count: 10_000)] {
      let sealed = try Crypto.seal(text, key: key, context: "a")
      #expect(try Crypto.open(sealed, key: key, context: "a") == text)
      #expect(try Crypto.open(sealed, key: key, context: "b") == nil)
      #expect(try Crypto.open(sealed, key: [UInt8](repeating: 8, count: 32), context: "a") == nil)
      #expect(try Crypto.open(Array(sealed.dropLast()), key: key, context: "a") == nil)
      for index in [0, 11, sealed.count / 2, sealed.count - 1] {
        var changed = sealed
        changed[index] ^= 1
        #expect(try Crypto.open(changed, key: key, context: "a") == nil)
      }
      #expect(try Crypto.seal(text, key: key, context: "a") != sealed, "never the same twice")
    }
    #expect(try Crypto.open([1, 2, 3], key: key, context: "a") == nil)
    #expect(throws: CryptoError.invalidKey) { try Crypto.seal([1], key: [1], context: "") }
  }
}
