import FoundationEssentials
import Platform
import Testing

@testable import Gateway

func decode<Value: JSONDecodable>(_ text: String, as type: Value.Type = Value.self) throws -> Value {
  try JSONParser().parse(Array(text.utf8)) { try Value(json: $0) }
}

func encode(_ value: some Encodable) throws -> JSON {
  try JSON(parsing: Array(try JSONEncoder().encode(value)))
}

@Suite struct SnowflakeTests {
  @Test func tellsTheTimeOfItsCreation() {
    // The example of Discord's reference.
    #expect(Snowflake(rawValue: 175_928_847_299_117_063).timestamp.iso8601 == "2016-04-30T11:18:25.796Z")
    #expect(Snowflake(timestamp: Timestamp(iso8601: "2016-04-30T11:18:25.796Z")!) <= 175_928_847_299_117_063)
  }

  @Test(arguments: ["", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "1.0"])
  func refusesWhatIsNotAnID(text: String) { #expect(Snowflake(text) == nil) }

  @Test func isAStringInJSON() throws {
    #expect(try encode([Snowflake(rawValue: .max)]) == ["18446744073709551615"])
    #expect(try JSONDecoder().decode([Snowflake].self, from: Data(#"["12"]"#.utf8)) == [12])
    #expect(try decode(#""12""#) == Snowflake(rawValue: 12))
    #expect(throws: DecodingFailure.self) { try decode("12", as: Snowflake.self) }
  }
}

@Suite struct DateTests {
  @Test(arguments: [
    ("2024-02-29T23:59:59.123456+00:00", "2024-02-29T23:59:59.123Z"),
    ("2024-03-01T01:29:59+01:30", "2024-02-29T23:59:59.000Z"),
    ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"),
    ("2100-03-01T00:00:00-00:30", "2100-03-01T00:30:00.000Z"),
  ])
  func areReadAsDiscordWritesThem(text: String, expected: String) throws {
    #expect(try decode("\"\(text)\"", as: Timestamp.self).iso8601 == expected)
  }

  @Test(arguments: [
    "2024-02-29", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+1:00",
    "2024-01-01T25:00:00Z", "2024-01-01T00:00:00Zx",
  ])
  func areRefusedInAnyOtherForm(text: String) {
    #expect(throws: DecodingFailure.self) { try decode("\"\(text)\"", as: Timestamp.self) }
  }
}

@Suite struct DecodingTests {
  @Test func aFailureNamesThePath() throws {
    let text = #"{"id":"1","name":"G","owner_id":"2","roles":[{"id":"3","name":"a"},{"id":4,"name":"b"}]}"#
    #expect(throws: DecodingFailure(path: ["roles", "1", "id"], reason: "not an id")) {
      try decode(text, as: Guild.self)
    }
    #expect(throws: DecodingFailure(path: ["owner_id"], reason: "missing")) {
      try decode(#"{"id":"1","name":"G"}"#, as: Guild.self)
    }
  }

  @Test func unknownEnumerationValuesAreKept() throws {
    let channel = try decode(#"{"id":"1","type":99}"#, as: Channel.self)
    #expect(channel.type == ChannelType(rawValue: 99))
    let interaction = try decode(
      #"{"id":"1","application_id":"2","type":77,"token":"t","data":{"a":1}}"#, as: Interaction.self)
    guard case .unknown(let data) = interaction.data else { throw DecodingFailure(reason: "\(interaction.data)") }
    #expect(data == ["a": 1])
  }

  @Test func aSlashCommandIsReadWithItsTree() throws {
    let text = #"""
      {"id":"10","application_id":"20","type":2,"token":"secret","guild_id":"30","channel":{"id":"40","type":0},
       "member":{"user":{"id":"50","username":"ann","global_name":"Ann"},"nick":null,"roles":["60"],
                 "joined_at":"2020-01-01T00:00:00.000000+00:00","permissions":"8"},
       "app_permissions":"442368","locale":"de","guild_locale":"en-US","context":0,"entitlements":[],
       "data":{"id":"70","name":"bank","type":1,"options":[{"name":"pay","type":1,"options":[
          {"name":"to","type":6,"value":"51"},{"name":"amount","type":4,"value":5},
          {"name":"rate","type":10,"value":0.5},{"name":"loud","type":5,"value":true}]}],
        "resolved":{"users":{"51":{"id":"51","username":"bob","bot":true}},
                    "members":{"51":{"roles":[],"joined_at":null,"permissions":"0"}}}}}
      """#
    let interaction = try decode(text, as: Interaction.self)
    #expect(interaction.user?.displayName == "Ann")
    #expect(interaction.channelID == 40)
    #expect(interaction.member?.permissions?.allows(.manageGuild) == true)
    #expect(interaction.context == .guild)
    #expect("\(interaction)".contains("secret") == false)
    guard case .command(let command) = interaction.data else { throw DecodingFailure(reason: "no command") }
    let pay = try #require(command.options.first)
    #expect(pay.type == .subcommand)
    #expect(pay.options.map(\.value) == [.string("51"), .integer(5), .double(0.5), .boolean(true)])
    #expect(pay.options[0].snowflake == 51)
    #expect(command.resolved.users[51]?.isBot == true)
    #expect(command.resolved.members[51]?.user == nil)
  }

  @Test func aModalsFieldsAreFoundInRowsAndLabels() throws {
    let text = #"""
      {"id":"1","application_id":"2","type":5,"token":"t","user":{"id":"5","username":"u"},"data":{"custom_id":"form",
       "components":[{"type":1,"components":[{"type":4,"custom_id":"a","value":"x"}]},
                     {"type":18,"component":{"type":3,"custom_id":"b","values":["y","z"]}},
                     {"type":10,"id":3},{"type":18,"component":{"type":23,"custom_id":"c","value":true}}]}}
      """#
    guard case .modal(let modal) = try decode(text, as: Interaction.self).data else {
      throw DecodingFailure(reason: "no modal")
    }
    #expect(modal.fields.map(\.customID) == ["a", "b", "c"])
    #expect(modal["a"]?.value == "x")
    #expect(modal["b"]?.values == ["y", "z"])
    #expect(modal["c"]?.isChecked == true)
  }

  @Test func aCommandReadBackEqualsTheDefinitionSent() throws {
    let definition = ApplicationCommandDefinition(
      name: "pay", nameLocalizations: ["de": "zahlen"], description: "Send coins",
      options: [
        ApplicationCommandOption(
          type: .integer, name: "amount", description: "How many", isRequired: true,
          choices: [ApplicationCommandChoice("one", value: .integer(1))], minimumValue: .integer(1),
          maximumValue: .integer(10)),
        ApplicationCommandOption(
          type: .number, name: "rate", description: "r", choices: [ApplicationCommandChoice("one", value: .double(1))],
          minimumValue: .double(1)),
        ApplicationCommandOption(type: .string, name: "note", description: "n", isAutocompleted: true),
      ],
      defaultMemberPermissions: [.manageGuild], contexts: [.guild])
    var sent = try encode(definition)
    #expect(sent["default_member_permissions"] == 32)
    // What Discord adds and rewrites.
    sent["id"] = "1"
    sent["application_id"] = "2"
    sent["version"] = "3"
    sent["default_member_permissions"] = "32"
    let stored = try decode(sent.serialized(), as: ApplicationCommand.self)
    #expect(stored.definition == definition)
  }
}

@Suite struct EncodingTests {
  @Test func anAnswerCarriesWhatItIsMadeOfAndNothingElse() throws {
    let response = InteractionResponse.message(
      MessageBody(
        content: "hi",
        components: [
          .actionRow([
            .button(Button("Go", id: "go", style: .primary)), .button(Button("Web", action: .link("https://a"))),
          ])
        ],
        flags: .ephemeral, allowedMentions: AllowedMentions.none))
    #expect(
      try encode(response) == [
        "type": 4,
        "data": [
          "content": "hi", "flags": 64, "allowed_mentions": ["parse": []],
          "components": [
            [
              "type": 1,
              "components": [
                ["type": 2, "style": 1, "custom_id": "go", "label": "Go"],
                ["type": 2, "style": 5, "url": "https://a", "label": "Web"],
              ],
            ]
          ],
        ],
      ])
    #expect(try encode(InteractionResponse.deferredMessage(isEphemeral: false)) == ["type": 5])
    #expect(try encode(InteractionResponse.deferredUpdate) == ["type": 6])
  }

  @Test func filesAreNamedByTheirPlace() throws {
    let body = MessageBody(
      files: [FileUpload(name: "a.png", contentType: "image/png", bytes: [1])], keptAttachments: [7])
    #expect(try encode(body)["attachments"] == [["id": "7"], ["id": "0", "filename": "a.png"]])
  }
}
