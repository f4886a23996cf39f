/// Somebody or something as the log names it: `'GarQuilr' [201106509142]`.
public struct GameActor: Sendable, Hashable {
  public var name: String
  /// The game's id of it; 0 where it has none.
  public var id: UInt64

  public init(name: String, id: UInt64) {
    self.name = name
    self.id = id
  }

  /// What kind of thing this is, and how sure that is, from 0 to 1.
  public var identification: (kind: Kind, confidence: Double) { ActorClassifier.identify(self) }

  public enum Kind: String, Sendable, Equatable {
    case player
    case npc
    /// A ship or a turret without a person at it, as far as the log tells.
    case turret
    /// Radiation, debris, the rules of the game.
    case hazard
    /// The log writes `unknown [0]`.
    case unknown
  }
}

/// Tells players from what the game moves.
///
/// The structure of a name says more than any list: what the game makes is called `class_<id>`, and that id is the one in
/// brackets behind the name. No player's handle has its own id at its end, though some end with a number.
enum ActorClassifier {
  /// Handles have at most so many characters.
  static let handleLimit = 20

  static func identify(_ actor: GameActor) -> (kind: GameActor.Kind, confidence: Double) {
    let name = actor.name
    if name.isEmpty || name.lowercased() == "unknown" { return (.unknown, 1) }
    if isHazard(name) { return (.hazard, 0.95) }
    let className = ClassName.withoutInstance(name)
    if isTurret(className) { return (.turret, 0.95) }
    if actor.id > 0, name.hasSuffix("_\(actor.id)") { return (.npc, 0.99) }
    if npcPrefixes.contains(where: name.hasPrefix) || name.contains("_NPC_") { return (.npc, 0.9) }
    if !isHandle(name) { return (.npc, 0.7) }
    return (.player, 0.95)
  }

  /// Whether a player could be called so: letters, digits, `-` and `_`.
  static func isHandle(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= handleLimit
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  private static func isHazard(_ name: String) -> Bool {
    if name == "GameRules" || name == "Nova-01" || name.hasPrefix("SCItem_Debris_") { return true }
    if name.hasPrefix("Radiation_Hazard") || name.hasPrefix("Water_Hazard") { return true }
    for prefix in ["Hazard-", "RotationSimple-"] where name.hasPrefix(prefix) {
      let rest = name.dropFirst(prefix.count)
      return rest.count == 3 && rest.allSatisfy(\.isNumber)
    }
    return false
  }

  private static func isTurret(_ className: String) -> Bool {
    if className.hasPrefix("AIModule_Unmanned_") || className.contains("_Turret_") || className.hasPrefix("Turret_") {
      return true
    }
    guard ClassName.manufacturer(of: className) != nil else { return false }
    return GameNames.isVehicle(className) || GameNames.weapon(knownClass: className) != nil
  }

  private static let npcPrefixes = [
    "PU_", "PU-Human", "NPC_", "AIModule_", "Kopion", "Shipjacker_", "vlk_", "yormandi", "Quasigrazer", "Tauroch_",
    "Aloprat", "Vanduul_", "HumanGeneric", "Male-Human", "Criminal-Pilot", "EA_AI_",
  ]
}

/// The game's names of things: `KLWE_LaserRepeater_S2_2472796603691` is the instance 2472796603691 of a class.
public enum ClassName {
  /// Instances have ids of at least so many digits; a shorter number at the end belongs to the class (`…_01`).
  static let instanceDigits = 9

  /// The class without the id of an instance at its end.
  public static func withoutInstance(_ name: String) -> String {
    var digits = 0
    for byte in name.utf8.reversed() {
      if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
        digits += 1
      } else {
        guard byte == UInt8(ascii: "_"), digits >= instanceDigits else { return name }
        return String(name.utf8.dropLast(digits + 1)) ?? name
      }
    }
    return name
  }

  /// The maker's code at the beginning of a vehicle's or a ship weapon's class: four capitals, `AEGS`.
  static func manufacturer(of className: String) -> String? {
    let parts = className.split(separator: "_", maxSplits: 1)
    guard parts.count == 2, (3...4).contains(parts[0].count), parts[0].utf8.allSatisfy({ (65...90).contains($0) })
    else { return nil }
    return String(parts[0])
  }
}
