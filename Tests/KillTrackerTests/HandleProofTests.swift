import Core
import HTTP
import HTTPTestSupport
import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import KillTracker

/// The game's site as a test wants it.
final class CitizenSite: Sendable {
  private let pages = Mutex<[String: HTTPResponse]>([:])
  private let asked = Mutex<[String]>([])

  let base = Mutex("")

  var requests: [String] { asked.withLock { $0 } }

  func show(_ handle: String, bio: String?, at path: String? = nil) {
    answer(
      path ?? handle,
      HTTPResponse(
        bytes: Array(CitizenPageTests.page(handle: handle, bio: bio, canonical: nil).utf8), contentType: "text/html"))
  }

  func answer(_ path: String, _ response: HTTPResponse?) { pages.withLock { $0[path.lowercased()] = response } }

  func router() -> Router {
    var router = Router()
    for pattern: PathPattern in ["/citizens/:handle", "/en/citizens/:handle"] {
      router.on(.get, pattern) { [self] request in
        asked.withLock { $0.append(request.path.raw) }
        let handle = request.path.raw.split(separator: "/").last.map(String.init) ?? ""
        let key = request.path.raw.hasPrefix("/en/") ? "en/\(handle)" : handle
        return pages.withLock { $0[key.lowercased()] } ?? .text("not found", status: .notFound)
      }
    }
    return router
  }
}

@Suite(.timeLimit(.minutes(2)))
struct HandleProofTests {
  private func with(
    _ engine: TestEngine = .sqlite, _ body: (ReportRig, CitizenSite, HandleProofs) async throws -> Void
  ) async throws {
    let site = CitizenSite()
    try await withServer(site.router()) { address, _ in
      site.base.withLock { $0 = "http://\(address)" }
      try await withReports(engine) { rig in
        let proofs = HandleProofs(players: rig.kills.players, site: "http://\(address)", usesProxy: false)
        try await body(rig, site, proofs)
      }
    }
  }

  private func error(_ body: () async throws -> some Any) async throws -> HandleProofError? {
    do { _ = try await body() } catch let error as HandleProofError { return error }
    return nil
  }

  @Test(arguments: TestEngine.available)
  func aTokenInTheBioProvesTheHandle(engine: TestEngine) async throws {
    try await with(engine) { rig, site, proofs in
      // What was recorded under the name becomes theirs.
      _ = try await rig.kills.record(KillReport(victim: .handle("Some-One")), by: reporter(bob2))
      let proof = try await proofs.start(" some-one ", for: ann)
      #expect(proof.handle == "some-one" && proof.token.hasPrefix("ADJ-") && proof.token.utf8.count == 21)
      #expect(proof.pageURL == site.base.withLock { $0 } + "/citizens/some-one")
      #expect(proof.expiresAt == rig.time.timestamp + HandleProofs.lifetime)
      site.show("Some-One", bio: "Pilot. \(proof.token)")
      let profile = try await proofs.check(ann)
      #expect(profile.isVerified && profile.handle == "Some-One")
      #expect(try await rig.kills.list(limit: 10, for: KillViewer(user: ann)).kills.first?.victim.user == ann)
      #expect(try await rig.count("handle_proofs") == 0)
      let deed = try await rig.shared.auditLog.recent().first?.entry
      #expect(deed?.action == "handle_proved" && deed?.details == ["handle": "Some-One"])
      #expect(try await error { try await proofs.check(ann) } == .notStarted)
      #expect(try await error { try await proofs.start("SOME-ONE", for: ann) } == .alreadyProved(handle: "SOME-ONE"))
      #expect(try await error { try await proofs.start("Some-One", for: bob2) } == .handleTaken)

      let changes = Players.ownershipChanges
      #expect(try await proofs.remove(of: ann))
      #expect(Players.ownershipChanges > changes)
      #expect(try await !rig.kills.players.profile(of: ann).isVerified)
      #expect(try await rig.kills.list(limit: 10, for: KillViewer(user: ann)).kills.first?.victim.user == ann)
      #expect(try await proofs.remove(of: ann) == false)
      _ = try await proofs.start("Some-One", for: bob2)
    }
  }

  @Test(arguments: TestEngine.available)
  func aTokenIsForOneUserAndOneHandle(engine: TestEngine) async throws {
    try await with(engine) { rig, site, proofs in
      let mine = try await proofs.start("Some-One", for: ann)
      #expect(try await proofs.start("some-one", for: ann).token == mine.token)
      site.show("Some-One", bio: mine.token)
      // Somebody else who sees it in the bio.
      _ = try await proofs.start("Some-One", for: bob2)
      guard case .tokenMissing = try await error({ try await proofs.check(bob2) }) else {
        Issue.record("another user's token was taken")
        return
      }
      // The same user for another handle.
      let other = try await proofs.start("Other", for: ann)
      #expect(other.token != mine.token)
      site.show("Other", bio: mine.token)
      guard case .tokenMissing = try await error({ try await proofs.check(ann) }) else {
        Issue.record("another handle's token was taken")
        return
      }
      #expect(try await !rig.kills.players.profile(of: ann).isVerified)
    }
  }

  @Test func aTokenEnds() async throws {
    try await with { rig, site, proofs in
      let proof = try await proofs.start("Some-One", for: ann)
      site.show("Some-One", bio: proof.token)
      rig.time.advance(by: HandleProofs.lifetime)
      #expect(try await error { try await proofs.check(ann) } == .expired)
      #expect(site.requests.isEmpty)
      // What others left behind goes.
      _ = try await proofs.start("Other", for: bob2)
      #expect(try await rig.count("handle_proofs") == 1)
      #expect(try await proofs.start("Some-One", for: ann).token != proof.token)
    }
  }

  /// A page that was read is kept for a minute, and the user is told so.
  @Test func aPageIsReadSeldom() async throws {
    try await with { rig, site, proofs in
      let proof = try await proofs.start("Some-One", for: ann)
      site.show("Some-One", bio: nil)
      for waited in [Duration.zero, .seconds(20)] {
        rig.time.advance(by: waited)
        guard case .tokenMissing(let told, let hasBio, let wait) = try await error({ try await proofs.check(ann) })
        else {
          Issue.record("found in an empty bio")
          return
        }
        #expect(told == proof && !hasBio && wait == CitizenPages.memory - waited)
      }
      #expect(site.requests == ["/citizens/Some-One"])
      site.show("Some-One", bio: "text, then \(proof.token)")
      rig.time.advance(by: .seconds(40))
      #expect(try await proofs.check(ann).isVerified)
      #expect(site.requests.count == 2)
    }
  }

  @Test func nobodyMakesUsAskTooOften() async throws {
    try await with { rig, site, proofs in
      for number in 0..<CitizenPages.userLimit {
        _ = try await proofs.start("Nobody\(number)", for: ann)
        #expect(
          try await error { try await proofs.check(ann) } == .page(.noSuchHandle, handle: "Nobody\(number)"))
      }
      _ = try await proofs.start("Nobody", for: ann)
      #expect(
        try await error { try await proofs.check(ann) }
          == .page(.tooOften(retryAfter: CitizenPages.userWindow), handle: "Nobody"))
      #expect(site.requests.count == CitizenPages.userLimit)
      // All together have their limit, too.
      var user: UInt64 = 500
      while site.requests.count < CitizenPages.totalLimit {
        user += 1
        _ = try await proofs.start("Nobody", for: UserID(user))
        _ = try await proofs.start("Nobody\(user)", for: UserID(user))
        _ = try await error { try await proofs.check(UserID(user)) }
      }
      _ = try await proofs.start("Fresh", for: bob2)
      guard case .page(.tooOften, _) = try await error({ try await proofs.check(bob2) }) else {
        Issue.record("asked more often than allowed")
        return
      }
      rig.time.advance(by: CitizenPages.totalWindow)
      #expect(try await error { try await proofs.check(bob2) } == .page(.noSuchHandle, handle: "Fresh"))
    }
  }

  @Test func whatTheSiteAnswersIsToldApart() async throws {
    try await with { rig, site, proofs in
      let base = site.base.withLock { $0 }
      func outcome(_ handle: String, by user: UInt64, _ response: HTTPResponse?) async throws -> HandleProofError? {
        site.answer(handle, response)
        _ = try await proofs.start(handle, for: UserID(user))
        return try await error { try await proofs.check(UserID(user)) }
      }
      func page(_ problem: CitizenPageError, _ handle: String) -> HandleProofError { .page(problem, handle: handle) }
      #expect(try await outcome("gone", by: 11, nil) == page(.noSuchHandle, "gone"))
      #expect(
        try await outcome("down", by: 12, .text("no", status: .serviceUnavailable))
          == page(.unavailable(status: 503), "down"))
      #expect(
        try await outcome("busy", by: 13, .text("no", status: .tooManyRequests))
          == page(.unavailable(status: 429), "busy"))
      #expect(try await outcome("odd", by: 14, .text("hello")) == page(.notUnderstood, "odd"))
      #expect(
        try await outcome(
          "large", by: 15, HTTPResponse(bytes: Array(repeating: 0x20, count: 3 << 20), contentType: "text/html"))
          == page(.notUnderstood, "large"))
      // Somebody else's page under that address.
      site.show("Other", bio: "x", at: "mixed")
      _ = try await proofs.start("mixed", for: UserID(16))
      #expect(try await error { try await proofs.check(UserID(16)) } == page(.notUnderstood, "mixed"))
      // Redirects: to the same page at the same site, and nowhere else.
      let proof = try await proofs.start("moved", for: UserID(17))
      site.show("Moved", bio: proof.token, at: "en/moved")
      site.answer("moved", .redirect(to: "/en/citizens/Moved?x=1"))
      #expect(try await proofs.check(UserID(17)).handle == "Moved")
      for (number, target) in [
        "http://127.0.0.1:1/citizens/away0", "//127.0.0.1:1/citizens/away1", "\(base)/citizens/other",
        "\(base)@127.0.0.1:1/citizens/away3", "https://example.org/citizens/away4", "/en/citizens/../away5",
      ].enumerated() {
        let handle = "away\(number)"
        let told = try await outcome(handle, by: UInt64(20 + number), .redirect(to: target))
        #expect(told == page(.notUnderstood, handle), "\(target)")
      }
      // In circles.
      #expect(
        try await outcome("round", by: 40, .redirect(to: "/citizens/round")) == page(.notUnderstood, "round"))
      // What failed on the way is not remembered.
      site.answer("down", nil)
      #expect(try await error { try await proofs.check(UserID(12)) } == page(.noSuchHandle, "down"))
    }
    // Nobody there at all.
    try await withReports(.sqlite) { rig in
      let proofs = HandleProofs(players: rig.kills.players, site: "http://127.0.0.1:9", usesProxy: false)
      _ = try await proofs.start("x", for: ann)
      #expect(try await error { try await proofs.check(ann) } == .page(.unavailable(status: nil), handle: "x"))
    }
  }

  @Test(arguments: ["", "  ", "a/b", "../x", "a?b", "a%2Fb", "ä", String(repeating: "x", count: 31), "a\u{0}"])
  func whatIsNoHandleIsRefused(text: String) async throws {
    try await withReports(.sqlite) { rig in
      let proofs = HandleProofs(players: rig.kills.players, site: "http://127.0.0.1:9", usesProxy: false)
      guard case .invalid = try await error({ try await proofs.start(text, for: ann) }) else {
        Issue.record("\(text) was taken")
        return
      }
      #expect(try await error { try await proofs.check(ann) } == .notStarted)
    }
  }
}
