import Core
import Platform

/// The documents whose webhook events can be subscribed to; each wraps its payloads in its own way.
public enum WebhookDocument: Sendable {
  /// `{"type", "data"}`.
  case killTrackerV1
  /// Bare.
  case killTrackerReference
  /// `{"event", "data", "created_at"}`.
  case skyPanel

  func wrap(_ payload: JSON, name: String, at time: Timestamp) -> JSON {
    switch self {
    case .killTrackerV1: ["type": .string(name), "data": payload]
    case .killTrackerReference: payload
    case .skyPanel: ["event": .string(name), "data": payload, "created_at": .string(time.iso8601)]
    }
  }
}

/// An event of one document: which domain events cause it, who may see it, and what is sent.
public struct WebhookEvent: Sendable {
  /// As the document prints it: `kill.recorded`.
  public let name: String
  public let document: WebhookDocument
  /// One sentence for `GET /api/webhooks/events`.
  public let summary: String
  /// The payload's fields and their types, for the same.
  public let fields: JSON
  /// Names of domain events.
  public let sources: Set<String>
  /// What a webhook of that owner may be told: nil for nothing, else the parts that are left out for it.
  let hidden: @Sendable (DomainEvent, Subject) async throws -> Set<String>?
  /// The payloads without the document's wrapping; none if there is nothing to tell. Made once for all owners from whom
  /// the same is hidden.
  let payloads: @Sendable (DomainEvent, _ hidden: Set<String>) async throws -> [JSON]

  /// An event that is told whole or not at all.
  public init(
    _ name: String, of document: WebhookDocument, summary: String, fields: JSON = [:], from sources: Set<String>,
    isVisible: @escaping @Sendable (DomainEvent, Subject) async throws -> Bool,
    payload: @escaping @Sendable (DomainEvent) async throws -> JSON?
  ) {
    self.init(name, of: document, summary: summary, fields: fields, from: sources) { event, owner in
      try await isVisible(event, owner) ? [] : nil
    } payloads: { event, _ in
      try await payload(event).map { [$0] } ?? []
    }
  }

  public init(
    _ name: String, of document: WebhookDocument, summary: String, fields: JSON = [:], from sources: Set<String>,
    hidden: @escaping @Sendable (DomainEvent, Subject) async throws -> Set<String>?,
    payloads: @escaping @Sendable (DomainEvent, _ hidden: Set<String>) async throws -> [JSON]
  ) {
    self.name = name
    self.document = document
    self.summary = summary
    self.fields = fields
    self.sources = sources
    self.hidden = hidden
    self.payloads = payloads
  }
}

/// All events that webhooks can subscribe to. Whoever owns a domain brings its own (``WebhookEvent``).
public struct WebhookCatalog: Sendable {
  public let events: [WebhookEvent]
  private let places: [String: Int]

  /// Sent only when asked for: nobody subscribes to it.
  static let testName = "test"

  public init(_ events: [WebhookEvent]) {
    var places: [String: Int] = [:]
    for (place, event) in events.enumerated() {
      precondition(event.name != Self.testName && places.updateValue(place, forKey: event.name) == nil, event.name)
    }
    self.events = events
    self.places = places
  }

  public subscript(name: String) -> WebhookEvent? { places[name].map { events[$0] } }

  /// The domain events that matter to any webhook.
  var sources: Set<String> { events.reduce(into: []) { $0.formUnion($1.sources) } }

  func events(from source: String) -> [WebhookEvent] { events.filter { $0.sources.contains(source) } }
}
