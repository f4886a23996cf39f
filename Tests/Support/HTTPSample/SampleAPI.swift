import HTTP
import Platform

enum Rarity: String, Codable, CaseIterable, Sendable {
  case common = "C"
  case rare = "R"
  case superRare = "SR"
}

struct Item: Codable, Sendable {
  var id: Int
  var name: String
  var rarity: Rarity
  var price: Int64
  var tags: [String]
  var note: String?
  var created: Timestamp
}

struct NewItem: Codable, Sendable, SchemaRuled {
  var name: String
  var rarity: Rarity
  var price: Int64
  var tags: [String]
  var note: String?

  static let schemaSummary: String? = "What an item needs to be made"
  static let schemaRules: SchemaRules = [
    "name": .text("Shown in the shop", length: 1...40, pattern: "[A-Za-z0-9][A-Za-z0-9 _-]*", example: "Health Potion"),
    "rarity": .text("How often it drops", default: "C"),
    "price": .integer("In coins", in: 0...1_000_000_000),
    "tags": .list("To search by", count: 0...5, each: .text(length: 1...20), default: []),
    "note": .text(length: 0...200),
  ]
}

struct ItemChange: Codable, Sendable, SchemaRuled {
  var name: String?
  var price: Int64?
  var note: Patched<String>?

  static let schemaRules: SchemaRules = [
    "name": .text(length: 1...40, pattern: "[A-Za-z0-9][A-Za-z0-9 _-]*"),
    "price": .integer("In coins", in: 0...1_000_000_000),
    "note": .text("Null removes it", length: 0...200),
  ]
}

struct ItemQuery: Codable, Sendable, SchemaRuled {
  enum Order: String, Codable, CaseIterable { case name, price }
  var search: String?
  var rarity: [Rarity]?
  var order: Order
  var limit: Int
  var offset: Int

  static let schemaRules: SchemaRules = [
    "search": .text("Part of the name", length: 0...40), "rarity": .list(count: 0...3),
    "order": .text(default: "name"), "limit": .integer(in: 1...100, default: 50),
    "offset": .integer(in: 0...1_000_000, default: 0),
  ]
}

struct Page<Element: Codable & Sendable>: Codable, Sendable {
  var items: [Element]
  var total: Int
  var next: Patched<String>
}

struct Grant: Codable, Sendable, SchemaRuled {
  enum Kind: String, Codable, CaseIterable { case clientCredentials = "client_credentials" }
  var kind: Kind
  var scope: String?
  enum CodingKeys: String, CodingKey {
    case kind = "grant_type"
    case scope
  }
  static let schemaRules: SchemaRules = ["scope": .text(length: 1...50, pattern: "[a-z:]+( [a-z:]+)*")]
}

struct Token: Codable, Sendable {
  var token: String
  var expiresIn: Int
}

struct Access: Sendable { let isPublic: Bool }

actor Shop {
  private var items: [Int: Item] = [:]
  private var nextID = 1
  /// Tools make many.
  private static let capacity = 1_000

  func make(_ new: NewItem) throws -> Item {
    guard items.count < Self.capacity else { throw HTTPError(.conflict, "the shop is full") }
    let item = Item(
      id: nextID, name: new.name, rarity: new.rarity, price: new.price, tags: new.tags, note: new.note,
      created: Timestamp(seconds: 1_700_000_000))
    items[nextID] = item
    nextID += 1
    return item
  }

  func find(_ id: Int) throws -> Item {
    guard let item = items[id] else { throw HTTPError(.notFound, kind: .notFound, "there is no such item") }
    return item
  }

  func change(_ id: Int, _ change: ItemChange) throws -> Item {
    var item = try find(id)
    item.name = change.name ?? item.name
    item.price = change.price ?? item.price
    if let note = change.note { item.note = note.value }
    items[id] = item
    return item
  }

  func remove(_ id: Int) throws {
    guard items.removeValue(forKey: id) != nil else {
      throw HTTPError(.notFound, kind: .notFound, "there is no such item")
    }
  }

  func page(_ query: ItemQuery) -> Page<Item> {
    let found = items.values.filter { item in
      (query.search.map { item.name.contains($0) } ?? true) && (query.rarity?.contains(item.rarity) ?? true)
    }.sorted { query.order == .name ? ($0.name, $0.id) < ($1.name, $1.id) : ($0.price, $0.id) < ($1.price, $1.id) }
    let end = query.offset + query.limit
    return Page(
      items: Array(found.dropFirst(query.offset).prefix(query.limit)), total: found.count,
      next: end < found.count ? .value("/items?offset=\(end)&limit=\(query.limit)") : .null)
  }
}

struct SampleAPI {
  private let shop = Shop()

  func router() -> Router {
    var api = Router(
      errors: HTTPErrorShape(invalidStatus: .unprocessableContent, schema: HTTPErrorShape.json.schema) {
        error, request in
        HTTPErrorShape.json.response(for: error, to: request)
      }, bodyLimit: 64 << 10)
    api.use { request, next in
      // One token for all: what is tested is the description.
      if request.route?[Access.self]?.isPublic == false, request.headers["Authorization"] != "Bearer sample" {
        throw HTTPError(.unauthorized, "a token is needed", headers: ["WWW-Authenticate": "Bearer"])
      }
      return try await next(request)
    }
    items(&api)
    others(&api)
    var info = OpenAPIInfo(title: "Sample", version: "1.0", description: "One route of each kind.")
    info.securitySchemes = ["bearer": ["type": "http", "scheme": "bearer"]]
    info.describe = { route, operation in
      guard let access = route.notes.values[Access.self] else { return }
      operation.security = access.isPublic ? [] : ["bearer"]
      if !access.isPublic { operation.errors.insert(401) }
    }
    api.serveDescription(info, mountedAt: "/api")
    var root = Router()
    root.use(SecurityHeaders().middleware)
    root.use(CrossOriginPolicy(.only(["https://app.example"])).middleware)
    root.use(ResponseCompression().middleware)
    root.mount("/api", api)
    return root
  }

  private func items(_ api: inout Router) {
    let shop = shop
    var list = RouteNotes("List items", tags: ["Items"])
    list.usesEntityTag = true
    api.route(.get, "/items", list, .query(ItemQuery.self), returning: .json(Page<Item>.self)) { _, query in
      await shop.page(query)
    }
    api.route(
      .post, "/items",
      RouteNotes("Make an item", tags: ["Items"], status: .created, errors: [.conflict])
        .with(Access(isPublic: false)), .body(NewItem.self, unknownFields: .refused), returning: .json(Item.self)
    ) { _, new in try await shop.make(new) }
    let id = RouteInput.path("id", Int.self, .integer("The item's id", in: 1...Int(Int32.max)))
    api.route(.get, "/items/:id", RouteNotes("One item", tags: ["Items"]), id, returning: .json(Item.self)) { _, id in
      try await shop.find(id)
    }
    api.route(
      .patch, "/items/:id", RouteNotes("Change an item", tags: ["Items"]).with(Access(isPublic: false)), id,
      .body(ItemChange.self, unknownFields: .refused), returning: .json(Item.self)
    ) { _, id, change in try await shop.change(id, change) }
    api.route(
      .delete, "/items/:id", RouteNotes("Delete an item", tags: ["Items"]).with(Access(isPublic: false)), id,
      returning: .noContent
    ) { _, id in try await shop.remove(id) }
  }

  private func others(_ api: inout Router) {
    api.route(
      .post, "/oauth/token", RouteNotes("Get a token", tags: ["Tokens"]), .form(Grant.self),
      returning: .json(Token.self)
    ) { _, _ in Token(token: "sample", expiresIn: 3_600) }
    api.route(
      .get, "/greeting/:language", RouteNotes("Say hello", tags: ["Other"]),
      .path("language", String.self, .text(values: ["de", "en"])),
      .header("X-Name", String.self, SchemaRule.text(length: 1...20, pattern: "[a-z]+", default: "you")),
      returning: .response("text/plain", .text())
    ) { _, language, name in .text("\(language == "de" ? "hallo" : "hello") \(name)") }
    api.route(
      .put, "/picture", RouteNotes("Set the picture", tags: ["Other"]), .bytes(["image/png"]), returning: .noContent
    ) { _, _ in }
  }
}
