/// Values kept by their types: what higher rooms attach to routes and requests, unknown to this one.
public struct TypedValues: Sendable {
  private var values: [ObjectIdentifier: any Sendable] = [:]

  public init() {}

  public subscript<Value: Sendable>(type: Value.Type) -> Value? {
    get { values.isEmpty ? nil : values[ObjectIdentifier(type)] as? Value }
    set { values[ObjectIdentifier(type)] = newValue }
  }
}
