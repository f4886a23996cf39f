import FoundationEssentials
import Gateway
import Platform

/// One way in which the commands that Discord holds in a scope are not those that are wanted there.
public enum CommandDifference: Sendable, Equatable, CustomStringConvertible {
  /// Wanted, and not there.
  case missing(name: String)
  /// There, and not wanted.
  case surplus(name: String)
  /// `field` is the path of the difference, as in `options.plugin.choices`; the values are JSON, "nothing" for none.
  case changed(name: String, field: String, held: String, wanted: String)

  public var description: String {
    switch self {
    case .missing(let name): "/\(name) is missing"
    case .surplus(let name): "/\(name) is not wanted"
    case .changed(let name, let field, let held, let wanted): "/\(name) \(field): \(held) instead of \(wanted)"
    }
  }

  /// Compares, field by field, after bringing both sides into one form: a missing field and its default are the same.
  /// The order of options and choices counts, that of commands, channel types and contexts does not.
  ///
  /// An Entry Point command among those held is passed over: Discord makes it for applications with an activity.
  /// - Throws: only if a definition cannot be written as JSON.
  public static func between(
    held: [ApplicationCommandDefinition], wanted: [ApplicationCommandDefinition], in scope: CommandScope
  ) throws -> [CommandDifference] {
    var heldByKey: [CommandKey: ApplicationCommandDefinition] = [:]
    for command in held where command.type != .primaryEntryPoint { heldByKey[CommandKey(command)] = command }
    var differences: [CommandDifference] = []
    for command in wanted {
      let key = CommandKey(command)
      guard let other = heldByKey.removeValue(forKey: key) else {
        differences.append(.missing(name: key.name))
        continue
      }
      var comparison = FieldComparison(command: key.name)
      comparison.compare(
        held: try JSON(encoding: other.normalized(in: scope)),
        wanted: try JSON(encoding: command.normalized(in: scope)), path: "")
      differences += comparison.differences
    }
    let surplus = heldByKey.keys.sorted { ($0.name, $0.type) < ($1.name, $1.type) }
    return differences + surplus.map { .surplus(name: $0.name) }
  }
}

/// Within a scope Discord tells commands apart by type and name.
private struct CommandKey: Hashable {
  let type: Int
  let name: String

  init(_ command: ApplicationCommandDefinition) {
    type = command.type.rawValue
    name = command.name
  }
}

extension ApplicationCommandDefinition {
  /// This command in the one form that all equal commands share.
  func normalized(in scope: CommandScope) -> ApplicationCommandDefinition {
    var form = self
    form.options = options.map(\.normalized)
    form.nameLocalizations = nameLocalizations.filter { $0.value != name }
    form.descriptionLocalizations = descriptionLocalizations.filter { $0.value != description }
    switch scope {
    case .guild:
      // Discord keeps these of global commands alone and answers with anything for the others.
      form.contexts = nil
      form.integrationTypes = nil
    case .global:
      form.contexts = contexts.map { Set($0).sorted { $0.rawValue < $1.rawValue } }
      // Where the field is missing the application knows installation to servers alone.
      form.integrationTypes = Set(integrationTypes ?? [.guildInstall]).sorted { $0.rawValue < $1.rawValue }
    }
    return form
  }
}

extension ApplicationCommandOption {
  fileprivate var normalized: ApplicationCommandOption {
    var form = self
    form.options = options.map(\.normalized)
    // Discord drops a word that is the same in another language.
    form.nameLocalizations = nameLocalizations.filter { $0.value != name }
    form.descriptionLocalizations = descriptionLocalizations.filter { $0.value != description }
    form.choices = choices.map { choice in
      var form = choice
      form.nameLocalizations = choice.nameLocalizations.filter { $0.value != choice.name }
      return form
    }
    form.channelTypes = Set(channelTypes).sorted { $0.rawValue < $1.rawValue }
    if minimumLength == CommandLimits.textLength.lowerBound { form.minimumLength = nil }
    if maximumLength == CommandLimits.textLength.upperBound { form.maximumLength = nil }
    return form
  }
}

/// Walks two normal forms side by side.
private struct FieldComparison {
  let command: String
  var differences: [CommandDifference] = []

  init(command: String) { self.command = command }

  mutating func compare(held: JSON?, wanted: JSON?, path: String) {
    guard held != wanted else { return }
    if let heldObject = held?.object, let wantedObject = wanted?.object {
      let names = wantedObject.keys + heldObject.keys.filter { wantedObject[$0] == nil }
      for name in names { compare(held: heldObject[name], wanted: wantedObject[name], path: join(path, name)) }
    } else if let heldList = held?.array, let wantedList = wanted?.array, let names = sharedNames(heldList, wantedList)
    {
      for (index, name) in names.enumerated() {
        compare(held: heldList[index], wanted: wantedList[index], path: join(path, name))
      }
    } else {
      differences.append(.changed(name: command, field: path, held: text(held), wanted: text(wanted)))
    }
  }

  /// The names of the elements if both lists hold elements of the same names in the same order.
  private func sharedNames(_ held: [JSON], _ wanted: [JSON]) -> [String]? {
    let names = wanted.compactMap { $0["name"]?.string }
    return names.count == wanted.count && names == held.compactMap { $0["name"]?.string } && held.count == names.count
      ? names : nil
  }

  private func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  /// Lists of options are told by their names alone: a log line is no place for whole trees.
  private func text(_ value: JSON?) -> String {
    guard let value else { return "nothing" }
    if let elements = value.array {
      let names = elements.compactMap { $0["name"]?.string }
      if !names.isEmpty { return "[\(names.joined(separator: ", "))]" }
    }
    let text = value.serialized()
    return text.count <= 120 ? text : text.prefix(120) + "…"
  }
}

extension JSON {
  /// What an encodable value looks like on the wire.
  init(encoding value: some Encodable) throws {
    self = try JSON(parsing: JSONEncoder().encode(value))
  }
}
