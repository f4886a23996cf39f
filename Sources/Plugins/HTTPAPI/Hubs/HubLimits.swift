import HTTP
import Platform
import Synchronization

/// The bounds of one hub.
public struct HubLimits: Sendable {
  /// Listeners in all; more are refused before the upgrade.
  public var listeners = 15_000
  /// Listeners of one IPv4 address or one IPv6 network of 64 bits; nil for no limit of its own.
  public var listenersPerAddress: Int? = 100
  /// What a refused one is answered: 503 in general, 429 where the document has no other.
  public var refusal = HTTPStatus.serviceUnavailable
  /// The most bytes that wait for one listener. With more it is too slow, and closed with 1013.
  public var pendingBytes = 256 << 10
  /// The most messages that wait for one listener.
  public var pendingMessages = 1_000
  /// The most bytes of one message of a client.
  public var messageSize = 16 << 10

  public init() {}
}

/// Counts the places of a hub.
final class HubPlaces: Sendable {
  private struct State {
    var taken = 0
    var perSite: [NetworkBlock: Int] = [:]
  }
  private let limits: HubLimits
  private let state = Mutex(State())
  private let gauge: Gauge

  init(_ limits: HubLimits, gauge: Gauge) {
    self.limits = limits
    self.gauge = gauge
  }

  var taken: Int { state.withLock { $0.taken } }

  /// - Throws: ``HTTPError`` if all are taken.
  func take(for address: IPAddress) throws(HTTPError) -> HubPlace {
    let site = limits.listenersPerAddress == nil ? nil : address.site
    let refusal: HTTPError? = state.withLock { state in
      guard state.taken < limits.listeners else {
        return HTTPError(
          limits.refusal, kind: limits.refusal == .tooManyRequests ? .rateLimited : .overloaded,
          "at most \(limits.listeners) connections are possible here",
          headers: ["Retry-After": "30"])
      }
      if let site, let limit = limits.listenersPerAddress, state.perSite[site, default: 0] >= limit {
        return HTTPError(
          .tooManyRequests, kind: .rateLimited, "at most \(limit) connections of one address are possible here",
          headers: ["Retry-After": "30"])
      }
      state.taken += 1
      if let site { state.perSite[site, default: 0] += 1 }
      gauge.set(Double(state.taken))
      return nil
    }
    if let refusal { throw refusal }
    return HubPlace(places: self, site: site)
  }

  fileprivate func giveBack(_ site: NetworkBlock?) {
    state.withLock { state in
      state.taken -= 1
      gauge.set(Double(state.taken))
      guard let site else { return }
      let left = (state.perSite[site] ?? 1) - 1
      state.perSite[site] = left > 0 ? left : nil
    }
  }
}

/// One place, taken for as long as this lives: also a peer that leaves in the middle of the upgrade gives it back.
final class HubPlace: Sendable {
  private let places: HubPlaces
  private let site: NetworkBlock?

  fileprivate init(places: HubPlaces, site: NetworkBlock?) {
    self.places = places
    self.site = site
  }

  deinit { places.giveBack(site) }
}
