import Commands
import Core
import Gateway
import Platform

/// How the kill tracker writes to people at Discord.
enum TrackerWords {
  /// What somebody typed or is called, as text that means nothing to Discord: no markdown, no mention, no link, on one
  /// line. Not for autocomplete, footers and buttons, which know no markdown: ``bare(_:limit:)``.
  static func plain(_ text: String, limit: Int = 100) -> String {
    let characters = Array(bare(text, limit: limit))
    var result = ""
    for (index, character) in characters.enumerated() {
      switch character {
      case "@": result += "@\u{200B}"
      case "\\", "*", "_", "~", "`", "|", "<", ">", "[", "]": result += "\\\(character)"
      // Headings and lists, which only the beginning of a line makes.
      case "#", "-", "+": result += index == 0 ? "\\\(character)" : "\(character)"
      // What stands before it is no link without it.
      case ":" where characters[index...].starts(with: "://"): result += "\\:"
      default: result.append(character)
      }
    }
    return result
  }

  /// On one line, cut, and without characters that turn the direction of writing around.
  static func bare(_ text: String, limit: Int = 100) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: continue
      default: scalars.append(scalar)
      }
    }
    return shortened(String(scalars), to: limit)
  }

  /// Cut with `…` to at most so many UTF-16 code units.
  static func shortened(_ text: String, to limit: Int) -> String {
    guard text.utf16.count > limit else { return text }
    var short = text
    while short.utf16.count > limit - 1 { short.removeLast() }
    return short + "…"
  }

  // MARK: - Numbers and times

  /// `12,345`
  static func number(_ value: some BinaryInteger) -> String {
    let digits = String(value.magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { result.append(",") }
      result.append(digit)
    }
    return value < 0 ? "-" + result : result
  }

  /// `1.25`, `0.50`, `12.00`: with two decimals.
  static func ratio(_ value: Double) -> String {
    let hundredths = Int64((value * 100).rounded())
    let rest = hundredths % 100
    return "\(number(hundredths / 100)).\(rest < 10 ? "0" : "")\(rest)"
  }

  /// `7.75` as it is, without zeros at the end.
  static func decimal(_ value: Double) -> String {
    var text = ratio(value)
    while text.hasSuffix("0") { text.removeLast() }
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }

  enum TimeStyle: String {
    /// `5 minutes ago`
    case relative = "R"
    /// `18 February 2026 12:00`
    case full = "f"
  }

  /// Shown in each reader's own time zone and language.
  static func time(_ time: Timestamp, _ style: TimeStyle = .relative) -> String {
    // Discord counts whole seconds.
    "<t:\(Int64((Double(time.milliseconds) / 1_000).rounded(.down))):\(style.rawValue)>"
  }

  // MARK: - Kills

  /// In descriptions and fields, where Discord turns a mention into the name; nobody is notified.
  static func name(_ party: KillParty, limit: Int = 40) -> String {
    // Nothing better than the account is known of whoever never used the bot.
    if let user = party.user, party.name == "\(user)" { return "<@\(user)>" }
    return plain(party.name, limit: limit)
  }

  /// `**Ann** killed **Bob** · P4-AR Rifle · Daymar · 5 minutes ago`
  static func line(_ kill: Kill) -> String {
    var parts = [sentence(kill)]
    if let weapon = kill.weapon { parts.append(plain(weapon, limit: 40)) }
    if let place = kill.location { parts.append(plain(place, limit: 40)) }
    parts.append(time(kill.occurredAt))
    return parts.joined(separator: " · ")
  }

  /// Who did what to whom.
  static func sentence(_ kill: Kill) -> String {
    let victim = "**\(name(kill.victim))**"
    let killer = "**\(name(kill.killer))**"
    return switch kill.kind {
    case .suicide: "\(victim) ended their own life"
    case .environment: "\(victim) died by accident"
    case .pvp, .pve, .npc, .turret: "\(killer) killed \(victim)"
    }
  }

  static func title(of kind: KillKind) -> String {
    switch kind {
    case .pvp: "PvP"
    case .pve: "PvE"
    case .npc: "by somebody of the game"
    case .suicide: "suicide"
    case .environment: "accident"
    case .turret: "by a turret or ship"
    }
  }

  static func title(of source: KillSource) -> String {
    switch source {
    case .api: "a program"
    case .log: "a log of the game"
    case .report: "a person"
    }
  }

  // MARK: - Errors

  /// Says in the user's terms what the service refuses.
  static func explaining<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch let error as KillError {
      throw UserError(message(error))
    }
  }

  static func message(_ error: KillError) -> String {
    switch error {
    case .invalid(let field, let reason): "\(title(ofField: field)) \(reason)."
    case .notFound: "There is no such kill. It may have been deleted."
    case .forbidden: "That is somebody else's, or they keep it private."
    case .handleTaken: "That handle is verified as somebody else's."
    case .off(.killTracker): "The kill tracker is switched off in this server."
    case .off(.leaderboard): "The leaderboards of this server are switched off."
    case .off(.notifications): "This server wants no messages about kills."
    }
  }

  /// The service names the fields of the HTTP API.
  private static func title(ofField field: String) -> String {
    switch field {
    case "victimId": "The victim:"
    case "killerId": "The killer:"
    case "playerName", "rsiHandle": "The handle:"
    case "location": "The place:"
    case "weapon": "The weapon:"
    case "timestamp": "The time"
    case "serverId": "The server:"
    case "isPvP", "isSuicide", "isEnvironmental": "The kind:"
    case "limit", "page": "The \(field)"
    default: "\(field):"
    }
  }

  static let fanProject = "Unofficial fan project, not affiliated with Cloud Imperium."
}

extension CommandContext {
  var userID: UserID { UserID(user.id.rawValue) }

  /// Whoever uses this: a member of this server, who may change its kills if they manage it.
  var viewer: KillViewer {
    let here = guildID?.rawValue
    let manages = permissions.contains(.manageGuild) || permissions.contains(.administrator)
    return KillViewer(
      user: userID, manages: { manages && $0.rawValue == here }, belongs: { $0.rawValue == here })
  }
}
