import Core
import Glibc
import HTTP
import HTTPAPI
import Platform
import Synchronization

/// What many idle listeners of a hub cost, and how long an event takes to reach the last of them. The server is this
/// process; the clients are raw sockets in another.
enum HubBenchmark {
  private static let user = UserID(rawValue: 1)

  /// - Parameter number: of a fixed width, so that all events are of one length.
  private static func event(_ number: Int) -> KillTrackerEvent {
    let kill: JSON = [
      "id": .string("kill_\(100_000 + number)"), "killer": "killer_name", "victim": "victim_name",
      "weapon": "Laser Cannon", "timestamp": "2024-01-01T12:00:00.000Z",
    ]
    return KillTrackerEvent(.killCreated, data: ["kill": kill], audience: .everybody)
  }

  static func run(_ options: Options) async throws {
    let count = try options.number("listeners", default: 10_000)
    let rounds = try options.number("events", default: 20)
    let identified = Atomic<Int>(0)
    var limits = HubLimits()
    limits.listenersPerAddress = nil
    let hub = KillTrackerHub(limits: limits, metrics: Metrics()) { _ in
      defer { identified.add(1, ordering: .relaxed) }
      return .viewer(HubViewer(user: user))
    }
    var router = Router()
    hub.declare(in: &router)
    let server = HTTPServer(HTTPServerConfiguration(listen: try SocketAddress(parsing: "127.0.0.1:0")), router: router)
    let address = try await server.start()
    let running = Task { await hub.run(AsyncStream<[KillTrackerEvent]> { $0.finish() }) }
    let before = try residentBytes()
    let clients = try ChildProcess([
      "websocket-hub-clients", "--address", address.description, "--listeners", String(count), "--length",
      String(event(0).frame.bytes.count),
    ])
    guard try clients.line() == "connected" else { throw BenchmarkError("the clients could not connect") }
    while identified.load(ordering: .relaxed) < count { try await Task.sleep(for: .milliseconds(10)) }
    try await Task.sleep(for: .seconds(3))
    let idle = try residentBytes()
    var times: [Double] = []
    for round in 0..<rounds {
      let start = monotonicNanoseconds()
      hub.hub.publish(event(round))
      guard let end = UInt64(try clients.line()) else { throw BenchmarkError("the clients broke off") }
      times.append(Double(end &- start) / 1e6)
      try await Task.sleep(for: .milliseconds(100))
    }
    let after = try residentBytes()
    times.sort()
    print(
      JSON.object([
        "benchmark": "websocket-hub", "listeners": .integer(Int64(hub.hub.listenerCount)),
        "rssBeforeBytes": .integer(Int64(before)), "rssIdleBytes": .integer(Int64(idle)),
        "rssAfterBytes": .integer(Int64(after)), "bytesPerListener": .integer(Int64((idle - before) / count)),
        "events": .integer(Int64(rounds)), "medianMilliseconds": .double(times[times.count / 2]),
        "maximumMilliseconds": .double(times[times.count - 1]),
      ]))
    clients.end()
    running.cancel()
    await running.value
    await server.shutdown(grace: .seconds(5))
  }

  /// The other process.
  static func runClients(_ options: Options) throws {
    let address = try SocketAddress(parsing: options.string("address"))
    let count = try options.number("listeners", default: 10_000)
    let length = try options.number("length", default: 1)
    let login = WebSocketEncoder(role: .client).frame(.text, #"{"type":"auth","token":"benchmark"}"#.utf8)
    let opening =
      Array(
        ("GET /ws HTTP/1.1\r\nHost: \(address)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").utf8) + login
    let poll = try EpollSet()
    for _ in 0..<count {
      let socket = try BenchmarkSocket.connect(address)
      guard send(socket, opening, opening.count, Int32(MSG_NOSIGNAL)) == opening.count else {
        throw SystemError(call: "send", code: errno)
      }
      // The answer is small and comes at once; taking it here keeps the server from being overrun.
      try BenchmarkSocket.skipHead(socket)
      try poll.add(socket)
    }
    print("connected")
    fflush(nil)
    var total = 0
    while true {
      total += try poll.receive()
      guard total >= count * length else { continue }
      guard total == count * length else { throw BenchmarkError("more came than was sent") }
      total = 0
      print(monotonicNanoseconds())
      fflush(nil)
    }
  }

  /// What the process holds in memory now.
  static func residentBytes() throws -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { throw SystemError(call: "fopen", code: errno) }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 128)
    guard fgets(&buffer, Int32(buffer.count), file) != nil else { throw SystemError(call: "fgets", code: errno) }
    let fields = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      .split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { throw BenchmarkError("/proc/self/statm cannot be read") }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }
}

/// The same clock in all processes of a machine.
func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
