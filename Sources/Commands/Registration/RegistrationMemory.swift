import Core
import FoundationEssentials
import Gateway
import Platform

/// Remembers what was registered in a scope, so that a start with nothing new asks Discord nothing.
public protocol RegistrationMemory: Sendable {
  func fingerprint(of scope: CommandScope) async throws -> String?
  /// - Parameter fingerprint: Nil: what Discord holds is not known any more.
  func remember(_ fingerprint: String?, of scope: CommandScope) async throws
}

/// The memory in the core's state: one entry for each scope of an application.
public struct StoredRegistrations: RegistrationMemory {
  private let state: KeyedState
  private let application: Snowflake

  public init(state: KeyedState, application: Snowflake) {
    self.state = state
    self.application = application
  }

  public func fingerprint(of scope: CommandScope) async throws -> String? {
    try await state.find(name(of: scope))?.value.string
  }

  public func remember(_ fingerprint: String?, of scope: CommandScope) async throws {
    if let fingerprint {
      try await state.set(name(of: scope), to: .string(fingerprint))
    } else {
      try await state.remove(name(of: scope))
    }
  }

  private func name(of scope: CommandScope) -> String {
    switch scope {
    case .global: "commands.\(application).global"
    case .guild(let id): "commands.\(application).\(id)"
    }
  }
}

extension [ApplicationCommandDefinition] {
  /// Raised when the program begins to send something that it did not send before.
  private static var format: Int { 1 }

  /// The same for the same commands in the same scope, whatever their order.
  func fingerprint(in scope: CommandScope) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let kind = scope == .global ? "global" : "guild"
    var bytes = [UInt8]("\(Self.format) \(kind)\n".utf8)
    for command in sorted(by: { ($0.name, $0.type.rawValue) < ($1.name, $1.type.rawValue) }) {
      bytes += [UInt8](try encoder.encode(command.normalized(in: scope)))
      bytes.append(UInt8(ascii: "\n"))
    }
    return Hex.encode(try Crypto.sha256(bytes))
  }
}
