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
    let deflater: (any StreamDeflater)? =
      switch compression {
      case .none: nil
      case .zlib: ZlibStreamDeflater()
      case .zstd: ZstdStreamDeflater()
      }
    do {
      for await item in output {
        switch item {
        case .payload(let payload):
          let text = Array(payload.serialized().utf8)
          if let deflater {
            try socket.send(binary: try deflater.deflate(text))
          } else {
            try socket.send(text: text)
          }
          if socket.pendingBytes > 1 << 20 { await socket.drained() }
        case .close(let code): socket.close(WebSocketCloseCode(rawValue: code.code), reason: code.reason)
        case .drop: socket.abort()
        }
      }
    } catch WebSocketSendError.closed {
      // The client went away; the reader notices.
    } catch {
      log.warning("a gateway connection is cut", ["error": .error(error)])
      socket.abort()
    }
  }
}
