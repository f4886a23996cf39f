import Core
import HTTP
import KillTracker
import Platform

/// The game's vehicles, places, systems and players, as the reference prints them: `{"success": true, "data": …}`, and
/// beside it where the facts are from.
struct KillTrackerGame: Sendable {
  let services: KillTrackerServices

  struct Source: Codable, Sendable {
    let name: String
    let date: String
    let about: String

    init(_ source: GameReference.Source) { (name, date, about) = (source.name, source.date, source.about) }
  }

  struct Ship: Codable, Sendable, SchemaRuled {
    let name: String
    let manufacturer: String
    @Nullable var type: String?
    @Nullable var size: String?
    @Nullable var crew: Int?
    @Nullable var cargo: Double?
    @Nullable var price: Int64?
    @Nullable var length: Double?
    let className: String

    static let schemaRules: SchemaRules = [
      "crew": .about("Null where unknown"), "cargo": .about("In SCU; null where unknown"),
      "price": .about("In aUEC; null where unknown or not sold in the game"),
      "length": .about("In metres; null where unknown"), "className": .about("As the game's logs call it"),
    ]

    init(_ vehicle: Vehicle) {
      name = vehicle.name
      manufacturer = vehicle.manufacturer
      type = vehicle.type
      size = vehicle.size
      crew = vehicle.crew
      cargo = vehicle.cargo
      price = vehicle.price
      length = vehicle.length
      className = vehicle.className
    }
  }

  struct Ships: Codable, Sendable {
    var success = true
    let data: [Ship]
    let count: Int
    let sources: [Source]

    init(_ vehicles: [Vehicle]) {
      data = vehicles.map(Ship.init)
      count = data.count
      sources = GameReference.vehicleSources.map(Source.init)
    }
  }

  struct One<Value: Codable & Sendable>: Codable, Sendable {
    var success = true
    let data: Value
    let sources: [Source]

    init(_ data: Value, _ sources: [GameReference.Source]) {
      self.data = data
      self.sources = sources.map(Source.init)
    }
  }

  struct Location: Codable, Sendable, SchemaRuled {
    let name: String
    @Nullable var system: String?
    let bodies: [String]
    let kills: Int

    static let schemaRules: SchemaRules = [
      "system": .text("Null where the tables do not tell", example: "Stanton"),
      "bodies": .list("The planet, or the moon and its planet", example: ["Daymar", "Crusader"]),
      "kills": .about("Recorded kills that name the place"),
    ]
  }

  struct System: Codable, Sendable {
    struct Planet: Codable, Sendable {
      let name: String
      let moons: [String]
    }
    let name: String
    let planets: [Planet]

    init(_ system: GameSystem) {
      name = system.name
      planets = system.planets.map { Planet(name: $0.name, moons: $0.moons) }
    }
  }

  struct Player: Codable, Sendable, SchemaRuled {
    let handle: String
    let isVerified: Bool
    @Nullable var userId: String?
    let privacyLevel: String
    let totalKills: Int
    let totalDeaths: Int
    let killDeathRatio: Double
    @Nullable var favoriteWeapon: String?
    let totalPlayTime: String
    @Nullable var rank: Int?
    let knownSince: Timestamp
    let updatedAt: Timestamp

    static let schemaRules: SchemaRules = [
      "isVerified": .about("Whether a user proved that the handle is theirs"),
      "userId": .text("Who proved it; null: nobody", example: "123456789012345678"),
      "totalPlayTime": .text(example: "45h 30m"),
    ]
  }

  static func unknown(_ what: String) -> HTTPError {
    HTTPError(.notFound, kind: .notFound, "there is no \(what) of that name")
  }

  func location(_ name: String) async throws -> One<Location> {
    guard let place = GameReference.place(name) else { throw Self.unknown("place") }
    // Only how many they are: no names.
    let viewer = KillViewer(user: nil, isAdmin: true)
    let kills = try await services.kills.list(KillFilter(location: place.name), limit: 1, for: viewer).total
    return One(
      Location(name: place.name, system: place.system?.name, bodies: place.bodies, kills: kills),
      GameReference.placeSources)
  }

  /// What this tracker knows; nobody else is asked.
  func player(_ handle: String, for viewer: KillViewer) async throws -> Player {
    guard let player = try await services.kills.players.sketch(ofHandle: handle) else {
      throw HTTPError(.notFound, kind: .notFound, "no player of that handle is known")
    }
    let statistics = try await KillTrackerKills.perform {
      try await services.kills.statistics(of: player.id, for: viewer)
    }
    return Player(
      handle: player.handle, isVerified: player.user != nil, userId: player.user.map { "\($0)" },
      privacyLevel: player.privacy.rawValue, totalKills: statistics.totalKills, totalDeaths: statistics.totalDeaths,
      killDeathRatio: statistics.killDeathRatio, favoriteWeapon: statistics.favouriteWeapon,
      totalPlayTime: statistics.playTimeText, rank: statistics.rank, knownSince: player.knownSince,
      updatedAt: player.updatedAt)
  }
}

extension KillTrackerReference {
  func declareGame(in routes: inout SurfaceRoutes) {
    let game = KillTrackerGame(services: services)
    let service = KillTrackerKills(services)
    let tags = ["Star Citizen"]
    let name = SchemaRule.text("In any case", length: 1...100)
    // Made once: they never change.
    let ships = KillTrackerGame.Ships(GameReference.vehicles)
    routes.read(
      "/api/sc/ships", access: .user(.readKills), limit: .byCaller(.read),
      RouteNotes("All ships and ground vehicles, by name", tags: tags), returning: .json(KillTrackerGame.Ships.self)
    ) { _ in ships }
    routes.read(
      "/api/sc/ships/:name", access: .user(.readKills), limit: .byCaller(.read),
      RouteNotes("A ship or ground vehicle", tags: tags, errors: [.notFound]), .path("name", String.self, name),
      returning: .json(KillTrackerGame.One<KillTrackerGame.Ship>.self)
    ) { _, name in
      guard let ship = GameReference.vehicle(name) else { throw KillTrackerGame.unknown("ship or vehicle") }
      return KillTrackerGame.One(KillTrackerGame.Ship(ship), GameReference.vehicleSources)
    }
    routes.read(
      "/api/sc/locations/:name", access: .user(.readKills), limit: .byCaller(.read),
      RouteNotes("A place of the game", tags: tags, errors: [.notFound]), .path("name", String.self, name),
      returning: .json(KillTrackerGame.One<KillTrackerGame.Location>.self)
    ) { _, name in try await game.location(name) }
    routes.read(
      "/api/sc/systems/:name", access: .user(.readKills), limit: .byCaller(.read),
      RouteNotes("A star system with its planets and moons", tags: tags, errors: [.notFound]),
      .path("name", String.self, name), returning: .json(KillTrackerGame.One<KillTrackerGame.System>.self)
    ) { _, name in
      guard let system = GameReference.system(name) else { throw KillTrackerGame.unknown("system") }
      return KillTrackerGame.One(KillTrackerGame.System(system), GameReference.systemSources)
    }
    routes.read(
      "/api/sc/players/:handle", access: .user(.readStats), limit: .byCaller(.read),
      RouteNotes("What this tracker knows of a player", tags: tags, errors: [.notFound]),
      .path("handle", String.self, .text("In any case", length: 1...64)),
      returning: .json(Succeeded<KillTrackerGame.Player>.self)
    ) { request, handle in Succeeded(try await game.player(handle, for: service.viewer(of: request))) }
  }
}
