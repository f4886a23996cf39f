import FoundationEssentials
import Gateway
import Platform
import Synchronization

/// Takes interactions that Discord sends over HTTP instead of the gateway. It opens no port: whoever has a listener
/// gives it the headers and the body of a POST, and sends back what it returns.
///
/// Source: Discord, Interactions Overview, "Setting Up an Endpoint"; Receiving and Responding, "Receiving an Interaction".
public final class InteractionEndpoint: Sendable {
  /// What is to be sent back.
  public struct Response: Sendable, Equatable {
    public var status: Int
    /// JSON; empty where there is nothing to say.
    public var body: [UInt8]

    static func refused(_ status: Int, _ reason: String) -> Response {
      Response(status: status, body: Array(JSON.object(["error": .string(reason)]).serialized().utf8))
    }
  }

  /// How far the signed time may be from ours, in either direction: what was overheard cannot be sent again later.
  public static let window = Duration.seconds(300)
  /// A first answer that is not there by then goes to Discord by itself, and the request is answered with 202.
  static let patience = Duration.milliseconds(2_500)
  /// Interactions whose repetition is noticed; more than come in one window.
  static let remembered = 20_000

  private let key: Ed25519.PublicKey
  private let router: Router
  private let responder: any InteractionResponder
  private let time: any TimeSource
  private let log: Log
  private let requests: Family<Counter>
  private let seen = Mutex<(recent: Set<Snowflake>, older: Set<Snowflake>)>(([], []))

  /// - Parameter publicKey: 64 hexadecimal digits, as the application's page shows them.
  /// - Parameter responder: For everything behind the first answer.
  /// - Throws: `CryptoError.invalidKey`
  public init(
    publicKey: String, router: Router, responder: any InteractionResponder, time: any TimeSource = SystemTime(),
    metrics: Metrics, log: Log
  ) throws {
    guard let bytes = Hex.decode(publicKey) else { throw CryptoError.invalidKey }
    key = try Ed25519.PublicKey(bytes)
    self.router = router
    self.responder = responder
    self.time = time
    self.log = log
    requests = metrics.counter(
      "adjutant_http_interactions_total", help: "Interactions that came over HTTP, by how they were taken",
      labels: ["result"])
  }

  /// - Parameters:
  ///   - signature: The header `X-Signature-Ed25519`.
  ///   - timestamp: The header `X-Signature-Timestamp`.
  ///   - body: The body as it came, unchanged.
  /// - Returns: the answer, within the three seconds that Discord waits.
  public func handle(signature: String?, timestamp: String?, body: [UInt8]) async -> Response {
    guard isSigned(signature, timestamp, body) else {
      requests("unsigned").increment()
      return .refused(401, "invalid request signature")
    }
    let interaction: Interaction
    do {
      interaction = try JSONParser().parse(body) { try Interaction(json: $0) }
    } catch {
      requests("unreadable").increment()
      log.error("interaction not read", ["error": .error(error)])
      return .refused(400, "not an interaction")
    }
    if interaction.type == .ping {
      requests("ping").increment()
      return Self.response(.pong)
    }
    guard isNew(interaction.id) else {
      requests("repeated").increment()
      return .refused(409, "this interaction was received already")
    }
    requests("taken").increment()
    let first = FirstAnswer(later: responder)
    let deadline = time.now + Self.patience
    let timer = Task { [time] in
      do { try await time.sleep(until: deadline) } catch { return }  // cancelled: the answer is there
      first.giveUp()
    }
    defer { timer.cancel() }
    router.submit(interaction, responder: first)
    return await first.response()
  }

  private func isSigned(_ signature: String?, _ timestamp: String?, _ body: [UInt8]) -> Bool {
    guard let signature = signature.flatMap({ Hex.decode($0) }), signature.count == Ed25519.signatureLength,
      let timestamp, let seconds = Int64(timestamp), (0...Int64(UInt32.max)).contains(seconds)
    else { return false }
    let age = time.timestamp - Timestamp(seconds: seconds)
    guard age <= Self.window, age >= .zero - Self.window else { return false }
    do {
      return try key.verifies(signature, of: Array(timestamp.utf8) + body)
    } catch {
      log.error("signature not checked", ["error": .error(error)])
      return false
    }
  }

  private func isNew(_ id: Snowflake) -> Bool {
    seen.withLock { seen in
      if seen.recent.contains(id) || seen.older.contains(id) { return false }
      if seen.recent.count >= Self.remembered { seen = ([], seen.recent) }
      seen.recent.insert(id)
      return true
    }
  }

  fileprivate static func response(_ response: InteractionResponse) -> Response {
    do {
      return Response(status: 200, body: Array(try JSONEncoder().encode(response)))
    } catch {
      return .refused(500, "the answer could not be written")
    }
  }
}

/// Hands the first answer to the HTTP request that waits for it, and everything else to Discord.
private final class FirstAnswer: InteractionResponder {
  private enum State {
    case waiting(CheckedContinuation<InteractionEndpoint.Response, Never>?)
    case ready(InteractionEndpoint.Response)
    /// The request is answered.
    case done
  }

  private let later: any InteractionResponder
  private let state = Mutex(State.waiting(nil))

  init(later: any InteractionResponder) { self.later = later }

  func response() async -> InteractionEndpoint.Response {
    await withCheckedContinuation { continuation in
      let ready: InteractionEndpoint.Response? = state.withLock { state in
        guard case .ready(let response) = state else {
          state = .waiting(continuation)
          return nil
        }
        state = .done
        return response
      }
      if let ready { continuation.resume(returning: ready) }
    }
  }

  func giveUp() { _ = deliver(InteractionEndpoint.Response(status: 202, body: [])) }

  /// - Returns: whether the request still waited.
  private func deliver(_ response: InteractionEndpoint.Response) -> Bool {
    let (isTaken, continuation) = state.withLock { state in
      guard case .waiting(let continuation) = state else {
        return (false, nil as CheckedContinuation<InteractionEndpoint.Response, Never>?)
      }
      state = continuation == nil ? .ready(response) : .done
      return (true, continuation)
    }
    continuation?.resume(returning: response)
    return isTaken
  }

  func respond(
    to interaction: InteractionHandle, with response: InteractionResponse
  ) async throws(ReplyFailure) {
    // Files travel beside the JSON, which a response's body has no room for.
    if response.files.isEmpty, deliver(InteractionEndpoint.response(response)) { return }
    giveUp()
    try await later.respond(to: interaction, with: response)
  }

  func edit(
    _ target: ReplyTarget, of interaction: InteractionHandle, to body: MessageBody
  ) async throws(ReplyFailure) { try await later.edit(target, of: interaction, to: body) }

  func delete(_ target: ReplyTarget, of interaction: InteractionHandle) async throws(ReplyFailure) {
    try await later.delete(target, of: interaction)
  }

  func followUp(_ interaction: InteractionHandle, with body: MessageBody) async throws(ReplyFailure) -> Snowflake {
    try await later.followUp(interaction, with: body)
  }
}
