import Core
import Foundation
import Platform
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// A token that was found good once is not good for ever.
struct VerifiedTokenTests {
  private func expect(
    _ error: TokenError, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> some Sendable
  ) async {
    await #expect(throws: error, sourceLocation: sourceLocation) { _ = try await body() }
  }

  @Test func whatWasRevokedIsRefusedAtOnce() async throws {
    try await Rig.with(.sqlite) { rig in
      let tokens = try await rig.tokens()
      let (first, second, third) = (
        try await tokens.issue(for: rig.me), try await tokens.issue(for: rig.me), try await tokens.issue(for: rig.me)
      )
      for token in [first, second, third] {
        for _ in 0..<2 { #expect(try await tokens.verify(token.text) == token.claims) }
      }
      #expect(tokens.verified.count == 3)
      try await tokens.logOut(first.claims)
      await expect(.revoked) { try await tokens.verify(first.text) }
      await expect(.revoked) { try await tokens.verify(first.text) }
      _ = try await tokens.refresh(second.text)
      await expect(.revoked) { try await tokens.verify(second.text) }
      #expect(try await tokens.verify(third.text) == third.claims)
      try await tokens.endAllSessions(of: rig.me)
      await expect(.revoked) { try await tokens.verify(third.text) }
    }
  }

  @Test func itsTimeIsLookedAtEachTime() async throws {
    try await Rig.with(.sqlite) { rig in
      let tokens = try await rig.tokens()
      let token = try await tokens.issue(for: rig.me, life: .seconds(60))
      #expect(try await tokens.verify(token.text) == token.claims)
      // The clock is set back: the token is of the future then.
      rig.time.advance(by: .seconds(-3_600))
      await expect(.notYetValid) { try await tokens.verify(token.text) }
      rig.time.advance(by: .seconds(3_600))
      #expect(try await tokens.verify(token.text) == token.claims)
      rig.time.advance(by: .milliseconds(59_999))
      #expect(try await tokens.verify(token.text) == token.claims)
      rig.time.advance(by: .milliseconds(1))
      await expect(.expired) { try await tokens.verify(token.text) }
    }
  }

  @Test func aKeyThatIsGoneTakesItsTokensAlong() async throws {
    try await withTemporaryDirectory { elsewhere in
      try await Rig.with(.sqlite) { rig in
        let tokens = try await rig.tokens()
        let old = try await tokens.issue(for: rig.me)
        #expect(try await tokens.verify(old.text) == old.claims)
        // Somebody puts other keys in the place of those: the first token that they signed makes them known.
        let new = try await rig.tokens(directory: elsewhere).issue(for: rig.me)
        let name = "/signing-keys.json"
        try FileManager.default.removeItem(atPath: rig.directory + name)
        try FileManager.default.copyItem(atPath: elsewhere + name, toPath: rig.directory + name)
        rig.time.advance(by: KeyStore.rereadInterval)
        #expect(try await tokens.verify(new.text) == new.claims)
        await expect(.unknownKey) { try await tokens.verify(old.text) }
      }
    }
  }

  @Test func onlyWhatIsRightGetsIn() async throws {
    try await Rig.with(.sqlite) { rig in
      let tokens = try await rig.tokens()
      let text = try await tokens.issue(for: rig.me).text.reveal()
      for place in [0, 20, text.utf8.count / 2, text.utf8.count - 2] {
        var bytes = Array(text.utf8)
        bytes[place] = bytes[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        await #expect(throws: TokenError.self) {
          try await tokens.verify(Secret(String(decoding: bytes, as: UTF8.self)))
        }
      }
      await #expect(throws: TokenError.self) { try await tokens.verify(Secret(text + "A")) }
      #expect(tokens.verified.count == 0)
      _ = try await tokens.verify(Secret(text))
      #expect(tokens.verified.count == 1)
    }
  }

  @Test func thereIsRoomForSoManyAndThoseInUseStay() {
    let memory = VerifiedTokens(capacity: 10)
    let claims = TokenClaims(
      subject: .user(UserID(1)), id: "", family: "", generation: 0, issuedAt: 0, expiresAt: 1, authenticatedAt: 0)
    for number in 0..<1_000 {
      memory.insert(.init(claims: claims, notBefore: 0, keyID: "\(number)", secret: []), for: "token \(number)")
      #expect(memory.find("token \(number)")?.keyID == "\(number)")
      #expect(memory.find("token 0")?.keyID == "0")
      #expect(memory.count <= 20)
    }
    #expect(memory.find("token 500") == nil)
    memory.remove("token 0")
    #expect(memory.find("token 0") == nil)
  }
}
