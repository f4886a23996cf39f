import HTTPTestSupport
import Platform
import Testing

@testable import HTTP

private struct Node: Codable, Sendable {
  var name: String
  var children: [Node]
}

private struct Owner: Codable, Sendable { var name: String }
private enum Other {
  struct Owner: Codable, Sendable { var id: Int }
}

private struct Account: Codable, Sendable, SchemaRuled {
  var id: Int64
  var owner: Owner
  var other: Other.Owner
  var tree: Node?
  var mood: String?
  static let schemaRules: SchemaRules = ["mood": .text("How it is", values: ["good", "bad"])]
}

private struct Filter: Codable, Sendable, SchemaRuled {
  var limit: Int
  var word: [String]?
  static let schemaRules: SchemaRules = ["limit": .integer("At most", in: 1...10, default: 5)]
}

private struct Access: Sendable { let scheme: String }

struct OpenAPITests {
  private static func document() -> JSON {
    var router = Router(errors: HTTPErrorShape(invalidStatus: .unprocessableContent) { _, _ in .noContent })
    router.route(
      .get, "/accounts/:id", RouteNotes("One", tags: ["Accounts"], errors: [.conflict]).with(Access(scheme: "bearer")),
      .path("id", Int.self, .integer(in: 1...9)), .query(Filter.self), returning: .json(Account.self)
    ) { _, _, _ in throw HTTPError(.notFound, "") }
    router.route(.post, "/accounts", RouteNotes("Make", status: .created), .body(Account.self), returning: .noContent) {
      _, _ in
    }
    var hidden = RouteNotes("Hidden")
    hidden.isHidden = true
    router.on(.get, "/hidden", hidden) { _ in .noContent }
    router.on(.get, "/files/*rest", "Files") { _ in .noContent }
    var info = OpenAPIInfo(title: "Test", version: "1")
    info.securitySchemes = ["bearer": ["type": "http", "scheme": "bearer"]]
    info.describe = { route, operation in
      if let access = route.notes.values[Access.self] {
        operation.security = [access.scheme]
        operation.errors.insert(401)
      }
    }
    var root = Router()
    root.mount("/v1", router)
    return root.openAPI(info)
  }

  private let document = Self.document()

  private func operation(_ method: String, _ path: String) -> JSON? { document["paths"]?[path]?[method] }

  @Test func describesTheRoutes() throws {
    #expect(document["openapi"] == "3.1.0")
    #expect(document["paths"]?.object?.keys == ["/v1/accounts/{id}", "/v1/accounts", "/v1/files/{rest}"])
    let get = try #require(operation("get", "/v1/accounts/{id}"))
    #expect(get["operationId"] == "get-v1-accounts-by-id")
    #expect(get["tags"] == ["Accounts"])
    #expect(get["security"] == [["bearer": []]])
    #expect(get["responses"]?.object?.keys == ["200", "400", "401", "404", "409", "422"])
    let post = try #require(operation("post", "/v1/accounts"))
    #expect(post["responses"]?.object?.keys == ["201", "400", "413", "415", "422"])
    #expect(
      post["requestBody"]?["content"]?["application/json"]?["schema"] == ["$ref": "#/components/schemas/Account"])
  }

  @Test func describesParameters() throws {
    let parameters = try #require(operation("get", "/v1/accounts/{id}")?["parameters"]?.array)
    #expect(parameters.compactMap { $0["name"]?.string } == ["id", "limit", "word"])
    #expect(parameters.compactMap { $0["in"]?.string } == ["path", "query", "query"])
    #expect(parameters[0]["required"] == true)
    #expect(parameters[1]["description"] == "At most")
    #expect(
      parameters[1]["schema"] == ["type": "integer", "minimum": 1, "maximum": 10, "default": 5])
    #expect(parameters[2]["schema"]?["type"] == "array")
    #expect(operation("get", "/v1/files/{rest}")?["parameters"]?[0]?["name"] == "rest")
  }

  @Test func namesEverySchemaOnce() throws {
    let schemas = try #require(document["components"]?["schemas"]?.object)
    #expect(
      schemas.keys == ["Owner", "Owner2", "Node", "Account"]
        || schemas.keys.sorted() == ["Account", "Node", "Owner", "Owner2"])
    let account = try #require(schemas["Account"]?["properties"])
    #expect(account["owner"] == ["$ref": "#/components/schemas/Owner"])
    #expect(account["other"] == ["$ref": "#/components/schemas/Owner2"])
    #expect(account["tree"] == ["anyOf": [["$ref": "#/components/schemas/Node"], ["type": "null"]]])
    #expect(account["mood"]?["enum"] == ["good", "bad", nil])
    #expect(schemas["Node"]?["properties"]?["children"]?["items"] == ["$ref": "#/components/schemas/Node"])
    #expect(schemas["Account"]?["required"] == ["id", "owner", "other"])
  }

  @Test func servesTheDocumentAndAPageThatRunsNothing() async throws {
    var router = Router()
    router.route(.get, "/<b>", "A <script>", returning: .json(Node.self)) { _ in Node(name: "", children: []) }
    router.serveDescription(OpenAPIInfo(title: "<Test>", version: "1"))
    let document = try await router.respond(to: try request(.get, "/openapi.json"))
    #expect(try JSON(parsing: document.text)["info"]?["title"] == "<Test>")
    #expect(document.headers["ETag"] != nil)
    let page = try await router.respond(to: try request(.get, "/docs"))
    #expect(page.text.contains("&lt;script&gt;"))
    #expect(!page.text.contains("<script"))
    #expect(!page.text.contains("<b>&"))
    #expect(page.headers["Content-Security-Policy"]?.contains("style-src 'sha256-") == true)
  }
}

struct HTTPListenersTests {
  private func server(_ listen: SocketAddress) -> HTTPServer {
    var router = Router()
    router.on(.get, "/") { _ in .text("here") }
    return HTTPServer(HTTPServerConfiguration(listen: listen), router: router)
  }

  @Test func beginAllOrNone() async throws {
    let any = try SocketAddress(parsing: "127.0.0.1:0")
    let first = HTTPListeners([("a", server(any)), ("b", server(any))])
    let addresses = try await first.start()
    let taken = try #require(addresses["b"])
    #expect(addresses["a"] != taken)
    let second = HTTPListeners([("c", server(any)), ("d", server(taken))])
    do {
      _ = try await second.start()
      Issue.record("two listeners on one address")
    } catch let failure as HTTPListeners.Failure {
      #expect(failure.listener == "d")
    }
    await first.shutdown(grace: .zero)
    for address in addresses.values { #expect(throws: SystemError.self) { try TestClient(address) } }
  }
}
