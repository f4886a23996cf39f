import Testing

@testable import KillTracker

struct GameNamesTests {
  @Test func everyTableIsSortedAndFindsEachOfItsRows() {
    for table in [
      GameNames.vehicles, GameNames.crews, GameNames.carriedWeapons, GameNames.vehicleWeapons, GameNames.missileRacks,
      GameNames.zones, GameNames.stantonPlaces, GameNames.otherPlaces,
    ] {
      let rows = table.rows
      #expect(rows.count >= 50)
      for (left, right) in zip(rows, rows.dropFirst()) {
        #expect(left.key.utf8.lexicographicallyPrecedes(right.key.utf8), "\(left.key) before \(right.key)")
      }
      for row in rows {
        #expect(table[row.key] == row.name)
        #expect(!row.name.isEmpty)
      }
      #expect(table[""] == nil)
      #expect(table["~"] == nil)
      #expect(table["A"] == nil)
    }
  }

  @Test(arguments: [
    ("AEGS_Gladius_2456589863667", "Aegis Gladius"), ("AEGS_Gladius", "Aegis Gladius"),
    ("MISC_Prospector_PU_AI_NT_NonLethal_3864128940380", "MISC Prospector (NineTails)"),
    ("AEGS_Gladius_NewPaint_2456589863667", "Aegis Gladius"), ("XXXX_Newship_MkII_2456589863667", "XXXX Newship MkII"),
  ])
  func vehicles(name: String, expected: String) { #expect(GameNames.vehicle(name) == expected) }

  @Test(
    arguments: [
      ("GATS_BallisticGatling_S3_2677329225797", "unknown", "Mantis GT-220 Gatling"),
      ("behr_rifle_ballistic_01_2699085238600", "behr_rifle_ballistic_01", "P4-AR Rifle"),
      ("volt_smg_energy_01_pink77_6589113021365", "volt_smg_energy_01_pink77", "Quartz Energy SMG"),
      ("acme_rifle_ballistic_09_2699085238600", "acme_rifle_ballistic_09", "Acme Rifle Ballistic 09"),
      ("unknown", "unknown", nil), ("IXVENS", "Player", nil), ("", "unknown", nil),
      ("AEGS_Gladius_2456589863667", "unknown", "Aegis Gladius"),
    ] as [(String, String, String?)])
  func weapons(name: String, className: String, expected: String?) {
    #expect(GameNames.weapon(name, class: className) == expected)
  }

  @Test(arguments: [
    ("OOC_Stanton_1_Hurston", "Hurston, Stanton"), ("pyro4", "Pyro IV, Pyro"), ("SolarSystem_2700185231297", "Space"),
    ("Hangar_SmallFront_GrimHEX_6589113285541", "Hangar, GrimHEX"), ("AEGS_Idris_P_602567901387", "Aegis Idris-P"),
    ("ObjectContainer-Newbab_Hab_Tower_Int_001", "Newbab Hab Tower Int 001"), ("", "Space"), ("___", "Unknown"),
  ])
  func places(zone: String, expected: String) { #expect(GameNames.place(zone) == expected) }

  @Test(
    arguments: [
      ("PU_Human_Enemy_GroundCombat_NPC_ASD_techie_5403148870160", 5_403_148_870_160, "ASD Techie"),
      ("PU_Human-NineTails-Pilot-Male-Light_01_3864128940772", 3_864_128_940_772, "NineTails Pilot Light"),
      ("Kopion_Irradiated_5403148872314", 5_403_148_872_314, "Kopion Irradiated"),
      ("AIModule_Unmanned_PU_PDC_6789012345678", 6_789_012_345_678, "NPC Point Defense Cannon"),
      ("AEGS_Gladius_6789012345678", 6_789_012_345_678, "Aegis Gladius"), ("unknown", 0, "Unknown"),
      ("GameRules", 0, "Environment"), ("GarQuilr", 201_106_509_142, "GarQuilr"),
    ] as [(String, UInt64, String)])
  func actors(name: String, id: UInt64, expected: String) {
    #expect(GameNames.actor(GameActor(name: name, id: id)) == expected)
  }

  @Test func vehiclesAreFoundByAnyOfTheirNames() throws {
    #expect(Vehicle.all.count == 295)
    let gladius = try #require(Vehicle.named("gladius"))
    #expect(gladius == Vehicle.named("AEGS_Gladius"))
    #expect(gladius == Vehicle.named("Aegis Gladius"))
    #expect(gladius == Vehicle.named("aegis dynamics gladius"))
    #expect(gladius.manufacturer == "Aegis Dynamics")
    #expect(gladius.crew == 1)
    #expect(Vehicle.named("Death Star") == nil)
    #expect(Set(Vehicle.all.map(\.className)).count == 295)
  }

  @Test func systemsAreKnownByTheirZones() {
    #expect(GameNames.system(ofZone: "OOC_Stanton_1a_Ariel")?.name == "Stanton")
    #expect(GameNames.system(ofZone: "pyro5c")?.name == "Pyro")
    #expect(GameNames.system(ofZone: "somewhere") == nil)
    #expect(GameSystem.named("STANTON")?.planets.count == 4)
  }
}
