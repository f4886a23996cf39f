import HTTP
import Platform

/// Carries one gateway connection: reads and writes the WebSocket for the world's state machine.
struct GatewaySocket: Sendable {
  let world: World
  let time: any TimeSource
  let log: Log

  enum Compression: String { case none, zlib = "zlib-stream", zstd = "zstd-stream" }

  func serve(_ request: HTTPRequest, _ socket: WebSocketServerConnection) async {
    let version = Int(request.query["v"] ?? "10") ?? 0
    let encoding = request.query["encoding"] ?? "json"
    let compression = Compression(rawValue: request.query["compress"] ?? "none")
    let (handle, output) = await world.openConnection(
      version: version, encoding: compression == nil ? "unknown" : encoding)
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        await write(output, to: socket, compression ?? .none)
      }
      group.addTask {
        do {
          while let deadline = await world.deadline(of: handle) { try await time.sleep(until: deadline) }
        } catch {
          // Cancelled because the connection has ended.
        }
      }
      for await message in socket.messages {
        // hikari sends its JSON in binary frames, and Discord takes them.
        await world.receive(message.bytes, on: handle)
      }
      let code = socket.closeFrame?.code
      await world.closeConnection(handle, code: code == .abnormal ? nil : code?.rawValue)
      group.cancelAll()
    }
  }

  private func write(
    _ output: AsyncStream<GatewayOutput>, to socket: WebSocketServerConnection, _ compression: Compression
  ) async {
    var writer = GatewayWriter(socket: socket, compression: compression, time: time)
    do {
      for await item in output { try await writer.perform(item) }
    } catch WebSocketSendError.closed {
      // The client went away; the reader notices.
    } catch is CancellationError {
      // It went away during a pause.
    } catch {
      log.warning("a gateway connection is cut", ["error": .error(error)])
      socket.abort()
    }
  }
}

/// Packs and frames what one connection says, and applies the faults ordered for it.
private struct GatewayWriter {
  let socket: WebSocketServerConnection
  let deflater: (any StreamDeflater)?
  let time: any TimeSource
  private var wire = FaultyWire()

  init(socket: WebSocketServerConnection, compression: GatewaySocket.Compression, time: any TimeSource) {
    self.socket = socket
    self.time = time
    deflater =
      switch compression {
      case .none: nil
      case .zlib: ZlibStreamDeflater()
      case .zstd: ZstdStreamDeflater()
      }
  }

  mutating func perform(_ item: GatewayOutput) async throws {
    switch item {
    case .payload(let payload): try await say(payload.serialized())
    case .pause(let duration): try await time.sleep(for: duration)
    case .wire(.say(let text)): try await say(text)
    case .wire(.write(let bytes)): try socket.send(raw: bytes)
    case .wire(let fault): wire.take(fault)
    case .close(let code):
      try await perform(wire.release())
      socket.close(WebSocketCloseCode(rawValue: code.code), reason: code.reason)
    case .drop: socket.abort()
    }
  }

  private mutating func say(_ text: String) async throws {
    let bytes = Array(text.utf8)
    let message = wire.spoil(try deflater?.deflate(bytes) ?? bytes)
    if wire.isSound {
      if deflater == nil { try socket.send(text: message) } else { try socket.send(binary: message) }
    } else {
      try await perform(wire.steps(for: WebSocketEncoder.serverFrame(deflater == nil ? .text : .binary, message)))
    }
    if socket.pendingBytes > 1 << 20 { await socket.drained() }
  }

  private func perform(_ steps: [FaultyWire.Step]) async throws {
    for step in steps {
      switch step {
      case .write(let bytes): try socket.send(raw: bytes)
      case .wait(let duration): try await time.sleep(for: duration)
      case .cut: socket.abort()
      }
    }
  }
}
