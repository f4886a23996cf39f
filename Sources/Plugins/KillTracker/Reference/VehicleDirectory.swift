/// The vehicles in memory: by every name that people and logs give them.
struct VehicleDirectory: Sendable {
  static let shared = VehicleDirectory(Vehicle.all)

  /// What people choose from: name and maker; stands for the class.
  let index: NameIndex
  private let byName: [String: Vehicle]

  init(_ vehicles: [Vehicle]) {
    index = NameIndex(
      vehicles.map { NameIndex.Entry(name: $0.name, detail: $0.manufacturer, value: $0.className) })
    var byName: [String: Vehicle] = [:]
    // Of several with one name, the one of which more is known.
    for vehicle in vehicles.sorted(by: { ($0.price ?? -1, $1.className) > ($1.price ?? -1, $0.className) }) {
      let names = [
        vehicle.className, vehicle.name, GameNames.vehicle(vehicle.className),
        "\(vehicle.manufacturer) \(vehicle.name)",
        Self.title(of: vehicle),
      ]
      for name in names where byName[name.lowercased()] == nil { byName[name.lowercased()] = vehicle }
    }
    self.byName = byName
  }

  /// `Gladius · Aegis Dynamics`.
  static func title(of vehicle: Vehicle) -> String { "\(vehicle.name) · \(vehicle.manufacturer)" }

  /// By its name, its class, what logs call it, or its name with the maker's before it; in any case.
  func named(_ name: String) -> Vehicle? { byName[name.withoutOuterBlanks.lowercased()] }

  /// The same, and what can mean no other.
  func find(_ typed: String) -> Vehicle? {
    named(typed) ?? index.resolve(typed).flatMap { named($0.value) }
  }
}
