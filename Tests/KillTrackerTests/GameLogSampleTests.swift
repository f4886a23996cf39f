import Platform
import Testing

@testable import KillTracker

/// Each line that is known from the real game, by itself.
struct GameLogSampleTests {
  /// Row of ``GameLogSamples`` to what it tells; the others tell nothing by themselves.
  static let expectations: [Int: String] = Dictionary(
    uniqueKeysWithValues: #"""
      1 pvp 0.95: GarQuilr > Luxservexz, Mantis GT-220 Gatling, Anvil F7A Hornet Mk II, VehicleDestruction
      2 pvp 0.95: GarQuilr > Luxservexz, Maris Cannon, Anvil F7A Hornet Mk II, VehicleDestruction
      3 pvp 0.95: ZenyArmir > novga4LU, CF-227 Badger Repeater, Aegis Gladius, VehicleDestruction
      4 pvp 0.95: ZenyArmir > vexyar, S3 missile (Aegis Sabre Firebird), Anvil F7C Hornet Mk II, VehicleDestruction
      5 pvp 0.95: Novwy > Dorraf, CF-337 Panther Repeater, Aegis Gladius, VehicleDestruction
      6 pvp 0.95: DortOry > Koyarnov, Exodus-10 Laser Beam, MISC Starlancer TAC, VehicleDestruction
      7 pvp 0.95: GarQuilr > Luxservexz, -, Space, Explosion
      8 pvp 0.95: GarQuilr > Luxservexz, P4-AR Rifle, RSI Polaris, Bullet
      9 pvp 0.95: Wynser_LF > Garmirqui, Quartz Energy SMG, Hangar, GrimHEX, ElectricArc
      10 pvp 0.95: UlQuil > mirga-vex-art, FS-9 LMG, Aegis Idris-P, Bullet
      11 pve 0.99: NovvengArgarwy > PU_Human_Enemy_GroundCombat_NPC_ASD_techie_5403148870160, BR-2 Shotgun, ASD Lazarus Complex Research Lab, Bullet
      12 pve 0.99: NovvengArgarwy > Kopion_Irradiated_5403148872314, Coda "Ascension" Pistol, ASD Lazarus Complex Research Lab, Bullet
      13 pve 0.99: Koyarnov > PU_Human_Enemy_GroundCombat_NPC_ASD_soldier_4529397865889, FS-9 LMG, Pyro I, Pyro, Bullet
      14 pve 0.99: ven0u > PU_Human-NineTails-Pilot-Male-Light_01_3864128940772, CF-557 Galdereen Repeater, MISC Prospector (NineTails), VehicleDestruction
      15 pve 0.99: Player-123_Name > PU_Human-NineTails-Gunner-Male-Light_01_1234567890123, M7A Cannon, Anvil Valkyrie (NineTails), VehicleDestruction
      16 suicide 0.99: IXVENS > IXVENS, -, Newbab Hab Tower Int 001, Suicide
      17 suicide 0.99: IXVENS > IXVENS, -, RSI Aurora MR, Crash
      18 suicide 0.99: ZenyArmir > ZenyArmir, -, Anvil F7A Hornet Mk II, Crash
      19 suicide 0.9: ZenyArmir > Dortor-Uilraquili, -, Aegis Gladius, Suicide, credited to ZenyArmir
      20 suicide 0.5: RavenGaru > GargArluxyar, -, Aberdeen, Hurston, Stanton, Fire
      21 vehicle 1-2 Combat: SERDO > Anvil F7C-M Super Hornet Mk II, Hurston, Stanton
      22 vehicle 0-2 Combat: Vexr-Fento > Aegis Gladius, Space
      23 vehicle 1-2 Combat: Player-123_Name > Mirai Guardian QI, Lyria, ArcCorp, Stanton
      29 down: Player-123_Name Bleed
      30 down: Player-123_Name DepressurizationDamage+SuffocationDamage
      33 death 0.9 vehicleLoss: NovvengArgarwy, Drake Vulture, Ariel, Hurston, Stanton, -
      34 death 0.8 collision: -, Kruger L-22 Alpha Wolf, Green (Ellis III), Ellis, Tigzz
      35 death 0.8 collision: -, Kruger L-22 Alpha Wolf, Ab Int Tsg Set, GPI_Openable_TSG_ArmDoor-004
      36 down: - 
      38 player Fenmi 202372190174
      41 death 0.6 rescue: -, -, -, -
      49 player SERDO -
      51 mode universe SC_Default
      54 mode menu SC_Frontend
      56 boards MRAI_Guardian_QI_6607088543127
      57 boards MRAI_Guardian_QI_6607088543127
      58 boards MRAI_Guardian_QI_6607088543127
      62 mode arenaCommander EA_SquadronBattle
      67 boards MISC_Prospector_4006139647963
      70 player vexse043 205890636451
      """#.split(separator: "\n").compactMap { line in
        let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        return Int(parts[0]).map { ($0, String(parts[1])) }
      })

  @Test(arguments: 1...74)
  func aLineTellsWhatItsAuthorSaw(row: Int) {
    let expected = Self.expectations[row].map { [$0] } ?? []
    #expect(readings(of: [GameLogSamples.lines[row - 1]]) == expected)
  }

  @Test func noLineOfAKnownFormIsUnreadable() {
    var parser = GameLogParser()
    _ = parser.read(Array(GameLogSamples.lines.joined(separator: "\n").utf8))
    _ = parser.finish()
    #expect(parser.unreadable == 0)
    #expect(parser.lines == 74)
    #expect(GameLogSamples.lines.count == 74)
  }

  @Test func everyKillLineHasItsFieldsAsWritten() throws {
    // Fields by splitting at quotation marks: another way than the parser's.
    for line in GameLogSamples.lines where line.contains("<Actor Death>") {
      var parser = GameLogParser()
      let events = parser.read(Array((line + "\n").utf8))
      let kill = try #require(
        events.compactMap { if case .kill(let kill) = $0.what { kill } else { nil } }.first)
      let quoted = line.split(separator: "'", omittingEmptySubsequences: false).map(String.init)
      #expect(
        [kill.victim.name, kill.zone, kill.killer.name, kill.weapon, kill.damageType]
          == [1, 3, 5, 7, 9].map { quoted[$0] })
      #expect(quoted[2] == " [\(kill.victim.id)] in zone ")
      #expect(quoted[6] == " [\(kill.killer.id)] using ")
      #expect(quoted[8] == " [Class \(kill.weaponClass)] with damage type ")
      #expect(events.first?.timestamp.iso8601 == String(line.dropFirst().prefix(24)))
    }
  }
}

/// What a log of these lines tells, one short text each, without the session's own beginning and end.
func readings(of lines: [String], ending: String = "\r\n") -> [String] {
  var parser = GameLogParser()
  var events = parser.read(Array(lines.map { $0 + ending }.joined().utf8))
  events += parser.finish()
  return events.compactMap(\.reading)
}

extension GameLogEvent {
  var reading: String? {
    switch what {
    case .kill(let kill):
      let credit = kill.creditedTo.map { ", credited to \($0)" } ?? ""
      let vehicle = kill.killerVehicle.map { " in \($0)" } ?? ""
      return "\(kill.kind) \(kill.confidence): \(kill.killer.name)\(vehicle) > \(kill.victim.name)"
        + ", \(kill.weaponName ?? "-"), \(kill.placeName), \(kill.damageType)\(credit)"
    case .vehicleDestruction(let loss):
      return
        "vehicle \(loss.from)-\(loss.to) \(loss.cause): \(loss.causedBy.name) > \(GameNames.vehicle(loss.vehicle.name))"
        + ", \(GameNames.place(loss.zone))\(loss.isOwn ? ", own" : "")"
    case .death(let death):
      return
        "death \(death.confidence) \(death.source): \(death.victim ?? "-")"
        + ", \(death.vehicle.map(GameNames.vehicle) ?? "-"), \(death.place.map(GameNames.place) ?? "-")"
        + ", \(death.collidedWith ?? "-")"
    case .incapacitation(let fall): return "down: \(fall.player ?? "-") \(fall.causes.joined(separator: "+"))"
    case .respawn: return "respawn"
    case .session, .sessionEnd: return nil
    case .player(let player): return "player \(player.handle) \(player.id.map(String.init) ?? "-")"
    case .mode(let mode): return "mode \(mode.place) \(mode.rules ?? "-")"
    case .ownVehicle(let vehicle): return vehicle.map { "boards \($0)" } ?? "leaves"
    }
  }
}
