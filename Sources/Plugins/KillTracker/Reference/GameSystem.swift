/// A star system that can be visited, with its planets and moons.
///
/// From the zones' table; systems in play since Nyx opened in November 2025.
public struct GameSystem: Sendable, Hashable {
  public struct Body: Sendable, Hashable {
    public var name: String
    public var moons: [String]
  }

  public var name: String
  public var planets: [Body]

  /// Planets and moons alike, moons first, so that a moon is found before the planet that stands beside it.
  var bodies: [Body] { planets.flatMap { $0.moons.map { Body(name: $0, moons: []) } } + planets }

  public static let all: [GameSystem] = [
    GameSystem(
      name: "Stanton",
      planets: [
        Body(name: "Hurston", moons: ["Arial", "Aberdeen", "Magda", "Ita"]),
        Body(name: "Crusader", moons: ["Cellin", "Daymar", "Yela"]),
        Body(name: "ArcCorp", moons: ["Lyria", "Wala"]),
        Body(name: "microTech", moons: ["Calliope", "Clio", "Euterpe"]),
      ]),
    GameSystem(
      name: "Pyro",
      planets: [
        Body(name: "Pyro I", moons: []), Body(name: "Monox", moons: []), Body(name: "Bloom", moons: []),
        Body(name: "Pyro IV", moons: []),
        Body(name: "Pyro V", moons: ["Ignis", "Vatra", "Adir", "Fairo", "Fuego", "Vuur"]),
        Body(name: "Terminus", moons: []),
      ]),
    GameSystem(name: "Nyx", planets: [Body(name: "Delamar", moons: [])]),
  ]

  /// - Parameter name: in any case.
  public static func named(_ name: String) -> GameSystem? {
    all.first { $0.name.lowercased() == name.lowercased() }
  }
}
