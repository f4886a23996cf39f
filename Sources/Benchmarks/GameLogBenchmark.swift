import FoundationEssentials
import Glibc
import KillTracker
import Platform

/// How fast logs are read, beside a search for one word of them by `grep -c` (and `rg -c` where it is installed).
enum GameLogBenchmark {
  static func run(_ options: Options) throws {
    let megabytes = try options.number("megabytes", default: 512)
    let rounds = try options.number("repeat", default: 5)
    let every = try options.number("every", default: 2_000)
    let path = options.string("file", default: "")
    let bytes =
      try path.isEmpty ? generate(megabytes: megabytes, every: every) : [UInt8](Data(contentsOf: URL(filePath: path)))
    let file = try path.isEmpty ? keep(bytes) : path
    defer { if path.isEmpty { unlink(file) } }

    var ours: [Double] = []
    var peers: [String: [Double]] = [:]
    var kills = 0
    var lines = 0
    for _ in 0..<rounds {
      let (seconds, result) = measured {
        var parser = GameLogParser()
        var events: [GameLogEvent] = []
        bytes.withUnsafeBytes { parser.read($0, into: &events) }
        events += parser.finish()
        return (events.filter { $0.name == "kill" }.count, parser.lines)
      }
      ours.append(seconds)
      (kills, lines) = result
      for name in ["grep", "rg"] {
        if let seconds = search(name, file) { peers[name, default: []].append(seconds) }
      }
    }
    var line: JSON.Object = [
      "benchmark": "gamelog", "bytes": .integer(Int64(bytes.count)), "lines": .integer(Int64(lines)),
      "kills": .integer(Int64(kills)), "seconds": .double(median(ours)),
      "gigabytesPerSecond": .double(Double(bytes.count) / median(ours) / 1e9),
    ]
    for (name, seconds) in peers.sorted(by: { $0.key < $1.key }) {
      line["\(name)Seconds"] = .double(median(seconds))
      line["\(name)Ratio"] = .double(median(seconds) / median(ours))
    }
    print(JSON.object(line))
  }

  private static func measured<Result>(_ body: () -> Result) -> (Double, Result) {
    let start = ContinuousClock.now
    let result = body()
    return ((ContinuousClock.now - start).inSeconds, result)
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// How long the program takes to count the lines of a kill; nil where it is not installed.
  private static func search(_ name: String, _ file: String) -> Double? {
    let paths = ["/usr/bin/\(name)", "/usr/local/bin/\(name)"]
    guard let program = paths.first(where: { access($0, X_OK) == 0 }) else { return nil }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Not /dev/null: GNU grep sees that and stops at the first match.
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "\(file).count", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { unlink("\(file).count") }
    var words: [UnsafeMutablePointer<CChar>?] = []
    for word in [program, "-c", "<Actor Death>", file] { words.append(strdup(word)) }
    words.append(nil)
    defer { for word in words { free(word) } }
    let environment: [UnsafeMutablePointer<CChar>?] = [strdup("LC_ALL=C"), nil]
    defer { free(environment[0]) }
    var process = pid_t()
    let (seconds, status) = measured {
      guard posix_spawn(&process, program, &actions, nil, words, environment) == 0 else { return Int32(-1) }
      var status: Int32 = 0
      waitpid(process, &status, 0)
      return status
    }
    return status == 0 ? seconds : nil
  }

  private static func keep(_ bytes: [UInt8]) throws -> String {
    let path = "/tmp/adjutant-gamelog-\(getpid()).log"
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  /// A log of lines as the game writes most: long, many kinds, one in `every` a kill.
  private static func generate(megabytes: Int, every: Int) -> [UInt8] {
    let fillers = [
      "[Notice] <StatObjLoad 0x800 Format> 'Data/Objects/Spaceships/Ships/AEGS/Gladius/aegs_gladius.cga' was loaded on main thread [Team_CoreEngine][Assets]",
      "[Notice] <CEntitySystem::OnBindToNetwork> Entity 'ORIG_300i_6734193926082' [6734193926082] bound to channel 3 in zone 'OOC_Stanton_1_Hurston' [Team_Network][Entity]",
      "[Error] <Linked entity initializing!> CSCActorResultStateUsable::SetLinkedEntity: 'PU_Human_Enemy_GroundCombat_NPC_ASD_sniper_749878206720' cannot change link from 'null' [Team_ActorTech][Usable]",
      "[SPAM 12] [Warning] <Streaming> request of 3.4 MB took 12.2 ms, queue 14, priority 3",
      "[Trace] Fps 61.3, frame 17.2 ms, streaming pool 2048 MB of 4096 MB, entities 12844",
      "[Notice] <Actor Position Divergence> [PU_Human-Dusters-Engineer-Male_01_4065964670998] [AI 1] diverging 2501.100342m (threshold 4.000000m) for over 10.004625s",
      "[Notice] <AttachmentReceived> Player[SERDO] Attachment[behr_rifle_ballistic_01_6589113021365, behr_rifle_ballistic_01, 6589113021365] Status[persistent] Port[wep_stocked_2] Elapsed[0.123456] [Team_CoreGameplayFeatures][Inventory]",
    ]
    let kill =
      "[Notice] <Actor Death> CActor::Kill: 'Luxservexz' [207064464865] in zone 'ANVL_Hornet_F7A_Mk2_2677329226210' killed by 'GarQuilr' [201106509142] using 'GATS_BallisticGatling_S3_2677329225797' [Class unknown] with damage type 'VehicleDestruction' from direction x: 0.000000, y: 0.000000, z: 0.000000 [Team_ActorTech][Actor]"
    var bytes: [UInt8] = []
    bytes.reserveCapacity(megabytes * 1_000_000 + 1_000)
    var time = Timestamp(seconds: 1_760_000_000)
    var number = 0
    var stamp = ""
    while bytes.count < megabytes * 1_000_000 {
      if number.isMultiple(of: 50) {
        time = time + .milliseconds(137)
        stamp = "<\(time.iso8601)> "
      }
      number += 1
      bytes += (stamp + (number.isMultiple(of: every) ? kill : fillers[number % fillers.count]) + "\r\n").utf8
    }
    return bytes
  }
}
