import Platform
import Testing

@testable import KillTracker

/// What several lines tell together, and what no line may do.
struct GameLogParserTests {
  private static let head = [
    #"<2025-10-15T20:00:00.000Z> BackupNameAttachment=" Build(10392434) 15 Oct 25 (04 28 21)"  -- used by backup system"#,
    "<2025-10-15T20:00:00.001Z> Log started on Wed Oct 15 20:00:00 2025",
    "<2025-10-15T20:00:00.001Z> FileVersion: 4.3.158.37746",
    "<2025-10-15T20:00:00.002Z> Branch: sc-alpha-4.3.1",
    "<2025-10-15T20:00:01.000Z> [Notice] <Legacy login response> [CIG-net] User Login Success - Handle[SERDO] - Time[1] [Team_GameServices][Login]",
  ]

  private static func kill(
    _ victim: String, _ victimID: UInt64, by killer: String, _ killerID: UInt64, at time: String,
    type: String = "VehicleDestruction", zone: String = "pyro4", severity: String = "[Notice] "
  ) -> String {
    "<2025-10-15T\(time)Z> \(severity)<Actor Death> CActor::Kill: '\(victim)' [\(victimID)] in zone '\(zone)' killed by "
      + "'\(killer)' [\(killerID)] using 'unknown' [Class unknown] with damage type '\(type)' from direction x: 0, y: 0"
  }

  private static func rules(_ name: String) -> String {
    #"<2025-10-15T20:10:00.000Z> [Notice] <Context Establisher Done> establisher="Game" gamerules="\#(name)" sessionId="x""#
  }

  private static func control(_ what: String, _ vehicle: String = "MRAI_Guardian_QI_6607088543127") -> String {
    "<2025-10-15T20:19:10.409Z> [Notice] <Vehicle Control Flow> CVehicle::Initialize: Local client node [205793676047] "
      + "\(what) control token for '\(vehicle)' [6607088543127] [Team_CGP4][Vehicle]"
  }

  private static func notice(_ text: String, number: Int, verb: String = "Added", at time: String = "20:30:00.000")
    -> String
  {
    "<2025-10-15T\(time)Z> [Notice] <SHUDEvent_OnNotification> \(verb) notification \"\(text)\" [\(number)] to queue. "
      + "New queue size: 1, MissionId: [00000000-0000-0000-0000-000000000000], ObjectiveId: [] [Team_X][Missions]"
  }

  private func events(_ lines: [String]) -> [GameLogEvent] {
    var parser = GameLogParser()
    return parser.read(Array(lines.map { $0 + "\r\n" }.joined().utf8)) + parser.finish()
  }

  // MARK: Bytes

  @Test(arguments: ["\n", "\r\n"])
  func everySplitReadsTheSame(ending: String) async {
    let text = Array(GameLogSamples.lines.map { $0 + ending }.joined().utf8)
    var whole = GameLogParser()
    let expected = whole.read(text) + whole.finish()
    #expect(expected.count > 40)
    for size in [1, 2, 3, 7, 26, 27, 28, 64, 255, 1_000] {
      var parser = GameLogParser()
      var found: [GameLogEvent] = []
      for start in stride(from: 0, to: text.count, by: size) {
        found += parser.read(text[start..<min(start + size, text.count)])
      }
      #expect(found + parser.finish() == expected, "in pieces of \(size)")
      #expect(parser.lines == whole.lines)
      await Task.yield()
    }
    // Every place at which two pieces can meet, over a few lines at a time.
    for first in stride(from: 0, to: GameLogSamples.lines.count, by: 3) {
      let lines = GameLogSamples.lines[first..<min(first + 4, GameLogSamples.lines.count)]
      let text = Array(lines.map { $0 + ending }.joined().utf8)
      var whole = GameLogParser()
      let expected = whole.read(text) + whole.finish()
      for cut in 0...text.count {
        var parser = GameLogParser()
        var found = parser.read(text[..<cut])
        found += parser.read(text[cut...])
        if found + parser.finish() != expected { Issue.record("cut at \(cut) of lines from \(first)") }
      }
      await Task.yield()
    }
  }

  @Test func aLastLineThatIsCutOffTellsNothingUntilItIsWhole() {
    let line = Array(GameLogSamples.lines[0].utf8)
    let complete = String(decoding: line, as: UTF8.self).range(of: "VehicleDestruction'")
    let end = String(decoding: line, as: UTF8.self)[..<(complete?.upperBound ?? "".endIndex)].utf8.count
    for cut in 0..<line.count {
      var parser = GameLogParser()
      let live = parser.read(line[..<cut])
      #expect(live.isEmpty)
      // As it stands at the end of a file: a kill only once all that matters of it is there.
      let kills = parser.finish().filter { $0.name == "kill" }
      #expect(kills.count == (cut >= end ? 1 : 0), "cut at \(cut)")
    }
  }

  @Test func noBytesMakeItFail() async {
    var random = SeededGenerator(seed: 7)
    let samples = GameLogSamples.lines.map { Array($0.utf8) }
    for round in 0..<3_000 {
      var text = samples[Int.random(in: 0..<samples.count, using: &random)] + [0x0A]
      text += samples[Int.random(in: 0..<samples.count, using: &random)]
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        let place = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: text[place] = UInt8.random(in: 0...255, using: &random)
        case 1: text.remove(at: place)
        case 2: text.insert([0x0A, 0x22, 0x27, 0x3C, 0x5B][Int.random(in: 0..<5, using: &random)], at: place)
        case 3: text.removeSubrange(place..<min(text.count, place + 30))
        default: text.insert(contentsOf: text[place...].prefix(50), at: place)
        }
        if text.isEmpty { text = [0x0A] }
      }
      var parser = GameLogParser()
      let cut = Int.random(in: 0...text.count, using: &random)
      var found = parser.read(text[..<cut])
      found += parser.read(text[cut...])
      found += parser.finish()
      var whole = GameLogParser()
      #expect(whole.read(text) + whole.finish() == found)
      for event in found { #expect(!event.json.serialized().isEmpty) }
      if round.isMultiple(of: 100) { await Task.yield() }
    }
    for _ in 0..<200 {
      var parser = GameLogParser()
      _ = parser.read((0..<500).map { _ in UInt8.random(in: 0...255, using: &random) })
      _ = parser.finish()
    }
  }

  @Test func aLineWithoutEndIsCutOffAndTheNextOneReadAgain() {
    var parser = GameLogParser()
    let start = Array(Self.kill("a1", 1, by: "b1", 2, at: "20:24:35.039").utf8)
    var found = parser.read(start)
    for _ in 0..<100 { found += parser.read([UInt8](repeating: 0x78, count: 10_000)) }
    found += parser.read(Array("\n\(Self.kill("c1", 3, by: "d1", 4, at: "20:24:36.000"))\n".utf8))
    #expect(found.compactMap(\.reading).count == 2)
    #expect(parser.lines == 2)
  }

  @Test func bytesThatAreNoTextBecomeReplacementCharacters() {
    var parser = GameLogParser()
    var line = Array(Self.kill("XXXX", 1, by: "b1", 2, at: "20:24:35.039").utf8)
    for index in line.indices where line[index] == UInt8(ascii: "X") { line[index] = 0xFF }
    let found = parser.read(line + [0x0A])
    #expect(found.contains { $0.name == "kill" })
  }

  // MARK: Envelope

  @Test(arguments: ["", "[Notice] ", "[Error] ", "[Warning] ", "[Trace] ", "[SPAM 12][Notice] ", "[SPAM 12] [Notice] "])
  func severityMayBeMissingOrDoubled(severity: String) {
    let line = Self.kill("a1", 1, by: "b1", 2, at: "20:24:35.039", severity: severity)
    // Without a blank between the two the second is not found; the game writes one.
    #expect(readings(of: [line]).count == (severity == "[SPAM 12][Notice] " ? 0 : 1))
  }

  @Test(arguments: ["2025-13-15", "2025-00-10", "2025-10-32", "20x5-10-15"])
  func aDateThatIsNoneTellsNothing(date: String) {
    let line = "<\(date)T" + Self.kill("a1", 1, by: "b1", 2, at: "20:24:35.039").dropFirst(12)
    #expect(readings(of: [String(line)]) == [])
  }

  @Test func timesAreReadToTheMillisecond() throws {
    for text in ["2024-02-29T23:59:59.999Z", "1999-12-31T00:00:00.000Z", "2026-11-21T14:50:22.001Z"] {
      let line = Array("<\(text)> x".utf8)
      #expect(line.withUnsafeBytes { LogTime.read($0) } == Timestamp(iso8601: text))
    }
  }

  @Test func anUnknownShapeOfAKnownLineIsCounted() {
    var parser = GameLogParser()
    let line = "<2025-10-15T20:24:35.039Z> [Notice] <Actor Death> CActor::Kill2: 'a' was killed by 'b'\n"
    _ = parser.read(Array(line.utf8))
    #expect(parser.unreadable == 1)
  }

  // MARK: Notices

  @Test func aNoticeOverTwoLinesIsOne() {
    let lines = [
      #"<2026-04-23T01:42:30.285Z> [Notice] <SHUDEvent_OnNotification> Added notification "Incapacitated: ask"#,
      #"<2026-04-23T01:42:30.285Z> others: " [4] to queue. New queue size: 1, MissionId: [x], ObjectiveId: [] [Team_X]"#,
      Self.kill("a1", 1, by: "b1", 2, at: "20:31:00.000"),
    ]
    #expect(readings(of: lines) == ["down: - ", "pvp 0.95: b1 > a1, -, Pyro IV, Pyro, VehicleDestruction"])
  }

  @Test func aNoticeThatIsNeverClosedSwallowsNoKill() {
    let open = #"<2025-10-15T20:31:00.000Z> [Notice] <SHUDEvent_OnNotification> Added notification "half"#
    // The same millisecond, but an entry of its own.
    let kill = Self.kill("a1", 1, by: "b1", 2, at: "20:31:00.000")
    #expect(readings(of: [open, kill]).count == 1)
    #expect(readings(of: [open, "no time at all", kill]).count == 1)
    #expect(readings(of: [open] + Array(repeating: "x", count: 40) + [kill]).count == 1)
  }

  @Test func wordsInANoticeMakeNoEntry() {
    // A channel's name is its owner's to choose.
    let forged = Self.notice("You have joined channel '<Actor Death> CActor::Kill: 'a1' [1] in zone", number: 3)
    #expect(readings(of: [forged]) == [])
  }

  @Test func aRepeatedNoticeIsToldOnce() {
    let text = "Incapacitated: While incapacitated, ask others"
    let lines =
      [Self.notice(text, number: 156)]
      + ["Next", "StartFade", "Remove"].map { Self.notice(text, number: 156, verb: $0) }
      + [Self.notice(text, number: 156), Self.notice(text, number: 157)]
    #expect(readings(of: lines) == ["down: - ", "down: - "])
  }

  // MARK: Kills

  @Test func aRepeatedKillIsToldOnce() {
    let line = Self.kill("a1", 1, by: "b1", 2, at: "20:24:35.039")
    let later = Self.kill("a1", 1, by: "b1", 2, at: "20:24:36.039")
    #expect(readings(of: [line, line, later, line]).count == 2)
  }

  @Test(
    arguments: [
      ("a1", 1, "b1", 2, "Bullet", "pvp"),
      ("a1", 1, "b1", 2, "SomethingNew", "pvp"),
      ("a1", 1, "a1", 1, "Crash", "suicide"),
      ("a1", 1, "b1", 2, "Suicide", "suicide"),
      ("a1", 7, "b1", 7, "Fire", "suicide"),
      ("a1", 1, "unknown", 0, "Fall", "environment"),
      ("a1", 1, "Radiation_Hazard", 9, "Radiation", "environment"),
      ("a1", 1, "Hazard-003", 0, "Fire", "environment"),
      ("a1", 1, "GameRules", 0, "Explosion", "environment"),
      ("a1", 1, "PU_Human_Enemy_GroundCombat_NPC_ASD_soldier_4529397865889", 4_529_397_865_889, "Bullet", "npc"),
      ("a1", 1, "Kopion_4529397865889", 4_529_397_865_889, "TakeDown", "npc"),
      ("a1", 1, "NPC_Archetypes-Male-Human-Guards", 5, "Bullet", "npc"),
      ("a1", 1, "aNameThatIsLongerThanAHandle", 5, "Bullet", "npc"),
      ("a1", 1, "AIModule_Unmanned_PU_PDC_6789012345678", 6_789_012_345_678, "Bullet", "turret"),
      ("a1", 1, "AEGS_Gladius_6789012345678", 6_789_012_345_678, "Bullet", "turret"),
      ("PU_Pilots-Human-x_6789012345678", 6_789_012_345_678, "b1", 2, "Bullet", "pve"),
      ("AIModule_Unmanned_PU_PDC_6789012345678", 6_789_012_345_678, "b1", 2, "Bullet", "pve"),
      ("luxyarfenyar_55", 201_106_509_142, "b1", 2, "Bullet", "pvp"),
      ("Seryartorve", 1_517_792_256_899, "IXVENS", 2_523_103_150_899, "Bullet", "pvp"),
      ("PU_Pilots-Human-x_6789012345678", 6_789_012_345_678, "unknown", 0, "Bullet", nil),
      (
        "PU_Pilots-Human-x_6789012345678", 6_789_012_345_678, "PU_Pilots-Human-y_6789012345679", 6_789_012_345_679,
        "Bullet", nil
      ),
      ("Kopion_6789012345678", 6_789_012_345_678, "Kopion_6789012345678", 6_789_012_345_678, "Suicide", nil),
    ] as [(String, UInt64, String, UInt64, String, String?)])
  func kindsFollowTheRules(
    victim: String, victimID: UInt64, killer: String, killerID: UInt64, type: String, expected: String?
  ) {
    let reading = KillClassifier.classify(
      victim: GameActor(name: victim, id: victimID), killer: GameActor(name: killer, id: killerID), damageType: type)
    #expect(reading?.kind.rawValue == expected)
    if let reading { #expect((0.5...1).contains(reading.confidence)) }
  }

  @Test func theOwnVehicleStandsBesideOwnKillsOnly() {
    let lines =
      Self.head + [
        Self.control("requesting"), Self.control("granted"), Self.kill("a1", 1, by: "SERDO", 2, at: "20:24:35.039"),
        Self.kill("a2", 3, by: "other", 4, at: "20:24:36.039"), Self.control("releasing"),
        Self.kill("a3", 5, by: "SERDO", 2, at: "20:24:37.039"),
      ]
    #expect(
      readings(of: lines) == [
        "player SERDO -", "boards MRAI_Guardian_QI_6607088543127",
        "pvp 0.95: SERDO in MRAI_Guardian_QI_6607088543127 > a1, -, Pyro IV, Pyro, VehicleDestruction",
        "pvp 0.95: other > a2, -, Pyro IV, Pyro, VehicleDestruction", "leaves",
        "pvp 0.95: SERDO > a3, -, Pyro IV, Pyro, VehicleDestruction",
      ])
  }

  @Test func aKillInALostVehicleIsWhereTheVehicleWas() {
    let loss = GameLogSamples.lines[20]
    let kill = Self.kill(
      "a1", 1, by: "SERDO", 205_793_676_047, at: "20:24:35.039", zone: "ANVL_Hornet_F7CM_Mk2_6734193926082")
    #expect(readings(of: [loss, kill]).last == "pvp 0.95: SERDO > a1, -, Hurston, Stanton, VehicleDestruction")
  }

  @Test(arguments: [("EA_FreeFlight", 0), ("EA_SquadronBattle", 0), ("EA_Elimination", 1), ("SC_Default", 1)])
  func crashesInArenaCommanderFlightCountForNothing(rules: String, count: Int) {
    let lines = [Self.rules(rules), Self.kill("a1", 1, by: "a1", 1, at: "20:24:35.039", type: "Crash")]
    #expect(events(lines).filter { $0.name == "kill" }.count == count)
    let combat = [Self.rules(rules), Self.kill("a1", 1, by: "b1", 2, at: "20:24:35.039")]
    let kills = events(combat).compactMap { if case .kill(let kill) = $0.what { kill } else { nil } }
    #expect(kills.map(\.mode.place) == [rules == "SC_Default" ? .universe : .arenaCommander])
  }

  // MARK: Deaths without a killer

  private static func dead(_ time: String, _ name: String = "SERDO") -> String {
    "<2026-06-28T\(time)Z> [Notice] <[ActorState] Dead> [ACTOR STATE][CSCActorControlStateDead::PrePhysicsUpdate] Actor "
      + "'\(name)' [204681269041] ejected from zone 'DRAK_Vulture_624220273265' [624220273265] to zone "
      + "'OOC_Stanton_1a_Ariel' [524998364020] due to previous zone being in a destroyed vehicle [Team_X][Actor]"
  }
  private static func body(_ time: String) -> String {
    "<2026-06-28T\(time)Z> [Notice] <Adding non kept item [CSCActorCorpseUtils::PopulateItemPort]> Item "
      + "'body_01_noMagicPocket_510415156137 - Class(x)', Recorded data is: Port Name 'Body_ItemPort' [Team_X][Unknown]"
  }

  @Test func signsOfOneDeathAreOneDeath() {
    let signs = [Self.body("20:00:00.000"), Self.dead("20:00:03.000"), Self.body("20:00:10.000")]
    #expect(
      readings(of: signs) == ["death 0.95 vehicleLoss: SERDO, Drake Vulture, Ariel, Hurston, Stanton, -"])
    let two = [Self.dead("20:00:00.000"), Self.dead("20:00:26.000")]
    #expect(readings(of: two).count == 2)
  }

  @Test func aKillTellsMoreThanTheSignsAroundIt() {
    func kill(_ time: String) -> String {
      "<2026-06-28T\(time)Z>" + Self.kill("SERDO", 204_681_269_041, by: "b1", 2, at: "00:00:00.000").dropFirst(26)
    }
    #expect(readings(of: [Self.dead("20:00:00.000"), kill("20:00:01.000")]).map { $0.prefix(3) } == ["pvp"])
    #expect(readings(of: [kill("20:00:00.000"), Self.dead("20:00:01.000")]).map { $0.prefix(3) } == ["pvp"])
    #expect(readings(of: [kill("20:00:00.000"), Self.dead("20:00:26.000")]).map { $0.prefix(3) } == ["pvp", "dea"])
    // Somebody else's death is no word about one's own.
    #expect(readings(of: [Self.dead("20:00:00.000", "other1"), kill("20:00:01.000")]).count == 2)
  }

  @Test func aDeathIsToldWhenItsTimeIsOverEvenByALineThatMattersNot() {
    var parser = GameLogParser()
    #expect(parser.read(Array((Self.dead("20:00:00.000") + "\n").utf8)).compactMap(\.reading) == [])
    #expect(parser.read(Array("<2026-06-28T20:00:20.000Z> [Notice] <Whatever> says nothing\n".utf8)).isEmpty)
    #expect(parser.read(Array("<2026-06-28T20:00:26.000Z> [Notice] <Whatever> says nothing\n".utf8)).count == 1)
  }

  @Test func othersCorpsesAreNoDeathsAndOnesOwnIsOne() {
    let corpse = { (name: String) in
      "<2025-10-15T20:24:35.076Z> [Notice] <[ActorState] Corpse> [ACTOR STATE][X] Player '\(name)' <remote client>: "
        + "IsCorpseEnabled: Yes, there is no local inventory. [Team_ActorFeatures][Actor]"
    }
    #expect(readings(of: Self.head + [corpse("2ORY"), corpse("2ORY")]) == ["player SERDO -"])
    #expect(
      readings(of: Self.head + [corpse("SERDO"), corpse("SERDO")])
        == ["player SERDO -", "death 0.75 corpse: SERDO, -, -, -"])
  }

  @Test func comingBackIsToldAfterADeathOnly() {
    func entered(_ time: String) -> String {
      "<2026-06-28T\(time)Z> [Notice] <Recv Unbind Batch Add Player> Unbind Batch Add sent playerGEID=204681269041 x"
    }
    let who =
      #"<2026-06-28T19:00:00.000Z> [Notice] <EndMission> Ending mission for player. MissionId[x] Player[SERDO] PlayerId[204681269041] CompletionType[Complete]"#
    let lines = [
      who, entered("19:30:00.000"), Self.dead("20:00:00.000"), entered("20:00:15.000"), entered("20:01:00.000"),
    ]
    #expect(
      readings(of: lines) == [
        "player SERDO 204681269041", "death 0.9 vehicleLoss: SERDO, Drake Vulture, Ariel, Hurston, Stanton, -",
        "respawn",
      ])
  }

  // MARK: Sessions

  @Test func aSessionTellsItsBuildAndWhatThatCanGive() throws {
    let found = events(Self.head + ["<2025-10-15T20:10:00.000Z> [Notice] <Whatever> x"])
    guard case .session(let session) = found.first?.what, case .sessionEnd(let end) = found.last?.what else {
      Issue.record("\(found)")
      return
    }
    #expect(session.build == GameBuild(number: 10_392_434, fileVersion: "4.3.158.37746", branch: "sc-alpha-4.3.1"))
    #expect(session.build.version == GameVersion(4, 3, 1))
    #expect(session.capabilities.kills == .own)
    #expect(end.began.iso8601 == "2025-10-15T20:00:00.000Z")
    #expect(end.ended.iso8601 == "2025-10-15T20:10:00.000Z")
    #expect(end.played == .seconds(600))
    #expect(end.reason == "end of log")
  }

  @Test func playTimeIsWithoutMenusWhereTheLogTellsThemApart() {
    func anticheat(_ what: String, _ time: String) -> String {
      "<2025-10-15T\(time)Z> [Notice] <CDisciplineServiceExternal::\(what)Session> session [Team_GameSec][EAC]"
    }
    let found = events(
      Self.head + [
        anticheat("Begin", "20:05:00.000"), anticheat("End", "20:06:00.000"), anticheat("Begin", "20:10:00.000"),
        "<2025-10-15T20:12:00.000Z> [Notice] <SystemQuit> CSystem::Quit invoked with - cause=30016, reason=Quit via console command, x",
      ])
    guard case .sessionEnd(let end) = found.last?.what else {
      Issue.record("\(found)")
      return
    }
    #expect(end.played == .seconds(180))
    #expect(end.reason == "quit")
  }

  @Test func whatTheGameWritesAfterItsGoodbyeIsStillTheSameLog() {
    let lines = Self.head + [GameLogSamples.lines[60], GameLogSamples.lines[69], GameLogSamples.lines[59]]
    let found = events(lines)
    #expect(found.filter { $0.name == "session" }.count == 1)
    #expect(found.filter { $0.name == "sessionEnd" }.count == 1)
    if case .sessionEnd(let end) = found.last?.what { #expect(end.reason == "quit") }
  }

  @Test func joinedLogsAreSessionsOfTheirOwn() {
    let second = Self.head.map { $0.replacingDate("2025-10-16").replacingHandle("OTHER1") }
    let kill = Self.kill("a1", 1, by: "b1", 2, at: "20:24:35.039")
    let found = events(Self.head + [kill] + second + [kill.replacingDate("2025-10-16")])
    #expect(
      found.map(\.name) == ["session", "player", "kill", "sessionEnd", "session", "player", "kill", "sessionEnd"])
    if case .sessionEnd(let end) = found[3].what { #expect(end.ended.iso8601 == "2025-10-15T20:24:35.039Z") }
  }

  @Test(
    arguments: [
      (nil, "sc-alpha-3.23.1", "none"), (nil, "sc-alpha-3.24.0", "nearby"), (9_400_000, "sc-alpha-4.0.1", "nearby"),
      (9_659_838, "sc-alpha-4.1.0", "own"), (10_392_434, "sc-alpha-4.3.1", "own"), (10_591_185, nil, "own"),
      (10_591_186, nil, "none"), (11_218_823, nil, "none"), (12_122_954, nil, "none"), (nil, nil, "none"),
      (nil, "sc-alpha-4.10.0", "none"),
    ] as [(Int?, String?, String)])
  func capabilitiesFollowTheBuild(number: Int?, branch: String?, kills: String) {
    let capabilities = LogCapabilities(of: GameBuild(number: number, branch: branch))
    #expect(capabilities.kills.rawValue == kills)
    #expect(capabilities.vehicleDestructions == (kills != "none"))
    #expect(!capabilities.summary.isEmpty)
    if let number {
      #expect(capabilities.deadState == (number <= 12_122_953))
      #expect(capabilities.incapacitationCauses == (number <= 11_218_823))
    }
  }
}

extension String {
  fileprivate func replacingDate(_ date: String) -> String { "<" + date + dropFirst(11) }
  fileprivate func replacingHandle(_ handle: String) -> String {
    split(separator: "SERDO", omittingEmptySubsequences: false).joined(separator: handle)
  }
  fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}

/// Chance that is the same in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
