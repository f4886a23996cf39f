import Platform

/// What an API says about itself as a whole.
public struct OpenAPIInfo: Sendable {
  public var title: String
  public var version: String
  /// Markdown.
  public var description: String?
  /// The base addresses of the paths; empty means where the document itself is.
  public var servers: [String] = []
  /// The ways to prove who one is, by name, as OpenAPI's Security Scheme Objects.
  public var securitySchemes: JSON = [:]
  /// Adds to an operation what the values in the route's notes mean: `security`, `x-…`, further responses.
  public var describe: @Sendable (_ route: Route, _ operation: inout OpenAPIOperation) -> Void = { _, _ in }

  public init(title: String, version: String, description: String? = nil) {
    self.title = title
    self.version = version
    self.description = description
  }
}

/// One operation while it is being described.
public struct OpenAPIOperation: Sendable {
  /// What every error answer may be, by its status.
  public var errors: Set<Int>
  /// Names of security schemes; nil says nothing, an empty list that nothing is needed.
  public var security: [String]?
  /// Header fields of answers without error.
  public var responseHeaders: [(name: String, summary: String, schema: Schema)] = []
  /// Other members of the operation, `x-…` by name.
  public var extensions: JSON.Object = JSON.Object()
}

/// Makes an OpenAPI 3.1 document from routes.
struct OpenAPIDocument {
  private let info: OpenAPIInfo
  private var components = SchemaComponents()

  init(_ info: OpenAPIInfo) { self.info = info }

  mutating func document(_ routes: [Route]) -> JSON {
    var paths = JSON.Object()
    var operationIDs: Set<String> = []
    for route in routes where !route.notes.isHidden {
      let path = Self.path(of: route.pattern)
      var item = paths[path] ?? [:]
      item[route.method.rawValue.lowercased()] = operation(route, &operationIDs)
      paths[path] = item
    }
    var head: JSON = ["title": .string(info.title), "version": .string(info.version)]
    head["description"] = info.description.map(JSON.string)
    var document: JSON = ["openapi": "3.1.0", "info": head]
    if !info.servers.isEmpty { document["servers"] = .array(info.servers.map { ["url": .string($0)] }) }
    let tags = routes.filter { !$0.notes.isHidden }.flatMap(\.notes.tags).reduce(into: [String]()) { known, tag in
      if !known.contains(tag) { known.append(tag) }
    }
    if !tags.isEmpty { document["tags"] = .array(tags.map { ["name": .string($0)] }) }
    document["paths"] = .object(paths)
    var shared: JSON = [:]
    if !components.schemas.isEmpty { shared["schemas"] = .object(components.schemas) }
    if info.securitySchemes.object?.isEmpty == false { shared["securitySchemes"] = info.securitySchemes }
    if shared.object?.isEmpty == false { document["components"] = shared }
    return document
  }

  /// `/users/:id` is `/users/{id}`.
  static func path(of pattern: PathPattern) -> String {
    "/"
      + pattern.parts.map { part in
        switch part {
        case .literal(let text): text
        case .parameter(let name), .rest(let name): "{\(name)}"
        }
      }.joined(separator: "/")
  }

  private static func operationID(_ route: Route, _ known: inout Set<String>) -> String {
    let words = route.pattern.parts.map { part in
      switch part {
      case .literal(let text): text
      case .parameter(let name), .rest(let name): "by-\(name)"
      }
    }
    let text = ([route.method.rawValue.lowercased()] + words).joined(separator: "-")
    let id = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    var unique = id
    var number = 2
    while !known.insert(unique).inserted {
      unique = "\(id)-\(number)"
      number += 1
    }
    return unique
  }

  private mutating func operation(_ route: Route, _ operationIDs: inout Set<String>) -> JSON {
    let notes = route.notes
    var result: JSON = ["operationId": .string(Self.operationID(route, &operationIDs))]
    if !notes.summary.isEmpty { result["summary"] = .string(notes.summary) }
    result["description"] = notes.details.map(JSON.string)
    if !notes.tags.isEmpty { result["tags"] = .array(notes.tags.map(JSON.string)) }
    if notes.isDeprecated { result["deprecated"] = true }
    let parameters = self.parameters(route)
    if !parameters.isEmpty { result["parameters"] = .array(parameters) }
    var described = OpenAPIOperation(errors: expectedErrors(route))
    info.describe(route, &described)
    if let body = requestBody(route) { result["requestBody"] = body }
    result["responses"] = responses(route, described)
    result["security"] = described.security.map { names in .array(names.map { [$0: []] }) }
    for (name, value) in described.extensions { result[name] = value }
    return result
  }

  /// What can go wrong before the handler has a say, and what the notes name.
  private func expectedErrors(_ route: Route) -> Set<Int> {
    var errors = Set(route.notes.errors.map(\.rawValue))
    // Broken escapes and malformed heads are possible everywhere.
    errors.insert(400)
    for input in route.inputs {
      switch input {
      case .path, .query, .header: errors.insert(route.errors.invalidStatus.rawValue)
      case .body: errors.formUnion([route.errors.invalidStatus.rawValue, 413, 415])
      case .none: break
      }
    }
    if !route.pattern.parameterNames.isEmpty { errors.insert(404) }
    if case .webSocket = route.target { errors.insert(426) }
    return errors
  }

  // MARK: What comes in

  private mutating func parameters(_ route: Route) -> [JSON] {
    var parameters: [JSON] = []
    var described: Set<String> = []
    for input in route.inputs {
      switch input {
      case .path(let name, let schema):
        described.insert(name)
        parameters.append(parameter(name, "path", schema, isRequired: true))
      case .query(let schema):
        guard case .object(let object) = schema.kind else { continue }
        for field in object.fields {
          parameters.append(parameter(field.name, "query", field.schema, isRequired: field.isRequired))
        }
      case .header(let name, let schema, let isRequired):
        parameters.append(parameter(name, "header", schema, isRequired: isRequired))
      case .body, .none: break
      }
    }
    for name in route.pattern.parameterNames where !described.contains(name) {
      parameters.append(parameter(name, "path", .text(), isRequired: true))
    }
    return parameters
  }

  private mutating func parameter(_ name: String, _ place: String, _ schema: Schema, isRequired: Bool) -> JSON {
    var schema = schema
    // Text has no null.
    schema.isNullable = false
    let summary = schema.summary
    schema.summary = nil
    let example = schema.example
    schema.example = nil
    if place == "path", case .text(var text) = schema.kind, text.values.isEmpty {
      // An empty segment is another path.
      text.length = max(1, text.length.lowerBound)...max(1, text.length.upperBound)
      schema.kind = .text(text)
    }
    var parameter: JSON = ["name": .string(name), "in": .string(place)]
    if isRequired { parameter["required"] = true }
    parameter["description"] = summary.map(JSON.string)
    parameter["schema"] = components.json(schema)
    parameter["example"] = example
    return parameter
  }

  private mutating func requestBody(_ route: Route) -> JSON? {
    for case .body(let bodies) in route.inputs {
      var content: JSON = [:]
      for body in bodies {
        content[body.mediaType] = ["schema": components.json(body.schema)]
      }
      return ["required": true, "content": content]
    }
    return nil
  }

  // MARK: What goes out

  private mutating func responses(_ route: Route, _ described: OpenAPIOperation) -> JSON {
    var responses: JSON = [:]
    let status = route.output?.status ?? route.notes.status ?? .ok
    var success: JSON = ["description": .string(status.reasonPhrase)]
    if let mediaType = route.output?.mediaType, !status.hasNoContent {
      var media: JSON = [:]
      if let schema = route.output?.schema { media["schema"] = components.json(schema) }
      var content: JSON.Object = [mediaType: media]
      for other in route.output?.otherMediaTypes ?? [] { content[other] = [:] }
      success["content"] = .object(content)
    }
    if !described.responseHeaders.isEmpty {
      success["headers"] = .object(
        JSON.Object(
          described.responseHeaders.map {
            ($0.name, ["description": .string($0.summary), "schema": components.json($0.schema)])
          }))
    }
    responses[String(status.rawValue)] = success
    for status in route.notes.alternatives {
      success["description"] = .string(status.reasonPhrase)
      responses[String(status.rawValue)] = success
    }
    if route.notes.usesEntityTag { responses["304"] = ["description": "Not Modified"] }
    for status in described.errors.sorted() {
      responses[String(status)] = error(HTTPStatus(rawValue: status).reasonPhrase, route.errors)
    }
    if route.output == nil { responses["default"] = error("Any other answer", route.errors) }
    return responses
  }

  private mutating func error(_ text: String, _ shape: HTTPErrorShape) -> JSON {
    var response: JSON = ["description": .string(text)]
    if let schema = shape.schema { response["content"] = ["application/json": ["schema": components.json(schema)]] }
    return response
  }
}

extension Router {
  /// The description of all routes that are here now, with what was mounted.
  public func openAPI(_ info: OpenAPIInfo) -> JSON {
    var document = OpenAPIDocument(info)
    return document.document(routes)
  }

  /// Serves the description of all routes that are here now, and a page to read it.
  /// - Parameter prefix: where this router will be mounted, so that the document shows the paths as callers use them.
  public mutating func serveDescription(
    _ info: OpenAPIInfo, mountedAt prefix: PathPattern = "/", documentPath: PathPattern = "/openapi.json",
    pagePath: PathPattern = "/docs"
  ) {
    var document = OpenAPIDocument(info)
    let routes = routes.map { route in
      var route = route
      route.pattern = route.pattern.prefixed(by: prefix)
      return route
    }
    serve(document.document(routes), mountedAt: prefix, documentPath: documentPath, pagePath: pagePath)
  }

  /// Serves a description that was made by ``openAPI(_:)``, of these routes or of others, and a page to read it.
  public mutating func serve(
    _ description: JSON, mountedAt prefix: PathPattern = "/", documentPath: PathPattern, pagePath: PathPattern
  ) {
    var hidden = RouteNotes("The description of this API")
    hidden.isHidden = true
    hidden.usesEntityTag = true
    let text = description.serializedBytes()
    on(.get, documentPath, hidden) { _ in HTTPResponse(bytes: text, contentType: "application/json") }
    let documentURL = documentPath.prefixed(by: prefix).description
    let page = DescriptionPage(description, documentURL: documentURL)
    let html = page.html()
    let policy = page.policy
    on(.get, pagePath, hidden) { _ in
      var response = HTTPResponse.html(html)
      response.headers["Content-Security-Policy"] = policy
      return response
    }
  }
}
