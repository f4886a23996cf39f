import HTTP
import Platform

@testable import Sandbox

/// A world with time in the test's hand, and a bot that talks to it.
struct Bench {
  static let botID = Snowflake(123_456_789_012_345_678)
  static let token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.x.y"

  let time = ManualTime(timestamp: Timestamp(seconds: 1_760_000_000))
  let world: World

  init(_ change: (inout SandboxOptions) -> Void = { _ in }) {
    var options = SandboxOptions()
    options.rateLimits = false
    change(&options)
    world = World(options: options, log: .silent, time: time, random: SeededRandom(seed: 1))
  }

  func request(
    _ method: HTTPMethod, _ path: String, _ body: JSON? = nil, query: [String: String] = [:],
    token: String? = Bench.token, files: [APIRequest.File] = []
  ) async -> APIResponse {
    var request = APIRequest(method: method, segments: path.split(separator: "/").map(String.init), query: query)
    request.authorization = token.map { "Bot " + $0 }
    request.body = body.map(APIRequest.Body.json) ?? .none
    request.files = files
    return await world.respond(to: request).response
  }

  /// A gateway connection that has identified, and what it has received so far.
  func connect(intents: Int64 = 0x1_FFFF, token: String = Bench.token, shard: JSON = [0, 1]) async -> Client {
    let (handle, output) = await world.openConnection(version: 10, encoding: "json")
    let client = Client(world: world, handle: handle, output: output)
    await client.send([
      "op": 2, "d": ["token": .string(token), "intents": .integer(intents), "properties": [:], "shard": shard],
    ])
    return client
  }

  /// The far end of a connection, without a socket.
  final class Client {
    let world: World
    let handle: Int
    private var iterator: AsyncStream<GatewayOutput>.Iterator

    init(world: World, handle: Int, output: AsyncStream<GatewayOutput>) {
      self.world = world
      self.handle = handle
      iterator = output.makeAsyncIterator()
    }

    func send(_ payload: JSON) async { await world.receive(Array(payload.serialized().utf8), on: handle) }

    /// Everything that comes up to the event of that name, which is last, or to the `limit`th payload.
    func receive(until name: String, limit: Int = .max) async -> [JSON] {
      var all: [JSON] = []
      while all.count < limit, let output = await iterator.next() {
        guard case .payload(let payload) = output else { break }
        all.append(payload)
        if payload["t"]?.string == name { break }
      }
      return all
    }

    func event(_ name: String) async -> JSON? {
      let last = await receive(until: name).last
      return last?["t"]?.string == name ? last?["d"] : nil
    }

    func closeCode() async -> UInt16? {
      while let output = await iterator.next() {
        if case .close(let code) = output { return code.code }
      }
      return nil
    }
  }
}
