import Glibc
import Testing

@testable import Platform

struct LogTests {
  private func record(_ message: String, _ fields: [(String, LogValue)] = []) -> LogRecord {
    LogRecord(
      time: Timestamp(milliseconds: 1_704_067_200_250), level: .info, label: "gateway", message: message,
      fields: fields.map { (key: $0.0, value: $0.1) })
  }

  @Test func textIsForPeople() {
    let line = LogFormat.text(colour: false).line(for: record("ready", [("shard", 0), ("name", "a b")]))
    #expect(line == "00:00:00.250 INFO    gateway ready shard=0 name=\"a b\"\n")
  }

  @Test func jsonLinesAreForMachines() throws {
    let line = LogFormat.jsonLines.line(for: record("ready", [("latencyMs", 1.5), ("ok", true), ("time", "x")]))
    #expect(line.hasSuffix("\n"))
    #expect(
      try JSON(parsing: line) == [
        "time": "2024-01-01T00:00:00.250Z", "level": "info", "label": "gateway", "message": "ready",
        "latencyMs": 1.5, "ok": true, "field.time": "x",
      ])
  }

  @Test(arguments: [LogFormat.jsonLines, .text(colour: false)])
  func noValueForgesASecondLine(format: LogFormat) {
    let line = format.line(for: record("a\nb\u{1B}[31m", [("k", "c\r\nd\u{85}")]))
    #expect(line.unicodeScalars.filter { $0 == "\n" }.count == 1)
    #expect(!line.unicodeScalars.contains { $0 == "\r" || $0 == "\u{1B}" })
  }

  @Test func anEscapedLineBreakIsToldFromTheSameTwoCharacters() {
    let format = LogFormat.text(colour: false)
    #expect(format.line(for: record("a\nb")) != format.line(for: record("a\\nb")))
    #expect(format.line(for: record("m", [("k", "c d\\")])).hasSuffix("k=\"c d\\\\\"\n"))
  }

  @Test func secretsNeverShow() {
    struct Holder { let token: Secret<String> }
    let holder = Holder(token: Secret("hunter2"))
    var dumped = ""
    dump(holder, to: &dumped)
    for text in ["\(holder)", "\(holder.token)", String(reflecting: holder), dumped] {
      #expect(!text.contains("hunter2"))
    }
    #expect(LogValue.of(holder.token) == "<redacted>")
    #expect(holder.token.reveal() == "hunter2")
  }

  @Test func linesBelowTheLevelAreNotBuilt() {
    let sink = MemoryLogSink(level: .info)
    var built = false
    func message() -> String {
      built = true
      return ""
    }
    Log(label: "x", sink: sink).debug(message())
    #expect(!built)
    #expect(sink.records.isEmpty)
  }

  @Test(arguments: Log.Level.allCases)
  func theLevelCanChangeWhileRunning(level: Log.Level) {
    let sink = StreamLogSink(level: .error, descriptor: -1)
    sink.setLevel(level)
    #expect(sink.level == level)
  }

  @Test func everyLineReachesTheDescriptorInOrder() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let sink = StreamLogSink(level: .info, descriptor: ends[1], format: .text(colour: false))
    let log = Log(label: "t", sink: sink)
    for number in 0..<100 { log.info("line \(number)") }
    sink.flush()
    close(ends[1])
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(ends[0], &buffer, buffer.count), count > 0 {
      text += String(decoding: buffer[..<count], as: UTF8.self)
    }
    close(ends[0])
    let numbers = text.split(separator: "\n").compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    #expect(numbers == Array(0..<100))
  }
}
