extension JSON {
  /// The members of an object in the order in which they stand in the text.
  ///
  /// Equality ignores the order. Setting a name again replaces its value in place; `nil` removes it.
  public struct Object: Sendable, Hashable, ExpressibleByDictionaryLiteral, Sequence {
    public typealias Element = (key: String, value: JSON)

    /// So many members are looked through one by one: faster than a table, in building and in asking.
    private static let smallCount = 12

    private var members: [Element] = []
    /// Where each name is; empty as long as there are few.
    private var places: [String: Int] = [:]

    public init() {}

    /// Of members with the same name the last one counts.
    public init(_ members: some Sequence<(String, JSON)>) {
      self.members.reserveCapacity(members.underestimatedCount)
      for (name, value) in members { set(name, value) }
    }

    public init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }

    public var count: Int { members.count }
    public var isEmpty: Bool { members.isEmpty }
    public var keys: [String] { members.map(\.key) }

    public subscript(name: String) -> JSON? {
      get { place(of: name).map { members[$0].value } }
      set {
        if let newValue { set(name, newValue) } else { remove(name) }
      }
    }

    private func place(of name: String) -> Int? {
      places.isEmpty ? members.firstIndex { $0.key == name } : places[name]
    }

    private mutating func set(_ name: String, _ value: JSON) {
      if let place = place(of: name) {
        members[place].value = value
        return
      }
      members.append((name, value))
      if !places.isEmpty {
        places[name] = members.count - 1
      } else if members.count > Self.smallCount {
        index()
      }
    }

    private mutating func remove(_ name: String) {
      guard let place = place(of: name) else { return }
      members.remove(at: place)
      places.removeAll(keepingCapacity: true)
      if members.count > Self.smallCount { index() }
    }

    private mutating func index() {
      places.reserveCapacity(members.count)
      for (place, member) in members.enumerated() { places[member.key] = place }
    }

    public func makeIterator() -> IndexingIterator<[Element]> { members.makeIterator() }
    public var underestimatedCount: Int { members.count }

    public static func == (left: Object, right: Object) -> Bool {
      left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }

    public func hash(into hasher: inout Hasher) {
      // The order does not count: so the members' own hashes are put together by an operation that knows none.
      var all = 0
      for (name, value) in members {
        var member = Hasher()
        member.combine(name)
        member.combine(value)
        all ^= member.finalize()
      }
      hasher.combine(count)
      hasher.combine(all)
    }
  }
}
