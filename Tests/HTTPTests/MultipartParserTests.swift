import Testing

@testable import HTTP

struct MultipartParserTests {
  private static let body =
    "--X\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n{}\r\n"
    + "--X  \r\ncontent-disposition: form-data; name=\"files[0]\"; filename=\"a \\\"b%22;.txt\"\r\n\r\n"
    + "line\r\n--X-not\r\n--\r\n\r\n--X\r\nContent-Disposition: form-data; name=empty\r\n\r\n\r\n--X--\r\nepilogue --X"

  /// `--X-not` begins like a delimiter: it is one followed by something else, and refused.
  @Test func refusesABoundaryThatGoesOn() throws {
    var parser = try MultipartParser(contentType: "multipart/form-data; boundary=X")
    #expect(throws: HTTPError.self) { try parser.receive(Array(Self.body.utf8)) }
  }

  @Test func yieldsTheSamePartsAtEverySplit() throws {
    let bytes = Array(Self.body.replacing("--X-not", with: "--Y").utf8)
    let expected: [MultipartForm.Part] = [
      .init(name: "payload_json", filename: nil, contentType: "application/json", bytes: Array("{}".utf8)),
      .init(
        name: "files[0]", filename: "a \"b\";.txt", contentType: nil, bytes: Array("line\r\n--Y\r\n--\r\n".utf8)),
      .init(name: "empty", filename: nil, contentType: nil, bytes: []),
    ]
    for split in 0...bytes.count {
      var parser = try MultipartParser(contentType: "multipart/form-data; charset=utf-8; boundary=\"X\"")
      var form = MultipartForm()
      form.take(try parser.receive(Array(bytes[..<split])))
      form.take(try parser.receive(Array(bytes[split...])))
      try parser.finish()
      #expect(form.parts == expected)
    }
    var parser = try MultipartParser(contentType: "multipart/form-data; boundary=X")
    var form = MultipartForm()
    for byte in bytes { form.take(try parser.receive([byte])) }
    #expect(form.parts == expected)
  }

  @Test(arguments: [
    "", "--X", "--X\r\n\r\nnameless\r\n--X--", "--X\r\nContent-Disposition: form-data; name=a\r\n\r\nunfinished",
    "--X\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--X--",
    "--X\r\nContent-Disposition form-data\r\n\r\n\r\n--X--", "--X\nContent-Disposition: form-data; name=a\n\n\n--X--",
  ])
  func refusesWhatIsNoForm(body: String) throws {
    var parser = try MultipartParser(contentType: "multipart/form-data; boundary=X")
    #expect(throws: HTTPError.self) {
      _ = try parser.receive(Array(body.utf8))
      try parser.finish()
    }
  }

  @Test(arguments: [
    "multipart/form-data", "multipart/mixed; boundary=X", "multipart/form-data; boundary=\"\"", "",
    "multipart/form-data; boundary=" + String(repeating: "a", count: 71),
  ])
  func refusesOtherTypes(contentType: String) {
    #expect(throws: HTTPError.self) { try MultipartParser(contentType: contentType) }
  }

  @Test func boundsPartsAndHeads() throws {
    let part = "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n"
    var parser = try MultipartParser(contentType: "multipart/form-data; boundary=X")
    #expect(throws: HTTPError.self) { try parser.receive(Array(String(repeating: part, count: 65).utf8)) }
    var other = try MultipartParser(contentType: "multipart/form-data; boundary=X")
    #expect(throws: HTTPError.self) {
      try other.receive(Array(("--X\r\nA: " + String(repeating: "a", count: 9_000)).utf8))
    }
  }
}
