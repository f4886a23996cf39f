import Foundation
import HTTPTestSupport
import Platform
import Testing

@testable import HTTP

/// Files of a directory, through real sockets.
@Suite(.timeLimit(.minutes(2)))
struct StaticDirectoryTests {
  private static let content = Array((0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 7) })

  private func withFiles(_ body: (String, SocketAddress) async throws -> Void) async throws {
    let root = FileManager.default.temporaryDirectory.appending(path: "adjutant-static-\(UUID().uuidString)")
    let served = root.appending(path: "served")
    try FileManager.default.createDirectory(at: served.appending(path: "sub"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: root) }
    try Data(Self.content).write(to: served.appending(path: "large.png"))
    try Data("small".utf8).write(to: served.appending(path: "small.GIF"))
    try Data("deep".utf8).write(to: served.appending(path: "sub/deep.webp"))
    for name in [".hidden.png", "page.html", "noextension", "a\\b.png"] {
      try Data("no".utf8).write(to: served.appending(path: name))
    }
    try Data("secret".utf8).write(to: root.appending(path: "outside.png"))
    let links = [("link.png", "../outside.png"), ("within.png", "large.png"), ("up", "..")]
    for (name, target) in links {
      try FileManager.default.createSymbolicLink(
        atPath: served.appending(path: name).path, withDestinationPath: target)
    }
    try FileManager.default.createDirectory(at: served.appending(path: "dir.png"), withIntermediateDirectories: true)
    #expect(mkfifo(served.appending(path: "pipe.png").path, 0o600) == 0)
    let directory = StaticDirectory(served.path, maximumAge: .seconds(86_400), threads: FileThreads(count: 2))
    var router = Router()
    router.on(.get, "/files/*path") { request in
      try await directory.response(to: request, for: Array(request.path.segments.dropFirst()))
    }
    try await withServer(router) { address, _ in try await body(served.path, address) }
  }

  private func get(_ address: SocketAddress, _ path: String, method: String = "GET", _ fields: String = "") async throws
    -> (head: String, body: [UInt8])
  {
    let client = try TestClient(address)
    await client.send("\(method) \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\(fields)\r\n")
    let head = await client.read(until: "\r\n\r\n")
    var body: [UInt8] = []
    while case .bytes(let bytes) = await client.read() { body += bytes }
    return (head, body)
  }

  private func field(_ name: String, of head: String) -> String? {
    head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ": ") }
      .map { String($0.dropFirst(name.count + 2)) }
  }

  @Test func aFileIsServedWholeAndKnownAgain() async throws {
    try await withFiles { _, address in
      let (head, body) = try await get(address, "/files/large.png")
      #expect(head.hasPrefix("HTTP/1.1 200 "))
      #expect(body == Self.content)
      #expect(field("Content-Type", of: head) == "image/png")
      #expect(field("Content-Length", of: head) == "200000")
      #expect(field("Cache-Control", of: head) == "public, max-age=86400")
      #expect(field("X-Content-Type-Options", of: head) == "nosniff")
      let tag = try #require(field("ETag", of: head))
      let date = try #require(field("Last-Modified", of: head))
      for condition in [
        "If-None-Match: \(tag)\r\n", "If-None-Match: W/\(tag), \"x\"\r\n", "If-None-Match: *\r\n",
        "If-Modified-Since: \(date)\r\n", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n",
      ] {
        let known = try await get(address, "/files/large.png", condition)
        #expect(known.head.hasPrefix("HTTP/1.1 304 "), "\(condition)")
        #expect(known.body.isEmpty && field("ETag", of: known.head) == tag)
      }
      for condition in [
        "If-None-Match: \"other\"\r\n", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
        "If-Modified-Since: yesterday\r\n", "If-None-Match: \"other\"\r\nIf-Modified-Since: \(date)\r\n",
      ] {
        #expect(try await get(address, "/files/large.png", condition).head.hasPrefix("HTTP/1.1 200 "), "\(condition)")
      }
      let small = try await get(address, "/files/small.GIF")
      #expect(small.body == Array("small".utf8) && field("Content-Type", of: small.head) == "image/gif")
      #expect(try await get(address, "/files/sub/deep.webp").body == Array("deep".utf8))
    }
  }

  @Test func partsAndHeads() async throws {
    try await withFiles { _, address in
      let whole = try await get(address, "/files/large.png", method: "HEAD")
      #expect(whole.head.hasPrefix("HTTP/1.1 200 ") && whole.body.isEmpty)
      #expect(field("Content-Length", of: whole.head) == "200000")
      let tag = try #require(field("ETag", of: whole.head))
      for (range, expected) in [
        ("0-0", 0..<1), ("10-19", 10..<20), ("199990-", 199_990..<200_000), ("-5", 199_995..<200_000),
        ("1000-150000", 1000..<150_001), ("199999-300000", 199_999..<200_000),
      ] {
        let part = try await get(address, "/files/large.png", "Range: bytes=\(range)\r\nIf-Range: \(tag)\r\n")
        #expect(part.head.hasPrefix("HTTP/1.1 206 "))
        #expect(part.body == Array(Self.content[expected]))
        #expect(
          field("Content-Range", of: part.head) == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/200000")
      }
      let beyond = try await get(address, "/files/large.png", "Range: bytes=200000-\r\n")
      #expect(beyond.head.hasPrefix("HTTP/1.1 416 ") && field("Content-Range", of: beyond.head) == "bytes */200000")
      let stale = try await get(address, "/files/large.png", "Range: bytes=0-1\r\nIf-Range: \"old\"\r\n")
      #expect(stale.head.hasPrefix("HTTP/1.1 200 ") && stale.body.count == 200_000)
    }
  }

  @Test(arguments: [
    "link.png", "within.png", "up/outside.png", ".hidden.png", "page.html", "noextension", "dir.png", "pipe.png",
    "missing.png", "a%5Cb.png", "sub%2Fdeep.webp", "..%2Foutside.png", "%2e%2e%2foutside.png", "sub", "sub/",
    "large.png/", "large.png/x.png", "sub//deep.webp", "%0a.png", "\(String(repeating: "x", count: 300)).png",
    "large.png%20",
  ])
  func whatIsNoPlainFileOfTheListIsNotFound(name: String) async throws {
    try await withFiles { _, address in
      let answer = try await get(address, "/files/" + name)
      #expect(answer.head.hasPrefix("HTTP/1.1 404 "))
      #expect(!String(decoding: answer.body, as: UTF8.self).contains("secret"))
    }
  }

  @Test(arguments: ["../outside.png", "%2e%2e/outside.png", "large.png%00", "./large.png", "%2E/large.png"])
  func whatIsNoPathIsRefused(name: String) async throws {
    try await withFiles { _, address in
      let answer = try await get(address, "/files/" + name)
      #expect(answer.head.hasPrefix("HTTP/1.1 400 "))
    }
  }

  @Test func aNewVersionHasANewTag() async throws {
    try await withFiles { directory, address in
      let before = field("ETag", of: try await get(address, "/files/small.GIF").head)
      try Data("other".utf8).write(to: URL(filePath: directory + "/small.GIF"), options: .atomic)
      let after = try await get(address, "/files/small.GIF", "If-None-Match: \(before ?? "")\r\n")
      #expect(after.head.hasPrefix("HTTP/1.1 200 ") && after.body == Array("other".utf8))
      #expect(field("ETag", of: after.head) != before)
    }
  }

  @Test func aDirectoryMayComeLater() async throws {
    let directory = StaticDirectory("/nonexistent/adjutant", maximumAge: .zero, threads: FileThreads(count: 1))
    var router = Router()
    router.on(.get, "/:name") { request in
      try await directory.response(to: request, for: [request.parameters["name"] ?? ""])
    }
    try await withServer(router) { address, _ in
      let answer = try await get(address, "/x.png")
      #expect(answer.head.hasPrefix("HTTP/1.1 404 "))
    }
  }

  @Test(arguments: [0, 1, 68_169_599, 951_782_400, 951_868_800, 1_700_000_000, 4_107_542_400, 253_402_300_799])
  func datesAreReadAsTheyAreWritten(seconds: Int64) {
    let time = Timestamp(seconds: seconds)
    #expect(HTTPDate.parse(HTTPDate.text(time)) == time)
  }

  @Test(arguments: [
    "", "Sun, 06 Nov 1994 08:49:37 UTC", "Mon, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
  ])
  func otherDatesAreNot(text: String) { #expect(HTTPDate.parse(text) == nil) }
}
