/// A place of the game, as its tables have it.
public struct GamePlace: Sendable, Equatable {
  /// `Comm Array ST1-48`
  public var name: String
  public var system: GameSystem?
  /// The planet, or the moon and its planet: `["Daymar", "Crusader"]`. Empty where the tables do not tell.
  public var bodies: [String]
}

/// The places in memory, by the names that kills have.
struct PlaceDirectory: Sendable {
  static let shared = PlaceDirectory(
    GameNames.zones.rows + GameNames.stantonPlaces.rows + GameNames.otherPlaces.rows)

  let index: NameIndex
  private let classes: [String: [String]]

  init(_ rows: [(key: String, name: String)]) {
    // Where the tables know no name, they repeat the class.
    let rows = rows.filter { $0.key != $0.name && !GameNames.isVehicle($0.key) }
    classes = Dictionary(grouping: rows) { $0.name.lowercased() }.mapValues { $0.map(\.key) }
    index = NameIndex(names: rows.map(\.name))
  }

  /// By its name in any case, or what can mean no other.
  func find(_ typed: String) -> GamePlace? {
    guard let name = index.resolve(typed)?.name else { return nil }
    let classes = classes[name.lowercased()] ?? []
    let known = classes.compactMap { Self.bodies(ofClass: $0) }
    // One name of several places tells only what they have in common.
    if let first = known.first, known.allSatisfy({ $0.system == first.system }) {
      let isOnePlace = known.allSatisfy { $0.bodies == first.bodies }
      return GamePlace(name: name, system: first.system, bodies: isOnePlace ? first.bodies.filter { $0 != name } : [])
    }
    let system = known.isEmpty ? classes.lazy.compactMap { GameNames.system(ofZone: $0) }.first : nil
    let bodies = system?.planets.flatMap { [$0.name] + $0.moons } ?? []
    let parts = name.split(separator: ",").map { String($0).withoutOuterBlanks }
    return GamePlace(name: name, system: system, bodies: parts.filter { bodies.contains($0) && $0 != name })
  }

  /// What a class tells by its form: `Stanton2b_…` lies on the second moon of Stanton's second planet.
  private static func bodies(ofClass className: String) -> (system: GameSystem, bodies: [String])? {
    for system in GameSystem.all {
      let text = className.lowercased()
      guard text.hasPrefix(system.name.lowercased()) else { continue }
      let rest = text.dropFirst(system.name.count)
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let number = Int(digits), system.planets.indices.contains(number - 1) else { return (system, []) }
      let planet = system.planets[number - 1]
      let letter = rest.dropFirst(digits.count).prefix { $0 != "_" }
      guard letter.count == 1, let code = letter.utf8.first, code >= UInt8(ascii: "a") else {
        return (system, [planet.name])
      }
      let moon = Int(code - UInt8(ascii: "a"))
      guard planet.moons.indices.contains(moon) else { return (system, [planet.name]) }
      return (system, [planet.moons[moon], planet.name])
    }
    return nil
  }
}

/// The weapons in memory.
enum WeaponDirectory {
  static let index = NameIndex(
    names: [GameNames.carriedWeapons, GameNames.vehicleWeapons, GameNames.missileRacks].flatMap { $0.rows.map(\.name) })
}
