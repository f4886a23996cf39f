import Platform
import Testing

@testable import HTTP

func request(
  _ method: HTTPMethod, _ target: String, _ headers: HTTPHeaders = [:], body: String = ""
) throws -> HTTPRequest {
  let parts = target.split(separator: "?", maxSplits: 1)
  let address = try SocketAddress(parsing: "127.0.0.1:1")
  return try HTTPRequest(
    method: method, path: try HTTPPath(String(parts[0])), rawQuery: parts.count > 1 ? String(parts[1]) : nil,
    headers: headers, remoteAddress: address, localAddress: address, body: HTTPRequestBody(Array(body.utf8)))
}

extension HTTPResponse {
  var text: String {
    guard case .bytes(let bytes) = body else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }
}

private struct Page: Codable, Sendable, Equatable {
  enum Order: String, Codable, CaseIterable { case newest, oldest }
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
    router.route(.get, "/page", "A page", .query(Page.self), returning: .json(Page.self)) { _, page in page }
    router.route(
      .post, "/items", RouteNotes("Make", status: .created), .body(NewItem.self), returning: .json(NewItem.self)
    ) { _, item in item }
    router.route(.delete, "/items", "Drop", returning: .noContent) { _ in }
    router.route(
      .get, "/shops/:shop/items/:item", "One", .path("shop", String.self, .text(length: 1...5)),
      .path("item", Int.self, .integer(in: 1...9)), .query(Page.self), returning: .json([String].self)
    ) { _, shop, item, page in [shop, String(item), String(page.limit ?? 0)] }
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
    let page = try Page(from: JSONTreeDecoder(try JSON(parsing: response.text)))
    #expect(page == Page(limit: 5, order: .oldest, tag: ["a", "b c"], deep: true, ratio: 0.5))
    #expect(try await answer(.get, "/page").text == "{}")
  }

  @Test(arguments: [
    ("limit=x", "limit"), ("limit=", "limit"), ("limit=99999999999999999999", "limit"), ("order=best", "order"),
    ("deep=maybe", "deep"), ("ratio=nan", "ratio"), ("limit=1&limit=2", "limit"), ("ratio=0x1p3", "ratio"),
    ("limit=%2B1", "limit"),
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
    (#"{"name":null,"prices":[]}"#, 400, "name"), ("[]", 400, ""),
    (#"{"prices":[],"name":"a","name":null}"#, 400, "name"),
    (#"{"name":"a","prices":[{"amount":1.5}]}"#, 400, "prices[0].amount"),
    (#"{"name":"a","prices":[{"amount":1e30}]}"#, 400, "prices[0].amount"),
  ])
  func aBodyErrorNamesTheField(body: String, status: Int, field: String) async throws {
    let response = try await answer(.post, "/items", Self.json, body: body)
    #expect(response.status.rawValue == status)
    #expect(try JSON(parsing: response.text)["fields"]?[0]?["path"]?.string == field)
  }

  @Test(arguments: ["", "{", "nul", #"{"a":1}x"#, String(repeating: "[", count: 40)])
  func aBodyThatIsNoJSONIsSaidToBe(body: String) async throws {
    let response = try await answer(.post, "/items", Self.json, body: body)
    #expect(response.status == .badRequest)
    #expect(try JSON(parsing: response.text)["error"] == "malformedBody")
  }

  @Test(arguments: [
    ("/shops/abc/items/7?limit=3", 200, #"["abc","7","3"]"#), ("/shops/abc/items/07", 200, #"["abc","7","0"]"#),
    ("/shops/abcdef/items/7", 400, "shop"), ("/shops/abc/items/x", 400, "item"), ("/shops/abc/items/10", 400, "item"),
    ("/shops/abc/items/99999999999999999999", 400, "item"), ("/shops/%F0%9F%98%80/items/1", 200, #"["😀","1","0"]"#),
  ])
  func pathsAreReadByType(target: String, status: Int, expected: String) async throws {
    let response = try await answer(.get, target)
    #expect(response.status.rawValue == status)
    if status == 200 {
      #expect(response.text == expected)
    } else {
      #expect(try JSON(parsing: response.text)["fields"]?[0]?["path"]?.string == expected)
    }
  }

  @Test func aSurfaceChoosesTheStatusOfValuesThatBreakARule() async throws {
    let shape = HTTPErrorShape(invalidStatus: .unprocessableContent) { error, _ in
      .text("\(error.status): \(error.fields.map(\.path))", status: error.status)
    }
    var router = Router(errors: shape)
    router.route(.post, "/items", "Make", .body(NewItem.self), returning: .noContent) { _, _ in }
    let invalid = try await router.respond(to: try request(.post, "/items", Self.json, body: "{}"))
    #expect(invalid.text == #"422: ["name", "prices"]"#)
    #expect(try await router.respond(to: try request(.post, "/items", Self.json, body: "{")).status == .badRequest)
  }

  @Test func middlewareSeesWhatARoomAboveAttachedToTheRoute() async throws {
    struct Access: Sendable { let role: String }
    var router = Router()
    router.use { request, next in
      guard request.route?[Access.self]?.role != "admin" else { throw HTTPError(.forbidden, "admins only") }
      return try await next(request)
    }
    router.on(.get, "/open") { request in .text(request.route?.pattern.description ?? "") }
    router.on(.get, "/closed", RouteNotes("Closed").with(Access(role: "admin"))) { _ in .text("in") }
    #expect(try await router.respond(to: try request(.get, "/open")).text == "/open")
    #expect(try await router.respond(to: try request(.get, "/closed")).status == .forbidden)
    #expect(try await router.respond(to: try request(.get, "/none")).status == .notFound)
  }

  @Test func otherErrorsBecome500InsideOfTheMiddleware() async throws {
    struct Secret: Error {}
    var router = Router()
    router.use { request, next in
      var response = try await next(request)
      response.headers["X-Seen"] = "yes"
      return response
    }
    router.on(.get, "/fail") { _ in throw Secret() }
    let response = try await router.respond(to: try request(.get, "/fail"))
    #expect(response.status == .internalServerError)
    #expect(response.headers["X-Seen"] == "yes")
    #expect(!response.text.contains("Secret"))
  }

  @Test func optionsOfTheWholeServerAreAnswered() async throws {
    let response = try await answer(.options, "*")
    #expect(response.status == .noContent)
    #expect(response.headers["Allow"]?.contains("PATCH") == true)
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

  @Test(arguments: [
    ("bytes=0-1", 206, "bo"), ("bytes=2-", 206, "dy"), ("bytes=-3", 206, "ody"), ("bytes=-9", 206, "body"),
    ("bytes=3-99", 206, "y"), ("bytes=4-", 416, ""), ("bytes=-0", 416, ""), ("bytes=2-1", 200, "body"),
    ("bytes=0-0,2-3", 200, "body"), ("lines=0-1", 200, "body"), ("bytes=a-b", 200, "body"), ("bytes=-", 200, "body"),
    ("bytes=0-999999999999999999", 206, "body"),
  ])
  func filesAreServedInParts(range: String, status: Int, text: String) throws {
    let file = StaticFile(Array("body".utf8), name: "app.js")
    let answer = file.response(to: try request(.get, "/app.js", ["Range": range]))
    #expect(answer.status.rawValue == status)
    #expect(answer.text == text)
    #expect(file.response(to: try request(.get, "/app.js", ["Range": range, "If-Range": "\"old\""])).text == "body")
    #expect(file.response(to: try request(.head, "/app.js", ["Range": range])).status == .ok)
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
