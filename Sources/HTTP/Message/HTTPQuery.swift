/// The fields of a query string or of a form body, in order, decoded as forms are (`+` is a space).
public struct HTTPQuery: Sendable, Hashable, Sequence {
  public struct Item: Sendable, Hashable {
    public let name: String
    public let value: String
  }

  public let items: [Item]

  public static let empty = HTTPQuery(items: [])

  public init(items: [Item]) { self.items = items }

  /// - Parameter raw: without the `?`.
  /// - Throws: ``HTTPError`` 400 for a broken escape or text that is not UTF-8.
  public init(_ raw: some Collection<UInt8>) throws(HTTPError) {
    var items: [Item] = []
    for pair in raw.split(separator: UInt8(ascii: "&")) {
      let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
      guard let name = PercentEncoding.decode(pair[..<equals], plusIsSpace: true),
        let value = PercentEncoding.decode(
          pair[(equals < pair.endIndex ? pair.index(after: equals) : equals)...], plusIsSpace: true)
      else {
        throw HTTPError(.badRequest, kind: .invalidQuery, "the query has a broken percent escape or is not UTF-8")
      }
      items.append(Item(name: name, value: value))
    }
    self.items = items
  }

  /// The first value of that name.
  public subscript(name: String) -> String? { items.first { $0.name == name }?.value }

  public func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

  public func makeIterator() -> IndexingIterator<[Item]> { items.makeIterator() }
}
