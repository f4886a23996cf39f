import COpenSSL
import Dispatch
import Synchronization

/// Turns passwords into hashes that are slow to guess from, by scrypt (RFC 7914).
///
/// The work takes tens of milliseconds and tens of megabytes. It runs on a queue of its own, one password at a time, so
/// that neither the cooperative pool nor the memory suffers from many; more than ``maximumPending`` are refused.
public final class PasswordHasher: Sendable {
  /// scrypt's costs. Memory is about 128 · `blockSize` · `cost` bytes.
  public struct Parameters: Sendable, Equatable {
    /// N, a power of two.
    public var cost: UInt64
    /// r
    public var blockSize: UInt64
    /// p
    public var parallelism: UInt64

    public init(cost: UInt64, blockSize: UInt64, parallelism: UInt64) {
      self.cost = cost
      self.blockSize = blockSize
      self.parallelism = parallelism
    }

    /// 32 MiB: one of the equivalent choices of OWASP's Password Storage Cheat Sheet.
    public static let standard = Parameters(cost: 1 << 15, blockSize: 8, parallelism: 3)

    /// What a stored hash may ask for: 256 MiB and bounded work, so that a forged one cannot stop the process.
    var isAllowed: Bool {
      cost >= 2 && cost <= 1 << 20 && cost & (cost - 1) == 0 && (1...32).contains(blockSize)
        && (1...16).contains(parallelism) && 128 * blockSize * cost <= 256 << 20
    }
  }

  public static let maximumPending = 64
  private static let saltLength = 16
  private static let hashLength = 32

  private let parameters: Parameters
  private let queue = DispatchQueue(label: "adjutant.password")
  private let pending = Mutex(0)

  public init(parameters: Parameters = .standard) {
    precondition(parameters.isAllowed, "scrypt cannot work with \(parameters)")
    self.parameters = parameters
  }

  /// `scrypt$N$r$p$salt$hash`, salt and hash in base64url.
  /// - Throws: ``CryptoError/overloaded`` when too many wait.
  public func hash(_ password: String) async throws -> String {
    let salt = try Crypto.randomBytes(Self.saltLength)
    let parameters = parameters
    let hash = try await work { try Self.scrypt(password, salt: salt, parameters, length: Self.hashLength) }
    return
      "scrypt$\(parameters.cost)$\(parameters.blockSize)$\(parameters.parallelism)"
      + "$\(Base64.encode(salt, .url))$\(Base64.encode(hash, .url))"
  }

  /// Whether `password` is the one that was hashed.
  /// - Parameter encoded: nil stands for an account that does not exist: the answer is false after the same work, so
  ///   that the time does not tell which accounts exist.
  /// - Throws: ``CryptoError/invalidHash`` if the text is none of ``hash(_:)``'s; ``CryptoError/overloaded``.
  public func verify(_ password: String, against encoded: String?) async throws -> Bool {
    guard let encoded else {
      let parameters = parameters
      let salt = [UInt8](repeating: 0, count: Self.saltLength)
      _ = try await work { try Self.scrypt(password, salt: salt, parameters, length: Self.hashLength) }
      return false
    }
    guard let stored = Stored(encoded) else { throw CryptoError.invalidHash }
    let hash = try await work {
      try Self.scrypt(password, salt: stored.salt, stored.parameters, length: stored.hash.count)
    }
    return Crypto.isEqualInConstantTime(hash, stored.hash)
  }

  /// Whether a stored hash was made with other parameters than today's, or is none: time to hash anew at a login.
  public func isOutdated(_ encoded: String) -> Bool { Stored(encoded)?.parameters != parameters }

  private func work(_ body: @escaping @Sendable () throws -> [UInt8]) async throws -> [UInt8] {
    let isAdmitted = pending.withLock { pending in
      guard pending < Self.maximumPending else { return false }
      pending += 1
      return true
    }
    guard isAdmitted else { throw CryptoError.overloaded }
    defer { pending.withLock { $0 -= 1 } }
    return try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result(catching: body)) }
    }
  }

  /// Computes on the calling thread: slow.
  static func scrypt(
    _ password: String, salt: [UInt8], _ parameters: Parameters, length: Int
  ) throws -> [UInt8] {
    try Crypto.withContiguousBytes(of: password.utf8) { password in
      try Crypto.withContiguousBytes(of: salt) { salt in
        try Crypto.filled(length) { output in
          password.withMemoryRebound(to: CChar.self) { password in
            EVP_PBE_scrypt(
              password.baseAddress, password.count, salt.baseAddress, salt.count, parameters.cost,
              parameters.blockSize, parameters.parallelism, 512 << 20, output.baseAddress, length) == 1
          }
        }
      }
    }
  }

  private struct Stored {
    let parameters: Parameters
    let salt: [UInt8]
    let hash: [UInt8]

    init?(_ text: String) {
      let parts = text.split(separator: "$", omittingEmptySubsequences: false)
      guard parts.count == 6, parts[0] == "scrypt", let cost = UInt64(parts[1]), let blockSize = UInt64(parts[2]),
        let parallelism = UInt64(parts[3]), let salt = Base64.decode(String(parts[4]), .url),
        let hash = Base64.decode(String(parts[5]), .url), (16...64).contains(hash.count)
      else { return nil }
      parameters = Parameters(cost: cost, blockSize: blockSize, parallelism: parallelism)
      guard parameters.isAllowed else { return nil }
      self.salt = salt
      self.hash = hash
    }
  }
}
