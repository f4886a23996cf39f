import HTTP
import Platform
import Storage
import Testing

@testable import Gateway
@testable import HTTPAPI

/// The document's "Application Error Codes".
struct PegasusErrorTests {
  @Test(arguments: [
    (DatabaseError.Kind.unavailable, "503 E001"), (.closed, "503 E001"), (.full, "503 E001"), (.corrupt, "503 E001"),
    (.readOnly, "503 E001"), (.commitUnknown, "503 E001"), (.busy, "503 E003 1"), (.overloaded, "503 E003 1"),
    (.timeout, "503 E007"), (.configuration, "500 E008"), (.migration, "500 E008"), (.syntax, ""), (.value, ""),
    (.decoding, ""), (.other, ""),
  ])
  func theDatabase(kind: DatabaseError.Kind, expected: String) {
    let error = DatabaseError(kind, "password of the pool", sql: "SELECT secret")
    let answer = PegasusErrors.httpError(for: error)
    #expect(words(answer) ?? "" == expected)
    // What the database says is for the log.
    #expect(answer?.message.contains("password") != true && answer?.message.contains("SELECT") != true)
  }

  @Test func discordAndTime() {
    for (error, expected) in [
      (DiscordError.unauthorized, "503 E002"),
      (.network(route: "r", reason: "away", requestMayHaveBeenSent: true), "503 E002"),
      (.overloaded(waiting: 1), "503 E002"),
      (.rateLimited(route: "r", retryAfter: .milliseconds(2_100)), "503 E003 3"),
    ] { #expect(words(PegasusErrors.httpError(for: error)) == expected) }
    #expect(words(PegasusErrors.httpError(for: TimeLimitExceeded())) == "503 E007")
    #expect(PegasusErrors.httpError(for: CancellationError()) == nil)
  }

  @Test(arguments: [
    (400, "E004"), (401, "E005"), (403, "E005"), (404, "E006"), (429, "E003"), (408, "E007"), (413, "E004"),
  ])
  func whatCallersDoWrong(status: Int, code: String) {
    let response = HTTPErrorShape.pegasus.response(
      for: HTTPError(HTTPStatus(rawValue: status), "no"), to: nil)
    #expect(response.json == ["error": ["code": .string(code), "message": "no"]])
    #expect(response.status.rawValue == status)
  }

  private func words(_ error: HTTPError?) -> String? {
    error.map { error in
      [error.status.description, error.code ?? "", error.headers["Retry-After"] ?? ""].filter { !$0.isEmpty }
        .joined(separator: " ")
    }
  }
}
