import HTTP
import Testing

@testable import HTTPAPI

/// Where a webhook may not point.
struct PublicAddressTests {
  @Test(arguments: [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1",
    "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::2", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "64:ff9b:1::808:808", "100::1",
    "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1",
    "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::", "2002:c0a8:101::1", "3fff::1", "4000::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fe80::a9fe:a9fe", "fec0::1", "ff02::1", "ff0e::1",
  ])
  func whatIsNotPublicIsRefused(text: String) throws {
    #expect(!PublicAddress.isPublic(try #require(IPAddress(text))))
  }

  @Test(arguments: [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0",
    "198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
    "2001:4860:4860::8888", "2606:4700:4700::1111", "2a00:1450::1",
  ])
  func whatIsPublicIsAllowed(text: String) throws {
    #expect(PublicAddress.isPublic(try #require(IPAddress(text))))
  }

  @Test func aMappedAddressIsJudgedByItsLastBytes() {
    let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
    #expect(!PublicAddress.isPublic(mapped + [127, 0, 0, 1]))
    #expect(PublicAddress.isPublic(mapped + [8, 8, 8, 8]))
    #expect(!PublicAddress.isPublic([UInt8](repeating: 32, count: 5)))
    #expect(!PublicAddress.isPublic([UInt8]()))
  }

  @Test(arguments: [
    "https://example.com", "http://example.com/", "HTTPS://example.com:8443/a?b=c", "https://93.184.216.34/x",
    "https://[2606:4700::1111]:443/x", "https://example.com./x", "https://local.example.com/", "https://a/%20",
  ])
  func urlsThatCanBeTaken(url: String) {
    #expect(WebhookURL.fault(url, allowsPrivateAddresses: false) == nil)
  }

  @Test(arguments: [
    ("", "absolute"), ("example.com", "begin with"), ("ftp://example.com", "begin with"),
    ("file:///etc/passwd", "begin with"), ("gopher://example.com", "begin with"), ("javascript://x", "begin with"),
    ("https://", "name a host"), ("https:///x", "name a host"), ("https://:80/", "name a host"),
    ("https://user:pass@example.com/", "user name"), ("https://user@example.com/", "user name"),
    ("https://example.com@127.0.0.1/", "user name"), ("https://example.com/#x", "fragment"),
    ("https://exämple.com/", "percent-encoded"), ("https://example.com/a b", "percent-encoded"),
    ("https://example.com/\r\nX: y", "percent-encoded"), ("https://example.com\\@127.0.0.1/", "percent-encoded"),
    ("https://example.com:0/", "port"), ("https://example.com:65536/", "port"), ("https://example.com:x/", "port"),
    ("https://example.com:/", "port"), ("https://[::1/", "name a host"), ("https://[::1]x/", "name a host"),
    ("https://[example.com]/", "name a host"), ("https://127%2e0.0.1/", "name a host"),
    ("https://localhost/", "private or local"), ("https://LOCALHOST./", "private or local"),
    ("https://a.localhost:8080/", "private or local"), ("https://metadata.google.internal/", "private or local"),
    ("https://printer.local/", "private or local"), ("https://127.0.0.1/", "private or local"),
    ("https://10.1.2.3/", "private or local"), ("https://169.254.169.254/latest", "private or local"),
    ("https://[::1]/", "private or local"), ("https://[::ffff:10.0.0.1]/", "private or local"),
    ("https://[fe80::1]/", "private or local"),
  ])
  func urlsThatCannot(url: String, reason: String) {
    #expect(WebhookURL.fault(url, allowsPrivateAddresses: false)?.contains(reason) == true)
  }

  @Test func aURLHasALength() {
    let url = "https://example.com/"
    let longest = url + String(repeating: "x", count: WebhookURL.limit - url.utf8.count)
    #expect(WebhookURL.fault(longest, allowsPrivateAddresses: false) == nil)
    #expect(WebhookURL.fault(longest + "x", allowsPrivateAddresses: false)?.contains("at most") == true)
    #expect(WebhookURL.fault("http://127.0.0.1:8080/", allowsPrivateAddresses: true) == nil)
  }
}
