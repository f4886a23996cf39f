import Platform

/// Checks components by their kind. Source: Discord "Components Reference".
struct ComponentForm {
  private static let selects: Set<Int64> = [3, 5, 6, 7, 8]
  /// With components version 2, nested ones included.
  static let limit = 40
  /// Of all text in a message of components version 2.
  static let textLimit = 4_000

  private let isV2: Bool
  private var customIDs: Set<String> = []
  private var ids: Set<Int64> = []
  private var count = 0
  private var text = 0

  init(isV2: Bool) { self.isV2 = isV2 }

  /// Checks the `components` of a message.
  /// - Returns: the list.
  static func checkMessage(_ list: JSON, isV2: Bool, _ path: [String], _ form: inout FormErrors) -> [JSON] {
    let components = form.list(list, path, limit: isV2 ? limit : 5)
    var check = ComponentForm(isV2: isV2)
    for (index, component) in components.enumerated() {
      check.top(component, path + [String(index)], &form)
    }
    if isV2, check.count > limit {
      form.add(
        path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "The total number of components cannot exceed \(limit).")
    }
    if check.text > textLimit {
      form.add(
        path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
        "Component displayable text size exceeds maximum size of \(textLimit)")
    }
    return components
  }

  private mutating func top(_ component: JSON, _ path: [String], _ form: inout FormErrors) {
    check(component, path, allowed: isV2 ? [1, 9, 10, 12, 13, 14, 17] : [1], &form)
  }

  private mutating func check(_ component: JSON, _ path: [String], allowed: [Int64], _ form: inout FormErrors) {
    guard let kind = component["type"]?.integer else { return form.required(path + ["type"]) }
    count += 1
    form.choice(kind, path + ["type"], allowed)
    guard allowed.contains(kind) else { return }
    if let id = form.integer(component["id"], path + ["id"], 0...Int64(Int32.max)), id != 0, !ids.insert(id).inserted {
      form.add(path + ["id"], "COMPONENT_ID_DUPLICATED", "Component id cannot be duplicated")
    }
    switch kind {
    case 1: row(component, path, &form)
    case 2: button(component, path, &form)
    case _ where Self.selects.contains(kind): select(component, kind, path, isModal: false, &form)
    case 9: section(component, path, &form)
    case 10:
      text += form.text(component["content"], path + ["content"], 1...4_000, required: true)?.unicodeScalars.count ?? 0
    case 11: media(component, path, &form)
    case 12:
      let items = children(component["items"], path + ["items"], 1...10, &form)
      for (index, item) in items.enumerated() { media(item, path + ["items", String(index)], &form) }
    case 13:
      let url = form.text(component["file"]?["url"], path + ["file", "url"], 1...2_048, required: true)
      if let url, !url.hasPrefix("attachment://") {
        form.add(path + ["file", "url"], "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('attachment').")
      }
    case 14: form.integer(component["spacing"], path + ["spacing"], 1...2)
    default:
      form.integer(component["accent_color"], path + ["accent_color"], 0...0xFF_FFFF)
      let inner = children(component["components"], path + ["components"], 1...Self.limit, &form)
      for (index, child) in inner.enumerated() {
        check(child, path + ["components", String(index)], allowed: [1, 9, 10, 12, 13, 14], &form)
      }
    }
  }

  private func children(
    _ value: JSON?, _ path: [String], _ range: ClosedRange<Int>, _ form: inout FormErrors
  ) -> [JSON] {
    let list = form.list(value, path, limit: range.upperBound)
    if list.count < range.lowerBound {
      form.add(
        path, "BASE_TYPE_BAD_LENGTH", "Must be between \(range.lowerBound) and \(range.upperBound) in length.")
    }
    return list
  }

  /// Up to five buttons, or one select.
  private mutating func row(_ component: JSON, _ path: [String], _ form: inout FormErrors) {
    let inner = children(component["components"], path + ["components"], 1...5, &form)
    for (index, child) in inner.enumerated() {
      check(child, path + ["components", String(index)], allowed: [2, 3, 5, 6, 7, 8], &form)
    }
    if inner.count > 1, inner.contains(where: { Self.selects.contains($0["type"]?.integer ?? 0) }) {
      form.add(
        path + ["components"], "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
    }
  }

  private mutating func section(_ component: JSON, _ path: [String], _ form: inout FormErrors) {
    let texts = children(component["components"], path + ["components"], 1...3, &form)
    for (index, child) in texts.enumerated() {
      check(child, path + ["components", String(index)], allowed: [10], &form)
    }
    guard let accessory = component["accessory"], !accessory.isNull else {
      return form.required(path + ["accessory"])
    }
    check(accessory, path + ["accessory"], allowed: [2, 11], &form)
  }

  private func media(_ item: JSON, _ path: [String], _ form: inout FormErrors) {
    form.text(item["description"], path + ["description"], 0...1_024)
    guard let url = form.text(item["media"]?["url"], path + ["media", "url"], 1...2_048, required: true) else { return }
    if !["http://", "https://", "attachment://"].contains(where: url.lowercased().hasPrefix) {
      form.add(
        path + ["media", "url"], "URL_TYPE_INVALID_SCHEME",
        "Scheme \"\(url.prefix { $0 != ":" })\" must be one of ('http', 'https', 'attachment').")
    }
  }

  private mutating func customID(_ component: JSON, _ path: [String], _ form: inout FormErrors) {
    guard let id = form.text(component["custom_id"], path + ["custom_id"], 1...100, required: true) else { return }
    if !customIDs.insert(id).inserted {
      form.add(
        path + ["custom_id"], "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    }
  }

  private mutating func button(_ button: JSON, _ path: [String], _ form: inout FormErrors) {
    func isGiven(_ name: String) -> Bool { button[name].map { !$0.isNull } ?? false }
    func refuse(_ names: [String]) {
      for name in names where isGiven(name) {
        form.add(path + [name], "BUTTON_COMPONENT_INVALID_FIELD", "\(name) is not valid for this style of button")
      }
    }
    let style = form.integer(button["style"], path + ["style"], 1...6, required: true)
    form.text(button["label"], path + ["label"], 0...80)
    let hasFace = button["label"]?.string?.isEmpty == false || button["emoji"]?.object != nil
    switch style {
    case 5:
      form.text(button["url"], path + ["url"], 1...512, required: true)
      refuse(["custom_id", "sku_id"])
      if !hasFace { form.required(path + ["label"]) }
    case 6:
      form.text(button["sku_id"], path + ["sku_id"], 1...20, required: true)
      refuse(["custom_id", "url", "label", "emoji"])
    default:
      customID(button, path, &form)
      refuse(["url", "sku_id"])
      if !hasFace { form.required(path + ["label"]) }
    }
  }

  private mutating func select(
    _ select: JSON, _ kind: Int64, _ path: [String], isModal: Bool, _ form: inout FormErrors
  ) {
    customID(select, path, &form)
    form.text(select["placeholder"], path + ["placeholder"], 0...150)
    if isModal, select["disabled"]?.bool == true {
      form.add(path + ["disabled"], "COMPONENT_MODAL_DISABLED", "Components in modals cannot be disabled")
    }
    let options = kind == 3 ? self.options(select["options"], path + ["options"], 1...25, &form) : []
    let most = form.integer(select["max_values"], path + ["max_values"], 1...25) ?? 1
    let least = self.least(select, path, 25, isModal: isModal, &form)
    if least > most {
      form.add(path + ["min_values"], "NUMBER_TYPE_MAX", "int value should be less than or equal to \(most).")
    }
    if kind == 3, most > Int64(max(options.count, 1)) {
      form.add(
        path + ["max_values"], "SELECT_COMPONENT_MAX_VALUES", "max_values exceeds the number of options")
    }
    let defaults = form.list(select["default_values"], path + ["default_values"], limit: 25)
    if !defaults.isEmpty, !(least...max(least, most)).contains(Int64(defaults.count)) {
      form.add(
        path + ["default_values"], "BASE_TYPE_BAD_LENGTH", "Must be between \(least) and \(most) in length.")
    }
    let kinds: [Int64: Set<String>] = [5: ["user"], 6: ["role"], 7: ["user", "role"], 8: ["channel"]]
    for (index, value) in defaults.enumerated() {
      let place = path + ["default_values", String(index)]
      if Snowflake(value["id"]) == nil { form.required(place + ["id"]) }
      if !(kinds[kind] ?? []).contains(value["type"]?.string ?? "") {
        form.add(place + ["type"], "BASE_TYPE_CHOICES", "Value must be one of {\(kinds[kind] ?? [])}.")
      }
    }
  }

  /// `min_values`; in a modal 0 needs `required` to be false.
  private func least(
    _ component: JSON, _ path: [String], _ most: Int64, isModal: Bool, _ form: inout FormErrors
  ) -> Int64 {
    let least = form.integer(component["min_values"], path + ["min_values"], 0...most)
    if isModal, least == 0, component["required"]?.bool ?? true {
      form.add(path + ["min_values"], "NUMBER_TYPE_MIN", "int value should be greater than or equal to 1.")
    }
    return least ?? 1
  }

  private func options(
    _ value: JSON?, _ path: [String], _ range: ClosedRange<Int>, _ form: inout FormErrors
  ) -> [JSON] {
    let options = children(value, path, range, &form)
    var values: Set<String> = []
    for (index, option) in options.enumerated() {
      let place = path + [String(index)]
      form.text(option["label"], place + ["label"], 1...100, required: true)
      let value = form.text(option["value"], place + ["value"], 1...100, required: true)
      form.text(option["description"], place + ["description"], 0...100)
      if let value, !values.insert(value).inserted {
        form.add(
          place + ["value"], "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
          "The specified option value is already used")
      }
    }
    return options
  }

  // MARK: - Modals

  /// The body of a modal: `custom_id`, `title`, 1 to 5 components.
  static func checkModal(_ data: JSON) throws(APIError) {
    var form = FormErrors()
    form.text(data["custom_id"], ["data", "custom_id"], 1...100, required: true)
    form.text(data["title"], ["data", "title"], 1...45, required: true)
    var check = ComponentForm(isV2: true)
    let path = ["data", "components"]
    for (index, row) in check.children(data["components"], path, 1...5, &form).enumerated() {
      check.modalPart(row, path + [String(index)], &form)
    }
    try form.check()
  }

  private mutating func modalPart(_ part: JSON, _ path: [String], _ form: inout FormErrors) {
    switch part["type"]?.integer {
    case 1:
      let inputs = form.list(part["components"], path + ["components"], limit: 1)
      guard let input = inputs.first else {
        return form.add(path + ["components"], "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 1 in length.")
      }
      form.choice(input["type"]?.integer ?? -1, path + ["components", "0", "type"], [4])
      textInput(input, path + ["components", "0"], needsLabel: true, &form)
    case 10: form.text(part["content"], path + ["content"], 1...4_000, required: true)
    case 18:
      form.text(part["label"], path + ["label"], 1...45, required: true)
      form.text(part["description"], path + ["description"], 0...100)
      guard let inner = part["component"], !inner.isNull else { return form.required(path + ["component"]) }
      input(inner, path + ["component"], &form)
    default: form.choice(part["type"]?.integer ?? -1, path + ["type"], [1, 10, 18])
    }
  }

  /// What stands in a label.
  private mutating func input(_ input: JSON, _ path: [String], _ form: inout FormErrors) {
    let kind = input["type"]?.integer ?? -1
    switch kind {
    case 4: textInput(input, path, needsLabel: false, &form)
    case _ where Self.selects.contains(kind): select(input, kind, path, isModal: true, &form)
    case 19:
      customID(input, path, &form)
      form.integer(input["max_values"], path + ["max_values"], 1...10)
      _ = least(input, path, 10, isModal: true, &form)
      let types = form.list(input["file_types"], path + ["file_types"], limit: 10)
      for (index, type) in types.enumerated() {
        let text = type.string ?? ""
        if !["image", "video", "audio"].contains(text), !text.hasPrefix(".") {
          form.add(path + ["file_types", String(index)], "BASE_TYPE_CHOICES", "Not a file type: \(type)")
        }
      }
    case 21:
      customID(input, path, &form)
      _ = options(input["options"], path + ["options"], 2...10, &form)
    case 22:
      customID(input, path, &form)
      _ = options(input["options"], path + ["options"], 1...10, &form)
      form.integer(input["max_values"], path + ["max_values"], 1...10)
      _ = least(input, path, 10, isModal: true, &form)
    case 23: customID(input, path, &form)
    default: form.choice(kind, path + ["type"], [3, 4, 5, 6, 7, 8, 19, 21, 22, 23])
    }
  }

  private mutating func textInput(
    _ input: JSON, _ path: [String], needsLabel: Bool, _ form: inout FormErrors
  ) {
    customID(input, path, &form)
    let style = form.integer(input["style"], path + ["style"], 1...2, required: true)
    if style != nil, needsLabel { form.text(input["label"], path + ["label"], 1...45, required: true) }
    form.integer(input["min_length"], path + ["min_length"], 0...4_000)
    form.integer(input["max_length"], path + ["max_length"], 1...4_000)
    form.text(input["value"], path + ["value"], 0...4_000)
    form.text(input["placeholder"], path + ["placeholder"], 0...100)
  }
}
