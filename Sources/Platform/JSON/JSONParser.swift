import CSimdjson

/// Why a text is not acceptable JSON.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  public let message: String
  public init(_ message: String) { self.message = message }
  public var description: String { message }
}

/// Parses JSON with the help of simdjson and lends the result out for the length of a closure.
///
/// A text is checked whole before anybody sees a part of it, but strings and numbers are only read when they are asked
/// for. One parser serves one thread at a time and keeps its memory, so parsing again allocates nothing unless the text
/// is larger than any before; what more than 64 KB needed is given back after 256 texts that did without it.
public final class JSONParser {
  /// Owned: made in `init`, destroyed in `deinit`.
  private let parser: OpaquePointer
  /// Owned: what the views of the present document point to.
  private let document: UnsafeMutablePointer<JSONView.Document>

  /// - Parameters:
  ///   - maximumDepth: deeper nesting is refused, so that nothing that walks the tree can overflow its stack.
  ///   - context: what ``JSONView/context`` gives to those who read a value and know nothing of who let it be parsed.
  public init(maximumDepth: Int = 128, context: AnyObject? = nil) {
    guard let parser = adj_json_parser_create(maximumDepth) else {
      preconditionFailure("out of memory")
    }
    self.parser = parser
    document = .allocate(capacity: 1)
    document.initialize(to: JSONView.Document(context: context, memory: UnsafeRawPointer(document)))
  }

  deinit {
    adj_json_parser_destroy(parser)
    document.deinitialize(count: 1)
    document.deallocate()
  }

  /// Calls `body` with the root of the document. The view and everything reached from it end with the call.
  /// - Throws: ``JSONError`` if the bytes are not one valid JSON document in UTF-8; whatever `body` throws.
  @inlinable
  public func parse<Result>(_ bytes: [UInt8], _ body: (JSONView) throws -> Result) throws -> Result {
    try bytes.withUnsafeBufferPointer { try parse($0, isPadded: false, body) }
  }

  /// As ``parse(_:_:)-(Array<UInt8>,_)`` over memory. With `isPadded` at least ``padding`` readable bytes must follow
  /// the text, and the text is then read in place instead of being copied.
  @inlinable
  public func parse<Result>(
    _ bytes: UnsafeBufferPointer<UInt8>, isPadded: Bool, _ body: (JSONView) throws -> Result
  ) throws -> Result {
    try body(root(of: bytes, isPadded: isPadded))
  }

  @usableFromInline
  func root(of bytes: UnsafeBufferPointer<UInt8>, isPadded: Bool) throws -> JSONView {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { throw JSONError("the text is empty") }
    var found = adj_json_document()
    let code =
      isPadded
      ? adj_json_parse_padded(parser, base, bytes.count, &found)
      : adj_json_parse(parser, base, bytes.count, &found)
    guard code == 0, let nodes = found.nodes, let text = found.text else {
      throw JSONError(String(cString: adj_json_error_message(code)))
    }
    document.pointee.text = UnsafeRawPointer(text)
    // Without any escape there is no such memory, and nothing that points into it.
    document.pointee.strings = UnsafeRawPointer(found.strings ?? text)
    return JSONView(node: nodes, document: UnsafePointer(document))
  }

  /// How many readable bytes must follow a text that is parsed in place.
  public static let padding = adj_json_padding()
}
