import Testing

@testable import Platform

struct CryptoTests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func sha256OfFIPS180(text: String, digest: String) throws {
    #expect(Hex.encode(try Crypto.sha256(text.utf8)) == digest)
    #expect(Hex.encode(try Crypto.sha256(Array(text.utf8))) == digest)
  }

  @Test func sha256IsTheSameHoweverTheBytesCome() throws {
    let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    for size in [1, 7, 63, 64, 65, 1_000] {
      let stream = try SHA256Stream()
      for start in stride(from: 0, to: bytes.count, by: size) {
        try stream.update(Array(bytes[start..<min(start + size, bytes.count)]))
        try stream.update([])
      }
      #expect(try stream.finish() == Crypto.sha256(bytes), "\(size)")
    }
    #expect(try SHA256Stream().finish() == Crypto.sha256([]))
  }

  // RFC 4231, test cases 1, 2, 3 and 6; the last is the empty key and text, as other implementations have it.
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      [UInt8](repeating: 0xAA, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
    ([], [], "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
  ])
  func hmacOfRFC4231(key: [UInt8], text: [UInt8], code: String) throws {
    #expect(Hex.encode(try Crypto.hmacSHA256(text, key: key)) == code)
  }

  // RFC 7914 section 12.
  @Test(arguments: [
    (
      "", "", PasswordHasher.Parameters(cost: 16, blockSize: 1, parallelism: 1),
      "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
        + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
    ),
    (
      "password", "NaCl", PasswordHasher.Parameters(cost: 1024, blockSize: 8, parallelism: 16),
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
        + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
    ),
    (
      "pleaseletmein", "SodiumChloride", PasswordHasher.Parameters(cost: 16384, blockSize: 8, parallelism: 1),
      "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
    ),
  ])
  func scryptOfRFC7914(password: String, salt: String, parameters: PasswordHasher.Parameters, hash: String) throws {
    #expect(Hex.encode(try PasswordHasher.scrypt(password, salt: Array(salt.utf8), parameters, length: 64)) == hash)
  }

  @Test func passwordsAreVerified() async throws {
    let cheap = PasswordHasher.Parameters(cost: 16, blockSize: 1, parallelism: 1)
    let hasher = PasswordHasher(parameters: cheap)
    let encoded = try await hasher.hash("correct horse")
    #expect(encoded.hasPrefix("scrypt$16$1$1$"))
    #expect(try await hasher.hash("correct horse") != encoded)
    #expect(try await hasher.verify("correct horse", against: encoded))
    #expect(try await !hasher.verify("correct horse ", against: encoded))
    #expect(try await !hasher.verify("", against: encoded))
    #expect(try await !hasher.verify("correct horse", against: nil))
    #expect(!hasher.isOutdated(encoded))
    #expect(PasswordHasher(parameters: .standard).isOutdated(encoded))
    #expect(hasher.isOutdated("plain"))
  }

  @Test(arguments: [
    "", "scrypt", "plain", "scrypt$15$8$1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "scrypt$1048576$32$1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "scrypt$18446744073709551615$8$1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "scrypt$16$1$1$AAAA$", "scrypt$16$1$1$AAAA$AAAA", "scrypt$16$1$1$!$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  ])
  func forgedHashesAreRefused(encoded: String) async throws {
    await #expect(throws: CryptoError.invalidHash) { try await PasswordHasher().verify("x", against: encoded) }
  }

  @Test func tooManyPasswordsAreRefusedInsteadOfQueued() async throws {
    let hasher = PasswordHasher(parameters: .init(cost: 1 << 12, blockSize: 8, parallelism: 1))
    let outcomes = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<200 {
        group.addTask {
          do {
            _ = try await hasher.hash("x")
            return true
          } catch {
            #expect(error as? CryptoError == .overloaded)
            return false
          }
        }
      }
      return await group.reduce(into: [Bool: Int]()) { $0[$1, default: 0] += 1 }
    }
    #expect(outcomes[true, default: 0] >= PasswordHasher.maximumPending)
    #expect(outcomes[false, default: 0] > 0)
    // The places are free again.
    _ = try await hasher.hash("x")
  }

  // RFC 8032 section 7.1, tests 1 to 3.
  @Test(arguments: [
    (
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ),
    (
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
    (
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    ),
  ])
  func ed25519OfRFC8032(seed: String, publicKey: String, message: String, signature: String) throws {
    let key = try Ed25519.PrivateKey(seed: [UInt8](hexDigits: seed))
    let message = [UInt8](hexDigits: message)
    let signature = [UInt8](hexDigits: signature)
    #expect(Hex.encode(try key.publicKeyBytes()) == publicKey)
    #expect(try key.sign(message) == signature)
    let verifier = try Ed25519.PublicKey([UInt8](hexDigits: publicKey))
    #expect(try verifier.verifies(signature, of: message))
    #expect(try !verifier.verifies(signature, of: message + [0]))
    for place in signature.indices {
      var other = signature
      other[place] ^= 1
      #expect(try !verifier.verifies(other, of: message))
    }
    #expect(try !verifier.verifies([], of: message))
    #expect(try !verifier.verifies(signature + [0], of: message))
  }

  @Test func keysOfTheWrongLengthAreRefused() throws {
    for length in [0, 31, 33] {
      let bytes = [UInt8](repeating: 1, count: length)
      #expect(throws: CryptoError.invalidKey) { try Ed25519.PublicKey(bytes) }
      #expect(throws: CryptoError.invalidKey) { try Ed25519.PrivateKey(seed: bytes) }
    }
    #expect(try Ed25519.PrivateKey().publicKeyBytes() != Ed25519.PrivateKey().publicKeyBytes())
  }

  @Test func comparisonLooksAtEveryByte() {
    #expect(Crypto.isEqualInConstantTime([1, 2, 3], [1, 2, 3]))
    #expect(Crypto.isEqualInConstantTime([UInt8](), []))
    #expect(!Crypto.isEqualInConstantTime([1, 2, 3], [1, 2]))
    for place in 0..<3 {
      var other: [UInt8] = [1, 2, 3]
      other[place] = 9
      #expect(!Crypto.isEqualInConstantTime([1, 2, 3], other))
    }
  }

  @Test func randomBytesHaveTheirLengthAndDiffer() throws {
    #expect(try Crypto.randomBytes(0).isEmpty)
    #expect(try Crypto.randomBytes(33).count == 33)
    #expect(try Crypto.randomBytes(16) != Crypto.randomBytes(16))
    #expect(try Crypto.randomToken().utf8.count == 43)
  }

  // RFC 4648 section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func base64OfRFC4648(text: String, encoded: String) {
    #expect(Base64.encode(text.utf8) == encoded)
    #expect(Base64.decode(encoded) == Array(text.utf8))
    let unpadded = encoded.replacing("=", with: "")
    #expect(Base64.encode(text.utf8, .url) == unpadded)
    #expect(Base64.decode(unpadded, .url) == Array(text.utf8))
    if unpadded != encoded { #expect(Base64.decode(encoded, .url) == nil && Base64.decode(unpadded) == nil) }
  }

  @Test func base64HasTwoAlphabets() {
    #expect(Base64.encode([0xFB, 0xFF], .standard) == "+/8=")
    #expect(Base64.encode([0xFB, 0xFF], .url) == "-_8")
    #expect(Base64.decode("-_8", .url) == [0xFB, 0xFF])
  }

  @Test(arguments: ["Z", "Zh==", "Zg=", "Zg==\n", "Z g=", "====", "Zm9v!", "é"])
  func base64IsReadStrictly(text: String) {
    #expect(Base64.decode(text) == nil)
    #expect(Base64.decode(text, .url) == nil)
  }

  @Test func hexIsReadInBothCases() {
    #expect(Hex.decode("00fFa5") == [0, 255, 0xA5])
    #expect(Hex.encode([0, 255, 0xA5]) == "00ffa5")
    #expect(Hex.decode("") == [])
    for bad in ["0", "0g", "+1", " 00", "0x00", "é"] { #expect(Hex.decode(bad) == nil) }
  }

  @Test func failuresCarryTheLibrarysWords() throws {
    // 16 GiB is beyond the limit that is set: OpenSSL says so.
    #expect {
      try PasswordHasher.scrypt("x", salt: [], .init(cost: 1 << 24, blockSize: 8, parallelism: 1), length: 32)
    } throws: { error in
      guard case .failed(let reason)? = error as? CryptoError else { return false }
      return reason.hasPrefix("error:")
    }
  }
}
