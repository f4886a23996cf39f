import Platform
import StorageTestSupport
import Testing

@testable import Storage

struct DatabaseErrorTests {
  private typealias Rule = DatabaseError.Constraint.Rule
  private static let secret = "s3cr3t-value"

  @Test(arguments: TestEngine.available)
  func aBrokenRuleSaysWhichOne(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE parent (id \(.integer) NOT NULL PRIMARY KEY)")
      try await database.create(
        """
        CREATE TABLE child (
          id \(.integer) NOT NULL PRIMARY KEY, parent \(.integer) REFERENCES parent (id), name \(.text) NOT NULL UNIQUE,
          amount \(.integer) NOT NULL, CONSTRAINT positive CHECK (amount > 0)
        )
        """)
      let insert = "INSERT INTO child (id, parent, name, amount) VALUES ($1, $2, $3, $4)"
      try await database.write { try $0.execute(insert, 1, Int?.none, Self.secret, 1) }
      let cases: [(Rule, [any DatabaseValueConvertible], named: String?)] = [
        (.unique, [1, Int?.none, "other", 1], engine == .sqlite ? "child.id" : "child_pkey"),
        (.unique, [2, Int?.none, Self.secret, 1], engine == .sqlite ? "child.name" : "child_name_key"),
        (.foreignKey, [2, 9, "other", 1], engine == .sqlite ? nil : "child_parent_fkey"),
        (.notNull, [2, Int?.none, String?.none, 1], engine == .sqlite ? "child.name" : "name"),
        (.check, [2, Int?.none, "other", 0], "positive"),
      ]
      for (rule, values, name) in cases {
        let error = try await databaseError { try await database.write { try $0.execute(insert, parameters: values) } }
        #expect(error.kind == .constraint(.init(rule: rule, name: name)))
        #expect(error.sql == insert)
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func noErrorShowsABoundValue(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE t (a \(.varchar(30)) NOT NULL PRIMARY KEY, n \(.integer))")
      try await database.write { try $0.execute("INSERT INTO t VALUES ($1, 1)", Self.secret) }
      var errors = [
        try await databaseError {
          try await database.write { try $0.execute("INSERT INTO t VALUES ($1, 1)", Self.secret) }
        },
        try await databaseError {
          _ = try await database.read { try $0.query("SELECT a FROM t") { try $0.value("a", as: Int.self) } }
        },
        try await databaseError {
          try await database.write { try $0.execute("INSERT INTO t VALUES ($1, 1)", Self.secret + "\0") }
        },
      ]
      if engine == .postgreSQL {
        errors.append(
          try await databaseError {
            try await database.write { try $0.execute("UPDATE t SET n = CAST($1 AS BIGINT)", Self.secret) }
          })
        #expect(errors[3].kind == .value)
      }
      for error in errors { #expect(!"\(error)".contains(Self.secret)) }
      #expect(errors[0].isUniqueViolation)
      #expect(errors[1].kind == .decoding)
      #expect(errors[2].kind == .value)
    }
  }

  @Test(arguments: TestEngine.available)
  func aWrongColumnIsNamedWithItsType(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let reads: [(@Sendable (Row) throws -> any Sendable, String)] = [
        ({ try $0.value("a", as: Int.self) }, "column \"a\" should be Int, but is text"),
        ({ try $0.value("b", as: String.self) }, "column \"b\" should be String, but is an integer"),
        ({ try $0.value("c", as: String.self) }, "column \"c\" should be String, but is NULL"),
        ({ try $0.value("d", as: Int.self) }, "no column \"d\"; the result has a, b, c"),
      ]
      for (read, message) in reads {
        let error = try await databaseError {
          try await database.read { try $0.query("SELECT 'x' AS a, 1 AS b, NULL AS c", row: read) }
        }
        #expect(error.kind == .decoding)
        #expect(error.message == message)
        #expect(error.sql == "SELECT 'x' AS a, 1 AS b, NULL AS c")
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func wrongStatementsAreSyntaxErrors(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      for (sql, values) in [
        ("SELEC 1", []), ("SELECT * FROM nowhere", []), ("", []), ("SELECT 1; SELECT 2", []),
        ("SELECT $1", []), ("SELECT CAST($1 AS INTEGER) + CAST($2 AS INTEGER)", [1]),
      ] as [(String, [Int])] {
        let error = try await databaseError {
          _ = try await database.read { try $0.query(sql, parameters: values) { _ in 0 } }
        }
        #expect(error.kind == .syntax, "\(sql): \(error)")
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func aNumberThatIsNotFiniteIsRefused(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      for number in [Double.nan, .infinity] {
        let error = try await databaseError {
          _ = try await database.read { try $0.query("SELECT $1 AS n", number) { _ in 0 } }
        }
        #expect(error.kind == .value)
      }
    }
  }

  @Test(arguments: [
    "", "sqlite:", "sqlite:data/", "mysql://x", "sqlite://host/file", "sqlite::other:", "user:pw@host",
  ])
  func aWrongURLIsRefusedWithoutBeingShown(url: String) async throws {
    let error = try await databaseError { _ = try await Database.open(url: url) }
    #expect(error.kind == .configuration)
    #expect(!"\(error)".contains("pw"))
  }

  @Test func aServerThatIsNotThereIsUnavailableAndThePasswordStaysSecret() async throws {
    var options = DatabaseOptions()
    options.connectTimeout = .milliseconds(1)
    options.poolSize = 1
    let error = try await databaseError {
      _ = try await Database.open(url: "postgres://somebody:\(Self.secret)@127.0.0.1:1/x", options: options)
    }
    #expect(error.kind == .unavailable)
    #expect(!"\(error)".contains(Self.secret))
  }
}
