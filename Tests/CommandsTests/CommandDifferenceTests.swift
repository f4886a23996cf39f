import Gateway
import Platform
import Testing

@testable import Commands

/// What Discord answers against what is wanted.
struct CommandDifferenceTests {
  private static let wanted = """
    {"type": 1, "name": "pay", "description": "Send coins", "default_member_permissions": "32", "contexts": [0],
     "integration_types": [0], "options": [
      {"type": 6, "name": "member", "description": "Who", "required": true},
      {"type": 4, "name": "amount", "description": "How many", "required": true, "min_value": 1, "max_value": 9},
      {"type": 3, "name": "kind", "description": "Which", "choices": [
        {"name": "Gift", "value": "gift"}, {"name": "Loan", "value": "loan"}]},
      {"type": 3, "name": "note", "description": "Why", "max_length": 50},
      {"type": 10, "name": "rate", "description": "Rate", "min_value": 0.5, "max_value": 2},
      {"type": 7, "name": "where", "description": "Where", "channel_types": [0, 2]}]}
    """

  /// The same as Discord answers it: defaults filled in, numbers and lists in its own way of writing.
  private static let held = """
    {"id": "1", "application_id": "2", "version": "3", "default_member_permissions": "32", "type": 1, "name": "pay",
     "name_localizations": null, "description": "Send coins", "description_localizations": null,
     "dm_permission": false, "contexts": [0], "integration_types": [0], "nsfw": false, "default_permission": true,
     "something_new": {"a": 1}, "options": [
      {"type": 6, "name": "member", "name_localizations": null, "description": "Who",
       "description_localizations": null, "required": true},
      {"type": 4, "name": "amount", "description": "How many", "required": true, "min_value": 1.0, "max_value": 9.0,
       "autocomplete": false, "choices": []},
      {"type": 3, "name": "kind", "description": "Which", "required": false, "choices": [
        {"name": "Gift", "name_localizations": null, "value": "gift"}, {"name": "Loan", "value": "loan"}]},
      {"type": 3, "name": "note", "description": "Why", "min_length": 0, "max_length": 50, "options": []},
      {"type": 10, "name": "rate", "description": "Rate", "min_value": 0.5, "max_value": 2},
      {"type": 7, "name": "where", "description": "Where", "channel_types": [2, 0]}]}
    """

  private static func command(_ text: String) throws -> ApplicationCommandDefinition {
    try JSONParser().parse(Array(text.utf8)) { try ApplicationCommandDefinition(json: $0) }
  }

  private static func differences(
    held: [String], wanted: [String], in scope: CommandScope = .global
  ) throws -> [String] {
    try CommandDifference.between(held: held.map(command), wanted: wanted.map(command), in: scope)
      .map(\.description)
  }

  @Test func whatDiscordFillsInIsNoDifference() throws {
    #expect(try Self.differences(held: [Self.held], wanted: [Self.wanted]) == [])
  }

  @Test(arguments: [
    (
      #""description": "Send coins""#, #""description": "Send money""#,
      #"description: "Send money" instead of "Send coins""#
    ),
    (
      #""default_member_permissions": "32""#, #""default_member_permissions": null"#,
      "default_member_permissions: nothing instead of 32"
    ),
    (
      #""default_member_permissions": "32""#, #""default_member_permissions": "0""#,
      "default_member_permissions: 0 instead of 32"
    ),
    (#""nsfw": false"#, #""nsfw": true"#, "nsfw: true instead of nothing"),
    (#""contexts": [0]"#, #""contexts": [0, 1]"#, "contexts: [0,1] instead of [0]"),
    (#""contexts": [0]"#, #""contexts": null"#, "contexts: nothing instead of [0]"),
    (#""integration_types": [0]"#, #""integration_types": [0, 1]"#, "integration_types: [0,1] instead of [0]"),
    (
      #""name_localizations": null, "description": "Send coins""#,
      #""name_localizations": {"de": "zahle"}, "description": "Send coins""#,
      #"name_localizations: {"de":"zahle"} instead of nothing"#
    ),
    (
      #""name": "amount", "description": "How many", "required": true"#,
      #""name": "amount", "description": "How many", "required": false"#,
      "options.amount.required: nothing instead of true"
    ),
    (#""min_value": 1.0"#, #""min_value": 2"#, "options.amount.min_value: 2 instead of 1"),
    (#", "max_value": 9.0"#, "", "options.amount.max_value: nothing instead of 9"),
    (#""autocomplete": false"#, #""autocomplete": true"#, "options.amount.autocomplete: true instead of nothing"),
    (#""value": "gift""#, #""value": "present""#, #"options.kind.choices.Gift.value: "present" instead of "gift""#),
    (
      #"{"name": "Loan", "value": "loan"}"#, #"{"name": "Lease", "value": "loan"}"#,
      "options.kind.choices: [Gift, Lease] instead of [Gift, Loan]"
    ),
    (#", {"name": "Loan", "value": "loan"}"#, "", "options.kind.choices: [Gift] instead of [Gift, Loan]"),
    (#""max_length": 50"#, #""max_length": 6000"#, "options.note.max_length: nothing instead of 50"),
    (#""min_length": 0"#, #""min_length": 1"#, "options.note.min_length: 1 instead of nothing"),
    (#""min_value": 0.5"#, #""min_value": 0.25"#, "options.rate.min_value: 0.25 instead of 0.5"),
    (#""channel_types": [2, 0]"#, #""channel_types": [2]"#, "options.where.channel_types: [2] instead of [0,2]"),
    (#"{"type": 6, "name": "member""#, #"{"type": 9, "name": "member""#, "options.member.type: 9 instead of 6"),
    (
      #""name": "note""#, #""name": "reason""#,
      "options: [member, amount, kind, reason, rate, where] instead of [member, amount, kind, note, rate, where]"
    ),
  ])
  func everyFieldCounts(part: String, other: String, difference: String) throws {
    let changed = Self.held.replacing(part, with: other, maxReplacements: 1)
    #expect(changed != Self.held)
    #expect(try Self.differences(held: [changed], wanted: [Self.wanted]) == ["/pay \(difference)"])
  }

  @Test func theOrderOfOptionsAndChoicesCounts() throws {
    let options = #"{"type": 1, "name": "c", "description": "d", "contexts": [0], "options": [%]}"#
    let a = #"{"type": 3, "name": "a", "description": "d"}"#
    let b = #"{"type": 3, "name": "b", "description": "d"}"#
    #expect(
      try Self.differences(
        held: [options.replacing("%", with: "\(b), \(a)")], wanted: [options.replacing("%", with: "\(a), \(b)")])
        == ["/c options: [b, a] instead of [a, b]"])
  }

  @Test func theOrderOfCommandsDoesNotCount() throws {
    let others = ["a", "b", "c"].map { #"{"type": 1, "name": "\#($0)", "description": "d", "contexts": [0]}"# }
    #expect(try Self.differences(held: others.reversed(), wanted: others) == [])
  }

  @Test func missingAndSurplusCommandsAreNamed() throws {
    let others = ["a", "b", "c"].map { #"{"type": 1, "name": "\#($0)", "description": "d", "contexts": [0]}"# }
    #expect(
      try Self.differences(held: [others[1], others[2]], wanted: [others[0], others[1]])
        == ["/a is missing", "/c is not wanted"])
    // A context menu of the same name is another command.
    let menu = #"{"type": 2, "name": "a", "description": "", "contexts": [0]}"#
    #expect(try Self.differences(held: [menu], wanted: [others[0]]) == ["/a is missing", "/a is not wanted"])
  }

  @Test func anEntryPointIsLeftAlone() throws {
    let entry = #"{"type": 4, "name": "launch", "description": "", "handler": 2}"#
    #expect(try Self.differences(held: [entry], wanted: []) == [])
  }

  @Test func contextsMeanNothingInAGuild() throws {
    let wanted = #"{"type": 1, "name": "c", "description": "d"}"#
    let held = #"{"type": 1, "name": "c", "description": "d", "contexts": [0], "integration_types": [0, 1]}"#
    #expect(try Self.differences(held: [held], wanted: [wanted], in: .guild(1)) == [])
    #expect(try Self.differences(held: [held], wanted: [wanted], in: .global).count == 2)
  }

  @Test func subcommandsAreComparedInside() throws {
    let held = """
      {"type": 1, "name": "p", "description": "d", "contexts": [0], "options": [
        {"type": 1, "name": "on", "description": "d", "options": [
          {"type": 3, "name": "plugin", "description": "old", "required": true}]}]}
      """
    #expect(
      try Self.differences(held: [held], wanted: [held.replacing("old", with: "new")])
        == [#"/p options.on.options.plugin.description: "old" instead of "new""#])
  }
}
