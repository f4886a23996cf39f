import Commands
import HTTP
import Platform

/// `POST /interactions`: where Discord sends interactions if the application's page names this address. Each request is
/// signed; nothing else is looked at.
public struct InteractionsSurface: Surface {
  private let endpoint: @Sendable () -> InteractionEndpoint?

  /// - Parameter endpoint: nil while the bot is not assembled yet: Discord is told to come again.
  public init(_ endpoint: @escaping @Sendable () -> InteractionEndpoint?) { self.endpoint = endpoint }

  public var name: SurfaceName { .interactions }
  public var title: String { "Discord interactions" }
  /// As ``InteractionEndpoint`` answers: `{"error": "…"}`.
  public var errors: HTTPErrorShape {
    HTTPErrorShape(schema: Schema.of(Failure.self)) { error, _ in
      .json(["error": .string(error.message)] as JSON, status: error.status)
    }
  }

  private struct Failure: Decodable {
    let error: String
  }

  public func declare(in routes: inout SurfaceRoutes) {
    let endpoint = endpoint
    routes.change(
      .post, "/interactions", access: .anyone, limit: .none, audit: .byService,
      RouteNotes(
        "Takes an interaction that Discord signed", errors: [.unauthorized, .conflict, .serviceUnavailable]),
      .bytes(["application/json"]), returning: .response("application/json")
    ) { request, body in
      guard let endpoint = endpoint() else {
        throw HTTPError(
          .serviceUnavailable, kind: .overloaded, "the bot is still starting", headers: ["Retry-After": "5"])
      }
      let response = await endpoint.handle(
        signature: request.headers["X-Signature-Ed25519"], timestamp: request.headers["X-Signature-Timestamp"],
        body: body)
      let status = HTTPStatus(rawValue: response.status)
      guard !response.body.isEmpty else { return HTTPResponse(status: status) }
      return HTTPResponse(status: status, bytes: response.body, contentType: "application/json")
    }
  }
}
