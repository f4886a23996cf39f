import Platform
import Testing

@testable import HTTP

private func request(
  _ method: HTTPMethod, _ target: String, _ headers: HTTPHeaders = [:], body: String = ""
) throws -> HTTPRequest {
  let parts = target.split(separator: "?", maxSplits: 1)
  let address = try SocketAddress(parsing: "127.0.0.1:1")
  return try HTTPRequest(
    method: method, path: try HTTPPath(String(parts[0])), rawQuery: parts.count > 1 ? String(parts[1]) : nil,
    headers: headers, remoteAddress: address, localAddress: address, body: HTTPRequestBody(Array(body.utf8)))
}

extension HTTPResponse {
  fileprivate var text: String {
    guard case .bytes(let bytes) = body else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }
}

private struct Page: Codable, Sendable, Equatable {
  enum Order: String, Codable { case newest, oldest }
  var limit: Int?
  var order: Order?
  var tag: [String]?
  var deep: Bool?
  var ratio: Double?
}

private struct NewItem: Codable, Sendable {
  struct Price: Codable, Sendable { var amount: Int }
  var name: String
  var prices: [Price]
}

struct RouterTests {
  private static let router: Router = {
    var router = Router(bodyLimit: 100)
    router.on(.get, "/") { _ in .text("root") }
    router.on(.get, "/users/@me") { _ in .text("me") }
    router.on(.get, "/users/:id") { request in .text("user \(request.parameters["id"] ?? "")") }
    router.on(.patch, "/users/:name") { request in .text("patch \(request.parameters["name"] ?? "")") }
    router.on(.get, "/users/:id/posts/:post") { request in
      .text("\(try request.parameter("id", as: Int.self)):\(request.parameters["post"] ?? "")")
    }
    router.on(.get, "/files/*path") { request in .text(request.parameters["path"] ?? "") }
    router.route(.get, "/page", "A page", query: Page.self, result: Page.self) { _, page in page }
    router.route(.post, "/items", "Make", body: NewItem.self, result: NewItem.self, status: .created) { _, item in item
    }
    router.route(.delete, "/items", "Drop", result: NoContent.self) { _ in NoContent() }
    router.webSocket("/socket") { _, _ in }
    return router
  }()

  private func answer(
    _ method: HTTPMethod, _ target: String, _ headers: HTTPHeaders = [:], body: String = ""
  ) async throws -> HTTPResponse {
    try await Self.router.respond(to: try request(method, target, headers, body: body))
  }

  @Test(arguments: [
    ("GET", "/", "root"), ("HEAD", "/", "root"), ("GET", "/users/@me", "me"), ("GET", "/users/@me/", "me"),
    ("GET", "/users/7", "user 7"), ("GET", "/users/a%2Fb", "user a/b"), ("PATCH", "/users/@me", "patch @me"),
    ("GET", "/users/7/posts/x", "7:x"), ("GET", "/files/a/b/c.txt", "a/b/c.txt"),
  ])
  func leadsToTheHandler(method: String, target: String, text: String) async throws {
    let response = try await answer(HTTPMethod(rawValue: method), target)
    #expect(response.status == .ok)
    #expect(response.text == text)
  }

  @Test(arguments: ["/nothing", "/users", "/users//posts/x", "/users/7/posts", "/files"])
  func unknownPathsAre404(target: String) async throws {
    #expect(try await answer(.get, target).status == .notFound)
  }

  @Test func otherMethodsAre405WithAllow() async throws {
    let response = try await answer(.delete, "/users/7")
    #expect(response.status == .methodNotAllowed)
    #expect(response.headers["Allow"] == "GET, HEAD, OPTIONS, PATCH")
    let options = try await answer(.options, "/users/7")
    #expect(options.status == .noContent)
    #expect(options.headers["Allow"] == "GET, HEAD, OPTIONS, PATCH")
  }

  @Test func aWebSocketWithoutUpgradeIs426() async throws {
    #expect(try await answer(.get, "/socket").status == .upgradeRequired)
  }

  @Test func queriesAreDecodedByType() async throws {
    let response = try await answer(.get, "/page?limit=5&order=oldest&tag=a&tag=b+c&deep=true&ratio=0.5&other=1")
    #expect(response.headers["Content-Type"] == "application/json")
    let page = try JSONBody.decode(Page.self, from: Array(response.text.utf8))
    #expect(page == Page(limit: 5, order: .oldest, tag: ["a", "b c"], deep: true, ratio: 0.5))
    #expect(try await answer(.get, "/page").text == "{}")
  }

  @Test(arguments: [
    ("limit=x", "limit"), ("limit=", "limit"), ("limit=99999999999999999999", "limit"), ("order=best", "order"),
    ("deep=maybe", "deep"), ("ratio=nan", "ratio"),
  ])
  func aQueryErrorNamesTheField(query: String, field: String) async throws {
    let response = try await answer(.get, "/page?\(query)")
    #expect(response.status == .badRequest)
    let document = try JSON(parsing: response.text)
    #expect(document["error"] == "invalidQuery")
    #expect(document["fields"]?[0]?["path"]?.string == field)
  }

  private static let json: HTTPHeaders = ["Content-Type": "application/json; charset=utf-8"]

  @Test func bodiesAreDecodedAndAnswered() async throws {
    let response = try await answer(.post, "/items", Self.json, body: #"{"name":"a/b","prices":[{"amount":1}]}"#)
    #expect(response.status == .created)
    #expect(response.text.contains(#""a/b""#))
    #expect(try await answer(.delete, "/items").status == .noContent)
  }

  @Test(arguments: [
    (#"{"prices":[]}"#, 400, "name"), (#"{"name":1,"prices":[]}"#, 400, "name"),
    (#"{"name":"a","prices":[{"amount":1},{"amount":"x"}]}"#, 400, "prices[1].amount"),
    (#"{"name":null,"prices":[]}"#, 400, "name"), ("{", 400, ""),
  ])
  func aBodyErrorNamesTheField(body: String, status: Int, field: String) async throws {
    let response = try await answer(.post, "/items", Self.json, body: body)
    #expect(response.status.rawValue == status)
    #expect(try JSON(parsing: response.text)["fields"]?[0]?["path"]?.string == field)
  }

  @Test func otherTypesAre415AndLargeBodies413() async throws {
    let item = #"{"name":"a","prices":[]}"#
    #expect(try await answer(.post, "/items", body: item).status == .unsupportedMediaType)
    #expect(
      try await answer(.post, "/items", ["Content-Type": "text/plain"], body: item).status == .unsupportedMediaType)
    let large = #"{"name":"\#(String(repeating: "a", count: 100))","prices":[]}"#
    #expect(try await answer(.post, "/items", Self.json, body: large).status == .contentTooLarge)
  }

  @Test func mountedRoutersKeepTheirMiddlewareAndTheLookOfTheirErrors() async throws {
    var inner = Router(errors: HTTPErrorShape { error, _ in .text("inner \(error.status)", status: error.status) })
    inner.use { request, next in
      var request = request
      request[String.self] = "seen"
      var response = try await next(request)
      response.headers["X-Inner"] = "yes"
      return response
    }
    inner.on(.get, "/value") { request in .text(request[String.self] ?? "nothing") }
    var outer = Router()
    outer.use { request, next in
      if request.headers["X-Stop"] != nil { throw HTTPError(.forbidden, "stopped") }
      return try await next(request)
    }
    outer.mount("/in", inner)
    let found = try await outer.respond(to: try request(.get, "/in/value"))
    #expect(found.text == "seen")
    #expect(found.headers["X-Inner"] == "yes")
    let missing = try await outer.respond(to: try request(.get, "/in/other"))
    #expect(missing.text == "inner 404")
    #expect(missing.headers["X-Inner"] == "yes")
    #expect(try await outer.respond(to: try request(.get, "/other")).headers["X-Inner"] == nil)
    #expect(try await outer.respond(to: try request(.get, "/in/value", ["X-Stop": "1"])).status == .forbidden)
    #expect(outer.routes.map(\.pattern.description) == ["/in/value"])
  }

  @Test func filesAnswer304ToWhoHasThem() throws {
    let file = StaticFile(Array("body".utf8), name: "app.js")
    let first = file.response(to: try request(.get, "/app.js"))
    #expect(first.headers["Content-Type"] == "text/javascript; charset=utf-8")
    let second = file.response(to: try request(.get, "/app.js", ["If-None-Match": "\"x\", \(file.entityTag)"]))
    #expect(second.status == .notModified)
    #expect(StaticFile(Array("other".utf8), name: "app.js").entityTag != file.entityTag)
  }
}

struct SocketAddressTests {
  @Test(arguments: [
    ("127.0.0.1:80", "127.0.0.1:80", true), ("localhost:0", "127.0.0.1:0", true), ("*:3000", "0.0.0.0:3000", false),
    ("[::1]:80", "[::1]:80", true), ("[0:0:0:0:0:0:0:1]:65535", "[::1]:65535", true),
    ("[2001:db8::1]:1", "[2001:db8::1]:1", false),
  ])
  func readsAddresses(text: String, expected: String, isLoopback: Bool) throws {
    let address = try SocketAddress(parsing: text)
    #expect(address.description == expected)
    #expect(address.isLoopback == isLoopback)
  }

  @Test(arguments: [
    "", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80", "[127.0.0.1]:80", "a.example:80",
    "1.2.3:4",
  ])
  func refusesOthers(text: String) {
    #expect(throws: SocketAddress.ParseError.self) { try SocketAddress(parsing: text) }
  }
}
