import Platform
import Testing

@testable import HTTPAPI

/// When the documents without authentication are served without.
struct PeerTrustTests {
  private let trust = PeerTrust(allowedHosts: ["Panel.local:3000"])

  private func doubt(
    _ headers: HTTPHeaders, listener: String = "127.0.0.1:3000", peer: String = "127.0.0.1:50000"
  ) throws -> PeerTrust.Doubt? {
    trust.doubt(
      listener: try SocketAddress(parsing: listener), peer: try SocketAddress(parsing: peer), headers: headers)
  }

  @Test(arguments: [
    "127.0.0.1:3000", "localhost:3000", "LocalHost:3000", "panel.local:3000",
  ])
  func ourOwnNamesAreTrusted(host: String) throws {
    #expect(try doubt(["Host": host]) == nil)
    #expect(try doubt(["Host": host, "Origin": "http://" + host]) == nil)
    #expect(try doubt(["host": host, "origin": "HTTP://" + host.uppercased()]) == nil)
  }

  @Test(arguments: [
    "evil.example", "evil.example:3000", "127.0.0.1", "127.0.0.1:3001", "localhost", "localhost.:3000",
    "localhost:3000.evil.example", "[::1]:3000", "panel.local", "", " 127.0.0.1:3000", "127.0.0.1:3000, evil.example",
  ])
  func otherNamesAreNot(host: String) throws {
    #expect(try doubt(["Host": host]) == .host)
    // Not even if the page says the same: that is what DNS rebinding looks like.
    #expect(try doubt(["Host": host, "Origin": "http://" + host]) == .host)
  }

  @Test func oneHostIsNeeded() throws {
    #expect(try doubt([:]) == .host)
    #expect(try doubt(["Host": "127.0.0.1:3000", "host": "127.0.0.1:3000"]) == .host)
  }

  @Test(arguments: [
    "null", "", "http://evil.example", "https://127.0.0.1:3000", "http://127.0.0.1:3001", "http://localhost:3000",
    "http://127.0.0.1", "http://127.0.0.1:3000/", "http://127.0.0.1:3000 http://evil.example", "127.0.0.1:3000",
  ])
  func otherOriginsAreNot(origin: String) throws {
    #expect(try doubt(["Host": "127.0.0.1:3000", "Origin": origin]) == .origin)
  }

  @Test func twoOriginsAreNot() throws {
    let origin = "http://127.0.0.1:3000"
    #expect(try doubt(["Host": "127.0.0.1:3000", "Origin": origin, "origin": origin]) == .origin)
  }

  @Test(arguments: [
    "Forwarded", "forwarded", "X-Forwarded-For", "X-Forwarded-Host", "x-forwarded-proto", "X-Forwarded-Anything", "Via",
    "VIA",
  ])
  func anyTraceOfAProxyIsEnough(name: String) throws {
    #expect(try doubt(["Host": "127.0.0.1:3000", name: "127.0.0.1"]) == .forwarded)
    #expect(try doubt(["Host": "127.0.0.1:3000", name: ""]) == .forwarded)
  }

  @Test func headersThatOnlyLookAlikeDoNotCount() throws {
    #expect(try doubt(["Host": "127.0.0.1:3000", "X-Forward": "1", "Viable": "1", "X-Forwarded": "1"]) == nil)
  }

  @Test(arguments: [
    ("0.0.0.0:3000", "127.0.0.1:5", PeerTrust.Doubt.listener), ("192.168.1.5:3000", "192.168.1.5:5", .listener),
    ("[::]:3000", "[::1]:5", .listener), ("127.0.0.1:3000", "10.0.0.1:5", .peer), ("[::1]:3000", "[fe80::1]:5", .peer),
  ])
  func onlyLoopbackOnBothEnds(listener: String, peer: String, expected: PeerTrust.Doubt) throws {
    #expect(try doubt(["Host": "localhost:3000"], listener: listener, peer: peer) == expected)
  }

  @Test func otherListenersHaveTheirOwnNames() throws {
    let peer = "[::1]:5"
    #expect(try doubt(["Host": "[::1]:3000"], listener: "[::1]:3000", peer: peer) == nil)
    #expect(try doubt(["Host": "localhost:3000"], listener: "[::1]:3000", peer: peer) == nil)
    #expect(try doubt(["Host": "127.0.0.1:3000"], listener: "[::1]:3000", peer: peer) == .host)
    #expect(try doubt(["Host": "127.0.0.2"], listener: "127.0.0.2:80") == nil)
    #expect(try doubt(["Host": "localhost"], listener: "127.0.0.2:80") == nil)
    #expect(try doubt(["Host": "127.0.0.2:80"], listener: "127.0.0.2:80") == nil)
  }

  @Test func theFirstDoubtIsTheWorst() throws {
    let headers: HTTPHeaders = ["Host": "x", "Via": "y", "Origin": "null"]
    #expect(try doubt(headers, listener: "0.0.0.0:3000", peer: "10.0.0.1:5") == .listener)
    #expect(try doubt(headers) == .forwarded)
  }
}
