import Platform

/// How the gateway packs what it sends.
public enum GatewayCompression: String, Sendable, CaseIterable {
  case none
  case zlibStream = "zlib-stream"
  case zstdStream = "zstd-stream"
}

/// The way of a message from the socket to the handlers: unpack, read the envelope, keep the cache, decode what is
/// subscribed to, dispatch. Belongs to one thread.
public final class GatewayPipeline {
  private enum Unpacker {
    case none
    case zlib(ZlibStreamInflater)
    case zstd(ZstdStreamInflater)
  }

  public let shard: ShardID
  let tracker = HandledTracker()
  private let unpacker: Unpacker
  private let parser = JSONParser()
  private let cache: GuildCache?
  /// By the bytes of the event's name.
  private let feeds: [(name: [UInt8], feeds: [any AnyFeed])]
  private let log: Log
  private let events: Counter
  private let failures: Family<Counter>
  let faults: FaultReporter
  private var failedEvents: Set<String> = []
  private var sessionID = ""
  private var hasUnflushed = false

  /// - Parameter maximumMessageSize: of a message unpacked, in bytes; a larger one is refused.
  public init(
    shard: ShardID, compression: GatewayCompression, dispatcher: EventDispatcher, cache: GuildCache?,
    maximumMessageSize: Int = 32 << 20, log: Log, metrics: Metrics
  ) {
    self.shard = shard
    self.cache = cache
    self.log = log
    faults = FaultReporter(log: log, metrics: metrics)
    unpacker =
      switch compression {
      case .none: .none
      case .zlibStream: .zlib(ZlibStreamInflater(limit: maximumMessageSize))
      case .zstdStream: .zstd(ZstdStreamInflater(limit: maximumMessageSize))
      }
    feeds = Dictionary(grouping: dispatcher.feeds(), by: \.name).map { (Array($0.utf8), $1) }
    events = metrics.counter("gateway_events_total", help: "Events received")()
    failures = metrics.counter(
      "gateway_event_decode_failures_total", help: "Events whose payload could not be read", labels: ["event"])
  }

  /// A new connection begins: its compression starts afresh.
  public func startConnection() {
    switch unpacker {
    case .none: break
    case .zlib(let inflater): inflater.reset()
    case .zstd(let inflater): inflater.reset()
    }
  }

  /// A session is taken up that an earlier process began.
  func continueSession(_ session: GatewaySession) {
    sessionID = session.id
    tracker.begin(at: session.sequence)
  }

  /// Takes the payload of one WebSocket message. Events are dispatched at the next ``flush()``.
  ///
  /// - Parameters:
  ///   - acceptsReady: whether a session may begin now.
  ///   - admit: whether an event of that sequence is new. What it throws counts as an unreadable message.
  /// - Returns: the message for the session's state machine, if it concerns it.
  /// - Throws: if the payload cannot be unpacked or is no gateway message; the connection is then of no more use.
  public func receive(
    _ payload: UnsafeBufferPointer<UInt8>, acceptsReady: () -> Bool = { true }, admit: (Int64) throws -> Bool
  ) throws -> GatewayFrame? {
    switch unpacker {
    case .none: return try parser.parse(payload, isPadded: false) { try read($0, acceptsReady, admit) }
    case .zlib(let inflater):
      // Twice optional: a payload may end before its message does, and most messages do not concern the session.
      return try inflater.inflate(payload) { text in
        try parser.parse(text, isPadded: true) { try read($0, acceptsReady, admit) }
      } ?? nil
    case .zstd(let inflater):
      return try inflater.inflate(payload) { text in
        try parser.parse(text, isPadded: true) { try read($0, acceptsReady, admit) }
      } ?? nil
    }
  }

  private func read(
    _ json: JSONView, _ acceptsReady: () -> Bool, _ admit: (Int64) throws -> Bool
  ) throws -> GatewayFrame? {
    let envelope = try GatewayEnvelope(json: json)
    let frame = try envelope.frame()
    guard let name = envelope.name, let sequence = envelope.sequence,
      envelope.opcode == GatewayEnvelope.dispatchOpcode
    else { return frame }
    if case .ready(let id, _, _) = frame {
      guard acceptsReady() else { return frame }
      sessionID = id
      tracker.begin(at: sequence)
    } else if try !admit(sequence) {
      return frame
    }
    events.increment()
    FaultReporter.$current.withValue(faults) { dispatch(name, sequence: sequence, envelope.data) }
    return frame
  }

  private func dispatch(_ name: JSONView.Key, sequence: Int64, _ data: JSONView?) {
    let wanted = feeds.first { name.equals($0.name) }?.feeds ?? []
    if wanted.isEmpty, !DocumentedEvents.contains(name) { faults.report(.unknownEvent, name.string) }
    let receipt = tracker.open(sequence, receivers: wanted.count)
    guard let data else {
      // RESUMED may come without anything.
      for _ in wanted { receipt.finish() }
      return
    }
    if let cache {
      do { try cache.apply(name, data) } catch { failed(name, error) }
    }
    for feed in wanted {
      do {
        try feed.read(data, shard: shard, sessionID: sessionID, sequence: sequence, receipt: receipt)
        hasUnflushed = true
      } catch {
        receipt.finish()
        failed(name, error)
      }
    }
  }

  /// Hands the events read since the last time to their handlers.
  public func flush() {
    guard hasUnflushed else { return }
    hasUnflushed = false
    for (_, feeds) in feeds {
      for feed in feeds { feed.flush() }
    }
  }

  private func failed(_ name: JSONView.Key, _ error: any Error) {
    let event = name.string
    failures(event).increment()
    // Once per kind: an event that changed its shape comes a thousand times.
    guard failedEvents.count < 100, failedEvents.insert(event).inserted else { return }
    log.warning("an event could not be read", ["event": .string(event), "error": .error(error)])
  }
}

extension JSONView.Key {
  fileprivate func equals(_ name: [UInt8]) -> Bool { utf8.count == name.count && utf8.elementsEqual(name) }
}
