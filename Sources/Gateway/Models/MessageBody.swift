import Platform

/// What a message is made of when it is sent or edited: to a channel, as an answer, as a follow-up.
///
/// In an edit, nil leaves a part as it is; an empty string or array removes it.
public struct MessageBody: Sendable, Encodable {
  /// Up to 2000 characters.
  public var content: String?
  /// Up to 10.
  public var embeds: [Embed]?
  public var components: [Component]?
  public var flags: MessageFlags?
  public var allowedMentions: AllowedMentions?
  /// Files to send along; they go beside the JSON as multipart parts.
  public var files: [FileUpload]
  /// In an edit: which of the message's files stay. Nil keeps them all.
  public var keptAttachments: [Snowflake]?
  /// The message that this one answers; only when a message is created in a channel.
  public var reference: Snowflake?
  /// How large each file may be. 10 MiB everywhere; 50 or 100 MiB in guilds with enough boosts.
  public var maximumFileBytes = 10 << 20
  /// Up to 25 characters. With it Discord returns the message that was already created instead of a second one, so that
  /// a request can be repeated whose answer got lost. Only when a message is created in a channel.
  public var nonce: String?

  public init(
    content: String? = nil, embeds: [Embed]? = nil, components: [Component]? = nil, flags: MessageFlags? = nil,
    allowedMentions: AllowedMentions? = nil, files: [FileUpload] = [], keptAttachments: [Snowflake]? = nil,
    reference: Snowflake? = nil, nonce: String? = nil
  ) {
    self.content = content
    self.embeds = embeds
    self.components = components
    self.flags = flags
    self.allowedMentions = allowedMentions
    self.files = files
    self.keptAttachments = keptAttachments
    self.reference = reference
    self.nonce = nonce
  }

  enum CodingKeys: String, CodingKey {
    case content, embeds, components, flags, attachments, nonce
    case allowedMentions = "allowed_mentions"
    case reference = "message_reference"
    case enforceNonce = "enforce_nonce"
  }

  private struct AttachmentEntry: Encodable {
    var id: String
    var filename: String?
    var description: String?
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    if keptAttachments != nil, flags?.contains(.componentsV2) == true {
      // An edit that turns a message into components alone has to take away what they cannot stand beside.
      try container.encodeNil(forKey: .content)
      try container.encodeNil(forKey: .embeds)
    } else {
      try container.encodeIfPresent(content, forKey: .content)
      try container.encodeIfPresent(embeds, forKey: .embeds)
    }
    try container.encodeIfPresent(components, forKey: .components)
    try container.encodeIfPresent(flags, forKey: .flags)
    try container.encodeIfPresent(allowedMentions, forKey: .allowedMentions)
    if keptAttachments != nil || !files.isEmpty {
      var entries = (keptAttachments ?? []).map { AttachmentEntry(id: $0.description) }
      for (index, file) in files.enumerated() {
        entries.append(AttachmentEntry(id: String(index), filename: file.name, description: file.description))
      }
      try container.encode(entries, forKey: .attachments)
    }
    if let reference { try container.encode(["message_id": reference], forKey: .reference) }
    if let nonce {
      try container.encode(nonce, forKey: .nonce)
      try container.encode(true, forKey: .enforceNonce)
    }
  }
}

/// Who is notified by a message. Nil in ``MessageBody`` means everyone its text names.
public struct AllowedMentions: Sendable, Hashable, Encodable {
  public enum Kind: String, Sendable, Hashable, Encodable { case roles, users, everyone }

  public var parse: [Kind]
  public var users: [Snowflake]
  public var roles: [Snowflake]
  /// Whether the author of the message that is answered is notified.
  public var repliedUser: Bool?

  public init(parse: [Kind] = [], users: [Snowflake] = [], roles: [Snowflake] = [], repliedUser: Bool? = nil) {
    self.parse = parse
    self.users = users
    self.roles = roles
    self.repliedUser = repliedUser
  }

  /// Nobody.
  public static let none = AllowedMentions()

  enum CodingKeys: String, CodingKey {
    case parse, users, roles
    case repliedUser = "replied_user"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(parse, forKey: .parse)
    try container.encodeUnlessEmpty(users, forKey: .users)
    try container.encodeUnlessEmpty(roles, forKey: .roles)
    try container.encodeIfPresent(repliedUser, forKey: .repliedUser)
  }
}

/// The first answer to an interaction. See `receiving-and-responding`, "Interaction Response Object".
public enum InteractionResponse: Sendable, Encodable {
  case pong
  case message(MessageBody)
  /// "… is thinking"; the message follows by editing the original response within 15 minutes.
  case deferredMessage(isEphemeral: Bool)
  /// For components: nothing visible happens until the message is edited.
  case deferredUpdate
  /// For components: the message that holds the component becomes this.
  case update(MessageBody)
  /// Up to 25.
  case autocomplete([ApplicationCommandChoice])
  case modal(Modal)

  /// The number that names this kind of answer on the wire.
  public var type: Int {
    switch self {
    case .pong: 1
    case .message: 4
    case .deferredMessage: 5
    case .deferredUpdate: 6
    case .update: 7
    case .autocomplete: 8
    case .modal: 9
    }
  }

  /// The files that go beside the JSON.
  public var files: [FileUpload] {
    switch self {
    case .message(let body), .update(let body): body.files
    default: []
    }
  }

  enum CodingKeys: CodingKey { case type, data }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(type, forKey: .type)
    switch self {
    case .pong, .deferredUpdate: break
    case .deferredMessage(let isEphemeral):
      if isEphemeral { try container.encode(["flags": MessageFlags.ephemeral], forKey: .data) }
    case .message(let body), .update(let body): try container.encode(body, forKey: .data)
    case .autocomplete(let choices): try container.encode(["choices": choices], forKey: .data)
    case .modal(let modal): try container.encode(modal, forKey: .data)
    }
  }
}
