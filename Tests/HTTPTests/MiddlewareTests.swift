import Platform
import Testing

@testable import HTTP

struct MiddlewareTests {
  private static let text = String(repeating: "hello world ", count: 500)

  private static let router: Router = {
    var router = Router()
    router.use(SecurityHeaders().middleware)
    router.use(CrossOriginPolicy(.only(["https://a.example"])).middleware)
    router.use(ResponseCompression().middleware)
    var tagged = RouteNotes("Tagged")
    tagged.usesEntityTag = true
    router.on(.get, "/tagged", tagged) { _ in .text(Self.text) }
    router.on(.get, "/small") { _ in .text("small") }
    router.on(.get, "/image") { _ in HTTPResponse(bytes: Array(Self.text.utf8), contentType: "image/png") }
    router.on(.get, "/page") { _ in .html("<p>") }
    return router
  }()

  private func get(_ target: String, _ headers: HTTPHeaders = [:], _ method: HTTPMethod = .get) async throws
    -> HTTPResponse
  {
    try await Self.router.respond(to: try request(method, target, headers))
  }

  // MARK: gzip

  @Test(arguments: [
    (["gzip"], true), (["gzip, deflate, br"], true), (["br;q=1.0, gzip;q=0.8, *;q=0.1"], true), (["*"], true),
    (["identity", "GZIP"], true), ([], false), (["identity"], false), (["gzip;q=0"], false), (["*;q=0"], false),
    (["gzip;q=0, *"], false), (["gzip;q=0.5, identity"], false), (["gzip;q=2"], false), (["br"], false),
    (["gzip ; q=0.0"], false), (["gzip;q=0.001"], true),
  ])
  func readsAcceptEncoding(fields: [String], isAccepted: Bool) {
    #expect(ResponseCompression.accepts(fields) == isAccepted)
  }

  @Test func packsLargeText() async throws {
    let packed = try await get("/tagged", ["Accept-Encoding": "gzip"])
    #expect(packed.headers["Content-Encoding"] == "gzip")
    #expect(packed.headers.all("Vary").contains("Accept-Encoding"))
    #expect(try Deflate.decompress(packed.content, as: .gzip, limit: 1 << 20) == Array(Self.text.utf8))
    let plain = try await get("/tagged")
    #expect(plain.headers["Content-Encoding"] == nil)
    #expect(plain.headers.all("Vary").contains("Accept-Encoding"))
    #expect(plain.headers["ETag"] != packed.headers["ETag"])
    #expect(try await get("/small", ["Accept-Encoding": "gzip"]).headers["Content-Encoding"] == nil)
    #expect(try await get("/image", ["Accept-Encoding": "gzip"]).headers["Content-Encoding"] == nil)
  }

  // MARK: ETag

  @Test func answers304ToWhoHasTheBody() async throws {
    for encoding in ["identity", "gzip"] {
      let first = try await get("/tagged", ["Accept-Encoding": encoding])
      let tag = try #require(first.headers["ETag"])
      #expect(tag.hasPrefix("\""))
      for known in [tag, "W/\(tag)", "\"x,y\", \(tag)", "*"] {
        let second = try await get("/tagged", ["Accept-Encoding": encoding, "If-None-Match": known])
        #expect(second.status == .notModified, "\(known)")
        #expect(second.content.isEmpty)
        if known != "*" { #expect(second.headers["ETag"] == tag) }
      }
      #expect(try await get("/tagged", ["If-None-Match": "\"other\""]).status == .ok)
    }
    #expect(EntityTag.list(of: #"W/"a", "b,c" , *"#) == ["\"a\"", "\"b,c\"", "*"])
  }

  // MARK: CORS

  @Test func tellsAllowedPagesAndNoOthers() async throws {
    let allowed = try await get("/small", ["Origin": "https://a.example"])
    #expect(allowed.headers["Access-Control-Allow-Origin"] == "https://a.example")
    #expect(allowed.headers["Access-Control-Expose-Headers"]?.contains("X-RateLimit-Limit") == true)
    #expect(allowed.headers.all("Vary").contains("Origin"))
    for origin in [
      "https://evil.example", "null", "https://a.example.evil", "http://a.example", "https://a.example:8443",
    ] {
      let refused = try await get("/small", ["Origin": origin])
      #expect(refused.headers["Access-Control-Allow-Origin"] == nil)
      #expect(refused.headers.all("Vary").contains("Origin"))
    }
    #expect(try await get("/nothing", ["Origin": "https://a.example"]).headers["Access-Control-Allow-Origin"] != nil)
  }

  @Test func answersPreflights() async throws {
    let ask: HTTPHeaders = ["Origin": "https://a.example", "Access-Control-Request-Method": "PUT"]
    let answer = try await get("/small", ask, .options)
    #expect(answer.status == .noContent)
    #expect(answer.headers["Access-Control-Allow-Methods"]?.contains("PUT") == true)
    #expect(answer.headers["Access-Control-Max-Age"] == "600")
    let other = try await get(
      "/small", ["Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"], .options)
    #expect(other.headers["Access-Control-Allow-Methods"] == nil)
    #expect(try await get("/small", [:], .options).headers["Allow"] == "GET, HEAD, OPTIONS")
  }

  @Test func neverAllowsCredentialsToAll() async throws {
    var policy = CrossOriginPolicy(.any)
    policy.allowsCredentials = true
    var router = Router()
    router.use(policy.middleware)
    router.on(.get, "/") { _ in .text("") }
    let answer = try await router.respond(to: try request(.get, "/", ["Origin": "https://a.example"]))
    #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
    #expect(answer.headers["Access-Control-Allow-Credentials"] == nil)
  }

  // MARK: The rest

  @Test func addsSecurityHeadersToEveryAnswer() async throws {
    for target in ["/small", "/nothing"] {
      let answer = try await get(target)
      #expect(answer.headers["X-Content-Type-Options"] == "nosniff")
      #expect(answer.headers["Content-Security-Policy"]?.contains("script-src") == false)
    }
    #expect(try await get("/page").headers["Content-Security-Policy"]?.contains("script-src 'self'") == true)
  }

  @Test(arguments: [
    ("a.example", true), ("A.EXAMPLE:80", true), ("b.example:8080", true), ("b.example", false),
    ("evil.example", false),
    ("[::1]:80", true), ("[::1]", true), ("a.example.evil", false),
  ])
  func answersForItsOwnHosts(host: String, isAllowed: Bool) async throws {
    var router = Router()
    router.use(HostFilter(["a.example", "b.example:8080", "[::1]"]).middleware)
    router.on(.get, "/") { _ in .text("in") }
    #expect(
      try await router.respond(to: try request(.get, "/", ["Host": host])).status.rawValue == (isAllowed ? 200 : 421))
  }
}
