import Core
import HTTP
import KillTracker
import Platform
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// Ships, places, systems and players, as the Kill Tracker reference prints them.
@Suite(.timeLimit(.minutes(1))) struct KillTrackerGameTests {
  typealias House = KillTrackerHouse

  @Test func shipsAreAsPrinted() async throws {
    try await House.with { house in
      // The standard permissions of a key are enough.
      let key = try await house.key()
      let all = try await house.send(.get, "/api/sc/ships", token: key)
      let ships = try #require(all.json["data"]?.array)
      #expect(all.status == 200 && all.json["success"] == true)
      #expect(all.json["count"] == .integer(Int64(ships.count)) && ships.count > 250)
      for ship in ships {
        #expect(ship["name"]?.string != nil && ship["manufacturer"]?.string != nil)
        for field in ["crew", "price"] {
          let value = try #require(ship[field])
          #expect(value.isNull || value.integer != nil, "\(ship["name"] ?? .null) \(field)")
        }
        let cargo = try #require(ship["cargo"])
        #expect(cargo.isNull || cargo.double != nil)
      }
      #expect(all.json["sources"]?.array?.allSatisfy { $0["date"]?.string?.count == 10 } == true)
      // In any case, with or without blanks and hyphens, with or without the maker.
      for name in ["Aurora%20MR", "aurora%20mr", "%20AURORA%20%20MR%20", "auroramr", "Aurora-MR"] {
        let one = try await house.send(.get, "/api/sc/ships/\(name)", token: key)
        // As the game calls it now; the document's name is that of before.
        #expect(one.status == 200 && one.json["data"]?["name"] == "Aurora Mk I MR", "\(name): \(one.json)")
        #expect(one.json["data"] == ships.first { $0["name"] == "Aurora Mk I MR" })
      }
      for name in ["Aurora%20XX", "x%2fpasswd"] {
        let none = try await house.send(.get, "/api/sc/ships/\(name)", token: key)
        #expect(none.status == 404, "\(name)")
      }
      #expect(try await house.send(.get, "/api/sc/ships").status == 401)
    }
  }

  @Test func everyShipIsFoundByItsName() {
    for vehicle in GameReference.vehicles {
      #expect(GameReference.vehicle(vehicle.name.uppercased())?.name == vehicle.name)
      #expect(GameReference.vehicle(vehicle.className)?.className == vehicle.className)
    }
  }

  @Test func placesAndSystems() async throws {
    try await House.with { house in
      let key = try await house.key()
      _ = try await house.send(.post, "/api/kills", token: key, ["victimId": "Enemy", "location": "Daymar"])
      let moon = try await house.send(.get, "/api/sc/locations/daymar", token: key)
      #expect(moon.status == 200 && moon.json["success"] == true)
      #expect(moon.json["data"]?["name"] == "Daymar" && moon.json["data"]?["system"] == "Stanton")
      #expect(moon.json["data"]?["kills"] == 1)
      let system = try await house.send(.get, "/api/sc/systems/stanton", token: key)
      #expect(system.json["data"]?["name"] == "Stanton")
      let planets = system.json["data"]?["planets"]?.array ?? []
      #expect(planets.compactMap { $0["name"]?.string } == ["Hurston", "Crusader", "ArcCorp", "microTech"])
      #expect(try await house.send(.get, "/api/sc/systems/Stanton%20System", token: key).json == system.json)
      for path in ["locations/Nowhere", "systems/Sol"] {
        let none = try await house.send(.get, "/api/sc/\(path)", token: key)
        #expect(none.status == 404 && none.code == "NOT_FOUND")
      }
    }
  }

  @Test func aPlayerIsWhatTheTrackerKnows() async throws {
    try await House.with { house in
      let token = try await house.token()
      try await house.kills.players.verify("Seryartorve", of: House.user)
      for victim in ["Enemy", "Other"] {
        _ = try await house.send(.post, "/api/v1/kills", token: token, ["victimId": .string(victim)])
      }
      let stranger = try await house.token(House.other)
      let known = try await house.send(.get, "/api/sc/players/seryartorve", token: stranger)
      #expect(known.status == 200 && known.json["success"] == true)
      let data = try #require(known.json["data"])
      #expect(data["handle"] == "Seryartorve" && data["isVerified"] == true)
      #expect(data["userId"] == .string("\(House.user)") && data["totalKills"] == 2 && data["rank"] == 1)
      let named = try await house.send(.get, "/api/sc/players/ENEMY", token: stranger)
      #expect(named.json["data"]?["handle"] == "Enemy" && named.json["data"]?["isVerified"] == false)
      #expect(named.json["data"]?["userId"] == .null && named.json["data"]?["totalDeaths"] == 1)
      let unknown = try await house.send(.get, "/api/sc/players/Nobody", token: stranger)
      #expect(unknown.status == 404 && unknown.code == "NOT_FOUND")
      // What somebody only claims leads to nobody.
      _ = try await house.send(.patch, "/api/v1/users/me", token: stranger, ["rsiHandle": "Claimed"])
      #expect(try await house.send(.get, "/api/sc/players/Claimed", token: token).status == 404)
      _ = try await house.send(.patch, "/api/v1/users/me", token: token, ["privacyLevel": "PRIVATE"])
      let hidden = try await house.send(.get, "/api/sc/players/Seryartorve", token: stranger)
      #expect(hidden.status == 403 && hidden.code == "FORBIDDEN" && hidden.json["data"] == nil)
      #expect(try await house.send(.get, "/api/sc/players/Seryartorve", token: token).status == 200)
    }
  }
}
