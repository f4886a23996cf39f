/// How a Swift property's name becomes the name of a command option.
enum OptionName {
  /// `deleteMessageDays` becomes `delete_message_days`, `targetURL` becomes `target_url`: the style of Discord's own
  /// commands and documents. A leading underscore (a property wrapper's storage) is dropped.
  static func snakeCase(_ property: String) -> String {
    let letters = Array(property.drop { $0 == "_" })
    var name = ""
    for (index, letter) in letters.enumerated() {
      let startsWord =
        index > 0 && letter.isUppercase
        && (!letters[index - 1].isUppercase || letters.indices.contains(index + 1) && letters[index + 1].isLowercase)
      if startsWord, name.last != "_" { name += "_" }
      name += letter.lowercased()
    }
    return name
  }
}
