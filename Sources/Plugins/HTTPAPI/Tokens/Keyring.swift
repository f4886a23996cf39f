import Platform

/// A secret that tokens are signed with.
public struct SigningKey: Sendable, Equatable {
  /// `kid` in the header of its tokens.
  public let id: String
  public let secret: Secret<[UInt8]>
  public let createdAt: Timestamp
  /// Since when another key signs; nil for the one that does.
  public var retiredAt: Timestamp?
}

/// The key that signs, and those that signed what may still be out there.
///
/// A value: what holds it decides when it is read and stored.
public struct Keyring: Sendable, Equatable {
  /// HMAC-SHA256's own width (RFC 7518 section 3.2 asks for at least that).
  static let secretLength = 32
  /// How long a key is good after it stopped signing: no token lives longer, nor can it be refreshed later.
  static let afterlife = TokenClaims.longestLife + TokenService.refreshWindow

  /// Whose tokens these keys sign; a key of the sandbox never serves a real bot.
  public let issuer: String
  /// The one that signs first.
  public private(set) var keys: [SigningKey]

  public init(issuer: String, at now: Timestamp) throws {
    self.issuer = issuer
    keys = [try Self.key(at: now)]
  }

  public var current: SigningKey { keys[0] }

  /// The secret that checks tokens of that `kid`; nil once no such token can be valid any more.
  public func secret(for id: String, at now: Timestamp) -> [UInt8]? {
    guard let key = keys.first(where: { $0.id == id }) else { return nil }
    if let retiredAt = key.retiredAt, now >= retiredAt + Self.afterlife { return nil }
    return key.secret.reveal()
  }

  /// A new key signs from now on; keys that nothing can depend on go.
  public mutating func rotate(at now: Timestamp) throws {
    keys[0].retiredAt = now
    keys.removeAll { $0.retiredAt.map { now >= $0 + Self.afterlife } ?? false }
    keys.insert(try Self.key(at: now), at: 0)
  }

  private static func key(at now: Timestamp) throws -> SigningKey {
    SigningKey(
      id: try Crypto.randomToken(byteCount: 9), secret: Secret(try Crypto.randomBytes(secretLength)), createdAt: now)
  }
}

// MARK: - As a file

extension Keyring {
  struct Unreadable: Error, Equatable, CustomStringConvertible {
    let description: String
  }

  var json: JSON {
    [
      "issuer": .string(issuer),
      "keys": .array(
        keys.map { key in
          var object: JSON.Object = [
            "kid": .string(key.id), "secret": .string(Base64.encode(key.secret.reveal(), .url)),
            "createdAt": .string(key.createdAt.iso8601),
          ]
          if let retiredAt = key.retiredAt { object["retiredAt"] = .string(retiredAt.iso8601) }
          return .object(object)
        }),
    ]
  }

  /// - Throws: ``Unreadable``, which never shows what was read.
  init(_ json: JSON) throws {
    guard let issuer = json["issuer"]?.string, let list = json["keys"]?.array, !list.isEmpty else {
      throw Unreadable(description: "it does not hold signing keys")
    }
    self.issuer = issuer
    keys = try list.map { item in
      guard let id = item["kid"]?.string, !id.isEmpty,
        let secret = item["secret"]?.string.flatMap({ Base64.decode($0, .url) }), secret.count == Self.secretLength,
        let createdAt = item["createdAt"]?.string.flatMap({ Timestamp(iso8601: $0) })
      else { throw Unreadable(description: "a signing key in it is damaged") }
      var key = SigningKey(id: id, secret: Secret(secret), createdAt: createdAt)
      if let text = item["retiredAt"]?.string {
        guard let time = Timestamp(iso8601: text) else {
          throw Unreadable(description: "a signing key in it is damaged")
        }
        key.retiredAt = time
      }
      return key
    }
    guard keys[0].retiredAt == nil, keys.dropFirst().allSatisfy({ $0.retiredAt != nil }),
      Set(keys.map(\.id)).count == keys.count
    else { throw Unreadable(description: "it must hold one key that signs, first, and each key once") }
  }
}
