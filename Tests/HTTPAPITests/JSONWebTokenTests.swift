import Core
import Platform
import Testing

@testable import HTTPAPI

/// The format of tokens and what they must claim.
struct JSONWebTokenTests {
  private let secret = [UInt8](repeating: 7, count: 32)
  private let now = Timestamp(seconds: 1_700_000_000)

  private func claims() -> TokenClaims {
    TokenClaims(
      subject: .user(UserID(100_000_000_000_000_001)), id: String(repeating: "a", count: 22),
      family: String(repeating: "b", count: 22), generation: 3, issuedAt: 1_700_000_000, expiresAt: 1_700_000_600,
      authenticatedAt: 1_699_999_000, adminUntil: 1_700_000_100, scopes: ["one", "two"])
  }

  private func sign(header: String, payload: String) throws -> String {
    let signed = Base64.encode(header.utf8, .url) + "." + Base64.encode(payload.utf8, .url)
    return signed + "." + Base64.encode(try Crypto.hmacSHA256(signed.utf8, key: secret), .url)
  }

  private func decode(_ text: String) throws -> JSON.Object {
    try JSONWebToken.decode(text) { $0 == "k" ? secret : nil }
  }

  @Test func aKnownTokenComesOutByteForByte() throws {
    let text = try JSONWebToken.encode(["sub": "x"], keyID: "k", secret: secret)
    // Computed with another program: Python's hmac and base64.
    #expect(
      text == "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ.eyJzdWIiOiJ4In0."
        + "6SRgT1O72to8BBZVVcugDZeyYCuHR9LU1w880u87W1o")
    #expect(try decode(text) == ["sub": "x"])
  }

  @Test func aTokenHasRoomForTheLongestClaims() throws {
    var claims = claims()
    claims.scopes = (0..<32).map { "servers:write:\($0)" }
    let text = try JSONWebToken.encode(claims.payload(issuer: "adjutant-sandbox"), keyID: "k", secret: secret)
    #expect(text.utf8.count <= JSONWebToken.maximumLength)
    #expect(try TokenClaims(decode(text), issuer: "adjutant-sandbox", now: now) == claims)
  }

  static let goodHeader = #"{"alg":"HS256","typ":"JWT","kid":"k"}"#

  @Test(arguments: [
    (#"{"alg":"none","typ":"JWT","kid":"k"}"#, TokenError.algorithm),
    (#"{"alg":"None","typ":"JWT","kid":"k"}"#, .algorithm), (#"{"alg":"HS512","typ":"JWT","kid":"k"}"#, .algorithm),
    (#"{"alg":"RS256","typ":"JWT","kid":"k"}"#, .algorithm), (#"{"alg":"hs256","typ":"JWT","kid":"k"}"#, .algorithm),
    (#"{"alg":null,"typ":"JWT","kid":"k"}"#, .algorithm), (#"{"typ":"JWT","kid":"k"}"#, .algorithm),
    (#"{"alg":"HS256","typ":"jwt","kid":"k"}"#, .malformed), (#"{"alg":"HS256","kid":"k"}"#, .malformed),
    (#"{"alg":"HS256","typ":"JWT"}"#, .malformed), (#"{"alg":"HS256","typ":"JWT","kid":1}"#, .malformed),
    (#"{"alg":"HS256","typ":"JWT","kid":"other"}"#, .unknownKey),
    (#"{"alg":"HS256","typ":"JWT","kid":"k","crit":"x"}"#, .malformed),
    (#"{"alg":"HS256","alg":"HS256","typ":"JWT","kid":"k"}"#, .malformed),
    (#"{"alg":"HS256","typ":"JWT","kid":"k","kid":"k"}"#, .malformed),
    (#"["HS256"]"#, .malformed), (#"{"alg":"HS256","typ":"JWT","kid":["k"]}"#, .malformed), ("", .malformed),
    ("{", .malformed), (#"{"alg":"HS256","typ":"JWT","kid":"k"} "#, nil), ("null", .malformed),
  ])
  func headersThatWeDoNotWrite(header: String, expected: TokenError?) throws {
    let text = try sign(header: header, payload: "{}")
    if let expected {
      #expect(throws: expected) { try decode(text) }
    } else {
      #expect(try decode(text) == [:])
    }
  }

  @Test(arguments: [
    "[]", "", "1", "{\"a\":1,\"a\":1}", "{\"a\":{}}", "{\"a\":[]}", "{\"a\":\"\u{1}\"}", "{}x", "{\"a\":\"\\ud800\"}",
  ])
  func payloadsThatWeDoNotWrite(payload: String) throws {
    let text = try sign(header: Self.goodHeader, payload: payload)
    #expect(throws: TokenError.malformed) { try decode(text) }
  }

  @Test func everyChangedCharacterIsNoticed() throws {
    let text = try JSONWebToken.encode(claims().payload(issuer: "adjutant"), keyID: "k", secret: secret)
    let good = Array(text.utf8)
    for index in good.indices {
      for replacement in [UInt8(ascii: "A"), UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "="), 0x20, 0xC3]
      where good[index] != replacement {
        var bytes = good
        bytes[index] = replacement
        #expect(throws: TokenError.self) { try decode(String(decoding: bytes, as: UTF8.self)) }
      }
      #expect(throws: TokenError.self) { try decode(String(decoding: good[..<index], as: UTF8.self)) }
    }
    for text in [text + "=", text + ".", text + "A", "." + text, text + "\n", text.uppercased(), "Bearer " + text] {
      #expect(throws: TokenError.self) { try decode(text) }
    }
  }

  @Test func anotherKeyDoesNotSign() throws {
    let text = try JSONWebToken.encode([:], keyID: "k", secret: [UInt8](repeating: 8, count: 32))
    #expect(throws: TokenError.badSignature) { try decode(text) }
    // Nor does an empty signature, or one that is only its beginning.
    let good = try JSONWebToken.encode([:], keyID: "k", secret: secret)
    let parts = good.split(separator: ".").map(String.init)
    #expect(throws: TokenError.badSignature) { try decode(parts[0] + "." + parts[1] + ".") }
    let short = try #require(Base64.decode(parts[2], .url)).dropLast()
    #expect(throws: TokenError.badSignature) { try decode("\(parts[0]).\(parts[1]).\(Base64.encode(short, .url))") }
  }

  @Test func textThatIsTooLongIsNotLookedAt() throws {
    let long = try JSONWebToken.encode(["a": .string(String(repeating: "a", count: 2_000))], keyID: "k", secret: secret)
    #expect(throws: TokenError.malformed) { try decode(long) }
    let prefix = try JSONWebToken.encode(["a": ""], keyID: "k", secret: secret).utf8.count
    let room = (JSONWebToken.maximumLength - prefix) / 4 * 3
    let fitting = try JSONWebToken.encode(
      ["a": .string(String(repeating: "a", count: room))], keyID: "k", secret: secret)
    #expect(fitting.utf8.count > JSONWebToken.maximumLength - 4)
    #expect(try decode(fitting)["a"]?.string?.count == room)
  }

  @Test func randomTextNeverPassesNorTraps() throws {
    let random = SeededRandom(seed: 1)
    let good = Array(try JSONWebToken.encode(["sub": "x"], keyID: "k", secret: secret).utf8)
    for _ in 0..<20_000 {
      var bytes = good
      for _ in 0...random.integer(below: 4) {
        switch random.integer(below: 3) {
        case 0: bytes[random.integer(below: bytes.count)] = UInt8(random.integer(below: 256))
        case 1: bytes.insert(UInt8(random.integer(below: 256)), at: random.integer(below: bytes.count + 1))
        default: bytes.remove(at: random.integer(below: bytes.count))
        }
      }
      if bytes == good { continue }
      #expect(throws: TokenError.self) { try decode(String(decoding: bytes, as: UTF8.self)) }
    }
  }

  // MARK: Claims

  private func read(_ change: (inout JSON.Object) -> Void, grace: Duration = .zero) throws -> TokenClaims {
    var payload = claims().payload(issuer: "adjutant")
    change(&payload)
    return try TokenClaims(payload, issuer: "adjutant", now: now, grace: grace)
  }

  @Test func claimsSurviveTheWay() throws {
    #expect(try read { _ in } == claims())
    var plain = claims()
    plain.adminUntil = nil
    plain.scopes = []
    let found = try read { payload in
      payload["adm"] = nil
      payload["scope"] = nil
    }
    #expect(found == plain)
    #expect(try read { $0["unknown"] = 1 } == claims())
    #expect(try !read { $0["lim"] = false }.isLimited)
    var limited = claims()
    limited.isLimited = true
    #expect(try TokenClaims(limited.payload(issuer: "i"), issuer: "i", now: now) == limited)
  }

  @Test(
    arguments: [
      ("iss", "adjutant-sandbox", TokenError.wrongIssuer), ("iss", nil, .wrongIssuer), ("iss", 1, .wrongIssuer),
      ("iss", "", .wrongIssuer), ("aud", "other", .wrongAudience), ("aud", nil, .wrongAudience),
      ("aud", ["adjutant"], .wrongAudience), ("sub", nil, .malformed), ("sub", "user:01", .malformed),
      ("sub", "user:", .malformed), ("sub", "guild:1", .malformed), ("sub", "user", .malformed), ("sub", 1, .malformed),
      ("sub", "account:7", .malformed), ("sub", "client:x", .malformed), ("jti", nil, .malformed),
      ("jti", "short", .malformed), ("fam", nil, .malformed), ("gen", nil, .malformed), ("gen", -1, .malformed),
      ("gen", "3", .malformed), ("iat", nil, .malformed), ("iat", 1_700_000_000.5, .malformed),
      ("iat", "1700000000", .malformed), ("nbf", nil, .malformed), ("exp", nil, .malformed),
      ("exp", 1_700_000_000, .malformed), ("exp", 100_000_000_000, .malformed), ("exp", 1_731_536_001, .malformed),
      ("auth_time", nil, .malformed), ("auth_time", 1_700_000_001, .malformed), ("adm", "x", .malformed),
      ("adm", nil, nil), ("lim", 1, .malformed), ("lim", "true", .malformed), ("lim", true, nil),
      ("scope", 1, .malformed), ("exp", 1_731_536_000, nil),
      ("nbf", 1_700_000_005, nil), ("iat", 1_700_000_006, .notYetValid), ("iat", 1_700_000_005, nil),
      ("nbf", 1_700_000_006, .notYetValid), ("sub", "account:usr_7", nil),
    ] as [(String, JSON?, TokenError?)])
  func eachClaimCounts(name: String, value: JSON?, expected: TokenError?) throws {
    if let expected {
      #expect(throws: expected) { try read { $0[name] = value } }
    } else {
      _ = try read { $0[name] = value }
    }
  }

  @Test func timeCounts() throws {
    func read(at milliseconds: Int64, grace: Duration = .zero) throws -> TokenClaims {
      try TokenClaims(
        claims().payload(issuer: "adjutant"), issuer: "adjutant", now: Timestamp(milliseconds: milliseconds),
        grace: grace)
    }
    #expect(throws: TokenError.notYetValid) { try read(at: 1_699_999_994_999) }
    _ = try read(at: 1_699_999_995_000)
    _ = try read(at: 1_700_000_599_999)
    #expect(throws: TokenError.expired) { try read(at: 1_700_000_600_000) }
    _ = try read(at: 1_700_000_609_999, grace: .seconds(10))
    #expect(throws: TokenError.expired) { try read(at: 1_700_000_610_000, grace: .seconds(10)) }
  }

  @Test(arguments: [
    "user:1", "user:18446744073709551615", "account:usr_1", "client:client_" + String(repeating: "a", count: 22),
  ])
  func subjectsHaveOneText(text: String) { #expect(Subject(text)?.description == text) }

  @Test(arguments: [
    "user:", "user:+1", "user:-1", "user:18446744073709551616", "account:usr_0", "account:usr_+1", "account:usr_01",
    "account:1", "client:client_short", "client:client_" + String(repeating: "-", count: 22), "", ":", "USER:1",
  ])
  func otherTextIsNoSubject(text: String) { #expect(Subject(text) == nil) }
}
