/// What is known of the game's vehicles, places and systems: bundled with the program, unofficial, and as old as its
/// sources say.
public enum GameReference {
  /// Where facts are from, and of what day they are.
  public struct Source: Sendable, Equatable {
    public let name: String
    public let date: String
    public let about: String
  }

  public static let vehicleSources = [
    Source(name: "star-citizen-live", date: "2026-07-29", about: "names, makers, types and sizes"),
    Source(name: "game data 3.24", date: "2024-12-10", about: "crew, cargo, price and length"),
  ]
  public static let placeSources = [
    Source(name: "all-slain", date: "2025-10-29", about: "names of places, game data 4.3.2")
  ]
  public static let systemSources = [
    Source(name: "all-slain", date: "2025-10-29", about: "systems, planets and moons, with Nyx of November 2025")
  ]

  /// All vehicles, by name.
  public static let vehicles: [Vehicle] = Vehicle.all.sorted {
    ($0.name.lowercased(), $0.className) < ($1.name.lowercased(), $1.className)
  }

  /// By name, class, or name and maker; in any case, and whatever blanks and hyphens are between.
  public static func vehicle(_ name: String) -> Vehicle? {
    VehicleDirectory.shared.named(name) ?? byPlainName[plain(name)]
  }

  private static let byPlainName: [String: Vehicle] = {
    var found: [String: Vehicle] = [:]
    func names(_ vehicle: Vehicle) -> [String] {
      [vehicle.name, "\(vehicle.manufacturer) \(vehicle.name)", GameNames.vehicle(vehicle.className)]
    }
    for vehicle in vehicles {
      for name in names(vehicle) where found[plain(name)] == nil {
        found[plain(name)] = VehicleDirectory.shared.named(name) ?? vehicle
      }
    }
    // As they were called before there was a second of the kind: the Aurora MR became the Aurora Mk I MR.
    for vehicle in vehicles {
      for name in names(vehicle) {
        let words = name.split(separator: " ")
        guard let mark = words.indices.first(where: { words[$0...].starts(with: ["Mk", "I"]) }) else { continue }
        let old = plain((words[..<mark] + words[(mark + 2)...]).joined(separator: " "))
        if found[old] == nil { found[old] = vehicle }
      }
    }
    return found
  }()

  /// A place, a planet or a moon; in any case, and whatever blanks and hyphens are between.
  public static func place(_ name: String) -> GamePlace? {
    if let exact = PlaceDirectory.shared.index.exact(name) { return PlaceDirectory.shared.find(exact.name) }
    if let body = body(name) { return body }
    return placesByPlainName[plain(name)].flatMap { PlaceDirectory.shared.find($0) }
  }

  private static let placesByPlainName: [String: String] = PlaceDirectory.shared.index.matches("", limit: .max)
    .reduce(into: [:]) { found, entry in
      if found[plain(entry.name)] == nil { found[plain(entry.name)] = entry.name }
    }

  private static func body(_ name: String) -> GamePlace? {
    let wanted = plain(name)
    for system in GameSystem.all {
      for planet in system.planets {
        if plain(planet.name) == wanted { return GamePlace(name: planet.name, system: system, bodies: []) }
        for moon in planet.moons where plain(moon) == wanted {
          return GamePlace(name: moon, system: system, bodies: [planet.name])
        }
      }
    }
    return nil
  }

  /// In any case; `Stanton System` is Stanton.
  public static func system(_ name: String) -> GameSystem? {
    let wanted = plain(name)
    return GameSystem.all.first { [plain($0.name), plain($0.name) + "system"].contains(wanted) }
  }

  /// Letters and digits alone, in lower case.
  private static func plain(_ text: String) -> String {
    String(text.lowercased().filter { $0.isLetter || $0.isNumber })
  }
}
