import Foundation
import HTTPTestSupport
import Platform
import Synchronization
import Testing

@testable import HTTP

/// What must not bring a server down, and what it answers.
@Suite(.timeLimit(.minutes(3)))
struct FaultTests {
  private static func get(_ path: String, _ fields: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: test\r\n\(fields)\r\n"
  }

  /// The sample server, as a process of its own with a limit of descriptors.
  private final class Sample {
    let process = Process()
    let address: SocketAddress

    init(descriptors: Int) throws {
      let binary = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "http-sample")
      let output = Pipe()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = [
        "-c", "ulimit -n \(descriptors); exec \"$0\" 127.0.0.1:0 120",
        binary.path(),
      ]
      process.standardOutput = output
      try process.run()
      let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
      address = try SocketAddress(parsing: line.trimmingCharacters(in: .newlines).replacing("http://", with: ""))
    }

    deinit { process.terminate() }
  }

  /// Fifteen thousand connections want more descriptors than a machine for tests may have: here it is a hundredth.
  @Test func connectionsBeyondTheDescriptorsAreRefusedAndTheOthersServed() async throws {
    let sample = try Sample(descriptors: 256)
    var served: [TestClient] = []
    // Half of what the process may open, so that the rest of it goes on too.
    for _ in 0..<128 {
      let client = try TestClient(sample.address)
      await client.send(Self.get("/none"))
      #expect(await client.read(until: "\r\n") == "HTTP/1.1 404 Not Found\r\n")
      served.append(client)
    }
    for _ in 0..<50 {
      #expect(try await TestClient(sample.address).readToEnd().hasPrefix("HTTP/1.1 503 "))
    }
    #expect(sample.process.isRunning)
    // Who goes makes room.
    served = []
    var line = ""
    for _ in 0..<10_000 where !line.hasPrefix("HTTP/1.1 404 ") {
      let client = try TestClient(sample.address)
      await client.send(Self.get("/none"))
      line = await client.read(until: "\r\n")
    }
    #expect(line.hasPrefix("HTTP/1.1 404 "))
  }

  @Test func whatIsNoRequestGetsAnAnswerThatBrowsersMakeNothingOf() async throws {
    var router = Router()
    router.on(.get, "/") { _ in .text("") }
    try await withServer(router, configure: { $0.maximumConnections = 1 }) { address, _ in
      let first = try TestClient(address)
      await first.send(Self.get("/"))
      _ = await first.read(until: "\r\n\r\n")
      let second = try TestClient(address)
      let refusal = await second.readToEnd()
      #expect(refusal.hasPrefix("HTTP/1.1 503 "))
      await first.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
      let answer = await first.readToEnd()
      #expect(answer.hasPrefix("HTTP/1.1 400 "))
      for text in [refusal, answer] {
        #expect(text.contains("X-Content-Type-Options: nosniff\r\n"))
        #expect(text.contains("Content-Security-Policy: default-src 'none'"))
      }
    }
  }

  @Test func aShapeMaySayWhatAnUnexpectedErrorMeans() async throws {
    struct Gone: Error {}
    var shape = HTTPErrorShape.json
    shape.meaning = { error in
      error is Gone
        ? HTTPError(.serviceUnavailable, kind: .overloaded, "try again", headers: ["Retry-After": "5"]) : nil
    }
    var router = Router(errors: shape)
    router.on(.get, "/gone") { _ in throw Gone() }
    router.on(.get, "/fault") { _ in throw SystemError(call: "secret", code: 1) }
    try await withServer(router) { address, _ in
      let client = try TestClient(address)
      await client.send(Self.get("/gone"))
      let gone = await client.read(until: "}")
      #expect(gone.hasPrefix("HTTP/1.1 503 "))
      #expect(gone.contains("Retry-After: 5\r\n"))
      #expect(gone.contains("try again ("))
      await client.send(Self.get("/fault"))
      #expect(await client.read(until: "}").hasPrefix("HTTP/1.1 500 "))
    }
  }

  @Test(arguments: [
    // A ping that goes on in another frame, a ping of 126 bytes, a reserved opcode, a frame that is not masked.
    ([0x09, 0x80, 0, 0, 0, 0], 1002), ([0x89, 0xFE, 0, 126, 0, 0, 0, 0], 1002), ([0x83, 0x80, 0, 0, 0, 0], 1002),
    ([0x81, 0x01, 0x41], 1002),
    // More than the limit, said in the head alone; text that is not UTF-8; a continuation of nothing.
    ([0x82, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 1009), ([0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),
    ([0x80, 0x80, 0, 0, 0, 0], 1002),
  ])
  func framesThatBreakTheProtocolCloseWithTheirCode(_ frame: [UInt8], _ code: Int) async throws {
    var router = Router()
    router.webSocket("/ws", options: WebSocketOptions(maximumMessageSize: 1_000)) { _, socket in
      for await message in socket.messages { try socket.send(message) }
    }
    try await withServer(router) { address, _ in
      let client = try TestClient(address)
      let opening = Self.get(
        "/ws",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
          + "Sec-WebSocket-Version: 13\r\n")
      await client.send(Array(opening.utf8) + frame)
      _ = await client.read(until: "\r\n\r\n")
      let close = await client.frame()
      #expect(close?.opcode == 8)
      #expect(close.map { Int($0.payload[0]) << 8 | Int($0.payload[1]) } == code)
    }
  }

  @Test func aLargeDocumentIsRefusedBeforeItIsRead() async throws {
    let handled = Atomic<Int>(0)
    var router = Router()
    router.on(.post, "/small", bodyLimit: 64 << 10) { request in
      _ = try await request.json()
      handled.add(1, ordering: .relaxed)
      return .noContent
    }
    try await withServer(router) { address, _ in
      let client = try TestClient(address)
      await client.send(
        "POST /small HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 10485760\r\n\r\n[")
      #expect(await client.read(until: "}").hasPrefix("HTTP/1.1 413 "))
      // In pieces of unknown number: as soon as there are too many.
      let chunked = try TestClient(address)
      await chunked.send(
        "POST /small HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
      let piece = "8000\r\n" + String(repeating: " ", count: 0x8000) + "\r\n"
      for _ in 0..<3 { await chunked.send(piece) }
      #expect(await chunked.read(until: "}").hasPrefix("HTTP/1.1 413 "))
    }
    #expect(handled.load(ordering: .relaxed) == 0)
  }
}
