import Glibc
import HTTP
import Platform

/// A port of the HTTP API that cannot be opened, in the operator's terms; none is open then.
struct ListenerUnavailable: Error, CustomStringConvertible {
  let listener: String
  let address: String
  let cause: any Error

  init(_ failure: HTTPListeners.Failure, _ listeners: [Configuration.Listener]) {
    listener = failure.listener
    address = listeners.first { $0.name == failure.listener }?.listen ?? ""
    cause = failure.cause
  }

  var description: String {
    let reason =
      switch (cause as? SystemError)?.code {
      case EADDRINUSE: "is taken by another program"
      case EADDRNOTAVAIL: "is no address of this machine"
      case EACCES: "is only for privileged programs: choose a port from 1024 on"
      default: "cannot be used (\(cause))"
      }
    return "plugins.httpapi.listeners.\(listener).listen: \(address) \(reason); no port of the HTTP API was opened"
  }
}
