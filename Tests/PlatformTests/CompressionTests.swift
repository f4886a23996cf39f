import Testing

@testable import Platform

/// Which of the gateway's two compressions a test runs on.
enum Codec: CaseIterable {
  case zlib, zstd

  func inflater(limit: Int = 32 << 20) -> any StreamInflater {
    switch self {
    case .zlib: ZlibStreamInflater(limit: limit)
    case .zstd: ZstdStreamInflater(limit: limit)
    }
  }

  func deflater() -> any StreamDeflater {
    switch self {
    case .zlib: ZlibStreamDeflater()
    case .zstd: ZstdStreamDeflater()
    }
  }
}

extension [UInt8] {
  init(hexDigits: String) {
    let digits = Array<Character>(hexDigits)
    self = stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
  }
}

extension StreamInflater {
  fileprivate func text(_ payload: some Sequence<UInt8>) throws -> String? {
    try inflate(Array<UInt8>(payload)) { String(decoding: $0, as: UTF8.self) }
  }
}

struct CompressionTests {
  private let messages = [
    #"{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250}}"#, #"{"t":null,"s":null,"op":11,"d":null}"#,
    #"{"t":"READY","s":1,"op":0,"d":{"v":10}}"#,
  ]
  /// The messages above as Python's zlib packs them: one `compressobj`, `Z_SYNC_FLUSH` after each.
  private let packed = [
    "789caa562a51b2ca2bcdc9d1512a8631f20b94ac0c0d74945294acaa953252138b4a9252134be233f34a528bca127394ac4c0c8d4c0d6a6b01"
      + "000000ffff",
    "aac6a5d710ac1724500b000000ffff", "02ab510a7275748954022b3384a881195f06b2aab616000000ffff",
  ].map { [UInt8](hexDigits: $0) }

  @Test func zlibMessagesOfAnotherImplementationAreRead() throws {
    let inflater = ZlibStreamInflater()
    for (message, payload) in zip(messages, packed) { #expect(try inflater.text(payload) == message) }
  }

  @Test func zlibMessagesAreCompleteAtEverySplit() throws {
    for (place, payload) in packed.enumerated() {
      for split in 0...payload.count {
        let inflater = ZlibStreamInflater()
        for earlier in packed[..<place] { _ = try inflater.text(earlier) }
        let first = try inflater.text(payload[..<split])
        #expect(first == (split == payload.count ? messages[place] : nil))
        if split < payload.count { #expect(try inflater.text(payload[split...]) == messages[place]) }
      }
    }
  }

  @Test func zlibMessagesAreReadByteByByte() throws {
    let inflater = ZlibStreamInflater()
    var read: [String] = []
    for byte in packed.joined() {
      if let message = try inflater.text([byte]) { read.append(message) }
    }
    #expect(read == messages)
  }

  @Test func zstdMessageOfAnotherImplementationIsRead() throws {
    // One frame as `zstd -3 --no-check` writes it.
    let frame = [UInt8](
      hexDigits:
        "28b52ffd0058e101007b2274223a6e756c6c2c2273223a6e756c6c2c226f70223a31302c2264223a7b226865617274626561745f"
        + "696e74657276616c223a34313235307d7d")
    #expect(try ZstdStreamInflater().text(frame) == messages[0])
  }

  @Test(arguments: Codec.allCases)
  func whatIsDeflatedIsInflated(codec: Codec) throws {
    let inflater = codec.inflater()
    let deflater = codec.deflater()
    let random = SeededRandom(seed: 7)
    for size in [1, 100, 65_535, 65_536, 65_537, 3_000_000, 5, 131_072] {
      let noise = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let pattern = (0..<size).map { UInt8($0 % 7) }
      for message in [noise, pattern] {
        let payload = try deflater.deflate(message)
        #expect(try inflater.inflate(payload) { Array($0) } == message)
      }
    }
  }

  @Test(arguments: Codec.allCases)
  func laterMessagesReferBackToEarlierOnes(codec: Codec) throws {
    let deflater = codec.deflater()
    let random = SeededRandom(seed: 1)
    let message = (0..<2_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    #expect(try deflater.deflate(message).count > 2_000)
    #expect(try deflater.deflate(message).count < 100)
  }

  @Test(arguments: Codec.allCases)
  func paddingFollowsEveryMessage(codec: Codec) throws {
    // In-place parsing reads behind the text: under the limit, at the limit, and where the buffer just grew.
    for size in [10, 65_536 - 2, 131_072 - 2, 200_000] {
      let text = "\"" + String(repeating: "x", count: size) + "\""
      let payload = try codec.deflater().deflate(Array(text.utf8))
      let count = try codec.inflater(limit: size + 2).inflate(payload) { message in
        try JSONParser().parse(message, isPadded: true) { $0.string?.count }
      }
      #expect(count == size)
    }
  }

  @Test(arguments: Codec.allCases, [100, 65_536, 100_000, 1 << 20])
  func bombsAreRefusedAtTheLimit(codec: Codec, limit: Int) throws {
    let exact = try codec.deflater().deflate([UInt8](repeating: 0, count: limit))
    #expect(try codec.inflater(limit: limit).inflate(exact) { $0.count } == limit)

    let inflater = codec.inflater(limit: limit)
    let bomb = try codec.deflater().deflate([UInt8](repeating: 0, count: limit + 1))
    #expect(throws: CompressionError.tooLarge(limit: limit)) { try inflater.text(bomb) }
    // The stream is broken from here on, until it starts anew.
    #expect(throws: CompressionError.tooLarge(limit: limit)) { try inflater.text(exact) }
    inflater.reset()
    #expect(try inflater.inflate(exact) { $0.count } == limit)
  }

  @Test(arguments: Codec.allCases)
  func corruptDataIsRefused(codec: Codec) throws {
    let inflater = codec.inflater()
    #expect(throws: CompressionError.self) { try inflater.text([UInt8](repeating: 0xA5, count: 64)) }
    inflater.reset()
    let payload = try codec.deflater().deflate(Array(messages[0].utf8))
    #expect(try inflater.text(payload) == messages[0])
  }

  @Test func aMessageOfAnotherConnectionIsRefusedOrDiffers() throws {
    // The second message refers to the first: without it there is nothing to refer to.
    let inflater = ZlibStreamInflater()
    #expect(throws: CompressionError.self) { try inflater.text(packed[1]) }
  }

  @Test(arguments: Codec.allCases)
  func theStreamGoesOnWhenTheReceiverThrows(codec: Codec) throws {
    struct Refused: Error {}
    let inflater = codec.inflater()
    let deflater = codec.deflater()
    let first = try deflater.deflate(Array(messages[0].utf8))
    let second = try deflater.deflate(Array(messages[1].utf8))
    #expect(throws: Refused.self) { try inflater.inflate(first) { _ in throw Refused() } }
    #expect(try inflater.text(second) == messages[1])
  }

  @Test func memoryOfALargeMessageIsGivenBack() throws {
    var buffer = InflateBuffer(limit: 4 << 20)
    buffer.startMessage()
    for _ in 0..<7 { buffer.advance(by: try buffer.space().count) }
    let isAtLimit = buffer.isAtLimit
    #expect(isAtLimit)
    buffer.startMessage()
    for _ in 0...256 { buffer.startMessage() }
    let capacity = try buffer.space().count
    #expect(capacity == 64 << 10)
  }

  @Test(arguments: [DeflateFormat.zlib, .gzip, .raw])
  func wholeTextsAreCompressedAndBack(format: DeflateFormat) throws {
    for size in [0, 1, 100_000] {
      let text = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 3) }
      let packed = try Deflate.compress(text, as: format)
      #expect(try Deflate.decompress(packed, as: format, limit: size) == text)
      #expect(throws: CompressionError.truncated) {
        try Deflate.decompress(Array(packed.dropLast()), as: format, limit: size)
      }
      #expect(throws: CompressionError.truncated) { try Deflate.decompress(packed + [0], as: format, limit: size) }
      if size > 0 {
        #expect(throws: CompressionError.tooLarge(limit: size - 1)) {
          try Deflate.decompress(packed, as: format, limit: size - 1)
        }
      }
    }
  }

  @Test func textsOfAnotherImplementationAreDecompressed() throws {
    let gzip = [UInt8](hexDigits: "1f8b0800000000000203cb48cdc9c957c84090008088f9e511000000")
    #expect(try Deflate.decompress(gzip, as: .gzip, limit: 100) == Array("hello hello hello".utf8))
    #expect(throws: CompressionError.self) { try Deflate.decompress(gzip, as: .zlib, limit: 100) }
    let zlib = [UInt8](
      hexDigits:
        "789cab562a51b2ca2bcdc9d1512a8631f20b94ac0c0d74945294acaa953252138b4a9252134be233f34a528bca127394ac4c0c8d"
        + "4c0d6a6b01438e135c")
    #expect(try Deflate.decompress(zlib, as: .zlib, limit: 100) == Array(messages[0].utf8))
  }
}
