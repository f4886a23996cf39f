import Core
import Foundation
import Gateway
import Testing

@testable import Commands

struct CompactCodingTests {
  private enum Rank: String, Codable { case recruit, officer }
  private struct Inner: Codable, Equatable { var a: Int8, b: [String] }
  private struct Everything: Codable, Equatable {
    var flag: Bool
    var small: Int
    var negative: Int64
    var unsigned: UInt64
    var share: Double
    var text: String
    var user: Snowflake
    var guild: GuildID
    var rank: Rank
    var uuid: UUID
    var missing: Int?
    var present: String?
    var inner: Inner
    var list: [Int]
    var optionalInner: Inner?
  }

  private static let value = Everything(
    flag: true, small: 5, negative: .min, unsigned: .max, share: -0.5, text: "größer 🚀", user: 100_000_000_000_000_001,
    guild: GuildID(.max), rank: .officer, uuid: UUID(), missing: nil, present: "", inner: Inner(a: -128, b: ["", "x"]),
    list: [0, 127, 128, -1], optionalInner: Inner(a: 0, b: []))

  @Test func everythingComesBack() throws {
    let bytes = try CompactEncoder.encode(Self.value)
    #expect(try CompactDecoder.decode(Everything.self, from: bytes) == Self.value)
  }

  private struct Pair: Codable { var giveaway: Int64, user: Snowflake }

  @Test func aNumberAndAnIdTakeTenBytes() throws {
    #expect(try CompactEncoder.encode(Pair(giveaway: 100, user: 1)).count == 10)
  }

  @Test func bytesOfAnotherLengthAreRefused() throws {
    let bytes = try CompactEncoder.encode(Self.value)
    for count in 0..<bytes.count {
      #expect(throws: (any Error).self) { try CompactDecoder.decode(Everything.self, from: bytes.prefix(count)) }
    }
    #expect(throws: CompactCodingError.wrongLength) { try CompactDecoder.decode(Everything.self, from: bytes + [0]) }
  }

  private struct Flag: Codable { var flag: Bool }
  private struct Number: Codable { var number: UInt64 }
  private struct Byte: Codable { var number: UInt8 }
  private struct Text: Codable { var text: String }

  @Test func oneValueHasOneForm() {
    #expect(throws: (any Error).self) { try CompactDecoder.decode(Flag.self, from: [2]) }
    #expect(throws: (any Error).self) { try CompactDecoder.decode(Number.self, from: [0x80, 0x00]) }
    #expect(throws: (any Error).self) {
      try CompactDecoder.decode(Number.self, from: [UInt8](repeating: 0xFF, count: 9) + [0x02])
    }
    #expect(throws: (any Error).self) { try CompactDecoder.decode(Byte.self, from: [0x80, 0x02]) }
    #expect(throws: (any Error).self) { try CompactDecoder.decode(Text.self, from: [1, 0xFF]) }
  }

  private struct Holes: Codable { var list: [Int?] }
  private struct Table: Codable { var table: [String: Int] }

  @Test func whatCannotBeReadBackIsRefused() throws {
    #expect(throws: (any Error).self) { try CompactEncoder.encode(Holes(list: [nil])) }
    let bytes = try CompactEncoder.encode(Table(table: ["a": 1]))
    #expect(throws: (any Error).self) { try CompactDecoder.decode(Table.self, from: bytes) }
    #expect(throws: CompactCodingError.tooMany) { try CompactEncoder.encode([Int](repeating: 0, count: 256)) }
  }
}

struct ComponentTokenTests {
  private static let key = [UInt8](repeating: 1, count: 32)

  private static func token(flags: Int) -> ComponentToken {
    var token = ComponentToken(handler: 0xDEAD_BEEF, version: 3, state: [1, 2, 3])
    if flags & 1 != 0 { token.user = 100_000_000_000_000_001 }
    if flags & 2 != 0 { token.guild = 0 }
    if flags & 4 != 0 { token.message = .init(rawValue: .max) }
    if flags & 8 != 0 { token.expiry = .init(seconds: 1_800_000_000) }
    return token
  }

  @Test(arguments: 0..<16)
  func whatIsSealedIsReadBack(flags: Int) throws {
    let token = Self.token(flags: flags)
    let id = try token.sealed(with: Self.key)
    #expect(id.utf8.count <= 100)
    #expect(try ComponentToken(id, key: Self.key) == token)
    #expect(try ComponentToken(id, key: [UInt8](repeating: 2, count: 32)) == nil)
  }

  /// Every character replaced by every other one, cut at every place, and lengthened: nothing of it is taken.
  @Test func nothingElseIsTaken() async throws {
    let id = Array(try Self.token(flags: 15).sealed(with: Self.key).utf8)
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n".utf8)
    for place in id.indices {
      await Task.yield()
      for letter in alphabet where letter != id[place] {
        var forged = id
        forged[place] = letter
        #expect(try ComponentToken(String(decoding: forged, as: UTF8.self), key: Self.key) == nil)
      }
      #expect(try ComponentToken(String(decoding: id.prefix(place), as: UTF8.self), key: Self.key) == nil)
    }
    for suffix in ["A", "=", "AAAA", String(repeating: "A", count: 40)] {
      #expect(try ComponentToken(String(decoding: id, as: UTF8.self) + suffix, key: Self.key) == nil)
    }
  }

  @Test func noiseIsNotTaken() async throws {
    var random = SystemRandomNumberGenerator()
    for round in 0..<5_000 {
      if round.isMultiple(of: 500) { await Task.yield() }
      let bytes = (0..<Int.random(in: 0...75)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text =
        round.isMultiple(of: 2)
        ? Data(bytes).base64EncodedString().filter { $0 != "=" } : String(decoding: bytes, as: UTF8.self)
      #expect(try ComponentToken(text, key: Self.key) == nil)
    }
  }

  /// A custom id that is on messages today: it has to be read for as long as the bot lives.
  @Test func theFormatStaysAsItIs() throws {
    let id = "K96tvu8DAWNFeF2KAAEAAAAAAAAAAA098QABAgMxUWTzhLayH1F9"
    #expect(try Self.token(flags: 11).sealed(with: Self.key) == id)
    #expect(try ComponentToken(id, key: Self.key) == Self.token(flags: 11))
    #expect(try ComponentToken.identifier(ofHandler: "giveaway.claim") == 0xDC0F_DC9F)
  }
}
