import Platform

/// What a script ordered for coming gateway connections.
struct ConnectFault: Equatable, Sendable {
  /// What is said instead of HELLO.
  enum Hello: Equatable, Sendable {
    case proper
    /// HELLO with this as its `heartbeat_interval`; nil leaves the field out.
    case interval(JSON?)
    case text(String)
    case nothing
    /// The connection is cut.
    case cut
  }

  /// How many connections it still meets.
  var count = 1
  /// The answer to the opening request instead of 101.
  var status: Int?
  /// Before anything is said.
  var delay = Duration.zero
  /// Op 7 comes before HELLO.
  var reconnects = false
  var hello = Hello.proper
}

extension World {
  /// The status with which the next opening request is refused; nil to let it pass.
  func takeRefusal() -> Int? {
    guard connectFaults.first?.status != nil else { return nil }
    return takeConnectFault()?.status
  }

  /// What the connection meets that is opened now.
  func takeOpening() -> ConnectFault? { connectFaults.first?.status == nil ? takeConnectFault() : nil }

  private func takeConnectFault() -> ConnectFault? {
    guard let fault = connectFaults.first else { return nil }
    connectFaults[0].count -= 1
    if connectFaults[0].count <= 0 { connectFaults.removeFirst() }
    return fault
  }
}
