import Core
import Testing

@testable import HTTPAPI

/// Who may do what: every kind of caller against every rule.
struct AccessRuleTests {
  static let me = UserID(100_000_000_000_000_001)
  static let other = UserID(100_000_000_000_000_002)
  static let account = AccountID(number: 7)
  static let guild = GuildID(900_000_000_000_000_001)

  static func claims(_ subject: Subject, scopes: [String] = [], isLimited: Bool = false) -> TokenClaims {
    TokenClaims(
      subject: subject, id: "t", family: "f", generation: 0, issuedAt: 0, expiresAt: 1, authenticatedAt: 0,
      isLimited: isLimited, scopes: scopes)
  }

  static func client(_ scopes: [String]) throws -> Principal {
    let id = try ClientID()
    return Principal(identity: .client(id), credential: .token(claims(.client(id), scopes: scopes)), isAdmin: false)
  }

  static func key(_ permissions: Set<Permission>, admin: Bool = false) -> Principal {
    Principal(
      identity: .user(me),
      credential: .apiKey(APIKeyGrant(id: APIKeyID(number: 1), permissions: permissions, playerName: "Me")),
      isAdmin: admin)
  }

  static func principals() throws -> [Principal] {
    [
      .anonymous,
      Principal(identity: .user(me), credential: .token(claims(.user(me))), isAdmin: false),
      Principal(identity: .user(other), credential: .token(claims(.user(other))), isAdmin: false),
      Principal(
        identity: .account(account, linked: nil), credential: .token(claims(.account(account))), isAdmin: false),
      Principal(identity: .account(account, linked: me), credential: .token(claims(.account(account))), isAdmin: false),
      Principal(identity: .user(other), credential: .token(claims(.user(other))), isAdmin: true),
      key([.readKills]), key([.writeKills]), key([], admin: true),
      try client(["servers"]), try client([]),
    ]
  }

  /// `+` may, `?` 401, `-` forbidden, `p` lacks a permission, `x` wrong kind of proof. Callers as above:
  /// nobody, I, another, account, linked account, admin, my key that reads, that writes, an owner's without any, client
  /// with the scope, without.
  static let table: [(rule: AccessRule, circumstances: AccessRule.Circumstances, expected: String)] = [
    (AccessRule(.anyone), .init(), "+++++++++++"),
    (AccessRule(.local), .init(), "?----+-----"),
    (AccessRule(.local), .init(isLocal: true), "+++++++++++"),
    (AccessRule(.local, permission: .readKills), .init(managesGuild: true), "?----+-pp--"),
    (AccessRule(.person), .init(isLocal: true, managesGuild: true), "?+++++-----"),
    (AccessRule(.person, permission: .readKills), .init(), "?++++++pp--"),
    (AccessRule(.user), .init(), "?++-++-----"),
    (AccessRule(.user, permission: .readKills), .init(), "?++-+++pp--"),
    (AccessRule(.user, permission: .writeKills), .init(), "?++-++p+p--"),
    (AccessRule(.user, permission: .writeKills, proof: .apiKeyOnly), .init(), "?xxxxxp+pxx"),
    (AccessRule(.user, permission: .writeKills, proof: .loginOnly), .init(), "?++-++xxx--"),
    (AccessRule(.own(.user(me))), .init(isLocal: true), "?+--++-----"),
    (AccessRule(.own(.user(me)), permission: .readKills), .init(), "?+--+++pp--"),
    (AccessRule(.own(.user(other)), permission: .readKills), .init(), "?-+--+-pp--"),
    (AccessRule(.own(.account(account))), .init(), "?--+++-----"),
    (AccessRule(.serverManager(of: guild)), .init(), "?----+-----"),
    (AccessRule(.serverManager(of: guild)), .init(isLocal: true, managesGuild: true), "?++-++-----"),
    (AccessRule(.serverManager(of: guild), permission: .readKills), .init(managesGuild: true), "?++-+++pp--"),
    (AccessRule(.serverManager(of: guild), permission: .readKills), .init(), "?----+-pp--"),
    (AccessRule(.admin), .init(isLocal: true, managesGuild: true), "?----+-----"),
    (AccessRule(.admin, permission: .readKills), .init(), "?----+-pp--"),
    (AccessRule(.panelAdmin), .init(isLocal: true, managesGuild: true), "?----+-----"),
    (AccessRule(.admin, proof: .loginOnly), .init(), "?----+xxx--"),
    (AccessRule(.scope("servers")), .init(), "?+++++---+p"),
    (AccessRule(.scope("servers"), permission: .readKills), .init(), "?++++++pp+p"),
  ]

  static func sign(_ refusal: AccessRule.Refusal?) -> String {
    switch refusal {
    case nil: "+"
    case .unauthenticated: "?"
    case .wrongProof: "x"
    case .missingPermission: "p"
    case .forbidden: "-"
    }
  }

  @Test func everyCallerAgainstEveryRule() throws {
    let principals = try Self.principals()
    for row in Self.table {
      let found = principals.map { Self.sign(row.rule.refusal(of: $0, in: row.circumstances)) }.joined()
      #expect(found == row.expected, "\(row.rule) \(row.circumstances)")
    }
  }

  @Test func aRefusalNamesWhatIsMissing() throws {
    let rule = AccessRule(.user, permission: .writeKills)
    #expect(rule.refusal(of: Self.key([.readKills])) == .missingPermission("write:kills"))
    #expect(AccessRule(.scope("servers")).refusal(of: try Self.client([])) == .missingPermission("servers"))
  }

  @Test func anAPIKeyOfAnOwnerIsNoAdmin() {
    #expect(!Self.key(Permission.standard, admin: true).isAdmin)
  }

  @Test func aLimitedLoginIsAPlainUsersWhoeverItIs() {
    let limited = Principal(
      identity: .user(Self.me), credential: .token(Self.claims(.user(Self.me), isLimited: true)), isAdmin: true,
      isPanelAdmin: true)
    #expect(!limited.isAdmin && !limited.isPanelAdmin && limited.isLimited)
    let key = Principal(
      identity: .user(Self.me),
      credential: .apiKey(
        APIKeyGrant(id: APIKeyID(number: 1), permissions: [.writeServers], playerName: nil, isLimited: true)),
      isAdmin: false)
    let manager = AccessRule(.serverManager(of: Self.guild), permission: .writeServers)
    for principal in [limited, key] {
      #expect(manager.refusal(of: principal, in: .init(managesGuild: true)) == .forbidden)
      #expect(manager.guildToAsk(for: principal) == nil)
      #expect(AccessRule(.own(.user(Self.me)), permission: .writeServers).refusal(of: principal) == nil)
    }
  }

  @Test func anAdminOfThePanelIsOneThereAlone() {
    let principal = Principal(
      identity: .account(Self.account, linked: nil), credential: .token(Self.claims(.account(Self.account))),
      isAdmin: false, isPanelAdmin: true)
    #expect(AccessRule(.panelAdmin).refusal(of: principal) == nil)
    #expect(AccessRule(.admin).refusal(of: principal) == .forbidden)
    #expect(AccessRule(.own(.user(Self.other))).refusal(of: principal) == .forbidden)
    #expect(!Principal(identity: .user(Self.me), credential: .none, isAdmin: true, isPanelAdmin: true).isAdmin)
  }

  @Test func theGuildIsAskedAboutOnlyIfItDecides() throws {
    let rule = AccessRule(.serverManager(of: Self.guild), permission: .readKills)
    let asked = try Self.principals().map { rule.guildToAsk(for: $0)?.user }
    #expect(asked == [nil, Self.me, Self.other, nil, Self.me, nil, Self.me, nil, nil, nil, nil])
    #expect(AccessRule(.user).guildToAsk(for: try Self.principals()[1]) == nil)
  }

  @Test func theAuthorityDecides() async throws {
    struct Authority: GuildAuthority {
      func isManager(_ user: UserID, of guild: GuildID) async throws -> Bool { user == AccessRuleTests.me }
    }
    let rule = AccessRule(.serverManager(of: Self.guild))
    let results = try await [Self.principals()[1], Self.principals()[2], Self.principals()[5]].asyncMap {
      try await rule.refusal(of: $0, isLocal: false, authority: Authority())
    }
    #expect(results == [nil, .forbidden, nil])
  }

  @Test(arguments: ["read:kills", "write:my-logs_2", "read:" + String(repeating: "a", count: 32)])
  func permissionsHaveAForm(text: String) { #expect(Permission(rawValue: text)?.rawValue == text) }

  @Test(arguments: [
    "", "read", "read:", ":kills", "READ:kills", "read:Kills", "admin:kills", "read:kills:all", "read: kills",
    "read:" + String(repeating: "a", count: 33), "read:é",
  ])
  func otherTextIsNoPermission(text: String) { #expect(Permission(rawValue: text) == nil) }
}

extension Sequence {
  func asyncMap<Result>(_ body: (Element) async throws -> Result) async rethrows -> [Result] {
    var results: [Result] = []
    for element in self { results.append(try await body(element)) }
    return results
  }
}
