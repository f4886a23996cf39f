import Platform
import Testing

@testable import HTTP

struct ForwardingTests {
  @Test(arguments: [
    ("10.0.0.0/8", ["10.0.0.1", "10.255.255.255", "::ffff:10.1.1.1"], ["11.0.0.0", "9.255.255.255", "::a00:1"]),
    ("192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127"]), ("0.0.0.0/0", ["1.2.3.4"], ["::1"]),
    ("192.0.2.1", ["192.0.2.1"], ["192.0.2.2"]), ("2001:db8::/33", ["2001:db8:7fff::1"], ["2001:db8:8000::"]),
    ("::1", ["::1"], ["::2", "127.0.0.1"]), ("::/0", ["2001:db8::1"], ["203.0.113.9"]),
    ("192.0.2.0/31", ["192.0.2.1"], ["192.0.2.2"]), ("::ffff:127.0.0.1", ["127.0.0.1"], ["127.0.0.2"]),
    ("2001:db8::/65", ["2001:db8::7fff:0:0:0"], ["2001:db8::8000:0:0:0"]),
  ])
  func networksContain(text: String, inside: [String], outside: [String]) throws {
    let network = try #require(NetworkBlock(text))
    for address in inside { #expect(network.contains(try #require(IPAddress(address)))) }
    for address in outside { #expect(!network.contains(try #require(IPAddress(address)))) }
  }

  @Test(arguments: [
    "", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0/8", "::/129", "a/8", "10.0.0.0/",
    "/8", "10.0.0.0/8/8", "localhost", "1.2.3.4:80", "[::1]", "::1%lo", " ::1", "::ffff:10.0.0.0/104",
  ])
  func refusesWhatIsNoNetwork(text: String) { #expect(NetworkBlock(text) == nil) }

  private static let proxies = TrustedProxies(["10.0.0.0/8", "fd00::/8"].compactMap { NetworkBlock($0) })

  private func identity(_ headers: HTTPHeaders, from peer: String = "10.0.0.1") throws -> HTTPClientIdentity {
    var headers = headers
    headers.add("Host", "inner:80")
    return try Self.proxies.identity(peer: try #require(IPAddress(peer)), headers: headers)
  }

  @Test func believesNobodyElse() throws {
    let headers: HTTPHeaders = [
      "X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https", "Forwarded": "for=192.0.2.9",
    ]
    let client = try identity(headers, from: "198.51.100.1")
    #expect(client.address.description == "198.51.100.1")
    #expect(client.scheme == "http")
    #expect(client.host == "inner:80")
    #expect(!client.isForwarded)
  }

  @Test(arguments: [
    ("192.0.2.9", "192.0.2.9"), ("6.6.6.6, 192.0.2.9", "192.0.2.9"), ("6.6.6.6, 192.0.2.9, 10.0.0.2", "192.0.2.9"),
    ("192.0.2.9:4711", "192.0.2.9"), ("[2001:db8::1]:443", "2001:db8::1"), ("2001:db8::1", "2001:db8::1"),
    ("6.6.6.6, rubbish", "10.0.0.1"), ("6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"), ("", "10.0.0.1"),
    ("10.0.0.3, 10.0.0.2", "10.0.0.3"), ("::ffff:192.0.2.9", "192.0.2.9"),
  ])
  func takesTheLastThatIsNotTrusted(field: String, client: String) throws {
    #expect(try identity(["X-Forwarded-For": field]).address.description == client)
    let standard = field.split(separator: ",").map {
      "for=\"\($0.drop { $0 == " " })\""
    }.joined(separator: ", ")
    #expect(try identity(["Forwarded": standard]).address.description == client)
  }

  @Test func takesSchemeAndHost() throws {
    let both: [HTTPHeaders] = [
      ["X-Forwarded-For": "6.6.6.6, 192.0.2.9", "X-Forwarded-Proto": "HTTPS", "X-Forwarded-Host": "a.example"],
      ["Forwarded": "for=6.6.6.6;host=evil, for=192.0.2.9;proto=https;host=\"a.example\""],
    ]
    for headers in both {
      #expect(
        try identity(headers)
          == HTTPClientIdentity(
            address: try #require(IPAddress("192.0.2.9")), scheme: "https", host: "a.example", isForwarded: true))
    }
  }

  @Test(arguments: [
    ["Forwarded": "for=6.6.6.6", "X-Forwarded-For": "192.0.2.9"],
    ["Forwarded": "for=192.0.2.9;host=evil", "X-Forwarded-For": "192.0.2.9"],
    ["Forwarded": "for=192.0.2.9", "X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https"],
    ["X-Forwarded-Proto": "gopher"], ["X-Forwarded-Host": "a b"], ["Forwarded": "nothing"],
  ])
  func refusesWhatIsContradictory(fields: [String: String]) throws {
    var headers = HTTPHeaders()
    for (name, value) in fields { headers.add(name, value) }
    #expect(throws: HTTPError.self) { try identity(headers) }
  }

  @Test func agreementIsTaken() throws {
    let headers: HTTPHeaders = [
      "Forwarded": "for=192.0.2.9;proto=https", "X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https",
    ]
    #expect(try identity(headers).address.description == "192.0.2.9")
  }

  @Test func sitesCountHouseholds() throws {
    #expect(IPAddress("2001:db8:1:2:3::4")?.site.description == "2001:db8:1:2::/64")
    #expect(IPAddress("192.0.2.1")?.site.description == "192.0.2.1")
    #expect(IPAddress("2001:db8:1:2::1")?.site == IPAddress("2001:db8:1:2:ffff:ffff:ffff:ffff")?.site)
    #expect(IPAddress("2001:db8:1:2::1")?.site != IPAddress("2001:db8:1:3::1")?.site)
  }

  @Test(arguments: [
    ("abcdefgh", true), ("a.b-c_d9", true), ("short", false), ("has space", false), ("a\"bcdefgh", false),
  ])
  func idsFromOutsideAreWellFormed(text: String, isGood: Bool) { #expect(RequestID.isWellFormed(text) == isGood) }

  @Test func idsDiffer() {
    let ids = (0..<100).map { RequestID.make(UInt64($0) &* 0x9E37_79B9_7F4A_7C15) }
    #expect(Set(ids).count == 100)
    #expect(ids.allSatisfy { RequestID.isWellFormed($0) && $0.utf8.count == 13 })
  }
}
