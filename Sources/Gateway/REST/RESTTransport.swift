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
  /// Nil sends no body at all, or ``upload``.
  public var body: [UInt8]?
  /// A body that is made while it is sent.
  public var upload: RESTUpload? = nil
}

/// A body of known length, made piece by piece and anew for every attempt.
public struct RESTUpload: Sendable {
  public typealias Writer = @Sendable ([UInt8]) async throws -> Void

  /// In bytes.
  public let length: Int
  public let write: @Sendable (_ to: Writer) async throws -> Void

  public init(length: Int, write: @escaping @Sendable (_ to: Writer) async throws -> Void) {
    self.length = length
    self.write = write
  }
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
  /// The body could not be made: sending it again cannot help.
  public let isUploadFailure: Bool

  public init(_ description: String, requestMayHaveBeenSent: Bool, isUploadFailure: Bool = false) {
    self.description = description
    self.requestMayHaveBeenSent = requestMayHaveBeenSent
    self.isUploadFailure = isUploadFailure
  }
}
