import Platform

/// Carries REST calls over the HTTP client.
public struct HTTPTransport: RESTTransport {
  private let client: HTTPClient
  private let timeouts: HTTPClientRequest.Timeouts

  public init(
    client: HTTPClient,
    timeouts: HTTPClientRequest.Timeouts = .init(connect: .seconds(10), total: .seconds(30), idle: .seconds(15))
  ) {
    self.client = client
    self.timeouts = timeouts
  }

  public func send(_ request: RESTRequest) async throws -> RESTResponse {
    do {
      let response = try await client.send(
        HTTPClientRequest(
          request.method, request.url, headers: request.headers, body: request.body.map { .bytes($0) } ?? .none,
          timeouts: timeouts, decompresses: true))
      return RESTResponse(status: response.status, headers: response.headers, body: response.body)
    } catch let error as HTTPClientError {
      if error.reason == .cancelled { throw CancellationError() }
      throw RESTTransportError(error.description, requestMayHaveBeenSent: error.requestMayHaveBeenSent)
    }
  }
}
