import Testing

@testable import HTTPAPI

/// Addresses, blocks of them, and whom they stand for.
struct IPAddressTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
    ("::ffff:192.0.2.1", "192.0.2.1"), ("::1", "0:0:0:0::/64"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
    ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64"),
    ("::fffe:192.0.2.1", "0:0:0:0::/64"),
  ])
  func groupsHaveAName(text: String, name: String) throws {
    #expect(AddressGroup(try #require(IPAddress(text))).description == name)
  }

  @Test func aSlash64IsOneCaller() throws {
    func group(_ text: String) throws -> AddressGroup { AddressGroup(try #require(IPAddress(text))) }
    #expect(try group("2001:db8:1:2::1") == group("2001:db8:1:2:ffff:ffff:ffff:ffff"))
    #expect(try group("2001:db8:1:2::1") != group("2001:db8:1:3::1"))
    #expect(try group("192.0.2.1") != group("192.0.2.2"))
  }

  @Test(arguments: ["", "localhost", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.4:80", "[::1]", ":::", "::1%lo", " ::1"])
  func otherTextIsNoAddress(text: String) { #expect(IPAddress(text) == nil) }

  @Test(arguments: [
    ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.1.2.3/8", "10.9.9.9", true),
    ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true),
    ("::/0", "203.0.113.9", false), ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "127.0.0.2", false),
    ("127.0.0.1/32", "127.0.0.0", false), ("192.0.2.0/31", "192.0.2.1", true), ("192.0.2.0/31", "192.0.2.2", false),
    ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::", false),
    ("2001:db8::/65", "2001:db8::7fff:0:0:0", true), ("2001:db8::/65", "2001:db8::8000:0:0:0", false),
    ("2001:db8::/64", "2001:db8::ffff:0:0:0", true), ("::1", "::1", true), ("::1", "::2", false),
    ("::1/127", "::", true), ("::1/128", "::", false), ("::ffff:127.0.0.1", "127.0.0.1", true),
    ("127.0.0.0/8", "::ffff:127.0.0.1", true),
  ])
  func rangesContain(range: String, address: String, expected: Bool) throws {
    let address = try #require(IPAddress(address))
    #expect((AddressRange(range)?.contains(address) ?? false) == expected)
  }

  @Test(arguments: [
    "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "::/129", "localhost/8",
    "::ffff:10.0.0.0/104", "10.0.0.0/+8",
  ])
  func otherTextIsNoRange(text: String) { #expect(AddressRange(text) == nil) }
}
