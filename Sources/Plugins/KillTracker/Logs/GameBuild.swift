import Platform

/// Which build of the game wrote a log, as far as the log says.
public struct GameBuild: Sendable, Equatable {
  /// The changelist, which grows with every build: `10392434`.
  public var number: Int?
  /// `FileVersion`: `4.3.158.37746`.
  public var fileVersion: String?
  /// `Branch`: `sc-alpha-4.3.1`.
  public var branch: String?
  /// `@env_session`: `pub-sc-alpha-431-10275505`.
  public var environment: String?

  public init(number: Int? = nil, fileVersion: String? = nil, branch: String? = nil, environment: String? = nil) {
    self.number = number
    self.fileVersion = fileVersion
    self.branch = branch
    self.environment = environment
  }

  public var isUnknown: Bool { number == nil && fileVersion == nil && branch == nil && environment == nil }

  /// The version that players speak of, from the branch: 4, 3, 1.
  public var version: GameVersion? {
    guard let branch, let text = branch.split(separator: "-").last else { return nil }
    return GameVersion(text)
  }
}

/// A version of the game: `4.3.1`.
public struct GameVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  public var major: Int
  public var minor: Int
  public var patch: Int

  public init(_ major: Int, _ minor: Int, _ patch: Int = 0) {
    self.major = major
    self.minor = minor
    self.patch = patch
  }

  init?(_ text: some StringProtocol) {
    let numbers = text.split(separator: ".").map { Int($0) }
    guard (2...4).contains(numbers.count), let major = numbers[0], let minor = numbers[1] else { return nil }
    self.init(major, minor, numbers.count > 2 ? numbers[2] ?? 0 : 0)
  }

  public static func < (left: GameVersion, right: GameVersion) -> Bool {
    (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
  }

  public var description: String { "\(major).\(minor).\(patch)" }
}

/// What the logs of a build can and cannot tell.
///
/// The game's maker removed line after line. The borders are the last build in which a scan of 1,069 logs of one player
/// (2024 to 2026), and of two other collections, met the line; between two known builds the earlier border counts.
public struct LogCapabilities: Sendable, Equatable {
  /// Whose deaths the log names with killer, weapon and place.
  public enum Kills: String, Sendable { case nearby, own, none }
  /// Build 10591185 (November 2025) is the last with `<Actor Death>` and `<Vehicle Destruction>`.
  static let lastWithKills = 10_591_185
  /// Build 11218823 (February 2026) is the last with `Logged an incap.!`.
  static let lastWithIncapacitations = 11_218_823
  /// Build 12122953 (July 2026) is the last with `<[ActorState] Dead>`.
  static let lastWithDeadState = 12_122_953

  public var kills: Kills
  public var vehicleDestructions: Bool
  public var incapacitationCauses: Bool
  /// `<[ActorState] Dead>`: that the player died in a destroyed vehicle.
  public var deadState: Bool
  /// Notices on the player's display: incapacitated, rescue on its way.
  public var notices: Bool
  /// One sentence for people.
  public var summary: String

  /// What is known of that build; of an unknown one, what the newest give.
  public init(of build: GameBuild) {
    let number = build.number ?? Self.number(of: build.version)
    vehicleDestructions = number.map { $0 <= Self.lastWithKills } ?? false
    incapacitationCauses = number.map { $0 <= Self.lastWithIncapacitations } ?? false
    deadState = number.map { $0 <= Self.lastWithDeadState } ?? false
    notices = true
    let version = build.version
    if let version, version < GameVersion(3, 24) {
      kills = .none
      vehicleDestructions = false
      summary = "This build is older than 3.24, the first that wrote kills to the log."
    } else if number == nil {
      kills = .none
      summary =
        "The log does not name its build. Builds since November 2025 tell of no kills, only of signs of one's own death."
    } else if vehicleDestructions {
      // Until 4.0.1 everybody's deaths nearby stood in the log, then only those that concern the player.
      kills = version.map { $0 < GameVersion(4, 0, 2) } == true ? .nearby : .own
      summary =
        kills == .nearby
        ? "This build logs every death nearby, with killer, weapon and place."
        : "This build logs the deaths that concern the player, with killer, weapon and place."
    } else {
      kills = .none
      summary =
        deadState
        ? "This build no longer logs kills; it shows one's own death by vehicle loss, collision and rescue, without a killer."
        : "This build logs neither killers, weapons nor victims; only that one was incapacitated and came back."
    }
  }

  /// A build number that stands for a version whose log does not print one.
  private static func number(of version: GameVersion?) -> Int? {
    guard let version else { return nil }
    if version < GameVersion(4, 4) { return lastWithKills }
    if version < GameVersion(4, 7) { return lastWithIncapacitations }
    if version < GameVersion(4, 9) { return lastWithDeadState }
    return lastWithDeadState + 1
  }
}
