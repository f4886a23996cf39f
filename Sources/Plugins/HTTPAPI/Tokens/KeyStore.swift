import Platform
import Synchronization

/// The signing keys in memory, read again when a token names a key that is not known yet: another process rotated.
final class KeyStore: Sendable {
  private struct State {
    var keyring: Keyring
    var lastRead: ContinuousClock.Instant
  }
  /// A token with a made-up `kid` costs a look at the file at most this often.
  static let rereadInterval = Duration.seconds(5)

  let issuer: String
  private let file: KeyFile
  private let time: any TimeSource
  private let state: Mutex<State>

  static func open(directory: String, issuer: String, time: any TimeSource) async throws -> KeyStore {
    let file = KeyFile(directory: directory, issuer: issuer)
    let now = time.timestamp
    let keyring = try await FileQueue.run { try file.open(at: now) }
    return KeyStore(file: file, keyring: keyring, time: time)
  }

  private init(file: KeyFile, keyring: Keyring, time: any TimeSource) {
    self.file = file
    self.time = time
    issuer = file.issuer
    state = Mutex(State(keyring: keyring, lastRead: time.now))
  }

  var current: SigningKey { state.withLock { $0.keyring.current } }

  func secret(for id: String) -> [UInt8]? {
    let now = time.timestamp
    return state.withLock { $0.keyring.secret(for: id, at: now) }
  }

  /// Reads the file anew unless that was done a moment ago.
  /// - Returns: whether it was read.
  func refresh() async throws -> Bool {
    let now = time.now
    let isDue = state.withLock { state in
      guard now - state.lastRead >= Self.rereadInterval else { return false }
      state.lastRead = now
      return true
    }
    guard isDue, let keyring = try await FileQueue.run({ [file] in try file.read() }) else { return false }
    state.withLock { $0.keyring = keyring }
    return true
  }

  func rotate() async throws {
    let now = time.timestamp
    let keyring = try await FileQueue.run { [file] in try file.rotate(at: now) }
    state.withLock { $0.keyring = keyring }
  }
}
