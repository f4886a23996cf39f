import Platform
import Synchronization

/// Tokens whose signature was found to be right, with what they say: the same one comes with each request of a dashboard.
///
/// Only the signature is remembered. Whether the token has ended, was revoked, or its key is still good is asked each
/// time. Only what we signed ourselves gets in, so nobody can fill it with anything else.
final class VerifiedTokens: Sendable {
  struct Entry: Sendable {
    let claims: TokenClaims
    /// Seconds since 1970.
    let notBefore: Int64
    let keyID: String
    let secret: [UInt8]
  }

  /// In each of two halves. With tokens of 400 bytes, some 8 MB at most.
  private let capacity: Int
  private struct State {
    /// What was asked for since the other half was full, and what was in that.
    var recent: [String: Entry] = [:]
    var older: [String: Entry] = [:]
  }
  private let state = Mutex(State())

  init(capacity: Int = 4_096) { self.capacity = capacity }

  var count: Int { state.withLock { $0.recent.count + $0.older.count } }

  func find(_ text: String) -> Entry? {
    state.withLock { state in
      if let entry = state.recent[text] { return entry }
      guard let entry = state.older[text] else { return nil }
      insert(entry, text, &state)
      return entry
    }
  }

  func insert(_ entry: Entry, for text: String) { state.withLock { insert(entry, text, &$0) } }

  func remove(_ text: String) {
    state.withLock { state in
      state.recent[text] = nil
      state.older[text] = nil
    }
  }

  /// What was not asked for while a whole half came in goes.
  private func insert(_ entry: Entry, _ text: String, _ state: inout State) {
    if state.recent.count >= capacity {
      state.older = state.recent
      state.recent = [:]
    }
    state.recent[text] = entry
  }
}
