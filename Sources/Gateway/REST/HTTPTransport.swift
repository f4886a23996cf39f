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
    var timeouts = timeouts
    var body = request.body.map { HTTPClientRequest.Body.bytes($0) } ?? .none
    if let upload = request.upload {
      body = .stream(length: upload.length) { writer in try await upload.write { try await writer.write($0) } }
      // What is still moving at this speed is not given up.
      timeouts.total = timeouts.total.map { $0 + .seconds(upload.length / Self.slowestUpload) }
    }
    do {
      let response = try await client.send(
        HTTPClientRequest(
          request.method, request.url, headers: request.headers, body: body, timeouts: timeouts, decompresses: true))
      return RESTResponse(status: response.status, headers: response.headers, body: response.body)
    } catch let error as HTTPClientError {
      if error.reason == .cancelled { throw CancellationError() }
      var isUploadFailure = false
      if case .uploadFailed = error.reason { isUploadFailure = true }
      throw RESTTransportError(
        error.description, requestMayHaveBeenSent: error.requestMayHaveBeenSent, isUploadFailure: isUploadFailure)
    }
  }

  /// In bytes per second.
  private static let slowestUpload = 50_000
}
