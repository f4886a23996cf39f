import Glibc
import Testing

@testable import Platform

struct MetricsTests {
  @Test func rendersPrometheusText() {
    let metrics = Metrics()
    metrics.counter("bot_commands_total", help: "Commands", labels: ["command"])("a\"b\\c\nd").increment(by: 3)
    metrics.gauge("bot_guilds", help: "Guilds\nhere")().set(2.5)
    #expect(
      metrics.render() == """
        # HELP bot_commands_total Commands
        # TYPE bot_commands_total counter
        bot_commands_total{command="a\\"b\\\\c\\nd"} 3
        # HELP bot_guilds Guilds\\nhere
        # TYPE bot_guilds gauge
        bot_guilds 2.5

        """)
  }

  @Test func openMetricsDeclaresCountersWithoutTotal() {
    let metrics = Metrics()
    metrics.counter("x_total", help: "say \"x\"")().increment()
    #expect(
      metrics.render(.openMetrics) == """
        # HELP x say \\"x\\"
        # TYPE x counter
        x_total 1
        # EOF

        """)
  }

  @Test func openMetricsSamplesOfCountersEndInTotal() {
    let metrics = Metrics()
    metrics.counter("x", help: "X")().increment()
    #expect(metrics.render(.openMetrics) == "# HELP x X\n# TYPE x counter\nx_total 1\n# EOF\n")
    #expect(metrics.render() == "# HELP x X\n# TYPE x counter\nx 1\n")
  }

  @Test(arguments: [
    (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (0, "0"), (-2, "-2"), (0.1, "0.1"),
    (1e15, "1000000000000000"),
    (1e300, "1e+300"),
  ])
  func numbersAreWrittenAsPrometheusReadsThem(value: Double, text: String) {
    let metrics = Metrics()
    metrics.gauge("g", help: "G")().set(value)
    #expect(metrics.render() == "# HELP g G\n# TYPE g gauge\ng \(text)\n")
  }

  @Test func childrenComeInTheOrderOfTheirLabelsAndMayBeRemoved() {
    let metrics = Metrics()
    let family = metrics.gauge("g", help: "G", labels: ["a", "b"])
    for labels in [["y", "1"], ["x", "2"], ["x", "1"]] { family(labels).set(1) }
    #expect(
      metrics.render() == """
        # HELP g G
        # TYPE g gauge
        g{a="x",b="1"} 1
        g{a="x",b="2"} 1
        g{a="y",b="1"} 1

        """)
    family.remove(["x", "1"])
    family.remove(["x", "2"])
    #expect(metrics.render() == "# HELP g G\n# TYPE g gauge\ng{a=\"y\",b=\"1\"} 1\n")
  }

  @Test func histogramCountsCumulatively() {
    let metrics = Metrics()
    let histogram = metrics.histogram("h", help: "H", labels: ["r"], buckets: [1, 2])("x")
    for value in [0.5, 1, 1.5, 9] { histogram.observe(value) }
    #expect(
      metrics.render() == """
        # HELP h H
        # TYPE h histogram
        h_bucket{r="x",le="1"} 2
        h_bucket{r="x",le="2"} 3
        h_bucket{r="x",le="+Inf"} 4
        h_sum{r="x"} 12
        h_count{r="x"} 4

        """)
  }

  @Test func sameNameIsTheSameFamilyAndCollectorsRunFirst() {
    let metrics = Metrics()
    metrics.counter("c_total", help: "C")().increment()
    metrics.counter("c_total", help: "C")().increment()
    #expect(metrics.counter("c_total", help: "C")().value == 2)
    let gauge = metrics.gauge("g", help: "G")()
    metrics.onCollect { gauge.set(7) }
    #expect(metrics.render().contains("\ng 7\n"))
  }

  @Test func gaugesAddFromManyTasks() async {
    let gauge = Metrics().gauge("g", help: "G")()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 { group.addTask { for _ in 0..<1_000 { gauge.increment() } } }
    }
    #expect(gauge.value == 8_000)
  }

  @Test func theProcessIsMeasuredUnderTheUsualNames() throws {
    let metrics = Metrics()
    metrics.addProcess(startedAt: Timestamp(milliseconds: 1_700_000_000_500))
    let lines = metrics.render().split(separator: "\n").filter { !$0.hasPrefix("#") }
    let values = Dictionary(
      uniqueKeysWithValues: lines.map { line in
        let parts = line.split(separator: " ")
        return (String(parts[0]), Double(parts[1]) ?? .nan)
      })
    #expect(values["process_start_time_seconds"] == 1_700_000_000.5)
    let resident = try #require(values["process_resident_memory_bytes"])
    #expect(resident > 1_000_000)
    #expect(try #require(values["process_virtual_memory_bytes"]) > resident)
    #expect(try #require(values["process_cpu_seconds_total"]) > 0)
    let open = try #require(values["process_open_fds"])
    #expect(open >= 3)
    #expect(try #require(values["process_max_fds"]) >= open)
    let descriptors = (0..<5).map { _ in dup(0) }
    defer { for descriptor in descriptors { close(descriptor) } }
    // Other tests do not run beside this one; a descriptor that closes meanwhile belongs to one that has ended.
    #expect(Double(try #require(ProcessFigures.openDescriptors)) > open)
  }
}
