import Testing

@testable import Platform

struct ProcessMemoryTests {
  @Test func whatIsAllocatedIsCounted() {
    let before = ProcessMemory.current
    // Large enough to be mapped by itself.
    let block = UnsafeMutableRawPointer.allocate(byteCount: 64 << 20, alignment: 16)
    block.initializeMemory(as: UInt8.self, repeating: 1, count: 64 << 20)
    let during = ProcessMemory.current
    block.deallocate()
    #expect(during.mapped >= before.mapped + 60 << 20 || during.heapUsed >= before.heapUsed + 60 << 20)
    #expect(during.resident > 60 << 20)
    #expect(before.heapUsed > 0 && before.heapUsed <= before.heapTotal)
  }

  @Test func theMachineOrItsGroupIsTheLimit() throws {
    let limit = try #require(ProcessMemory.limit)
    #expect(limit > 64 << 20)
  }

  @Test func everyGroupAboveTheProcessCanHoldALimit() {
    #expect(
      ProcessMemory.controlGroups("0::/system.slice/adjutant.service\n") == [
        "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/system.slice/adjutant.service/memory.max", "/sys/fs/cgroup/system.slice/memory.max",
      ])
    #expect(
      ProcessMemory.controlGroups("12:cpu,memory:/docker/ab\n3:pids:/docker/ab\nnonsense\n").suffix(2) == [
        "/sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes", "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
      ])
    #expect(ProcessMemory.controlGroups("0::/\n").count == 2)
  }
}
