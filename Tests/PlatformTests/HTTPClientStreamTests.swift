import Glibc
import Synchronization
import Testing

@testable import Platform

struct HTTPClientStreamTests {
  private func withServer(
    _ script: @escaping @Sendable (ScriptedConnection, Int) throws -> Void,
    _ body: (ScriptedServer, HTTPClient) async throws -> Void
  ) async throws {
    let server = try ScriptedServer(script)
    let client = try HTTPClient(log: .silent, metrics: Metrics())
    defer { server.stop() }
    try await body(server, client)
    await client.shutdown()
  }

  @Test func theHeadComesBeforeTheBody() async throws {
    let gate = Mutex(false)
    try await withServer { connection, _ in
      _ = try connection.readHead()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
      while !gate.withLock({ $0 }) { usleep(1_000) }
      try connection.send("body")
    } _: { server, client in
      let response = try await client.open(HTTPClientRequest(.get, server.url))
      #expect(response.status == 200)
      gate.withLock { $0 = true }
      var body: [UInt8] = []
      for try await chunk in response.body { body += chunk }
      #expect(body == Array("body".utf8))
    }
  }

  @Test func aSlowReaderHoldsUpTheServer() async throws {
    // Much more than what sockets buffer: the server is stuck until the reader goes on.
    let total = 64 << 20
    let sent = Mutex(0)
    try await withServer { connection, _ in
      _ = try connection.readHead()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
      let piece = [UInt8](repeating: 7, count: 1 << 20)
      while sent.withLock({ $0 }) < total {
        try connection.send(piece)
        sent.withLock { $0 += piece.count }
      }
    } _: { server, client in
      let response = try await client.open(
        HTTPClientRequest(.get, server.url, timeouts: .init(total: nil), maximumResponseBytes: nil))
      // The server goes on until it is stuck: its count stands still then.
      var last = -1
      while case let now = sent.withLock({ $0 }), now != last {
        last = now
        try await Task.sleep(for: .milliseconds(150))
      }
      #expect(last < total / 2)
      var received = 0
      var largest = 0
      for try await chunk in response.body {
        received += chunk.count
        largest = max(largest, chunk.count)
      }
      #expect(received == total)
      #expect(largest <= 256 << 10 + 64 << 10)
    }
  }

  @Test func lettingGoOfTheBodyAbortsTheTransfer() async throws {
    let ended = AsyncStream<Void>.makeStream()
    try await withServer { connection, _ in
      _ = try connection.readHead()
      try connection.send("HTTP/1.1 200 OK\r\n\r\nsome")
      connection.waitForEnd()
      ended.continuation.yield()
    } _: { server, client in
      do {
        let response = try await client.open(HTTPClientRequest(.get, server.url))
        for try await chunk in response.body {
          #expect(!chunk.isEmpty)
          break
        }
      }
      for await _ in ended.stream { break }
    }
  }

  @Test func aBodyThatBreaksOffThrows() async throws {
    try await withServer { connection, _ in
      _ = try connection.readHead()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    } _: { server, client in
      let response = try await client.open(HTTPClientRequest(.get, server.url))
      var body: [UInt8] = []
      do {
        for try await chunk in response.body { body += chunk }
        Issue.record("the end was not noticed")
      } catch let error as HTTPClientError {
        guard case .connectionLost = error.reason else {
          Issue.record("\(error)")
          return
        }
      }
      #expect(body == Array("abc".utf8))
    }
  }

  @Test(arguments: [nil, 3_000_000])
  func bodiesAreStreamedUp(length: Int?) async throws {
    let pieces = (0..<30).map { [UInt8](repeating: UInt8($0), count: 100_000) }
    try await withServer { connection, _ in
      let head = try connection.readHead()
      var body: [UInt8] = []
      if length == nil {
        #expect(head.contains("Transfer-Encoding: chunked\r\n"))
        while true {
          let line = try connection.read(until: "\r\n")
          let size = Int(line.dropLast(1), radix: 16) ?? 0
          body += try connection.read(exactly: size)
          _ = try connection.read(exactly: 2)
          if size == 0 { break }
        }
      } else {
        #expect(head.contains("Content-Length: 3000000\r\n"))
        body = try connection.read(exactly: 3_000_000)
      }
      try connection.respond(body: body == pieces.flatMap { $0 } ? "same" : "different")
    } _: { server, client in
      let (stream, continuation) = AsyncStream<[UInt8]>.makeStream()
      Task {
        for (place, piece) in pieces.enumerated() {
          if place.isMultiple(of: 10) { try await Task.sleep(for: .milliseconds(5)) }
          continuation.yield(piece)
        }
        continuation.finish()
      }
      let response = try await client.send(
        HTTPClientRequest(.put, server.url, body: .stream(length: length, stream)))
      #expect(String(decoding: response.body, as: UTF8.self) == "same")
    }
  }

  @Test func aServerThatDoesNotReadHoldsUpTheWriter() async throws {
    let gate = Mutex(false)
    try await withServer { connection, _ in
      _ = try connection.readHead()
      while !gate.withLock({ $0 }) { usleep(1_000) }
      _ = try connection.read(exactly: 64 << 20)
      try connection.respond(body: "x")
    } _: { server, client in
      let written = Mutex(0)
      let request = HTTPClientRequest(
        .put, server.url,
        body: .stream(length: 64 << 20) { writer in
          for _ in 0..<64 {
            try await writer.write([UInt8](repeating: 1, count: 1 << 20))
            written.withLock { $0 += 1 }
          }
        })
      let task = Task { try await client.send(request).status }
      var last = -1
      while case let now = written.withLock({ $0 }), now != last {
        last = now
        try await Task.sleep(for: .milliseconds(150))
      }
      #expect(last < 32)
      gate.withLock { $0 = true }
      let status = try await task.value
      #expect(status == 200)
      #expect(written.withLock { $0 } == 64)
    }
  }

  @Test(arguments: [2, 4])
  func aBodyOfTheWrongLengthIsRefused(count: Int) async throws {
    try await withServer { connection, _ in
      connection.waitForEnd()
    } _: { server, client in
      let request = HTTPClientRequest(
        .post, server.url,
        body: .stream(length: 3) { writer in
          for _ in 0..<count { try await writer.write([1]) }
        })
      await #expect {
        try await client.send(request)
      } throws: { error in
        guard case .invalidRequest? = (error as? HTTPClientError)?.reason else { return false }
        return true
      }
    }
  }

  @Test func aBodyThatCannotBeMadeAbortsTheRequest() async throws {
    struct Broken: Error {}
    try await withServer { connection, _ in
      connection.waitForEnd()
    } _: { server, client in
      let request = HTTPClientRequest(
        .post, server.url,
        body: .stream(length: nil) { writer in
          try await writer.write([1])
          throw Broken()
        })
      await #expect {
        try await client.send(request)
      } throws: { error in
        (error as? HTTPClientError)?.reason == .uploadFailed("Broken()")
      }
    }
  }

  @Test func anEarlyAnswerEndsTheWriter() async throws {
    let ended = AsyncStream<Void>.makeStream()
    try await withServer { connection, _ in
      _ = try connection.readHead()
      try connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
      connection.waitForEnd()
    } _: { server, client in
      let request = HTTPClientRequest(
        .post, server.url,
        body: .stream(length: nil) { writer in
          // By an error of the write or by cancellation, whichever comes first.
          defer { ended.continuation.yield() }
          while true { try await writer.write([UInt8](repeating: 0, count: 100_000)) }
        })
      let status = try await client.status(request)
      #expect(status == 413)
      for await _ in ended.stream { break }
    }
  }
}
