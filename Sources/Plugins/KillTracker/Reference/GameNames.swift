/// What people call what the game's logs name: `KLWE_LaserRepeater_S2_2472796603691` is the Sawbuck Repeater.
///
/// The tables know the game of 2025 and 2026. What they do not know gets a readable name made of its class, so that
/// nothing ever shows as an internal name with a number behind it.
public enum GameNames {
  // MARK: - Vehicles

  /// Whether that class, without an instance, is a vehicle, also with a crew's or a paint's suffix.
  static func isVehicle(_ className: String) -> Bool { longestKnown(className, in: vehicles) != nil }

  /// `AEGS_Gladius_2456589863667` is an Aegis Gladius, `MISC_Prospector_PU_AI_NT_NonLethal_…` a MISC Prospector
  /// (NineTails).
  public static func vehicle(_ name: String) -> String {
    let className = ClassName.withoutInstance(name)
    guard let (known, suffix) = longestKnown(className, in: vehicles) else { return readable(className) }
    guard !suffix.isEmpty, let crew = longestKnown(suffix, in: crews)?.name else { return known }
    return "\(known) (\(crew))"
  }

  // MARK: - Weapons

  /// The name of a class that the tables know exactly or without its colour.
  static func weapon(knownClass className: String) -> String? {
    for table in [carriedWeapons, vehicleWeapons, missileRacks] {
      if let name = longestKnown(className, in: table)?.name { return name }
    }
    return nil
  }

  /// The weapon of a kill. Nil where there is none: `unknown`, or the victim itself with a suicide.
  /// - Parameters:
  ///   - weapon: as the log has it behind `using`.
  ///   - className: as the log has it behind `Class`; `unknown` for vehicles' guns.
  public static func weapon(_ weapon: String, class className: String = "unknown") -> String? {
    guard className != "Player" else { return nil }
    let own = className == "unknown" ? ClassName.withoutInstance(weapon) : className
    guard !own.isEmpty, own != "unknown" else { return nil }
    if let known = Self.weapon(knownClass: own) { return known }
    return isVehicle(own) ? vehicle(own) : readable(own)
  }

  // MARK: - Places

  /// Where something happened, for people: a place, or the vehicle that the zone is.
  public static func place(_ zone: String) -> String {
    let className = ClassName.withoutInstance(zone)
    if let known = knownPlace(className) { return known }
    if isVehicle(className) { return vehicle(className) }
    if className == "SolarSystem" || className.isEmpty { return "Space" }
    if className.hasPrefix("Hangar_") {
      let parts = className.split(separator: "_")
      return parts.count > 2 ? "Hangar, \(readable(parts[2...].joined(separator: "_")))" : "Hangar"
    }
    for prefix in ["ObjectContainer-", "StreamingSOC_", "OOC_"] where className.hasPrefix(prefix) {
      let rest = String(className.dropFirst(prefix.count))
      return knownPlace(rest) ?? readable(rest)
    }
    return readable(className)
  }

  private static func knownPlace(_ name: String) -> String? {
    if let known = zones[name] ?? stantonPlaces[name] ?? otherPlaces[name] { return known }
    // `…-001` numbers copies of one place; a leading `@` marks a translated text.
    if name.hasPrefix("@") { return knownPlace(String(name.dropFirst())) }
    let parts = name.split(separator: "-")
    guard parts.count > 1, let last = parts.last, last.count == 3, last.allSatisfy(\.isNumber) else { return nil }
    return knownPlace(String(name.dropLast(4)))
  }

  /// The star system of a zone, if its name tells.
  public static func system(ofZone zone: String) -> GameSystem? {
    let text = (zone + " " + (knownPlace(ClassName.withoutInstance(zone)) ?? "")).lowercased()
    return GameSystem.all.first { system in
      text.contains(system.name.lowercased()) || system.bodies.contains { text.contains($0.name.lowercased()) }
    }
  }

  // MARK: - Actors

  /// A player's handle as it is; somebody of the game by what they are: "ASD Soldier", "NineTails Pilot Light".
  public static func actor(_ actor: GameActor) -> String {
    switch actor.identification.kind {
    case .player: return actor.name
    case .unknown: return "Unknown"
    case .hazard: return actor.name == "GameRules" ? "Environment" : readable(actor.name)
    case .turret:
      let className = ClassName.withoutInstance(actor.name)
      if isVehicle(className) { return vehicle(className) }
      return className.contains("PDC") ? "Point defence turret" : Self.weapon(knownClass: className) ?? "Turret"
    case .npc: return character(ClassName.withoutInstance(actor.name))
    }
  }

  private static func character(_ className: String) -> String {
    var words = readableWords(className).filter { !fillers.contains($0.lowercased()) }
    // `…_01`: which of several faces.
    if words.count > 1, let last = words.last, last.allSatisfy(\.isNumber) { words.removeLast() }
    return words.isEmpty ? "NPC" : words.map { spellings[$0.lowercased()] ?? $0 }.joined(separator: " ")
  }

  private static let fillers: Set<String> = [
    "pu", "npc", "human", "male", "female", "archetypes", "archetype", "enemy", "groundcombat", "populace", "pilots",
    "aimodule", "unmanned",
  ]
  private static let spellings = [
    "ninetails": "NineTails", "xenothreat": "XenoThreat", "cqc": "CQC", "asd": "ASD", "vlk": "Valakkar",
    "distributioncentre": "Distribution centre", "techie": "Techie", "soldier": "Soldier", "sniper": "Sniper",
    "juggernaut": "Juggernaut", "pyro": "Pyro", "outlaw": "Outlaw", "contestedzones": "Contested zones",
    "citizensforprosperity": "Citizens for Prosperity", "frontierfighters": "Frontier Fighters",
  ]

  // MARK: - What no table knows

  /// `behr_rifle_ballistic_09` becomes "Behr Rifle Ballistic 09", `asd_labresearch_int_01a` "ASD Labresearch Int 01a".
  static func readable(_ name: String) -> String {
    let words = readableWords(ClassName.withoutInstance(name))
    return words.isEmpty ? "Unknown" : words.map { spellings[$0.lowercased()] ?? $0 }.joined(separator: " ")
  }

  private static func readableWords(_ name: String) -> [String] {
    name.split { "_-@ ".contains($0) }.map { word in
      let first = word.prefix(1)
      return first.uppercased() + word.dropFirst()
    }
  }

  /// The longest beginning of `className`, cut at underscores and of two parts at least, that the table knows, and what
  /// stands behind it.
  private static func longestKnown(_ className: String, in table: NameTable) -> (name: String, suffix: String)? {
    var stem = className[...]
    while true {
      if let name = table[String(stem)] {
        return (name, String(className[stem.endIndex...].drop { $0 == "_" }))
      }
      guard let cut = stem.lastIndex(of: "_"), stem[..<cut].contains("_") else { return nil }
      stem = stem[..<cut]
    }
  }
}
