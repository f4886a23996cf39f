import Core
import Gateway

// The gateway has one type for all of Discord's ids, the core one for each kind; neither knows the other.

extension GuildID {
  init(_ id: Snowflake) { self.init(rawValue: id.rawValue) }
}

extension UserID {
  init(_ id: Snowflake) { self.init(rawValue: id.rawValue) }
}

extension Snowflake {
  init(_ id: GuildID) { self.init(rawValue: id.rawValue) }
  init(_ id: UserID) { self.init(rawValue: id.rawValue) }
}
