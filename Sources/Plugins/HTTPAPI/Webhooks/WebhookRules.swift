import Core
import HTTP
import Platform

/// What people may choose for a webhook; errors name the documents' fields.
struct WebhookRules {
  static let nameLimit = 100
  static let secretLimit = 256
  static let maximumHeaders = 20
  static let maximumHeaderBytes = 4096
  static let maximumEvents = 50

  let catalog: WebhookCatalog
  let allowsPrivateAddresses: Bool

  func name(_ text: String) throws -> String {
    do { return try PlainText.check(text, field: "name", limit: Self.nameLimit) } catch APIKeyError.invalid(
      let field, let reason)
    {
      throw WebhookError.invalid(field: field, reason: reason)
    }
  }

  func url(_ text: String) throws -> String {
    if let fault = WebhookURL.fault(text, allowsPrivateAddresses: allowsPrivateAddresses) {
      throw WebhookError.invalid(field: "url", reason: fault)
    }
    return text
  }

  /// Each once, in the order given.
  func events(_ names: [String]) throws -> [String] {
    guard !names.isEmpty else { throw WebhookError.invalid(field: "events", reason: "must name at least one event") }
    guard names.count <= Self.maximumEvents else {
      throw WebhookError.invalid(field: "events", reason: "must name at most \(Self.maximumEvents) events")
    }
    var seen: Set<String> = []
    for (index, name) in names.enumerated() where catalog[name] == nil {
      throw WebhookError.invalid(
        field: "events[\(index)]",
        reason: "is not an event; there are \(catalog.events.map(\.name).sorted().joined(separator: ", "))")
    }
    return names.filter { seen.insert($0).inserted }
  }

  func secret(_ secret: Secret<String>) throws -> Secret<String> {
    let count = secret.reveal().utf8.count
    guard (1...Self.secretLimit).contains(count) else {
      throw WebhookError.invalid(field: "secret", reason: "must have 1 to \(Self.secretLimit) bytes")
    }
    return secret
  }

  func headers(_ headers: HTTPHeaders) throws -> HTTPHeaders {
    guard headers.count <= Self.maximumHeaders,
      headers.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count }) <= Self.maximumHeaderBytes
    else {
      throw WebhookError.invalid(
        field: "headers",
        reason: "must be at most \(Self.maximumHeaders), with \(Self.maximumHeaderBytes) bytes together")
    }
    var seen: Set<String> = []
    for (name, value) in headers {
      func refuse(_ reason: String) -> WebhookError { .invalid(field: "headers.\(name)", reason: reason) }
      guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte) else { throw refuse("is not the name of a header") }
      guard !Self.isReserved(name) else { throw refuse("is reserved") }
      guard seen.insert(name.lowercased()).inserted else { throw refuse("stands there twice") }
      guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x09 }) else {
        throw refuse("must have a value of plain ASCII without line breaks")
      }
    }
    return headers
  }

  func retry(_ retry: WebhookRetry) throws -> WebhookRetry {
    if let fault = retry.fault { throw WebhookError.invalid(field: fault.field, reason: fault.reason) }
    return retry
  }

  /// Our own, those that frame the message, and those that speak to a proxy.
  static func isReserved(_ name: String) -> Bool {
    let name = name.lowercased()
    return name.hasPrefix("x-adjutant-") || name.hasPrefix("proxy-")
      || [
        "host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive",
        "upgrade", "te", "trailer", "expect", "user-agent", "accept-encoding", "via", "forwarded", "http2-settings",
      ].contains(name)
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
