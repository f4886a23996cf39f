import Platform

/// The client's side of the Autobahn Testsuite's `fuzzingserver`: asks how many cases there are, echoes through each
/// on the product's own client, and has the report written.
enum WebSocketCases {
  static func run(_ options: Options) async throws {
    let url = try options.string("url")
    let base = url.hasSuffix("/") ? String(url.dropLast()) : url
    let agent = options.string("agent", default: "adjutant")
    guard agent.utf8.allSatisfy({ $0 > 0x2C && $0 < 0x7F && $0 != UInt8(ascii: "&") }) else {
      throw BenchmarkError("--agent takes letters and digits")
    }
    let loop = try EventLoop(name: "websocket-client")
    do {
      try await runAll(base, agent, first: try options.number("first", default: 1), loop)
    } catch {
      await loop.shutdown()
      throw error
    }
    await loop.shutdown()
  }

  private static func runAll(_ base: String, _ agent: String, first: Int, _ loop: EventLoop) async throws {
    let answer = await Conversation(base + "/getCaseCount", isEcho: false, loop).run()
    guard let count = answer.texts.last.flatMap({ Int($0) }), count >= first else {
      throw BenchmarkError("the server tells no number of cases: \(answer.end)")
    }
    let start = ContinuousClock.now
    for number in first...count {
      _ = await Conversation("\(base)/runCase?case=\(number)&agent=\(agent)", isEcho: true, loop).run()
    }
    let time = ContinuousClock.now - start
    _ = await Conversation("\(base)/updateReports?agent=\(agent)", isEcho: false, loop).run()
    let line: JSON = [
      "benchmark": "websocket-client", "cases": .integer(Int64(count - first + 1)), "seconds": .double(time.inSeconds),
    ]
    print(line)
  }
}

/// One connection from its opening to its end, on the loop.
private actor Conversation {
  private nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private let url: String
  private let isEcho: Bool
  private var client: WebSocketClient?
  private var texts: [String] = []

  init(_ url: String, isEcho: Bool, _ loop: EventLoop) {
    self.url = url
    self.isEcho = isEcho
    self.loop = loop
  }

  /// - Returns: the texts that came, unless they were echoed.
  func run() async -> (texts: [String], end: WebSocketClientEnd) {
    let end = await withCheckedContinuation { continuation in
      let configuration = WebSocketClient.Configuration(
        limits: .init(messageSize: WebSocketEcho.messageSize), maximumBufferedBytes: 4 * WebSocketEcho.messageSize)
      client = WebSocketClient.connect(to: url, on: loop, configuration: configuration) { [self] event in
        switch event {
        case .connected: break
        case .message(let kind, let bytes):
          let message = Array(bytes)
          assumeIsolated { $0.take(kind, message) }
        case .closed(let end): continuation.resume(returning: end)
        }
      }
    }
    client = nil
    return (texts, end)
  }

  private func take(_ kind: WebSocketClientEvent.Kind, _ message: [UInt8]) {
    guard isEcho else { return texts.append(String(decoding: message, as: UTF8.self)) }
    switch kind {
    case .text: client?.send(text: message)
    case .binary: client?.send(binary: message)
    }
  }
}
