import Platform

/// How the gateway packs what it sends.
public enum GatewayCompression: String, Sendable, CaseIterable {
  case none
  case zlibStream = "zlib-stream"
  case zstdStream = "zstd-stream"
}

/// The way of a message from the socket to the handlers: unpack, read the envelope, keep the cache, decode what is
/// subscribed to, dispatch. Belongs to one thread.
///
/// An event that neither a handler nor the cache wants is not parsed: what stands in its `d` is unknown, and need not
/// even be JSON. All others are checked whole before anything is done with them.
public final class GatewayPipeline {
  private enum Unpacker {
    case none
    case zlib(ZlibStreamInflater)
    case zstd(ZstdStreamInflater)
  }

  public let shard: ShardID
  let tracker = HandledTracker()
  private let unpacker: Unpacker
  private let parser: JSONParser
  private let cache: GuildCache?
  private let routes: EventTable
  private let feeds: [any AnyFeed]
  private let log: Log
  private let received: EventCounts
  private let failures: Family<Counter>
  let faults: FaultReporter
  private var failedEvents: Set<String> = []
  private var origin: EventOrigin
  private var hasUnflushed = false
  /// While two sets of shards run: which events go on.
  var filter: (any EventFilter)?

  /// - Parameter maximumMessageSize: of a message unpacked, in bytes; a larger one is refused.
  public init(
    shard: ShardID, compression: GatewayCompression, dispatcher: EventDispatcher, cache: GuildCache?,
    maximumMessageSize: Int = 32 << 20, log: Log, metrics: Metrics
  ) {
    self.shard = shard
    self.cache = cache
    self.log = log
    let faults = FaultReporter(log: log, metrics: metrics)
    self.faults = faults
    parser = JSONParser(context: faults)
    origin = EventOrigin(shard: shard, sessionID: "", tracker: tracker, generation: 0)
    unpacker =
      switch compression {
      case .none: .none
      case .zlibStream: .zlib(ZlibStreamInflater(limit: maximumMessageSize))
      case .zstdStream: .zstd(ZstdStreamInflater(limit: maximumMessageSize))
      }
    routes = EventTable(feeds: dispatcher.feeds(), cache: cache)
    feeds = routes.feeds
    received = EventCounts(shard: shard, metrics: metrics)
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
    begin(session.id, at: session.sequence)
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
    case .none: return try read(payload, isPadded: false, acceptsReady, admit)
    case .zlib(let inflater):
      // Twice optional: a payload may end before its message does, and most messages do not concern the session.
      return try inflater.inflate(payload) { try read($0, isPadded: true, acceptsReady, admit) } ?? nil
    case .zstd(let inflater):
      return try inflater.inflate(payload) { try read($0, isPadded: true, acceptsReady, admit) } ?? nil
    }
  }

  private func read(
    _ text: UnsafeBufferPointer<UInt8>, isPadded: Bool, _ acceptsReady: () -> Bool, _ admit: (Int64) throws -> Bool
  ) throws -> GatewayFrame? {
    // While two sets of shards run, what nobody wants is looked at as well.
    guard filter == nil, let preamble = GatewayPreamble(scanning: text), let route = routes[preamble.name],
      !route.isOfSession
    else {
      return try parser.parse(text, isPadded: isPadded) { try read($0, acceptsReady, admit) }
    }
    if route.isWanted {
      try parser.parse(text, isPadded: isPadded) { json in
        guard try admit(preamble.sequence) else { return }
        received.count(route)
        dispatch(route, sequence: preamble.sequence, json["d"])
      }
    } else if try admit(preamble.sequence) {
      received.count(route)
      tracker.open(preamble.sequence, receivers: 0)
    }
    return nil
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
      begin(id, at: sequence)
    } else if try !admit(sequence) {
      return frame
    }
    if let filter, !filter.admits(name, envelope.data) {
      tracker.open(sequence, receivers: 0)
      return frame
    }
    if let route = routes[name.utf8] {
      received.count(route)
      dispatch(route, sequence: sequence, envelope.data)
    } else {
      received.countUnknown()
      faults.report(.unknownEvent, name.string)
      tracker.open(sequence, receivers: 0)
    }
    return frame
  }

  private func begin(_ sessionID: String, at sequence: Int64) {
    origin = EventOrigin(
      shard: shard, sessionID: sessionID, tracker: tracker, generation: tracker.begin(at: sequence))
  }

  private func dispatch(_ route: EventRoute, sequence: Int64, _ data: JSONView?) {
    guard let data else {
      // RESUMED may come without anything.
      if !route.isOfSession { failed(route, DecodingFailure(path: ["d"], reason: "missing")) }
      return tracker.open(sequence, receivers: 0)
    }
    tracker.open(sequence, receivers: route.feeds.count)
    if let cache, let event = route.cached {
      do { try cache.apply(event, data, shard: shard) } catch { failed(route, error) }
    }
    for feed in route.feeds {
      do {
        try feed.read(data, sequence: sequence, origin: origin)
        hasUnflushed = true
      } catch {
        origin.finish([sequence])
        failed(route, error)
      }
    }
  }

  /// Hands the events read since the last time to their handlers.
  public func flush() {
    guard hasUnflushed else { return }
    hasUnflushed = false
    for feed in feeds { feed.flush() }
  }

  private func failed(_ route: EventRoute, _ error: any Error) {
    let event = String(decoding: route.name, as: UTF8.self)
    failures(event).increment()
    // Once per kind: an event that changed its shape comes a thousand times.
    guard failedEvents.count < 100, failedEvents.insert(event).inserted else { return }
    log.warning("an event could not be read", ["event": .string(event), "error": .error(error)])
  }
}
