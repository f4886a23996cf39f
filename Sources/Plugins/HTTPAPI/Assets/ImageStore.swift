import Glibc
import HTTP
import Platform

/// Pictures that people upload, as files of a directory.
///
/// An upload goes piece by piece into a temporary file beside the others, is put safely on disk, and then gets its name:
/// a file of that name is always whole. A process that dies on the way leaves a temporary file, which the next
/// ``open(directory:threads:)`` of any process removes: the lock of its writer is gone with it.
public struct ImageStore: Sendable {
  /// 15 MB, as Aurora prints it.
  public static let maximumBytes = 15 << 20
  /// For routes that take an image and some fields.
  public static let bodyLimit = maximumBytes + maximumFieldBytes + (64 << 10)
  /// Of all plain fields of one form together.
  static let maximumFieldBytes = 256 << 10
  static let temporaryPrefix = ".upload-"

  typealias Write = TemporaryFile.Write

  public let directory: String
  let threads: FileThreads
  let write: Write

  public enum Failure: Error, Sendable, Equatable {
    /// Not PNG, JPEG, WebP or GIF.
    case notAnImage
    case tooLarge(limit: Int)
    /// The disk, or the share of it that is ours, is full.
    case full
    /// The disk does not work; the code is the system's.
    case unavailable(code: Int32)

    /// In the caller's terms.
    /// - Parameter field: the form's field.
    public func asHTTPError(field: String) -> HTTPError {
      switch self {
      case .notAnImage: .invalid(.invalidBody, [.init(path: field, message: "must be a PNG, JPEG, WebP or GIF image")])
      case .tooLarge(let limit):
        HTTPError(.contentTooLarge, kind: .bodyTooLarge, "the image is larger than \(limit >> 20) MB")
      case .full: HTTPError(507, kind: .overloaded, "there is no room for another image")
      case .unavailable:
        HTTPError(.serviceUnavailable, kind: .overloaded, "images cannot be stored now", headers: ["Retry-After": "30"])
      }
    }
  }

  /// Makes the directory if it is missing, and removes what interrupted uploads left.
  /// - Throws: ``Failure``
  public static func open(directory: String, threads: FileThreads) async throws -> ImageStore {
    try await open(directory: directory, threads: threads) { Glibc.write($0, $1.baseAddress, $1.count) }
  }

  static func open(directory: String, threads: FileThreads, write: @escaping Write) async throws -> ImageStore {
    try await onDisk(threads) {
      try FileCalls.makeDirectory(directory)
      try TemporaryFile.removeOrphans(prefix: temporaryPrefix, in: directory)
    }
    return ImageStore(directory: directory, threads: threads, write: write)
  }

  /// Takes an image piece by piece.
  /// - Returns: the name of its file, which nobody can guess.
  /// - Throws: ``Failure``, and what reading `pieces` throws; nothing is left then.
  public func store<Pieces: AsyncSequence & Sendable>(_ pieces: Pieces) async throws -> String
  where Pieces.Element == [UInt8] {
    let upload = begin()
    return try await discardingOnFailure(upload) {
      for try await piece in pieces { try await upload.append(piece) }
      return try await upload.finish()
    }
  }

  public struct Form: Sendable, Equatable {
    /// Plain fields by name; of several the last.
    public var fields: [String: String] = [:]
    /// The name of the stored image; nil if the form has none. To be deleted if what it is for fails.
    public var image: String?
  }

  /// Takes a form with plain fields and at most one image.
  /// - Parameter field: the image's name in the form.
  /// - Throws: ``HTTPError``; nothing is left then.
  public func receive(_ request: HTTPRequest, image field: String) async throws -> Form {
    var parser = try MultipartParser(contentType: request.headers["Content-Type"])
    if let length = request.body.expectedLength, length > Self.bodyLimit {
      throw Failure.tooLarge(limit: Self.maximumBytes).asHTTPError(field: field)
    }
    let upload = begin()
    do {
      return try await discardingOnFailure(upload) {
        var reader = FormReader(imageField: field)
        for try await piece in request.body {
          for event in try parser.receive(piece) {
            if let bytes = try reader.take(event) { try await upload.append(bytes) }
          }
        }
        try parser.finish()
        var form = Form(fields: reader.fields)
        if reader.hasImage { form.image = try await upload.finish() }
        return form
      }
    } catch let failure as Failure {
      throw failure.asHTTPError(field: field)
    }
  }

  /// - Returns: whether there was one.
  @discardableResult
  public func delete(_ name: String) async throws -> Bool {
    guard Self.isName(name) else { return false }
    return try await Self.onDisk(threads) { [directory] in try FileCalls.remove(name, in: directory) }
  }

  /// Whether it is a name that we gave.
  public static func isName(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 2 && parts[0].utf8.count == 22 && parts[0].utf8.allSatisfy(Base62.isDigit)
      && ImageKind.allCases.contains { $0.fileExtension == parts[1] }
  }

  /// What fails there, in the store's terms.
  static func onDisk<Result: Sendable>(
    _ threads: FileThreads, _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    do { return try await threads.run(body) } catch let error as SystemError {
      throw switch error.code {
      case ENOSPC, EDQUOT, EFBIG: Failure.full
      default: Failure.unavailable(code: error.code)
      }
    }
  }

  private func begin() -> ImageUpload { ImageUpload(directory: directory, threads: threads, write: write) }

  private func discardingOnFailure<Result>(
    _ upload: ImageUpload, _ body: () async throws -> Result
  ) async throws -> Result {
    do {
      let result = try await body()
      // A form without an image has begun none.
      await upload.discard()
      return result
    } catch {
      await upload.discard()
      throw error
    }
  }
}

/// Sorts the events of a form: what belongs to the image, and what is a plain field.
private struct FormReader {
  let imageField: String
  private(set) var hasImage = false
  private var current: (name: String, bytes: [UInt8])?
  private var isInImage = false
  private var fieldBytes = 0
  private(set) var fields: [String: String] = [:]

  init(imageField: String) { self.imageField = imageField }

  /// - Returns: bytes of the image.
  mutating func take(_ event: MultipartParser.Event) throws -> [UInt8]? {
    switch event {
    case .partBegan(let head) where head.name == imageField:
      guard !hasImage else { throw invalid(imageField, "must stand there once") }
      hasImage = true
      isInImage = true
    case .partBegan(let head):
      guard head.filename == nil else { throw invalid(head.name, "must not be a file") }
      current = (head.name, [])
    case .content(let bytes) where isInImage: return bytes
    case .content(let bytes):
      fieldBytes += bytes.count
      guard fieldBytes <= ImageStore.maximumFieldBytes else {
        throw HTTPError(.contentTooLarge, kind: .bodyTooLarge, "the fields of the form are too large")
      }
      current?.bytes += bytes
    case .partEnded:
      isInImage = false
      if let part = current {
        guard let text = String(validating: part.bytes, as: UTF8.self) else { throw invalid(part.name, "must be text") }
        fields[part.name] = text
      }
      current = nil
    }
    return nil
  }

  private func invalid(_ field: String, _ reason: String) -> HTTPError {
    .invalid(.invalidBody, [.init(path: field, message: reason)])
  }
}
