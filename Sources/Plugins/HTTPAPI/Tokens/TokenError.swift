/// Why a token is not accepted. For the log and the tests: who sends a token learns only that it is not valid.
public enum TokenError: Error, Equatable, Sendable {
  /// Not three parts of base64url, too long, not the JSON that we write, a member twice.
  case malformed
  /// Not HS256.
  case algorithm
  /// No key of that `kid`, or none that may still be used.
  case unknownKey
  case badSignature
  case wrongIssuer
  case wrongAudience
  case expired
  /// Issued, or valid from, a time that is yet to come.
  case notYetValid
  /// Logged out, replaced, or ended with all sessions of its owner.
  case revoked
  /// A refresh token that was used before: its whole family is revoked now.
  case reused
  /// The login is too long ago to be prolonged once more.
  case tooOld
}
