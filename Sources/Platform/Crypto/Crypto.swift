import COpenSSL

/// Digests, authentication codes, keys and comparison, by OpenSSL 3.
public enum Crypto {
  /// Fetched once, because every implicit fetch takes a lock. Owned by the process, never freed; immutable.
  nonisolated(unsafe) private static let sha256Algorithm = EVP_MD_fetch(nil, "SHA256", nil)

  /// The 32 bytes of SHA-256 (FIPS 180-4).
  public static func sha256(_ bytes: some Sequence<UInt8>) throws -> [UInt8] {
    try withContiguousBytes(of: bytes) { input in
      try filled(32) { output in
        EVP_Digest(input.baseAddress, input.count, output.baseAddress, nil, sha256Algorithm, nil) == 1
      }
    }
  }

  /// The 32 bytes of HMAC-SHA256 (RFC 2104).
  public static func hmacSHA256(_ bytes: some Sequence<UInt8>, key: some Sequence<UInt8>) throws -> [UInt8] {
    try withContiguousBytes(of: key) { key in
      try withContiguousBytes(of: bytes) { input in
        try filled(32) { output in
          var size = 0
          let code = EVP_Q_mac(
            nil, "HMAC", nil, "SHA256", nil, key.baseAddress, key.count, input.baseAddress, input.count,
            output.baseAddress, output.count, &size)
          return code != nil && size == 32
        }
      }
    }
  }

  /// Bytes nobody can guess: for keys, tokens and salts.
  public static func randomBytes(_ count: Int) throws -> [UInt8] {
    try filled(count) { output in RAND_bytes(output.baseAddress, Int32(count)) == 1 }
  }

  /// A token nobody can guess, in base64url.
  public static func randomToken(byteCount: Int = 32) throws -> String {
    Base64.encode(try randomBytes(byteCount), .url)
  }

  /// Compares in a time that depends on the lengths alone, so that a secret cannot be guessed byte by byte.
  public static func isEqualInConstantTime(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Bool {
    withContiguousBytes(of: left) { left in
      withContiguousBytes(of: right) { right in
        guard left.count == right.count else { return false }
        guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else { return true }
        return CRYPTO_memcmp(leftBase, rightBase, left.count) == 0
      }
    }
  }

  /// Lends the bytes as memory that has an address even if it is empty: OpenSSL reads NULL as "not given".
  static func withContiguousBytes<Result>(
    of bytes: some Sequence<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result {
    let result = try bytes.withContiguousStorageIfAvailable { buffer in
      buffer.isEmpty ? nil : try body(buffer)
    }
    if case .some(.some(let result)) = result { return result }
    return try (Array(bytes) + [0]).withUnsafeBufferPointer {
      try body(UnsafeBufferPointer(rebasing: $0.dropLast()))
    }
  }

  /// `count` bytes that `write` fills.
  static func filled(_ count: Int, _ write: (UnsafeMutableBufferPointer<UInt8>) -> Bool) throws -> [UInt8] {
    var isComplete = false
    let result = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
      isComplete = write(UnsafeMutableBufferPointer(start: buffer.baseAddress, count: count))
      written = isComplete ? count : 0
    }
    guard isComplete else { throw CryptoError.fromLibrary() }
    return result
  }
}

/// What OpenSSL refused to do.
public enum CryptoError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A key or seed has the wrong length or is no key.
  case invalidKey
  /// An encoded password hash is none of ours, or asks for more work than is allowed.
  case invalidHash
  /// Too many passwords wait to be worked on.
  case overloaded
  /// The library's own words.
  case failed(String)

  public var description: String {
    switch self {
    case .invalidKey: "not a valid key"
    case .invalidHash: "not a valid password hash"
    case .overloaded: "too many passwords wait to be checked"
    case .failed(let reason): "OpenSSL failed: \(reason)"
    }
  }

  /// Takes the whole error queue of this thread.
  static func fromLibrary() -> CryptoError {
    var reasons: [String] = []
    while case let code = ERR_get_error(), code != 0 {
      var text = [UInt8](repeating: 0, count: 256)
      text.withUnsafeMutableBytes { ERR_error_string_n(code, $0.baseAddress, $0.count) }
      reasons.append(String(decoding: text.prefix { $0 != 0 }, as: UTF8.self))
    }
    return .failed(reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; "))
  }
}
