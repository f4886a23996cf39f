import COpenSSL

/// Signatures by Ed25519 (RFC 8032): Discord signs its interaction webhooks with it.
public enum Ed25519 {
  public static let seedLength = 32
  public static let publicKeyLength = 32
  public static let signatureLength = 64

  /// Immutable after `init`, and OpenSSL only reads it, under its own reference count: usable from any thread.
  public final class PublicKey: @unchecked Sendable {
    /// Owned: freed in `deinit`.
    private let key: OpaquePointer

    /// - Throws: ``CryptoError/invalidKey`` unless there are 32 bytes.
    public init(_ bytes: some Sequence<UInt8>) throws {
      key = try Crypto.withContiguousBytes(of: bytes) { bytes in
        guard bytes.count == publicKeyLength,
          let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes.baseAddress, bytes.count)
        else {
          ERR_clear_error()
          throw CryptoError.invalidKey
        }
        return key
      }
    }

    deinit { EVP_PKEY_free(key) }

    /// Whether `signature` is this key's signature of `message`. False for anything malformed.
    public func verifies(_ signature: some Sequence<UInt8>, of message: some Sequence<UInt8>) throws -> Bool {
      guard let context = EVP_MD_CTX_new() else { throw CryptoError.fromLibrary() }
      defer { EVP_MD_CTX_free(context) }
      guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { throw CryptoError.fromLibrary() }
      let code = Crypto.withContiguousBytes(of: signature) { signature in
        Crypto.withContiguousBytes(of: message) { message in
          EVP_DigestVerify(context, signature.baseAddress, signature.count, message.baseAddress, message.count)
        }
      }
      // Anything but 1 means "not this signature"; a malformed one also leaves an error behind.
      ERR_clear_error()
      return code == 1
    }
  }

  /// Immutable after `init`, and OpenSSL only reads it, under its own reference count: usable from any thread.
  public final class PrivateKey: @unchecked Sendable {
    /// Owned: freed in `deinit`.
    private let key: OpaquePointer

    /// - Parameter seed: the 32 secret bytes from which the key pair follows.
    /// - Throws: ``CryptoError/invalidKey`` unless there are 32 bytes.
    public init(seed: some Sequence<UInt8>) throws {
      key = try Crypto.withContiguousBytes(of: seed) { seed in
        guard seed.count == seedLength,
          let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed.baseAddress, seed.count)
        else {
          ERR_clear_error()
          throw CryptoError.invalidKey
        }
        return key
      }
    }

    /// A new key pair from random bytes.
    public convenience init() throws { try self.init(seed: Crypto.randomBytes(seedLength)) }

    deinit { EVP_PKEY_free(key) }

    /// The 32 bytes of the public key.
    public func publicKeyBytes() throws -> [UInt8] {
      try Crypto.filled(publicKeyLength) { output in
        var size = output.count
        return EVP_PKEY_get_raw_public_key(key, output.baseAddress, &size) == 1 && size == publicKeyLength
      }
    }

    public func publicKey() throws -> PublicKey { try PublicKey(publicKeyBytes()) }

    /// The 64 bytes of the signature.
    public func sign(_ message: some Sequence<UInt8>) throws -> [UInt8] {
      guard let context = EVP_MD_CTX_new() else { throw CryptoError.fromLibrary() }
      defer { EVP_MD_CTX_free(context) }
      guard EVP_DigestSignInit(context, nil, nil, nil, key) == 1 else { throw CryptoError.fromLibrary() }
      return try Crypto.withContiguousBytes(of: message) { message in
        try Crypto.filled(signatureLength) { output in
          var size = output.count
          return EVP_DigestSign(context, output.baseAddress, &size, message.baseAddress, message.count) == 1
            && size == signatureLength
        }
      }
    }
  }
}
