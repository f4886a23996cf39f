import Gateway
import Synchronization

/// The fields of a dialog, declared as properties: one to five of them.
///
/// ```swift
/// struct Report: ModalForm {
///   static let title = "Report a member"
///   @Field("What happened?", length: 10...1000, isParagraph: true) var story: String
///   @Field("How bad is it?", choices: Severity.options) var severity: Severity
///   @Field("Who saw it?", values: 0...3) var witnesses: [User]
///   @Field("Pictures", values: 0...5) var pictures: [Attachment]
/// }
/// ```
public protocol ModalForm: Sendable {
  /// 1 to 45 characters.
  static var title: String { get }
  /// Read by people above the fields; at most 2000 characters of markdown.
  static var introduction: String? { get }
  init()
}

extension ModalForm {
  public static var introduction: String? { nil }

  /// - Throws: ``OptionError`` for what does not fit the declaration.
  init(_ data: ModalData) throws {
    self.init()
    for (name, field) in declaredFields { try field.fill(from: data[name], name: name, resolved: data.resolved) }
  }

  static func items(prefill: [String: String] = [:]) throws -> [Modal.Item] {
    let texts = introduction.map { [Modal.Item.textDisplay($0)] } ?? []
    let fields = Self().declaredFields
    for name in prefill.keys where !fields.contains(where: { $0.name == OptionName.snakeCase(name) }) {
      throw DeclarationError(command: title, option: name, problem: "there is no field of this name to fill")
    }
    let values = Dictionary(prefill.map { (OptionName.snakeCase($0.key), $0.value) }, uniquingKeysWith: { $1 })
    return texts
      + fields.map { name, field in
        .label(
          field.label, description: field.description, input: field.input(name: name, prefill: values[name]))
      }
  }

  /// What Discord would refuse.
  static var problems: [(field: String?, problem: String)] {
    var problems: [(String?, String)] = []
    if !(1...45).contains(title.count) { problems.append((nil, "the title must have 1 to 45 characters")) }
    let fields = Self().declaredFields
    let count = fields.count + (introduction == nil ? 0 : 1)
    if !(1...5).contains(count) { problems.append((nil, "a dialog has 1 to 5 parts, not \(count)")) }
    for (name, field) in fields {
      if !(1...45).contains(field.label.count) { problems.append((name, "the label must have 1 to 45 characters")) }
      if (field.description?.count ?? 0) > 100 {
        problems.append((name, "the description has more than 100 characters"))
      }
      if let problem = field.problem { problems.append((name, problem)) }
    }
    return problems
  }

  private var declaredFields: [(name: String, field: any DeclaredField)] {
    Mirror(reflecting: self).children.compactMap { child in
      guard let property = child.label, let field = child.value as? any DeclaredField else { return nil }
      return (OptionName.snakeCase(property), field)
    }
  }
}

/// A field of a ``ModalForm``.
@propertyWrapper
public struct Field<Value: Sendable>: Sendable {
  let label: String
  let description: String?
  fileprivate let makeInput: @Sendable (_ name: String, _ prefill: String?) -> Modal.Input
  fileprivate let read: @Sendable (ModalData.Field?, ResolvedData) throws(FieldProblem) -> Value
  fileprivate let problem: String?
  private let storage = FieldStorage<Value>()

  fileprivate init(
    _ label: String, _ description: String?, problem: String? = nil,
    input: @escaping @Sendable (_ name: String, _ prefill: String?) -> Modal.Input,
    read: @escaping @Sendable (ModalData.Field?, ResolvedData) throws(FieldProblem) -> Value
  ) {
    self.label = label
    self.description = description
    self.problem = problem
    makeInput = input
    self.read = read
  }

  public var wrappedValue: Value {
    guard let value = storage.value.withLock({ $0 }) else {
      preconditionFailure("the field “\(label)” was read before a dialog filled it")
    }
    return value
  }

  fileprivate func store(_ value: Value) { storage.value.withLock { $0 = value } }
}

struct FieldProblem: Error {
  var problem: OptionError.Problem
}

private final class FieldStorage<Value: Sendable>: Sendable {
  let value = Mutex<Value?>(nil)
}

private protocol DeclaredField {
  var label: String { get }
  var description: String? { get }
  var problem: String? { get }
  func input(name: String, prefill: String?) -> Modal.Input
  func fill(from data: ModalData.Field?, name: String, resolved: ResolvedData) throws
}

extension Field: DeclaredField {
  fileprivate func input(name: String, prefill: String?) -> Modal.Input { makeInput(name, prefill) }
  fileprivate func fill(from data: ModalData.Field?, name: String, resolved: ResolvedData) throws {
    do {
      store(try read(data, resolved))
    } catch {
      throw OptionError(option: label, problem: error.problem)
    }
  }
}

// MARK: - Texts

extension Field where Value == String {
  /// - Parameter length: 0 to 4000 characters; a text that may be empty need not be given.
  public init(
    _ label: String, description: String? = nil, placeholder: String? = nil, length: ClosedRange<Int> = 1...4_000,
    isParagraph: Bool = false
  ) {
    self.init(label, description, problem: Self.problem(length, placeholder)) { name, prefill in
      .text(
        TextInput(
          customID: name, isParagraph: isParagraph, value: prefill, placeholder: placeholder,
          isRequired: length.lowerBound > 0, minimumLength: length.lowerBound, maximumLength: length.upperBound))
    } read: { data, _ throws(FieldProblem) in
      let text = data?.value ?? ""
      if text.isEmpty {
        if length.lowerBound > 0 { throw FieldProblem(problem: .missing) }
        return ""
      }
      if text.utf16.count < length.lowerBound { throw FieldProblem(problem: .tooShort(minimum: length.lowerBound)) }
      if text.count > length.upperBound { throw FieldProblem(problem: .tooLong(maximum: length.upperBound)) }
      return text
    }
  }

  private static func problem(_ length: ClosedRange<Int>, _ placeholder: String?) -> String? {
    if length.lowerBound < 0 || !(1...4_000).contains(length.upperBound) {
      return "a text's length can be limited to 0 to 4000, not \(length)"
    }
    return (placeholder?.count ?? 0) > 100 ? "the placeholder has more than 100 characters" : nil
  }
}

// MARK: - Choices

extension Field where Value: TextSelectionValue {
  /// One of these, in a list that unfolds.
  public init(_ label: String, description: String? = nil, choices: [SelectOption], placeholder: String? = nil) {
    self.init(label, description, problem: selectProblem(choices, 1...1)) { name, prefill in
      .select(
        SelectMenu(
          customID: name, source: .strings(choices.marking(prefill)), placeholder: placeholder, isRequired: true))
    } read: { data, resolved throws(FieldProblem) in
      try selected(data?.values, 1...1, among: choices, resolved)[0]
    }
  }

  /// One of these, all of them in sight: 2 to 10.
  public init(_ label: String, description: String? = nil, radio choices: [SelectOption]) {
    let problem = (2...10).contains(choices.count) ? nil : "a radio group has 2 to 10 choices, not \(choices.count)"
    self.init(label, description, problem: problem) { name, prefill in
      .radioGroup(customID: name, options: choices.marking(prefill), isRequired: true)
    } read: { data, resolved throws(FieldProblem) in
      try selected(data?.value.map { [$0] }, 1...1, among: choices, resolved)[0]
    }
  }
}

extension Field {
  /// Some of these, in a list that unfolds.
  public init<Element: TextSelectionValue>(
    _ label: String, description: String? = nil, choices: [SelectOption], placeholder: String? = nil,
    values: ClosedRange<Int>
  ) where Value == [Element] {
    self.init(label, description, problem: selectProblem(choices, values)) { name, prefill in
      .select(
        SelectMenu(
          customID: name, source: .strings(choices.marking(prefill)), placeholder: placeholder,
          minimumValues: values.lowerBound, maximumValues: values.upperBound, isRequired: values.lowerBound > 0))
    } read: { data, resolved throws(FieldProblem) in
      try selected(data?.values, values, among: choices, resolved)
    }
  }

  /// Some of these, with a box before each: 1 to 10.
  public init<Element: TextSelectionValue>(
    _ label: String, description: String? = nil, boxes choices: [SelectOption], values: ClosedRange<Int>
  ) where Value == [Element] {
    let problem =
      (1...10).contains(choices.count) && (0...10).contains(values.lowerBound) && (1...10).contains(values.upperBound)
      ? nil : "a group of checkboxes has 1 to 10 choices, not \(choices.count)"
    self.init(label, description, problem: problem) { name, prefill in
      .checkboxGroup(
        customID: name, options: choices.marking(prefill), minimum: values.lowerBound, maximum: values.upperBound,
        isRequired: values.lowerBound > 0)
    } read: { data, resolved throws(FieldProblem) in
      try selected(data?.values, values, among: choices, resolved)
    }
  }

  /// People, roles or channels.
  public init<Element: EntitySelectionValue>(
    _ label: String, description: String? = nil, placeholder: String? = nil, channelTypes: [ChannelType] = [],
    values: ClosedRange<Int> = 1...1
  ) where Value == [Element] {
    self.init(label, description, problem: valuesProblem(values, 25)) { name, _ in
      .select(
        SelectMenu(
          customID: name, source: Element.source(channelTypes: channelTypes), placeholder: placeholder,
          minimumValues: values.lowerBound, maximumValues: values.upperBound, isRequired: values.lowerBound > 0))
    } read: { data, resolved throws(FieldProblem) in
      try selected(data?.values, values, among: nil, resolved)
    }
  }
}

extension Field where Value == Bool {
  /// A box to tick.
  public init(_ label: String, description: String? = nil, isTicked: Bool = false) {
    self.init(label, description) { name, prefill in
      .checkbox(customID: name, isDefault: prefill.map { $0 == "true" } ?? isTicked)
    } read: { data, _ throws(FieldProblem) in
      data?.isChecked ?? false
    }
  }
}

extension Field where Value == [Attachment] {
  /// - Parameter values: 0 to 10 files.
  /// - Parameter fileTypes: `image`, `video`, `audio` or endings such as `.log`; at most 10, empty for all. Discord
  ///   looks at the names alone.
  public init(
    _ label: String, description: String? = nil, fileTypes: [String] = [], values: ClosedRange<Int> = 1...1
  ) {
    self.init(label, description, problem: valuesProblem(values, 10)) { name, _ in
      .fileUpload(
        customID: name, minimum: values.lowerBound, maximum: values.upperBound, isRequired: values.lowerBound > 0,
        fileTypes: fileTypes)
    } read: { data, resolved throws(FieldProblem) in
      let ids = data?.values ?? []
      guard values.contains(ids.count) || ids.isEmpty && values.lowerBound == 0 else {
        throw FieldProblem(problem: .missing)
      }
      return try ids.map { text throws(FieldProblem) in
        guard let file = Snowflake(text).flatMap({ resolved.attachments[$0] }) else {
          throw FieldProblem(problem: .unresolved)
        }
        return file
      }
    }
  }
}

private func selected<Element: SelectionValue>(
  _ texts: [String]?, _ count: ClosedRange<Int>, among choices: [SelectOption]?, _ resolved: ResolvedData
) throws(FieldProblem) -> [Element] {
  let texts = texts ?? []
  guard count.contains(texts.count) else {
    throw FieldProblem(problem: texts.count < count.lowerBound ? .missing : .notAChoice)
  }
  return try texts.map { text throws(FieldProblem) in
    if let choices, !choices.contains(where: { $0.value == text }) { throw FieldProblem(problem: .notAChoice) }
    guard let value = Element(selected: text, resolved: resolved) else { throw FieldProblem(problem: .unresolved) }
    return value
  }
}

private func selectProblem(_ choices: [SelectOption], _ values: ClosedRange<Int>) -> String? {
  if !(1...25).contains(choices.count) { return "a select has 1 to 25 choices, not \(choices.count)" }
  if Set(choices.map(\.value)).count != choices.count { return "two choices have the same value" }
  return valuesProblem(values, min(25, choices.count))
}

private func valuesProblem(_ values: ClosedRange<Int>, _ most: Int) -> String? {
  values.lowerBound >= 0 && (1...most).contains(values.upperBound)
    ? nil : "between 0 and \(most) values can be chosen, not \(values)"
}

extension [SelectOption] {
  /// With that one chosen at first; nil leaves it as declared.
  fileprivate func marking(_ value: String?) -> [SelectOption] {
    guard let value else { return self }
    return map { option in
      var option = option
      option.isDefault = option.value == value
      return option
    }
  }
}
