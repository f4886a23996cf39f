import COpenSSL

/// SHA-256 of bytes that come in pieces. Owned: the context is freed with this object.
public final class SHA256Stream {
  private let context: OpaquePointer

  /// - Throws: ``CryptoError``.
  public init() throws {
    guard let context = EVP_MD_CTX_new() else { throw CryptoError.fromLibrary() }
    self.context = context
    guard EVP_DigestInit_ex2(context, EVP_sha256(), nil) == 1 else { throw CryptoError.fromLibrary() }
  }

  deinit { EVP_MD_CTX_free(context) }

  public func update(_ bytes: [UInt8]) throws {
    guard EVP_DigestUpdate(context, bytes, bytes.count) == 1 else { throw CryptoError.fromLibrary() }
  }

  /// The 32 bytes. Nothing may follow.
  public func finish() throws -> [UInt8] {
    try Crypto.filled(32) { output in EVP_DigestFinal_ex(context, output.baseAddress, nil) == 1 }
  }
}
