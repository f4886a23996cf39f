import Platform

/// Routes by the segments of their paths. Literals win over parameters, parameters over the rest.
struct RouteTree: Sendable {
  private struct Node: Sendable {
    var literals: [String: Int] = [:]
    var parameter: Int?
    var rest: [HTTPMethod: Int] = [:]
    var routes: [HTTPMethod: Int] = [:]
  }

  struct Match {
    let route: Int
    let values: [String]
  }

  enum Result {
    case found(Match)
    /// The path is known, the method is not; with one of the routes that have the path.
    case otherMethods(Set<HTTPMethod>, route: Int)
    case nothing
  }

  private var nodes = [Node()]

  /// - Returns: false if another route has the same method and shape.
  mutating func insert(_ route: Int, method: HTTPMethod, pattern: PathPattern) -> Bool {
    var place = 0
    for part in pattern.parts {
      switch part {
      case .literal(let text): place = child(of: place, \.literals[text])
      case .parameter: place = child(of: place, \.parameter)
      case .rest: return nodes[place].rest.updateValue(route, forKey: method) == nil
      }
    }
    return nodes[place].routes.updateValue(route, forKey: method) == nil
  }

  private mutating func child(of place: Int, _ path: WritableKeyPath<Node, Int?>) -> Int {
    if let known = nodes[place][keyPath: path] { return known }
    nodes.append(Node())
    nodes[place][keyPath: path] = nodes.count - 1
    return nodes.count - 1
  }

  func find(_ method: HTTPMethod, _ segments: [String]) -> Result {
    var segments = segments[...]
    // `/a/` is taken for `/a`: clients that append `/?v=10` to a base address exist.
    if segments.last == "" { segments = segments.dropLast() }
    var search = Search(method: method)
    find(&search, at: 0, segments)
    if let match = search.match { return .found(match) }
    guard let other = search.other else { return .nothing }
    return .otherMethods(search.others, route: other)
  }

  private struct Search {
    let method: HTTPMethod
    var values: [String] = []
    var match: Match?
    var others: Set<HTTPMethod> = []
    /// Of the closest pattern.
    var other: Int?

    mutating func take(_ routes: [HTTPMethod: Int]) {
      // HEAD is GET without the body (RFC 9110 section 9.3.2).
      if let route = routes[method] ?? (method == .head ? routes[.get] : nil) {
        match = Match(route: route, values: values)
      } else {
        others.formUnion(routes.keys)
        // The first declared, so that the answer does not depend on the order of a dictionary.
        other = other ?? routes.values.min()
      }
    }
  }

  private func find(_ search: inout Search, at place: Int, _ segments: ArraySlice<String>) {
    let node = nodes[place]
    guard let segment = segments.first else { return search.take(node.routes) }
    let remaining = segments.dropFirst()
    if let next = node.literals[segment] { find(&search, at: next, remaining) }
    // A parameter is never empty: `/users//posts` is not `/users/:id/posts`.
    if search.match == nil, let next = node.parameter, !segment.isEmpty {
      search.values.append(segment)
      find(&search, at: next, remaining)
      search.values.removeLast()
    }
    if search.match == nil, !node.rest.isEmpty {
      search.values.append(segments.joined(separator: "/"))
      search.take(node.rest)
      search.values.removeLast()
    }
  }
}
