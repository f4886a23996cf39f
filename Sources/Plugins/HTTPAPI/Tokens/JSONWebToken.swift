import Platform

/// JSON Web Tokens (RFC 7519) as compact JWS (RFC 7515) with HMAC-SHA256, and nothing else of the family.
///
/// Reads only what ``encode(_:keyID:secret:)`` could have written: any other algorithm, `none` first, is refused before a
/// key is looked at (RFC 8725 section 3.1), and one token has one text.
public enum JSONWebToken {
  /// Ours have about 400 bytes.
  public static let maximumLength = 2_048

  /// - Parameter claims: the payload.
  public static func encode(_ claims: JSON.Object, keyID: String, secret: [UInt8]) throws -> String {
    let header: JSON = ["alg": "HS256", "typ": "JWT", "kid": .string(keyID)]
    let signed =
      Base64.encode(header.serialized().utf8, .url) + "." + Base64.encode(JSON.object(claims).serialized().utf8, .url)
    return signed + "." + Base64.encode(try Crypto.hmacSHA256(signed.utf8, key: secret), .url)
  }

  /// The payload of a token whose signature is right. What it claims is not looked at.
  /// - Parameter secret: the key of that `kid`, nil if there is none.
  /// - Throws: ``TokenError``; `CryptoError` if OpenSSL fails.
  public static func decode(_ text: String, secret: (String) -> [UInt8]?) throws -> JSON.Object {
    guard text.utf8.count <= maximumLength else { throw TokenError.malformed }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let headerText = Base64.decode(parts[0], .url),
      let payloadText = Base64.decode(parts[1], .url), let signature = Base64.decode(parts[2], .url)
    else { throw TokenError.malformed }

    let header = try object(headerText)
    guard header["alg"]?.string == "HS256" else { throw TokenError.algorithm }
    // Other members, `crit` above all, could ask for a behaviour that we do not have (RFC 7515 section 4.1.11).
    guard header.count == 3, header["typ"]?.string == "JWT", let keyID = header["kid"]?.string else {
      throw TokenError.malformed
    }
    guard let secret = secret(keyID) else { throw TokenError.unknownKey }
    let signed = text.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count)
    guard Crypto.isEqualInConstantTime(signature, try Crypto.hmacSHA256(signed, key: secret)) else {
      throw TokenError.badSignature
    }
    return try object(payloadText)
  }

  /// An object of scalars, each name once: readers that differ about the second could be played against each other.
  private static func object(_ text: [UInt8]) throws -> JSON.Object {
    var result = JSON.Object()
    do {
      try JSONParser().parse(text) { root in
        guard root.kind == .object else { throw TokenError.malformed }
        for (key, value) in root.members {
          let name = key.string
          guard result[name] == nil, value.kind != .object, value.kind != .array else { throw TokenError.malformed }
          result[name] = value.json
        }
      }
    } catch is JSONError {
      throw TokenError.malformed
    }
    return result
  }
}
