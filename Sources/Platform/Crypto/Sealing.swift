import COpenSSL

extension Crypto {
  /// The length of a key for ``seal(_:key:context:)``.
  public static let sealingKeyLength = 32
  private static let nonceLength = 12
  private static let tagLength = 16

  /// Encrypts with AES-256-GCM (NIST SP 800-38D) so that only the key's holder reads it, and nobody changes it unnoticed.
  ///
  /// The nonce is random: good for 2^32 seals under one key.
  /// - Parameters:
  ///   - key: 32 bytes.
  ///   - context: what the text belongs to; it must be the same to open it, and is not part of the result.
  /// - Returns: 12 bytes of nonce, the text encrypted, 16 bytes of tag.
  public static func seal(_ text: [UInt8], key: [UInt8], context: String) throws -> [UInt8] {
    guard key.count == sealingKeyLength else { throw CryptoError.invalidKey }
    let nonce = try randomBytes(nonceLength)
    let cipher = try SealingCipher(key: key, nonce: nonce, encrypts: true)
    try cipher.authenticate(Array(context.utf8))
    let sealed = try cipher.update(text)
    try cipher.finish()
    return nonce + sealed + (try cipher.tag(tagLength))
  }

  /// Undoes ``seal(_:key:context:)``.
  /// - Returns: nil if it was sealed with another key or context, or was changed.
  public static func open(_ sealed: [UInt8], key: [UInt8], context: String) throws -> [UInt8]? {
    guard key.count == sealingKeyLength else { throw CryptoError.invalidKey }
    guard sealed.count >= nonceLength + tagLength else { return nil }
    let cipher = try SealingCipher(key: key, nonce: Array(sealed[..<nonceLength]), encrypts: false)
    try cipher.authenticate(Array(context.utf8))
    let text = try cipher.update(Array(sealed[nonceLength..<(sealed.count - tagLength)]))
    try cipher.setTag(Array(sealed[(sealed.count - tagLength)...]))
    return cipher.verifies() ? text : nil
  }
}

/// One use of a cipher context. Owned: freed with this object.
private final class SealingCipher {
  private let context: OpaquePointer

  init(key: [UInt8], nonce: [UInt8], encrypts: Bool) throws {
    guard let context = EVP_CIPHER_CTX_new() else { throw CryptoError.fromLibrary() }
    self.context = context
    guard EVP_CipherInit_ex2(context, EVP_aes_256_gcm(), key, nonce, encrypts ? 1 : 0, nil) == 1 else {
      throw CryptoError.fromLibrary()
    }
  }

  deinit { EVP_CIPHER_CTX_free(context) }

  func authenticate(_ bytes: [UInt8]) throws {
    var count: Int32 = 0
    guard EVP_CipherUpdate(context, nil, &count, bytes, Int32(bytes.count)) == 1 else {
      throw CryptoError.fromLibrary()
    }
  }

  /// GCM is a stream: as many bytes come out as go in.
  func update(_ bytes: [UInt8]) throws -> [UInt8] {
    guard !bytes.isEmpty else { return [] }
    var result = [UInt8](repeating: 0, count: bytes.count)
    var count: Int32 = 0
    guard EVP_CipherUpdate(context, &result, &count, bytes, Int32(bytes.count)) == 1, Int(count) == bytes.count else {
      throw CryptoError.fromLibrary()
    }
    return result
  }

  func finish() throws {
    var (rest, count) = ([UInt8](repeating: 0, count: 16), Int32(0))
    guard EVP_CipherFinal_ex(context, &rest, &count) == 1, count == 0 else { throw CryptoError.fromLibrary() }
  }

  func tag(_ length: Int) throws -> [UInt8] {
    var tag = [UInt8](repeating: 0, count: length)
    guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(length), &tag) == 1 else {
      throw CryptoError.fromLibrary()
    }
    return tag
  }

  func setTag(_ tag: [UInt8]) throws {
    var tag = tag
    guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1 else {
      throw CryptoError.fromLibrary()
    }
  }

  /// Whether the tag fits; a wrong one leaves nothing in the library's queue of errors.
  func verifies() -> Bool {
    var (rest, count) = ([UInt8](repeating: 0, count: 16), Int32(0))
    return EVP_CipherFinal_ex(context, &rest, &count) == 1
  }
}
