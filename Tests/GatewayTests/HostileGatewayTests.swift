import Platform
import Testing

@testable import Gateway

private func text(_ text: String) -> @Sendable (HostileServer) -> Void { { $0.say(text) } }
private func raw(_ bytes: [UInt8]) -> @Sendable (HostileServer) -> Void { { $0.write(bytes) } }

@Suite(.timeLimit(.minutes(2))) struct HostileGatewayTests {
  enum Reaction: Sendable { case resumes, ignores }

  struct Attack: Sendable, CustomTestStringConvertible {
    let name: String
    let fault: GatewayFault
    let reaction: Reaction
    var compression = GatewayCompression.none
    let act: @Sendable (HostileServer) -> Void
    var testDescription: String { name }
  }

  static let attacks: [Attack] = [
    Attack(
      name: "masked frame", fault: .frame, reaction: .resumes,
      act: raw(WebSocketEncoder(role: .client).frame(.text, Array("{}".utf8)))),
    Attack(name: "reserved bits", fault: .frame, reaction: .resumes, act: raw([0xC1, 0x02, 0x7B, 0x7D])),
    Attack(name: "reserved opcode", fault: .frame, reaction: .resumes, act: raw([0x83, 0x00])),
    Attack(name: "fragmented ping", fault: .frame, reaction: .resumes, act: raw([0x09, 0x00])),
    Attack(name: "forbidden close code", fault: .frame, reaction: .resumes, act: raw([0x88, 0x02, 0x03, 0xED])),
    Attack(
      name: "frame of a gibibyte", fault: .tooLarge, reaction: .resumes,
      act: raw([0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0])),
    Attack(
      name: "inflating beyond the limit", fault: .tooLarge, reaction: .resumes, compression: .zlibStream,
      act: text(String(repeating: " ", count: 33 << 20))),
    Attack(
      name: "text that is not UTF-8", fault: .invalidUTF8, reaction: .resumes, act: raw([0x81, 0x03, 0x22, 0xFF, 0x22])),
    Attack(
      name: "corrupt zlib", fault: .compression, reaction: .resumes, compression: .zlibStream,
      act: raw([0x82, 0x08, 1, 2, 3, 4, 0, 0, 0xFF, 0xFF])),
    Attack(
      name: "corrupt zstd", fault: .compression, reaction: .resumes, compression: .zstdStream,
      act: raw([0x82, 0x04, 0xFF, 0xFF, 0xFF, 0xFF])),
    Attack(name: "truncated JSON", fault: .json, reaction: .resumes, act: text(#"{"op":0,"s":2,"t":"MESS"#)),
    Attack(
      name: "binary that is not UTF-8", fault: .json, reaction: .resumes, act: raw([0x82, 0x03, 0x22, 0xFF, 0x22])),
    Attack(
      name: "bottomless JSON", fault: .json, reaction: .resumes, act: text(String(repeating: "[", count: 100_000))),
    Attack(name: "an array", fault: .envelope, reaction: .resumes, act: text("[1,2]")),
    Attack(name: "an empty object", fault: .envelope, reaction: .resumes, act: text("{}")),
    Attack(
      name: "values of absurd types", fault: .envelope, reaction: .resumes,
      act: text(#"{"op":0,"s":"7","t":5,"d":[]}"#)),
    Attack(
      name: "the largest sequence", fault: .envelope, reaction: .resumes,
      act: text(#"{"op":0,"s":9223372036854775807,"t":"TYPING_START","d":{}}"#)),
    Attack(
      name: "a sequence beyond 63 bits", fault: .envelope, reaction: .resumes,
      act: text(#"{"op":0,"s":9223372036854775808,"t":"TYPING_START","d":{}}"#)),
    Attack(
      name: "a negative sequence", fault: .envelope, reaction: .resumes,
      act: text(#"{"op":0,"s":-5,"t":"TYPING_START","d":{}}"#)),
    Attack(
      name: "READY out of place", fault: .unexpected, reaction: .ignores,
      act: text(readyEvent.replacing(#""s":1"#, with: #""s":900"#).replacing(#""S""#, with: #""stolen""#))),
    Attack(
      name: "a second HELLO", fault: .unexpected, reaction: .ignores,
      act: text(#"{"op":10,"d":{"heartbeat_interval":-1}}"#)),
    Attack(name: "an unknown opcode", fault: .unknownOpcode, reaction: .ignores, act: text(#"{"op":77,"d":{}}"#)),
    Attack(
      name: "an unknown event", fault: .unknownEvent, reaction: .ignores,
      act: { $0.say(#"{"op":0,"s":\#($0.next()),"t":"SOMETHING_NEW","d":[1]}"#) }),
    Attack(
      name: "an unknown value", fault: .unknownValue, reaction: .ignores,
      act: { $0.say(#"{"op":0,"s":\#($0.next()),"t":"CHANNEL_UPDATE","d":{"id":"5","guild_id":"1","type":99}}"#) }),
  ]

  @Test(arguments: attacks)
  func everyBreachHasItsReactionIsCountedAndToldOnce(attack: Attack) async throws {
    let rig = try await HostileRig(attack.compression, isQuick: true)
    for round in 1...2 {
      attack.act(rig.server)
      if attack.reaction == .resumes {
        #expect(await rig.states.wait(for: 1 + 2 * round).suffix(2) == ["disconnected", "resumed"])
      }
      rig.server.say(messageEvent(rig.server.next()))
      #expect(await rig.messages.wait(for: round).count == round)
    }
    #expect(rig.messages.items.map(\.sessionID) == ["S", "S"])
    #expect(rig.client.isReady)
    #expect(rig.server.connectionCount == (attack.reaction == .resumes ? 3 : 1))
    #expect(rig.metrics.render().contains("gateway_faults_total{kind=\"\(attack.fault.rawValue)\"} 2"))
    let line = attack.fault.isNovelty ? "unknown to this version, and ignored" : "the gateway broke the protocol"
    #expect(rig.said(line) == 1)
    await rig.end()
  }

  struct BadOpening: Sendable, CustomTestStringConvertible {
    let bytes: String
    let fault: GatewayFault
    /// What the test is called: the bytes may be a hundred thousand.
    var testDescription: String { bytes.count > 60 ? "\(bytes.count) bytes of garbage" : bytes.debugDescription }
  }

  static let openings: [BadOpening] = [
    BadOpening(bytes: "\u{0}\u{1}garbage\r\n\r\n", fault: .handshake),
    BadOpening(bytes: "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\n\r\n", fault: .handshake),
    BadOpening(bytes: String(repeating: "x", count: 100_000), fault: .handshake),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":-41250}}"#, fault: .unexpected),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":0}}"#, fault: .unexpected),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":1}}"#, fault: .unexpected),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":86400000}}"#, fault: .unexpected),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":1e300}}"#, fault: .unexpected),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":"soon"}}"#, fault: .envelope),
    BadOpening(bytes: #"{"op":10,"d":{}}"#, fault: .envelope),
    BadOpening(bytes: #"{"op":10,"d":7}"#, fault: .envelope),
    BadOpening(bytes: #"{"op":10"#, fault: .json),
  ]

  @Test(arguments: openings)
  func aConnectionThatBeginsWrongIsLeftForAnother(opening: BadOpening) async throws {
    let (bytes, fault) = (opening.bytes, opening.fault)
    let rig = try await HostileRig(.none, isQuick: true)
    let bad: HostileServer.Opening = fault == .handshake ? .raw(bytes) : .hello(bytes)
    rig.server.prepare([bad, bad])
    rig.server.cut()
    #expect(
      await rig.states.wait(for: 5) == ["ready", "disconnected", "disconnected", "disconnected", "resumed"])
    rig.server.say(messageEvent(rig.server.next()))
    #expect(await rig.messages.wait(for: 1).count == 1)
    #expect(rig.metrics.render().contains("gateway_faults_total{kind=\"\(fault.rawValue)\"} 2"))
    #expect(rig.said("the gateway broke the protocol") == 1)
    await rig.end()
  }

  @Test func anEventWithoutWhatItMustHaveIsPassedOver() async throws {
    let rig = try await HostileRig(.none, isQuick: true)
    for data in [#"{"id":"7"}"#, "[]", "7", #"{"id":7,"channel_id":"x","author":null}"#] {
      rig.server.say(#"{"op":0,"s":\#(rig.server.next()),"t":"MESSAGE_CREATE","d":\#(data)}"#)
    }
    rig.server.say(messageEvent(rig.server.next()))
    #expect(await rig.messages.wait(for: 1).count == 1)
    #expect(rig.states.items == ["ready"])
    #expect(rig.metrics.render().contains("gateway_event_decode_failures_total{event=\"MESSAGE_CREATE\"} 4"))
    #expect(rig.said("an event could not be read") == 1)
    await rig.end()
  }
}
