import Platform

/// Swift types as JSON bodies, and errors that name the field as the caller wrote it.
enum JSONBody {
  static func encode(_ value: some Encodable) throws -> [UInt8] {
    try JSONTextEncoder().encode(value)
  }

  static func field(for error: DecodingError) -> HTTPError.Field {
    switch error {
    case .keyNotFound(let key, let context):
      HTTPError.Field(path: path(context.codingPath + [key]), message: "is required")
    case .valueNotFound(_, let context):
      HTTPError.Field(path: path(context.codingPath), message: "must not be null")
    case .typeMismatch(let type, let context):
      HTTPError.Field(path: path(context.codingPath), message: "must be \(name(of: type))")
    case .dataCorrupted(let context):
      HTTPError.Field(path: path(context.codingPath), message: words(context.debugDescription))
    @unknown default: HTTPError.Field(path: "", message: "the body cannot be read")
    }
  }

  private static func words(_ text: String) -> String { text.isEmpty ? "is not valid" : text }

  static func path(_ keys: [any CodingKey]) -> String {
    keys.reduce(into: "") { text, key in
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
  }

  static func name(of type: Any.Type) -> String {
    switch type {
    case is String.Type: "a string"
    case is Bool.Type: "true or false"
    case is any BinaryInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is [Any].Type: "an array"
    case is [String: Any].Type: "an object"
    default: "of another type"
    }
  }
}
