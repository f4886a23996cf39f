import Platform

/// A change of something that may also be taken away. In a body, an absent one leaves everything as it is.
public enum Edit<Value: Sendable & Encodable>: Sendable, Encodable {
  case set(Value)
  case remove

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .set(let value): try container.encode(value)
    case .remove: try container.encodeNil()
    }
  }

  var value: Value? {
    guard case .set(let value) = self else { return nil }
    return value
  }
}

/// An image of at most 256 KiB to 10 MiB, depending on its place, as Discord takes them in JSON.
public struct ImageData: Sendable, Encodable {
  private let text: String

  /// - Parameter mediaType: `image/png`, `image/jpeg`, `image/gif`, `image/webp` or `image/avif`.
  public init(_ bytes: [UInt8], mediaType: String) {
    text = "data:\(mediaType);base64,\(Base64.encode(bytes))"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

extension Permissions {
  /// In bodies OpenAPI wants a number where answers have a string.
  var number: Int64 { Int64(bitPattern: rawValue) }
}
