import CLinux

/// What a descriptor is watched for. Watching is level-triggered: a handler that leaves bytes unread is called again.
public struct IOInterest: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let read = IOInterest(rawValue: 1)
  public static let write = IOInterest(rawValue: 2)

  var epollEvents: UInt32 {
    (contains(.read) ? EPOLLIN.rawValue : 0) | (contains(.write) ? EPOLLOUT.rawValue : 0)
  }
}

/// What the kernel says about a descriptor. `hangup` and `failure` come whether asked for or not.
public struct IOReadiness: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let read = IOReadiness(rawValue: 1)
  public static let write = IOReadiness(rawValue: 2)
  /// Both directions are closed.
  public static let hangup = IOReadiness(rawValue: 4)
  /// An error waits to be read with `SO_ERROR`.
  public static let failure = IOReadiness(rawValue: 8)

  init(epollEvents events: UInt32) {
    var readiness: IOReadiness = []
    if events & EPOLLIN.rawValue != 0 { readiness.insert(.read) }
    if events & EPOLLOUT.rawValue != 0 { readiness.insert(.write) }
    if events & EPOLLHUP.rawValue != 0 { readiness.insert(.hangup) }
    if events & EPOLLERR.rawValue != 0 { readiness.insert(.failure) }
    self = readiness
  }
}
