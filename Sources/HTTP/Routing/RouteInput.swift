import Platform

/// What the description of an API says about one input of a route.
public enum RouteInputDescription: Sendable {
  case path(String, Schema)
  /// Each field is one parameter.
  case query(Schema)
  case header(String, Schema, isRequired: Bool)
  /// The media types that are taken, each with its schema.
  case body([(mediaType: String, schema: Schema)])
  /// Nothing that the caller sends as such.
  case none
}

/// One thing that a handler needs from the request, read and checked before the handler runs.
///
/// Rooms above add their own, for example the caller's identity.
public struct RouteInput<Value: Sendable>: Sendable {
  public let description: RouteInputDescription
  let read: @Sendable (HTTPRequest) async throws -> Value

  /// - Parameter read: throws an ``HTTPError``, which becomes the answer.
  public init(
    _ description: RouteInputDescription = .none, read: @escaping @Sendable (HTTPRequest) async throws -> Value
  ) {
    self.description = description
    self.read = read
  }
}

extension RouteInput where Value: Decodable {
  /// A named part of the path. One that cannot be read is an `invalidParameter`.
  /// - Parameter rule: written out as `SchemaRule.text(…)` where it holds literals of other types: the compiler does not
  ///   see through two leading dots in a list of inputs.
  public static func path(
    _ name: String, _ type: Value.Type = Value.self, _ rule: SchemaRule? = nil
  ) -> RouteInput {
    let schema = ruled(type, rule, name)
    return RouteInput(.path(name, schema)) { request in
      let value = schema.json(fromText: request.parameters[name] ?? "")
      return try Schema.readNamed(name, type, from: value, schema, .invalidParameter)
    }
  }

  /// The query, as a type whose properties are the parameters; an array takes a repeated one.
  public static func query(
    _ type: Value.Type = Value.self, unknownFields: Schema.UnknownFields = .ignored
  ) -> RouteInput {
    let schema = Schema.of(type, unknownFields: unknownFields)
    return RouteInput(.query(schema)) { request in try request.query.decode(type, by: schema) }
  }

  /// A header field. Missing, it is an error, unless the rule has a default.
  public static func header(
    _ name: String, _ type: Value.Type = Value.self, _ rule: SchemaRule? = nil
  ) -> RouteInput {
    let schema = ruled(type, rule, name)
    let isRequired = schema.fallback == nil && !schema.isNullable
    return RouteInput(.header(name, schema, isRequired: isRequired)) { request in
      guard let text = request.headers[name] else {
        if let fallback = schema.fallback ?? (schema.isNullable ? JSON.null : Optional<JSON>.none) {
          return try Schema.readNamed(name, type, from: fallback, schema, .invalidParameter)
        }
        throw HTTPError.invalid(.invalidParameter, [HTTPError.Field(path: name, message: "is required")])
      }
      return try Schema.readNamed(name, type, from: schema.json(fromText: text), schema, .invalidParameter)
    }
  }

  /// A JSON body.
  public static func body(
    _ type: Value.Type = Value.self, unknownFields: Schema.UnknownFields = .ignored
  ) -> RouteInput {
    let schema = Schema.of(type, unknownFields: unknownFields)
    return RouteInput(.body([("application/json", schema)])) { request in
      try schema.decode(type, from: try await request.json(), kind: .invalidBody)
    }
  }

  /// A body of form fields (`application/x-www-form-urlencoded`).
  public static func form(
    _ type: Value.Type = Value.self, unknownFields: Schema.UnknownFields = .ignored
  ) -> RouteInput {
    let schema = Schema.of(type, unknownFields: unknownFields)
    return RouteInput(.body([("application/x-www-form-urlencoded", schema)])) { request in
      try request.require(["application/x-www-form-urlencoded"])
      let bytes = try await request.bytes()
      let fields: HTTPQuery
      do throws(HTTPError) {
        fields = try HTTPQuery(bytes)
      } catch {
        throw HTTPError(.badRequest, kind: .malformedBody, "the body has a broken percent escape or is not UTF-8")
      }
      return try fields.decode(type, by: schema, kind: .invalidBody)
    }
  }

  private static func ruled(_ type: Value.Type, _ rule: SchemaRule?, _ name: String) -> Schema {
    var schema = Schema.of(type)
    if let rule { precondition(rule.add(to: &schema), "the rule for \(name) does not fit \(type)") }
    return schema
  }
}

extension RouteInput<MultipartForm> {
  /// A `multipart/form-data` body, held in memory; the route's limit bounds it.
  /// - Parameter fields: for the description: the names, with ``Schema/file`` for files.
  public static func multipart(
    _ fields: [Schema.Field], limits: MultipartParser.Limits = .init()
  ) -> RouteInput {
    RouteInput(.body([("multipart/form-data", .object("Form", fields))])) { request in
      let form = try await request.multipart(limits: limits)
      let missing = fields.filter { $0.isRequired && form[$0.name] == nil }
      guard missing.isEmpty else {
        throw HTTPError.invalid(
          .invalidBody, missing.map { HTTPError.Field(path: $0.name, message: "is required") })
      }
      return form
    }
  }
}

extension RouteInput<[UInt8]> {
  /// The body as it is, of one of these media types.
  public static func bytes(_ mediaTypes: [String]) -> RouteInput {
    RouteInput(.body(mediaTypes.map { ($0, .file) })) { request in
      try request.require(mediaTypes)
      return try await request.bytes()
    }
  }
}

extension RouteInput<Void> {
  /// Says what bodies the route takes that its handler reads by itself.
  public static func described(_ bodies: [(mediaType: String, schema: Schema)]) -> RouteInput {
    let mediaTypes = bodies.map(\.mediaType)
    return RouteInput(.body(bodies)) { request in try request.require(mediaTypes) }
  }
}

extension Schema {
  /// Bytes that are not JSON.
  public static let file = Schema.text(format: "binary")

  /// Text from a path, a query or a header as the JSON that this schema expects, or as a string where it cannot be.
  func json(fromText text: String) -> JSON {
    switch kind {
    case .integer:
      if let number = Int64(text), text.utf8.first != UInt8(ascii: "+") { return .integer(number) }
      // Beyond 64 bits: out of range, not of another type.
      let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
      if !digits.isEmpty, digits.allSatisfy(HTTPCharacters.isDigit), let number = Double(text) {
        return .double(number)
      }
      return .string(text)
    case .number:
      guard let number = Double(text), number.isFinite, text.utf8.first != UInt8(ascii: "+"),
        !text.utf8.contains(UInt8(ascii: "x"))
      else { return .string(text) }
      return .double(number)
    case .boolean:
      return switch text {
      case "true", "1": true
      case "false", "0": false
      default: .string(text)
      }
    default: return .string(text)
    }
  }

  /// A value that is not inside an object: its errors get the name.
  fileprivate static func readNamed<Value: Decodable>(
    _ name: String, _ type: Value.Type, from value: JSON, _ schema: Schema, _ kind: HTTPError.Kind
  ) throws -> Value {
    do {
      return try schema.decode(type, from: value, kind: kind)
    } catch let error as HTTPError {
      throw HTTPError.invalid(kind, error.fields.map { HTTPError.Field(path: name, message: $0.message) })
    }
  }
}

extension HTTPQuery {
  /// Reads a type from the fields: its properties by name, arrays from repeated names.
  /// - Throws: ``HTTPError`` 400 naming the fields.
  public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try decode(type, by: Schema.of(type))
  }

  func decode<Value: Decodable>(
    _ type: Value.Type, by schema: Schema, kind: HTTPError.Kind = .invalidQuery
  ) throws -> Value {
    try schema.decode(type, from: try json(by: schema, kind: kind), kind: kind)
  }

  private func json(by schema: Schema, kind: HTTPError.Kind) throws(HTTPError) -> JSON {
    guard case .object(let object) = schema.kind else { return .object(JSON.Object()) }
    var result = JSON.Object()
    var doubled: [HTTPError.Field] = []
    for field in object.fields {
      let values = all(field.name)
      if case .list(let element, _) = field.schema.kind {
        if !values.isEmpty { result[field.name] = .array(values.map(element.json(fromText:))) }
        continue
      }
      // Two readers might take different ones of them.
      if values.count > 1 { doubled.append(HTTPError.Field(path: field.name, message: "is given more than once")) }
      if let value = values.first { result[field.name] = field.schema.json(fromText: value) }
    }
    guard doubled.isEmpty else { throw HTTPError.invalid(kind, doubled) }
    if object.unknownFields == .refused {
      for item in items where result[item.name] == nil { result[item.name] = .string(item.value) }
    }
    return .object(result)
  }
}
