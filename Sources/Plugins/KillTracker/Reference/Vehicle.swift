/// A ship or ground vehicle of the game, as players know it.
public struct Vehicle: Sendable, Hashable {
  public var className: String
  public var name: String
  public var manufacturer: String
  /// `Combat`, `Transporter` …; nil where the source does not know.
  public var type: String?
  public var size: String?
  public var crew: Int?
  /// In SCU.
  public var cargo: Double?
  /// In aUEC, the game's money.
  public var price: Int64?
  /// In metres.
  public var length: Double?

  /// Every vehicle, by name. Read from the program's image at each call: keep it if you need it often.
  public static var all: [Vehicle] {
    catalogue.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: "|", omittingEmptySubsequences: false).map { $0 == "-" ? nil : String($0) }
      guard fields.count == 9, let className = fields[0], let name = fields[1], let maker = fields[2] else {
        return nil
      }
      return Vehicle(
        className: className, name: name, manufacturer: maker, type: fields[3], size: fields[4],
        crew: fields[5].flatMap { Int($0) }, cargo: fields[6].flatMap { Double($0) },
        price: fields[7].flatMap { Int64($0) }, length: fields[8].flatMap { Double($0) })
    }
  }

  /// By its name, its class, or its name with the maker's before it; in any case.
  public static func named(_ name: String) -> Vehicle? {
    let wanted = name.lowercased()
    let all = all
    return all.first { $0.name.lowercased() == wanted || $0.className.lowercased() == wanted }
      ?? all.first { GameNames.vehicle($0.className).lowercased() == wanted }
      ?? all.first { "\($0.manufacturer) \($0.name)".lowercased() == wanted }
  }
}
