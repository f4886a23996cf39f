import Core
import Platform
import Storage

/// What an operator chooses for uploaded logs.
public struct KeptLogSettings: Sendable, Equatable {
  /// How long a log is kept; 0: none is.
  public var days: Int
  /// Of one user and of all, in MiB.
  public var megabytesPerUser: Int
  public var megabytes: Int

  public init(days: Int = 30, megabytesPerUser: Int = 256, megabytes: Int = 2_048) {
    self.days = days
    self.megabytesPerUser = megabytesPerUser
    self.megabytes = megabytes
  }

  var age: Duration { .seconds(days * 86_400) }
  var bytesPerUser: Int { min(megabytesPerUser, megabytes) << 20 }
  var bytes: Int { megabytes << 20 }
}

/// An uploaded log that is kept for its uploader.
public struct KeptLog: Sendable, Equatable {
  public var user: UserID
  /// Given by us.
  public var name: String
  /// In bytes.
  public var size: Int
  public var keptAt: Timestamp

  /// Where all of them are, as readers name it: nothing that the machine's own paths could be, which begin with a slash.
  static let root = "uploads"
  /// What readers call the directory of a user's.
  static func directory(of user: UserID) -> String { "\(root)/\(user)" }
  /// As files of the shelf are named.
  public var path: String { "\(Self.directory(of: user))/\(name)" }

  init(user: UserID, name: String, size: Int, keptAt: Timestamp) {
    self.user = user
    self.name = name
    self.size = size
    self.keptAt = keptAt
  }

  init(_ row: Row) throws {
    self.init(user: try row["user_id"], name: try row["name"], size: try row["size"], keptAt: try row["kept_at"])
  }
}

/// Whether an uploaded log was kept.
public enum LogKeeping: Sendable, Equatable {
  case kept(KeptLog)
  case notKept(Reason)

  public enum Reason: Sendable, Equatable, CustomStringConvertible {
    /// By the configuration.
    case off
    case tooLarge(limit: Int)
    /// The disk is full, or nearly.
    case noRoom
    /// Too many are being kept at this moment.
    case busy
    /// The disk or the database does not work; the log of the program says more.
    case failed

    public var description: String {
      switch self {
      case .off: "logs are not kept here"
      case .tooLarge(let limit): "it is larger than the \(limit >> 20) MiB that are kept of one user"
      case .noRoom: "there is no room on the bot's disk"
      case .busy: "too many logs came at once"
      case .failed: "it could not be stored"
      }
    }
  }
}

enum KeptLogTables {
  /// A file without its row is nobody's and goes with the next sweep; a row without its file shows nothing.
  static let module = MigrationModule(
    "killtracker-logs",
    [
      Migration(
        1, "uploaded logs that are kept",
        [
          // `hash` is SHA-256 of the whole log: the same log again is kept once.
          """
          CREATE TABLE kept_logs (
            name \(.varchar(64)) NOT NULL PRIMARY KEY,
            user_id \(.varchar(20)) NOT NULL,
            size \(.integer) NOT NULL,
            hash \(.bytes) NOT NULL,
            kept_at \(.timestamp) NOT NULL,
            UNIQUE (user_id, hash)
          )
          """,
          "CREATE INDEX kept_logs_user ON kept_logs (user_id, kept_at)",
          "CREATE INDEX kept_logs_time ON kept_logs (kept_at)",
        ])
    ])
}
