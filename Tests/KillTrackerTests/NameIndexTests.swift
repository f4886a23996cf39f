import Testing

@testable import KillTracker

struct NameIndexTests {
  private let index = NameIndex(
    names: [
      "Aegis Gladius", "Aegis Gladius Valiant", "Gladius", "Gladiator", "Anvil Gladiator", "P4-AR Rifle", "Superglad",
    ])

  private func names(_ typed: String, limit: Int = 25) -> [String] { index.matches(typed, limit: limit).map(\.name) }

  @Test func theNameItselfThenItsBeginningThenAWordThenAnywhere() {
    #expect(
      names("GLADIUS") == ["Gladius", "Aegis Gladius", "Aegis Gladius Valiant"])
    #expect(
      names("glad") == [
        "Gladiator", "Gladius", "Aegis Gladius", "Aegis Gladius Valiant", "Anvil Gladiator", "Superglad",
      ])
    #expect(names("glad", limit: 3) == ["Gladiator", "Gladius", "Aegis Gladius"])
    #expect(names("valiant aeg") == ["Aegis Gladius Valiant"])
    #expect(names("ar rif") == ["P4-AR Rifle"])
    #expect(names("ar  x") == [])
    #expect(names("  ").count == 7)
    #expect(names("é") == [])
  }

  @Test func aTextIsResolvedOnlyIfItLeavesNoDoubt() {
    #expect(index.resolve("gladius")?.name == "Gladius")
    #expect(index.resolve("valiant")?.name == "Aegis Gladius Valiant")
    #expect(index.resolve("glad") == nil)
    #expect(index.resolve(" ") == nil)
    #expect(index.exact("valiant") == nil)
    #expect(index.exact(" superGLAD ")?.name == "Superglad")
  }

  @Test func everyVehicleAndPlaceIsFoundByWhatIsOffered() {
    let vehicles = VehicleDirectory.shared
    #expect(vehicles.index.count == Vehicle.all.count)
    for vehicle in Vehicle.all {
      #expect(vehicles.named(vehicle.className) == vehicle)
      #expect(vehicles.find(VehicleDirectory.title(of: vehicle))?.name == vehicle.name)
      #expect(vehicles.named(GameNames.vehicle(vehicle.className)) != nil)
    }
    // Of two that are called the same, the one whose price is known.
    #expect(vehicles.named("Valkyrie")?.price == 19_845_000)
    let places = PlaceDirectory.shared
    #expect(places.index.count > 1_000)
    for entry in places.index.matches("", limit: .max) { #expect(places.find(entry.name)?.name == entry.name) }
  }

  @Test(arguments: [
    ("Daymar", "Stanton", ["Crusader"]), ("microTech", "Stanton", []), ("Comm Array ST1-48", "Stanton", ["Hurston"]),
    ("Pyro V", "Pyro", []), ("PYR1 L1-A", "Pyro", ["Pyro I"]),
    ("Area18 Central, Area18, ArcCorp, Stanton", "Stanton", ["ArcCorp"]),
    ("Shubin Mining Facility SMCa-6", "Stanton", ["Calliope", "microTech"]),
  ])
  func placesKnowWhereTheyAre(name: String, system: String, bodies: [String]) throws {
    let place = try #require(PlaceDirectory.shared.find(name))
    #expect(place.system?.name == system)
    #expect(place.bodies == bodies)
  }

  @Test func oneNameOfSeveralPlacesTellsNoBody() {
    // Two of Pyro's planets have one.
    #expect(PlaceDirectory.shared.find("Derelict Outpost")?.system?.name == "Pyro")
  }
}
