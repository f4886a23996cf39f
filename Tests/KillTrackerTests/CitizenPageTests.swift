import Platform
import Testing

@testable import KillTracker

@Suite struct CitizenPageTests {
  /// The forms that the site prints, made up anew.
  static func page(
    handle: String = "Some-One_1", bio: String? = nil, label: String = "Handle name",
    canonical: String? = "https://robertsspaceindustries.com/en/citizens/Some-One_1"
  ) -> String {
    let entry = bio.map {
      """
      <div class="entry bio">
        <span class="label">Bio</span>
        <div class="value">
          \($0)
        </div>
      </div>
      """
    }
    return """
      <!DOCTYPE html>
      <html lang="en"><head>
      <title>One | \(handle) - Roberts Space Industries</title>
      \(canonical.map { "<link rel=\"canonical\" href=\"\($0)\">" } ?? "")
      <script>var x = '<div class="entry bio"><div class="value">not this</div></div>'; if (1 < 2) {}</script>
      <style>.entry > .value { color: red }</style>
      </head><body id="" class=""  lang=en localized=1>
      <!-- <span class="label">Handle name</span> <strong class="value">Nobody</strong> -->
      <div data-props='{"a":"<b>"}'></div>
      <p class="entry citizen-record"><span class="label">UEE Citizen Record</span> <strong class="value">#1</strong></p>
      <div class="info">
        <p class="entry"><strong class="value">One &amp; only</strong></p>
        <p class="entry">
          <span class="label">\(label)</span>
          <strong class="value">\(handle)</strong>
        </p>
        <p class="entry"><span class="icon"><img src="/a.png"/></span> <span class="value">Civilian</span></p>
      </div>
      \(entry ?? "")
      <div class="right-col"><p class="entry"><span class="label">Location</span>
      <strong class="value"> Earth , Sol </strong></p></div>
      </body></html>
      """
  }

  static func read(_ text: String) -> CitizenPage { CitizenPage(Array(text.utf8)) }

  @Test func aPageSaysItsHandleAndItsBio() {
    let page = Self.read(Self.page(bio: "Tom &amp; <b>Jerry</b>.<br />\nSecond line &#x2014; &#39;q&#39; &unknown; &"))
    #expect(page.handle == "Some-One_1")
    #expect(page.bio == "Tom & Jerry.\n\nSecond line — 'q' &unknown; &")
    #expect(Self.read(Self.page()).bio == nil)
    #expect(Self.read(Self.page(bio: "")).bio == "")
  }

  @Test func labelsMayBeInAnyLanguage() {
    #expect(Self.read(Self.page(label: "Nom")).handle == "Some-One_1")
    #expect(Self.read(Self.page(label: "Nom", canonical: nil)).handle == nil)
    #expect(Self.read(Self.page(label: "Nom", canonical: "https://x/en/orgs/Some-One_1")).handle == nil)
  }

  @Test func theFormOfBeforeIsRead() {
    let page = Self.read("<p class=\"entry\"><span class=\"value\" id=\"bioval\">hello <i>there</i></span></p>")
    #expect(page.bio == "hello there")
  }

  @Test func nestedElementsOfTheSameNameBelongToTheBio() {
    let page = Self.read(
      "<div class='bio wide entry'><div class=x></div><div class='value'>a<div>b</div>c</div></div><div class=value>d</div>"
    )
    #expect(page.bio == "abc")
  }

  /// What a player writes stands escaped in the page: it cannot become an entry.
  @Test func textCannotPassForAnEntry() {
    let page = Self.read(
      Self.page(
        bio: "&lt;span class=\"label\"&gt;Handle name&lt;/span&gt;&lt;strong class=\"value\"&gt;Other&lt;/strong&gt;"))
    #expect(page.handle == "Some-One_1")
    #expect(page.bio?.hasPrefix("<span") == true)
  }

  @Test(arguments: [
    "ADJ-7K2QF-9XWBN-M4HTC", "adj-7k2qf-9xwbn-m4htc", "my token: ADJ 7K2QF 9XWBN M4HTC.", "xADJ-7K2QF-\n9XWBN-M4HTCx",
  ])
  func theTokenIsFoundHoweverItIsWritten(bio: String) {
    #expect(Self.read(Self.page(bio: bio)).mentions("ADJ-7K2QF-9XWBN-M4HTC"))
  }

  @Test(arguments: ["", "ADJ-7K2QF-9XWBN", "ADJ-7K2QF-9XWBN-M4HTD", "7K2QF-9XWBN-M4HTC"])
  func lessThanTheTokenIsNotEnough(bio: String) {
    #expect(!Self.read(Self.page(bio: bio)).mentions("ADJ-7K2QF-9XWBN-M4HTC"))
    #expect(!Self.read(Self.page(bio: bio)).mentions(""))
  }

  /// Elsewhere on the page it counts for nothing: others may have written there.
  @Test func onlyTheBioCounts() {
    #expect(!Self.read(Self.page(handle: "ADJ-7K2QF-9XWBN-M4HTC")).mentions("ADJ-7K2QF-9XWBN-M4HTC"))
  }

  /// Whatever a site sends: it is read to its end, in a time that grows with its length.
  @Test func brokenPagesAreReadToTheirEnd() {
    let page = Array(Self.page(bio: "some text").utf8)
    for end in page.indices { _ = CitizenPage(Array(page[..<end])) }
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("<>/=\"'!-&#;? divspan classvalueentrybio".utf8)
    for _ in 0..<400 {
      let noise = (0..<300).map { _ in alphabet.randomElement(using: &random) ?? 0x3C }
      _ = CitizenPage(noise)
    }
    for text in ["<", "<a", "<a b", "<a b=", "<a b='", "<!--", "</", "<script>", "<script></scrip", "<a =/=>x"] {
      _ = Self.read(text)
    }
    let deep = Self.read(
      "<div class='entry bio'><div class=value>" + String(repeating: "<div>x", count: 20_000))
    #expect(deep.bio == nil)
    let long = Self.read(Self.page(bio: String(repeating: "x<br>", count: 40_000)))
    #expect((long.bio?.utf8.count ?? 0) <= CitizenPage.bioLimit + 40_000)
  }

  @Test func tagsAreCutAsBrowsersDo() {
    var scanner = HTMLScanner(Array("a<P Class=x CLASS='y' data-z = \"1>2\"/>b < c</p ><?x?><!x>".utf8))
    var tokens: [HTMLScanner.Token] = []
    while let token = scanner.next() { tokens.append(token) }
    #expect(
      tokens == [
        .text("a"), .open(.init(name: "p", attributes: ["class": "x", "data-z": "1>2"])), .text("b "), .text("< c"),
        .close("p"),
      ])
  }
}
