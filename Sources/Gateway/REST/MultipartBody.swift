import Platform

/// A body of JSON and files, RFC 7578; the names are those of `developers/reference`, "Uploading Files".
///
/// It is never whole in memory: each file is asked for its bytes while the ones before are sent.
struct MultipartBody: Sendable {
  private let json: [UInt8]
  private let files: [FileUpload]
  private let boundary: String

  init(json: [UInt8], files: [FileUpload], boundary: String) {
    self.json = json
    self.files = files
    self.boundary = boundary
  }

  var upload: RESTUpload {
    RESTUpload(length: length) { write in
      try await write(jsonHead + json)
      for (index, file) in files.enumerated() {
        try await write(head(of: file, at: index))
        try await file.content.write(to: write)
      }
      try await write(end)
    }
  }

  private var length: Int {
    let parts = files.enumerated().reduce(0) {
      $0 + head(of: $1.element, at: $1.offset).count + $1.element.content.length
    }
    return jsonHead.count + json.count + parts + end.count
  }

  private var jsonHead: [UInt8] {
    Array("--\(boundary)\r\n\(fields("name=\"payload_json\"", "application/json"))".utf8)
  }

  private func head(of file: FileUpload, at index: Int) -> [UInt8] {
    // Quotes and line breaks would end the field early.
    let name = file.name.map { "\"\r\n\\".contains($0) ? "_" : String($0) }.joined()
    let type = file.contentType.filter { $0.isASCII && !$0.isNewline }
    return Array("\r\n--\(boundary)\r\n\(fields("name=\"files[\(index)]\"; filename=\"\(name)\"", type))".utf8)
  }

  private var end: [UInt8] { Array("\r\n--\(boundary)--\r\n".utf8) }

  private func fields(_ disposition: String, _ contentType: String) -> String {
    "Content-Disposition: form-data; \(disposition)\r\nContent-Type: \(contentType)\r\n\r\n"
  }
}

extension Route {
  /// - Throws: ``DiscordError/bodyUsedUp(route:after:)`` if a file's bytes could be had only once and were.
  func requireBodyAgain(after reason: String) throws {
    guard case .multipart(_, let files) = body, files.contains(where: \.content.isUsedUp) else { return }
    throw DiscordError.bodyUsedUp(route: limitKey.route, after: reason)
  }
}
