import Glibc

/// A system call that failed: which one, and the `errno` it left.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
  public let call: String
  public let code: Int32

  public init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  public var description: String { "\(call): \(Self.text(for: code)) (errno \(code))" }

  /// The system's words for an `errno`, without the shared buffer of `strerror`.
  static func text(for code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress, strerror_r(code, base, buffer.count) == 0 else { return "unknown error" }
      return String(cString: base)
    }
  }
}
