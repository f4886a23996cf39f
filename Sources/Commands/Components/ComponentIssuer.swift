import Core
import FoundationEssentials
import Gateway
import Platform

/// The secret that signs custom ids, the same for all processes on one database and for as long as it lives: buttons on
/// old messages go on working after every restart.
public struct ComponentKey: Sendable {
  static let name = "components.key"
  static let length = 32

  let bytes: Secret<[UInt8]>

  public init(_ bytes: [UInt8]) { self.bytes = Secret(bytes) }

  /// Loads the key; the first process on a fresh database makes it.
  /// - Throws: what the database throws; ``ComponentKeyError`` if what is stored is no key.
  public static func load(from state: KeyedState) async throws -> ComponentKey {
    let fresh = Base64.encode(try Crypto.randomBytes(length))
    // Two processes that start at once both see the one that came first.
    let stored = try await state.update(name) { $0 ?? .string(fresh) }
    guard let bytes = stored?.string.flatMap({ Base64.decode($0) }), bytes.count == length else {
      throw ComponentKeyError()
    }
    return ComponentKey(bytes)
  }
}

/// A new key in its place would silently kill every button that was ever sent.
public struct ComponentKeyError: Error, CustomStringConvertible {
  public var description: String {
    "the database's entry \(ComponentKey.name) is no signing key; restore it from a backup, or delete it to start anew "
      + "without the buttons sent so far"
  }
}

/// Why a component's custom id could not be made: a mistake in the plugin.
public enum ComponentIDError: Error, Equatable, CustomStringConvertible {
  /// `characters` of at most 100.
  case tooLong(handler: String, characters: Int)
  /// The handler declares a binding, and it is not known to what.
  case unbound(handler: String, to: String)
  /// What was written does not read back as the same.
  case unreadable(handler: String, reason: String)

  public var description: String {
    switch self {
    case .tooLong(let handler, let characters):
      "the state of “\(handler)” is too large: its custom id has \(characters) of at most 100 characters"
    case .unbound(let handler, let to): "“\(handler)” is bound to a \(to), and none was given"
    case .unreadable(let handler, let reason): "the state of “\(handler)” cannot stand in a custom id: \(reason)"
    }
  }
}

/// Makes components that lead back to their handlers.
///
/// ```swift
/// let button = try context.components.button("Claim", style: .success, for: Claim(giveaway: id))
/// ```
public struct ComponentIssuer: Sendable {
  let key: ComponentKey
  let time: any TimeSource
  /// For whom, where and into which message components are made, if their handlers are bound to it.
  public var user: Snowflake?
  /// Nil inside also stands for a direct message once ``isPlaceKnown``.
  public var guild: Snowflake?
  public var message: Snowflake?
  var isPlaceKnown = false

  public init(key: ComponentKey, time: any TimeSource) {
    self.key = key
    self.time = time
  }

  /// The same for components of another user, server or message.
  public func bound(user: Snowflake? = nil, guild: Snowflake? = nil, message: Snowflake? = nil) -> ComponentIssuer {
    var issuer = self
    if let user { issuer.user = user }
    if let guild {
      issuer.guild = guild
      issuer.isPlaceKnown = true
    }
    if let message { issuer.message = message }
    return issuer
  }

  /// - Throws: ``ComponentIDError``
  public func customID<Handler: ComponentHandler>(for handler: Handler) throws -> String {
    let name = Handler.name
    var token = ComponentToken(
      handler: try ComponentToken.identifier(ofHandler: name), version: Handler.version, state: try state(of: handler))
    if Handler.binding.contains(.user) {
      guard let user else { throw ComponentIDError.unbound(handler: name, to: "user") }
      token.user = user
    }
    if Handler.binding.contains(.guild) {
      guard guild != nil || isPlaceKnown else { throw ComponentIDError.unbound(handler: name, to: "server") }
      token.guild = guild ?? 0
    }
    if Handler.binding.contains(.message) {
      guard let message else { throw ComponentIDError.unbound(handler: name, to: "message") }
      token.message = message
    }
    if let lifetime = Handler.effectiveLifetime { token.expiry = time.timestamp + lifetime }
    let id = try token.sealed(with: key.bytes.reveal())
    guard id.utf8.count <= ComponentToken.maximumLength else {
      throw ComponentIDError.tooLong(handler: name, characters: id.utf8.count)
    }
    return id
  }

  /// Written and read back, so that no button is sent that could not be answered.
  private func state<Handler: ComponentHandler>(of handler: Handler) throws -> [UInt8] {
    do {
      let bytes = try CompactEncoder.encode(handler)
      let copy = try CompactDecoder.decode(Handler.self, from: bytes)
      guard try CompactEncoder.encode(copy) == bytes else {
        throw ComponentIDError.unreadable(handler: Handler.name, reason: "it reads back as another one")
      }
      return bytes
    } catch let error as ComponentIDError {
      throw error
    } catch {
      throw ComponentIDError.unreadable(handler: Handler.name, reason: "\(error)")
    }
  }

  // MARK: Components

  public func button(
    _ label: String?, style: Button.Style = .secondary, emoji: ComponentEmoji? = nil, isDisabled: Bool = false,
    for handler: some ButtonHandler
  ) throws -> Button {
    Button(label, id: try customID(for: handler), style: style, emoji: emoji, isDisabled: isDisabled)
  }

  /// A select with options of its own.
  /// - Parameter values: How many may be chosen.
  public func select<Handler: SelectHandler>(
    _ options: [SelectOption], placeholder: String? = nil, values: ClosedRange<Int> = 1...1, isDisabled: Bool = false,
    for handler: Handler
  ) throws -> SelectMenu where Handler.Selection: TextSelectionValue {
    SelectMenu(
      customID: try customID(for: handler), source: .strings(options), placeholder: placeholder,
      minimumValues: values.lowerBound, maximumValues: values.upperBound, isDisabled: isDisabled)
  }

  /// A select of users, roles or channels, which Discord fills.
  /// - Parameter defaults: Who or what is chosen at first.
  public func select<Handler: SelectHandler>(
    placeholder: String? = nil, defaults: [SelectDefault] = [], channelTypes: [ChannelType] = [],
    values: ClosedRange<Int> = 1...1, isDisabled: Bool = false, for handler: Handler
  ) throws -> SelectMenu where Handler.Selection: EntitySelectionValue {
    SelectMenu(
      customID: try customID(for: handler), source: Handler.Selection.source(channelTypes: channelTypes),
      placeholder: placeholder, minimumValues: values.lowerBound, maximumValues: values.upperBound,
      isDisabled: isDisabled, defaults: defaults)
  }

  /// A dialog.
  /// - Parameter title: At most 45 characters; nil: the form's own.
  /// - Parameter prefill: Sets what stands in the fields at first, by their properties' names.
  public func modal<Handler: ModalHandler>(
    _ title: String? = nil, prefill: [String: String] = [:], for handler: Handler
  ) throws -> Modal {
    Modal(
      customID: try customID(for: handler), title: title ?? Handler.Form.title,
      items: try Handler.Form.items(prefill: prefill))
  }
}
