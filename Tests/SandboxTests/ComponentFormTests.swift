import Platform
import Testing

@testable import Sandbox

/// The sandbox refuses of components what Discord refuses.
struct ComponentFormTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let components: String
    let place: String?
    let code: String
    var isV2 = true
    var more = ""
    var testDescription: String { name }

    /// - Parameter place: Nil: it is taken.
    init(
      _ name: String, _ components: String, at place: String? = nil, _ code: String = "",
      isV2: Bool = true,
      more: String = ""
    ) {
      self.name = name
      self.components = components
      self.place = place
      self.code = code
      self.isV2 = isV2
      self.more = more
    }
  }

  private static func text(_ content: String = "x") -> String {
    #"{"type":10,"content":"\#(content)"}"#
  }
  private static func button(_ id: Int, _ more: String = "") -> String {
    #"{"type":2,"style":1,"label":"x","custom_id":"\#(id)"\#(more)}"#
  }
  private static func row(_ inner: String...) -> String {
    #"{"type":1,"components":[\#(inner.joined(separator: ","))]}"#
  }
  private static func select(_ more: String, type: Int = 3) -> String {
    row(#"{"type":\#(type),"custom_id":"s"\#(more)}"#)
  }
  private static let options = #","options":[{"label":"A","value":"a"},{"label":"B","value":"b"}]"#
  private static func container(_ inner: String) -> String {
    #"{"type":17,"components":[\#(inner)]}"#
  }
  private static func section(_ texts: String, _ accessory: String) -> String {
    #"{"type":9,"components":[\#(texts)],"accessory":\#(accessory)}"#
  }
  private static let picture = #"{"type":11,"media":{"url":"https://x.example/a.png"}}"#

  private static let cases: [Case] = [
    Case("a text alone", text()),
    Case(
      "everything in a container",
      container(
        [text(), section(text(), picture), row(button(1)), #"{"type":14,"spacing":2}"#].joined(
          separator: ","))),
    Case("five buttons", row(button(1), button(2), button(3), button(4), button(5)), isV2: false),
    Case(
      "six buttons", row((1...6).map { button($0) }.joined(separator: ",")),
      at: "components.0.components", "BASE_TYPE_MAX_LENGTH", isV2: false),
    Case(
      "a button beside a select", row(button(1), #"{"type":5,"custom_id":"u"}"#),
      at: "components.0.components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", isV2: false),
    Case(
      "six rows", (1...6).map { row(button($0)) }.joined(separator: ","), at: "components",
      "BASE_TYPE_MAX_LENGTH", isV2: false),
    Case("six rows of version 2", (1...6).map { row(button($0)) }.joined(separator: ",")),
    Case("an empty row", row(), at: "components.0.components", "BASE_TYPE_BAD_LENGTH"),
    Case(
      "a text without the flag", text(), at: "components.0.type", "BASE_TYPE_CHOICES", isV2: false),
    Case(
      "a container in a container", container(container(text())),
      at: "components.0.components.0.type", "BASE_TYPE_CHOICES"),
    Case("a bare button", button(1), at: "components.0.type", "BASE_TYPE_CHOICES"),
    Case(
      "an input in a message", row(#"{"type":4,"custom_id":"t","style":1}"#),
      at: "components.0.components.0.type", "BASE_TYPE_CHOICES"),
    Case(
      "content beside version 2", text(), at: "content",
      "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", more: #","content":"x""#),
    Case(
      "an embed beside version 2", text(), at: "embeds",
      "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", more: #","embeds":[{"title":"x"}]"#),
    Case("an empty content beside version 2", text(), more: #","content":"","embeds":[]"#),
    Case("40 parts", (1...40).map { _ in text() }.joined(separator: ",")),
    Case(
      "41 parts, nested",
      (1...4).map { _ in container((1...10).map { _ in text() }.joined(separator: ",")) }.joined(
        separator: ","), at: "components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED"),
    Case(
      "too much text",
      text(String(repeating: "x", count: 2_500)) + "," + text(String(repeating: "x", count: 1_501)),
      at: "components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED"),
    Case("an empty text", text(""), at: "components.0.content", "BASE_TYPE_REQUIRED"),
    Case(
      "a section without accessory", #"{"type":9,"components":[\#(text())]}"#,
      at: "components.0.accessory", "BASE_TYPE_REQUIRED"),
    Case(
      "a section of four",
      section([text(), text(), text(), text()].joined(separator: ","), picture),
      at: "components.0.components", "BASE_TYPE_MAX_LENGTH"),
    Case(
      "a select as accessory", section(text(), #"{"type":5,"custom_id":"u"}"#),
      at: "components.0.accessory.type", "BASE_TYPE_CHOICES"),
    Case(
      "an empty gallery", #"{"type":12,"items":[]}"#, at: "components.0.items",
      "BASE_TYPE_BAD_LENGTH"),
    Case(
      "a gallery from nowhere", #"{"type":12,"items":[{"media":{"url":"ftp://x"}}]}"#,
      at: "components.0.items.0.media.url", "URL_TYPE_INVALID_SCHEME"),
    Case(
      "a file from elsewhere", #"{"type":13,"file":{"url":"https://x.example/a"}}"#,
      at: "components.0.file.url", "URL_TYPE_INVALID_SCHEME"),
    Case(
      "a separator of another width", #"{"type":14,"spacing":3}"#, at: "components.0.spacing",
      "NUMBER_TYPE_MAX"),
    Case(
      "the same id twice", #"{"type":10,"content":"a","id":7},{"type":10,"content":"b","id":7}"#,
      at: "components.1.id", "COMPONENT_ID_DUPLICATED"),
    Case(
      "a custom id of 100",
      row(#"{"type":2,"style":1,"label":"x","custom_id":"\#(String(repeating: "x", count: 100))"}"#)
    ),
    Case(
      "a custom id of 101",
      row(
        #"{"type":2,"style":1,"label":"x","custom_id":"\#(String(repeating: "x", count: 101))"}"#),
      at: "components.0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH"),
    Case(
      "the same custom id in two rows", row(button(1)) + "," + container(row(button(1))),
      at: "components.1.components.0.components.0.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"),
    Case(
      "a link with a custom id",
      row(#"{"type":2,"style":5,"label":"x","url":"https://x.example","custom_id":"a"}"#),
      at: "components.0.components.0.custom_id", "BUTTON_COMPONENT_INVALID_FIELD"),
    Case(
      "a button with an address", row(button(1, #","url":"https://x.example""#)),
      at: "components.0.components.0.url", "BUTTON_COMPONENT_INVALID_FIELD"),
    Case(
      "a premium button with a label", row(#"{"type":2,"style":6,"sku_id":"1","label":"x"}"#),
      at: "components.0.components.0.label", "BUTTON_COMPONENT_INVALID_FIELD"),
    Case("a premium button", row(#"{"type":2,"style":6,"sku_id":"1"}"#)),
    Case(
      "more values than options", select(options + #","max_values":3"#),
      at: "components.0.components.0.max_values", "SELECT_COMPONENT_MAX_VALUES"),
    Case(
      "more at least than at most", select(options + #","min_values":2"#),
      at: "components.0.components.0.min_values", "NUMBER_TYPE_MAX"),
    Case(
      "the same value twice",
      select(#","options":[{"label":"A","value":"a"},{"label":"B","value":"a"}]"#),
      at: "components.0.components.0.options.1.value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"),
    Case(
      "defaults",
      select(
        #","max_values":2,"default_values":[{"id":"1","type":"user"},{"id":"2","type":"role"}]"#,
        type: 7)),
    Case(
      "a role as default of users",
      select(#","default_values":[{"id":"1","type":"role"}]"#, type: 5),
      at: "components.0.components.0.default_values.0.type", "BASE_TYPE_CHOICES"),
    Case(
      "more defaults than values",
      select(#","default_values":[{"id":"1","type":"user"},{"id":"2","type":"user"}]"#, type: 5),
      at: "components.0.components.0.default_values", "BASE_TYPE_BAD_LENGTH"),
  ]

  @Test(arguments: cases)
  func aMessageIsTakenOrRefusedAtItsPlace(wrong: Case) async throws {
    let flags = wrong.isV2 ? #","flags":32768"# : ""
    let body = try JSON(parsing: #"{"components":[\#(wrong.components)]\#(flags)\#(wrong.more)}"#)
    let response = await Bench().request(.post, "/channels/900000000000000011/messages", body)
    expect(response, wrong.place, wrong.code)
  }

  private func expect(_ response: APIResponse, _ place: String?, _ code: String) {
    guard let place else {
      #expect(response.status == 200, "\(response.body ?? .null)")
      return
    }
    #expect(response.status == 400)
    var node = response.body?["errors"]
    for name in place.split(separator: ".") { node = node?[String(name)] }
    let codes = node?["_errors"]?.array?.compactMap { $0["code"]?.string }
    #expect(codes?.contains(code) == true, "\(response.body ?? .null)")
  }

  @Test func whatIsOfVersionTwoStaysSo() async throws {
    let bench = Bench()
    let path = "/channels/900000000000000011/messages"
    let made = await bench.request(
      .post, path, ["flags": 32768, "components": [["type": 10, "content": "x"]]])
    let id = try #require(made.body?["id"]?.string)
    #expect(await bench.request(.patch, "\(path)/\(id)", ["content": "plain"]).status == 400)
    let edited = await bench.request(
      .patch, "\(path)/\(id)", ["components": [["type": 10, "content": "y"]]])
    #expect(edited.body?["components"]?[0]?["content"] == "y")
    #expect(edited.body?["flags"] == 32768)
  }

  @Test func filesStandWhereComponentsShowThem() async throws {
    let body: JSON = [
      "flags": 32768,
      "components": [
        ["type": 13, "file": ["url": "attachment://log.txt"]],
        ["type": 12, "items": [["media": ["url": "attachment://log.txt"]]]],
      ], "attachments": [["id": 0, "filename": "log.txt"]],
    ]
    let file = APIRequest.File(
      index: 0, filename: "log.txt", contentType: "text/plain", bytes: [1, 2, 3])
    let made = await Bench().request(
      .post, "/channels/900000000000000011/messages", body, files: [file])
    let shown = try #require(made.body?["components"]?[0])
    #expect(shown["name"] == "log.txt")
    #expect(shown["size"] == 3)
    #expect(shown["file"]?["url"]?.string?.hasSuffix("/log.txt") == true)
    #expect(
      made.body?["components"]?[1]?["items"]?[0]?["media"]?["url"]?.string?.hasSuffix("/log.txt")
        == true)
  }

  @Test func anEntryPointCannotBeLeftOut() async throws {
    let bench = Bench()
    let commands = "/applications/123456789012345678/commands"
    let launch: JSON = ["type": 4, "name": "launch", "description": "Opens it", "handler": 2]
    #expect(await bench.request(.post, commands, ["type": 4, "name": "launch"]).status == 400)
    #expect(await bench.request(.post, commands, launch).body?["handler"] == 2)
    let other: JSON = ["name": "other", "description": "x"]
    #expect(await bench.request(.put, commands, [other]).body?["code"] == 50240)
    #expect(await bench.request(.put, commands, [other, launch]).status == 200)
    #expect(
      await bench.request(.post, commands, ["name": "x", "description": "x", "handler": 1]).status
        == 400)
  }
}

/// What users send off in modals.
struct ModalTests {
  private static let commands = "/applications/123456789012345678/commands"

  private static let modal: JSON = [
    "custom_id": "m", "title": "Form",
    "components": [
      [
        "type": 18, "label": "Text",
        "component": ["type": 4, "custom_id": "text", "style": 1, "min_length": 2],
      ],
      [
        "type": 18, "label": "People",
        "component": [
          "type": 5, "custom_id": "people", "min_values": 0, "max_values": 2, "required": false,
        ],
      ],
      [
        "type": 18, "label": "Radio",
        "component": [
          "type": 21, "custom_id": "radio",
          "options": [["label": "A", "value": "a"], ["label": "B", "value": "b"]],
        ],
      ],
      ["type": 18, "label": "Box", "component": ["type": 23, "custom_id": "box"]],
      [
        "type": 18, "label": "File",
        "component": [
          "type": 19, "custom_id": "file", "required": false, "file_types": [".log", "image"],
        ],
      ],
    ],
  ]

  /// A world in which `/form` was answered with the modal; what comes next for the bot.
  private func opened() async throws -> (bench: Bench, client: Bench.Client, interaction: JSON) {
    let bench = Bench()
    let client = await bench.connect()
    _ = await client.event("GUILD_CREATE")
    _ = await bench.request(.post, Self.commands, ["name": "form", "description": "x"])
    _ = try await bench.world.runCommand(["user": "100000000000000002", "text": "/form"])
    let event = try #require(await client.event("INTERACTION_CREATE"))
    let path = "/interactions/\(event["id"]?.string ?? "")/\(event["token"]?.string ?? "")/callback"
    let answer = await bench.request(.post, path, ["type": 9, "data": Self.modal], token: nil)
    #expect(answer.status == 204, "\(answer.body ?? .null)")
    return (bench, client, event["id"] ?? .null)
  }

  @Test func everyKindOfInputArrives() async throws {
    let (bench, client, interaction) = try await opened()
    _ = try await bench.world.submitModal([
      "user": "100000000000000002", "interaction": interaction,
      "fields": [
        "text": "hello", "people": ["100000000000000003"], "radio": "b", "box": true,
        "file": [["filename": "a.log", "text": "line"]],
      ],
    ])
    let data = try #require(await client.event("INTERACTION_CREATE")?["data"])
    let inputs = (data["components"]?.array ?? []).compactMap { $0["component"] }
    #expect(inputs.map { $0["custom_id"]?.string } == ["text", "people", "radio", "box", "file"])
    #expect(inputs[0]["value"] == "hello")
    #expect(inputs[1]["values"] == ["100000000000000003"])
    #expect(inputs[2]["value"] == "b")
    #expect(inputs[3]["value"] == true)
    #expect(data["resolved"]?["users"]?["100000000000000003"]?["username"] == "nadia")
    let file = try #require(inputs[4]["values"]?[0]?.string)
    #expect(data["resolved"]?["attachments"]?[file]?["filename"] == "a.log")
  }

  @Test func whatIsNotGivenHasItsDefault() async throws {
    let (bench, client, interaction) = try await opened()
    _ = try await bench.world.submitModal([
      "user": "100000000000000002", "interaction": interaction,
      "fields": ["text": "hello", "radio": "a"],
    ])
    let data = try #require(await client.event("INTERACTION_CREATE")?["data"])
    let inputs = (data["components"]?.array ?? []).compactMap { $0["component"] }
    #expect(inputs.map { $0["values"] ?? $0["value"] ?? .null } == ["hello", [], "a", false, []])
  }

  @Test(arguments: [
    (#"{"radio":"a"}"#, "the field text is required"),
    (#"{"text":"x","radio":"a"}"#, "the field text must have at least 2 characters"),
    (#"{"text":"hello"}"#, "the field radio is required"),
    (#"{"text":"hello","radio":"c"}"#, "\"c\" is no option of the field radio"),
    (#"{"text":"hello","radio":"a","people":["5"]}"#, "the field people: there is no 5 to choose"),
    (
      #"{"text":"hello","radio":"a","people":["100000000000000001","100000000000000002","100000000000000003"]}"#,
      "the field people takes between 0 and 2 values"
    ), (#"{"text":"hello","radio":"a","box":"yes"}"#, "the field box is true or false"),
    (
      #"{"text":"hello","radio":"a","file":[{"filename":"a.exe","text":""}]}"#,
      "the field file does not take a.exe"
    ), (#"{"text":"hello","radio":"a","other":"x"}"#, "the modal has no field other"),
  ])
  func whatDiscordsClientWouldNotSendIsRefused(fields: String, message: String) async throws {
    let (bench, _, interaction) = try await opened()
    await #expect(throws: ControlError(status: 400, message: message)) {
      try await bench.world.submitModal([
        "user": "100000000000000002", "interaction": interaction,
        "fields": try JSON(parsing: fields),
      ])
    }
  }

  @Test(arguments: [
    (#"{"custom_id":"m","title":"","components":[]}"#, "title"),
    (#"{"custom_id":"m","title":"T","components":[]}"#, "components"),
    (
      #"{"custom_id":"m","title":"T","components":[{"type":18,"label":"L"}]}"#,
      "components.0.component"
    ),
    (
      #"{"custom_id":"m","title":"T","components":[{"type":18,"label":"L","component":{"type":2,"custom_id":"b"}}]}"#,
      "components.0.component.type"
    ),
    (
      #"{"custom_id":"m","title":"T","components":[{"type":18,"label":"L","component":{"type":5,"custom_id":"b","disabled":true}}]}"#,
      "components.0.component.disabled"
    ),
    (
      #"{"custom_id":"m","title":"T","components":[{"type":18,"label":"L","component":{"type":19,"custom_id":"b","min_values":0}}]}"#,
      "components.0.component.min_values"
    ),
    (
      #"{"custom_id":"m","title":"T","components":[{"type":18,"label":"L","component":{"type":21,"custom_id":"b","options":[{"label":"A","value":"a"}]}}]}"#,
      "components.0.component.options"
    ),
  ])
  func aWrongModalIsRefusedAtItsPlace(modal: String, place: String) throws {
    do {
      try ComponentForm.checkModal(try JSON(parsing: modal))
      Issue.record("taken")
    } catch let error as APIError {
      var node = error.errors?["data"]
      for name in place.split(separator: ".") { node = node?[String(name)] }
      #expect(node?["_errors"] != nil, "\(error.body)")
    }
  }
}
