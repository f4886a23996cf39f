import HTTP
import Platform

/// How well a part works. The worst part decides for the whole.
public enum HealthStatus: String, Codable, Sendable, Comparable, CaseIterable {
  case healthy
  /// It works, but somebody should look.
  case degraded
  /// It does not work.
  case unhealthy

  private var rank: Int {
    switch self {
    case .healthy: 0
    case .degraded: 1
    case .unhealthy: 2
    }
  }
  public static func < (left: HealthStatus, right: HealthStatus) -> Bool { left.rank < right.rank }

  /// 503 tells a load balancer to send nobody here.
  var httpStatus: HTTPStatus { self == .unhealthy ? .serviceUnavailable : .ok }
}

/// A document with its fields in the printed order.
protocol PrintedDocument: Codable, Sendable {
  var json: JSON { get }
}

extension RouteOutput where Value: PrintedDocument {
  static func printed(_ type: Value.Type = Value.self) -> RouteOutput {
    RouteOutput(RouteOutputDescription(status: .ok, mediaType: "application/json", schema: Schema.of(type))) {
      value, status in HTTPResponse.json(value.json, status: status)
    }
  }
}

/// `GET /health` (Pegasus document). During maintenance it has `maintenance` besides.
public struct HealthReport: PrintedDocument, Equatable {
  public struct Discord: Codable, Sendable, Equatable {
    public var status: HealthStatus
    /// Milliseconds.
    public var latency: Int
    public var guilds: Int
    public var users: Int
  }

  public struct Database: Codable, Sendable, Equatable {
    public struct Connections: Codable, Sendable, Equatable {
      public var active: Int
      public var idle: Int
      public var total: Int
    }
    public var status: HealthStatus
    public var connections: Connections
  }

  public struct Memory: Codable, Sendable, Equatable {
    /// Bytes. `external` is what the allocator maps outside of the heaps.
    public struct Usage: Codable, Sendable, Equatable {
      public var heapUsed: Int
      public var heapTotal: Int
      public var rss: Int
      public var external: Int
    }
    public var status: HealthStatus
    public var usage: Usage
  }

  public struct Checks: Codable, Sendable, Equatable {
    public var discord: Discord
    public var database: Database
    public var memory: Memory
  }

  public struct Maintenance: Codable, Sendable, Equatable {
    public var reason: String?
    public var since: Timestamp
  }

  public var status: HealthStatus
  public var timestamp: Timestamp
  /// Whole seconds since the start.
  public var uptime: Int
  public var version: String
  public var checks: Checks
  public var maintenance: Maintenance?

  var json: JSON {
    var json: JSON = [
      "status": .string(status.rawValue), "timestamp": .string(timestamp.iso8601), "uptime": .of(uptime),
      "version": .string(version),
      "checks": [
        "discord": [
          "status": .string(checks.discord.status.rawValue), "latency": .of(checks.discord.latency),
          "guilds": .of(checks.discord.guilds), "users": .of(checks.discord.users),
        ],
        "database": [
          "status": .string(checks.database.status.rawValue),
          "connections": [
            "active": .of(checks.database.connections.active), "idle": .of(checks.database.connections.idle),
            "total": .of(checks.database.connections.total),
          ],
        ],
        "memory": [
          "status": .string(checks.memory.status.rawValue),
          "usage": [
            "heapUsed": .of(checks.memory.usage.heapUsed), "heapTotal": .of(checks.memory.usage.heapTotal),
            "rss": .of(checks.memory.usage.rss), "external": .of(checks.memory.usage.external),
          ],
        ],
      ],
    ]
    json["maintenance"] = maintenance?.json
    return json
  }
}

extension HealthReport.Maintenance {
  var json: JSON {
    ["reason": reason.map { .string($0) } ?? .null, "since": .string(since.iso8601)]
  }
}

/// `GET /ready`.
public struct Readiness: PrintedDocument, Equatable {
  public var ready: Bool
  public var timestamp: Timestamp

  var json: JSON { ["ready": .boolean(ready), "timestamp": .string(timestamp.iso8601)] }
}

/// `GET /api/health`. A check is false where its part does not work.
public struct HealthSummary: PrintedDocument, Equatable {
  public struct Checks: Codable, Sendable, Equatable {
    public var bot: Bool
    public var database: Bool
    public var memory: Bool
  }
  public var status: HealthStatus
  public var checks: Checks
  public var timestamp: Timestamp

  var json: JSON {
    [
      "status": .string(status.rawValue),
      "checks": [
        "bot": .boolean(checks.bot), "database": .boolean(checks.database), "memory": .boolean(checks.memory),
      ], "timestamp": .string(timestamp.iso8601),
    ]
  }
}

extension JSON {
  static func of(_ number: Int) -> JSON { .integer(Int64(number)) }
}
