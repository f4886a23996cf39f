import Platform

/// What carries requests to Discord: the HTTP client, or a script in tests.
public protocol RESTTransport: Sendable {
  /// - Throws: ``RESTTransportError`` if no response came. Any status is a response.
  func send(_ request: RESTRequest) async throws -> RESTResponse
}

public struct RESTRequest: Sendable {
  public var method: HTTPMethod
  public var url: String
  public var headers: HTTPHeaders
  /// Nil sends no body at all.
  public var body: [UInt8]?
}

public struct RESTResponse: Sendable {
  public var status: Int
  public var headers: HTTPHeaders
  public var body: [UInt8]

  public init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// No response came.
public struct RESTTransportError: Error, Sendable, CustomStringConvertible {
  public let description: String
  /// False only if it is certain that no byte left.
  public let requestMayHaveBeenSent: Bool

  public init(_ description: String, requestMayHaveBeenSent: Bool) {
    self.description = description
    self.requestMayHaveBeenSent = requestMayHaveBeenSent
  }
}
